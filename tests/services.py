"""Real servers for tests: PostgreSQL and Redis on free ports, each with a folder of its own, stopped at the end.

Entry points: `PostgresServer`, `RedisServer`, and the fixtures of `tests/data/store/conftest.py` that start one of each
for a session (one for every worker that needs it, so that tests may run side by side).

Where a binary is absent the tests that need it are skipped, loudly: a warning names what to install. Where it is there
and does not start, they fail.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "s3cret-of-the-tests"
_PATIENCE = 60.0


def postgres_binaries() -> Path | None:
    """Folder of the newest PostgreSQL server there is, None without one."""
    known = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: [int(n) for n in path.parts[4].split(".")]
    )
    if known:
        return known[-1].parent
    found = shutil.which("postgres")
    return Path(found).parent if found and shutil.which("initdb") else None


def skip_loudly(what: str, package: str) -> None:
    """Skip a test that needs a server which is not installed, and say so where everybody sees it."""
    text = f"no {what} on this machine: its tests are skipped; install it (apt-get install {package})"
    warnings.warn(text, stacklevel=2)
    pytest.skip(text)


class PostgresServer:
    """A PostgreSQL server with a folder, a port and a password of its own."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="tw-pg-"))
        self.port = free_port()
        self._user = _unprivileged()
        self._process: subprocess.Popen[bytes] | None = None
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        self._own(self._folder, secret)
        made = subprocess.run(
            [binaries / "initdb", "-D", self._folder / "data", "-U", "tester", "-A", "scram-sha-256",
             "--pwfile", secret, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            capture_output=True, text=True, check=False, **self._user,
        )  # fmt: skip
        assert made.returncode == 0, f"initdb failed: {made.stderr}"
        self.start()

    @property
    def dsn(self) -> str:
        """Address with the password."""
        return f"postgresql://tester:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers."""
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen(
            [self._binaries / "postgres", "-D", self._folder / "data", "-p", str(self.port), "-h", "127.0.0.1",
             "-k", self._folder, "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=50",
             "-c", "shared_buffers=64MB"],
            stdout=log, stderr=log, start_new_session=True, **self._user,
        )  # fmt: skip
        log.close()
        wait_until(self._answers, f"PostgreSQL does not start: {self._folder / 'log'}")

    def stop(self, *, how: signal.Signals = signal.SIGINT) -> None:
        """Stop; SIGINT ends the sessions first, SIGQUIT ends as a crash would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_PATIENCE)
            self._process = None

    def close(self) -> None:
        """Stop and forget everything."""
        self.stop(how=signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        import psycopg

        assert self._process is not None
        assert self._process.poll() is None, f"PostgreSQL ended: {(self._folder / 'log').read_text()[-2000:]}"
        try:
            psycopg.connect(self.dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _own(self, *paths: Path) -> None:
        if self._user:
            for path in paths:
                shutil.chown(path, self._user["user"], self._user["group"])


class RedisServer:
    """A Redis server in memory on a port of its own."""

    def __init__(self, binary: str) -> None:
        self._binary = binary
        self._folder = Path(tempfile.mkdtemp(prefix="tw-redis-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """Address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen(
            [self._binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
             "--dir", str(self._folder), "--logfile", str(self._folder / "log")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_until(self._answers, f"Redis does not start: {self._folder / 'log'}")

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_PATIENCE)
            self._process = None

    def close(self) -> None:
        """End it and forget everything."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        import redis

        assert self._process is not None
        assert self._process.poll() is None, "Redis ended by itself."
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def free_port() -> int:
    """Port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(done: Callable[[], bool], otherwise: str) -> None:
    """Wait for something that should come soon."""
    last = time.monotonic() + _PATIENCE
    while not done():
        assert time.monotonic() < last, otherwise
        time.sleep(0.02)


def _unprivileged() -> dict[str, Any]:
    """Whom a server runs as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise AssertionError("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it.")
