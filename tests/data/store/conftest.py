"""The servers of `tests/services.py`, loaded by path and started once for a session."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_NUMBERS = itertools.count(1)


def _services() -> ModuleType:
    name = "tradewright_test_services"
    if name not in sys.modules:
        path = Path(__file__).resolve().parents[2] / "services.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def services() -> ModuleType:
    """Module of servers."""
    return _services()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server that runs as long as the tests do."""
    services = _services()
    binaries = services.postgres_binaries()
    if binaries is None:
        services.skip_loudly("PostgreSQL server", "postgresql")
    server = services.PostgresServer(binaries)
    yield server
    server.close()


@pytest.fixture
def schema() -> str:
    """Name of a schema that no other test uses."""
    return f"exam_{next(_NUMBERS)}"


@pytest.fixture
def make_redis() -> Iterator[Callable[[], Any]]:
    """Starts Redis servers that end with the test."""
    services = _services()
    binary = shutil.which("redis-server")
    if binary is None:
        services.skip_loudly("Redis server", "redis-server")
    made: list[Any] = []

    def start() -> Any:
        made.append(services.RedisServer(binary))
        return made[-1]

    yield start
    for server in made:
        server.close()
