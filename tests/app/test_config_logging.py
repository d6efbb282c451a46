from __future__ import annotations

import datetime as dt
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradewright.app.logging import DailyFileHandler, configure, correlation, get_logger
from tradewright.domain.errors import ConfigError


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    yield
    logger = logging.getLogger("tradewright")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def records(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_level_comes_from_the_variable_and_the_argument_wins() -> None:
    assert configure(env={"LOG_LEVEL": "debug"}).level == logging.DEBUG
    assert configure("error", env={"LOG_LEVEL": "debug"}).level == logging.ERROR
    assert configure(env={}).level == logging.WARNING
    with pytest.raises(ConfigError, match="did you mean 'DEBUG'"):
        configure("DEBG", env={})
    with pytest.raises(ConfigError, match="did you mean 'json'"):
        configure(format="jsn", env={})


def test_json_records_carry_fields_and_the_correlation_id() -> None:
    out = io.StringIO()
    configure("INFO", format="json", stream=out)
    log = get_logger("tradewright.engine", symbol="SPY")
    with correlation("run-7"):
        log.info("filled", quantity=3, api_key="abc")
    log.debug("not written")
    logging.getLogger("tradewright.data").warning("%d rows dropped", 2)
    first, second = records(out.getvalue())
    assert (first["event"], first["symbol"], first["quantity"]) == ("filled", "SPY", 3)
    assert (first["correlation_id"], first["level"], first["logger"]) == ("run-7", "info", "tradewright.engine")
    assert first["api_key"] == "***"
    assert second["event"] == "2 rows dropped"
    assert "correlation_id" not in second
    assert dt.datetime.fromisoformat(str(first["timestamp"])).tzinfo is not None


def test_an_exception_is_in_the_record() -> None:
    out = io.StringIO()
    configure("INFO", format="json", stream=out)
    try:
        raise ValueError("boom")
    except ValueError:
        logging.getLogger("tradewright").exception("it failed")
    assert "ValueError: boom" in str(records(out.getvalue())[0]["exception"])


def test_console_records_are_plain_where_nobody_reads_colours() -> None:
    out = io.StringIO()
    configure("INFO", stream=out)
    logging.getLogger("tradewright").info("hello", extra={"n": 1})
    assert "hello" in out.getvalue()
    assert "n=1" in out.getvalue()
    assert "\x1b[" not in out.getvalue()


def test_setting_up_twice_writes_once() -> None:
    out = io.StringIO()
    configure("INFO", format="json", stream=out)
    configure("INFO", format="json", stream=out)
    logging.getLogger("tradewright").info("once")
    assert len(records(out.getvalue())) == 1


def test_files_are_written_in_json(tmp_path: Path) -> None:
    configure("INFO", folder=tmp_path, stream=io.StringIO())
    logging.getLogger("tradewright.x").info("kept")
    today = dt.datetime.now(dt.UTC).date().isoformat()
    for path in (tmp_path / "tradewright.log", tmp_path / "daily" / f"tradewright-{today}.log"):
        assert records(path.read_text(encoding="utf-8"))[0]["event"] == "kept"


def entry(text: str) -> logging.LogRecord:
    return logging.LogRecord("tradewright", logging.INFO, "", 0, text, None, None)


def test_a_daily_file_is_split_when_full_and_removed_when_old(tmp_path: Path) -> None:
    today = dt.datetime.now(dt.UTC).date()
    old, kept = (tmp_path / f"t-{today - dt.timedelta(days=n)}.log" for n in (30, 29))
    for path in (old, kept, tmp_path / "t-notes.log"):
        path.write_text("x", encoding="utf-8")
    handler = DailyFileHandler(tmp_path, "t", max_bytes=100, days=30)
    for n in range(10):
        handler.emit(entry(f"{n} " + "y" * 40))
    handler.close()
    names = {path.name for path in tmp_path.iterdir()}
    assert old.name not in names
    assert {kept.name, "t-notes.log", f"t-{today}.log", f"t-{today}.log.1"} <= names
    assert all(path.stat().st_size <= 100 for path in tmp_path.glob(f"t-{today}.log*"))
    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob(f"t-{today}.log*"))
    assert all(f"{n} yyy" in written for n in range(10))


def test_a_new_day_is_a_new_file(tmp_path: Path) -> None:
    class Stepping(DailyFileHandler):
        days_passed = 0

        def _today(self) -> dt.date:
            return dt.date(2024, 2, 28) + dt.timedelta(days=self.days_passed)

    handler = Stepping(tmp_path, "t")
    handler.emit(entry("first"))
    handler.days_passed = 1
    handler.emit(entry("second"))
    handler.close()
    assert (tmp_path / "t-2024-02-28.log").read_text(encoding="utf-8") == "first\n"
    assert (tmp_path / "t-2024-02-29.log").read_text(encoding="utf-8") == "second\n"


def test_nothing_heavy_is_imported_for_records_that_are_not_written() -> None:
    code = (
        "import sys, logging\n"
        "from tradewright.app.logging import configure\n"
        "configure('WARNING')\n"
        "logging.getLogger('tradewright').info('quiet')\n"
        "print('structlog' in sys.modules)\n"
        "logging.getLogger('tradewright').warning('loud')\n"
        "print('structlog' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
    assert "loud" in done.stderr
