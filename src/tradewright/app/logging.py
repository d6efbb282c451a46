"""Logging set-up: console or JSON on stderr, rotating files, one correlation id per run.

Entry points: `configure`, `release`, `begin`, `correlation`, `get_logger`.

Invariants: results go to stdout and logs to stderr; nothing is imported for a record that is not written; a field whose
name sounds like a secret is masked. The rest of the package logs through the standard library (``logging.getLogger``)
and needs nothing from here.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import logging.handlers
import os
import re
import sys
import uuid
from collections.abc import Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from tradewright.domain.errors import ConfigError, closest

if TYPE_CHECKING:
    import structlog

__all__ = [
    "DailyFileHandler",
    "begin",
    "configure",
    "correlation",
    "correlation_id",
    "get_logger",
    "mask_secrets",
    "release",
]

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FORMATS: Final = ("console", "json")
MEGABYTE: Final = 1_000_000
_SECRET: Final = re.compile(
    r"(^|_)(api_?key|key_id|secret|password|passwd|token|authorization|credentials?)($|_)", re.I
)
_CORRELATION: ContextVar[str] = ContextVar("correlation_id", default="")


def configure(
    level: str | None = None,
    *,
    format: str = "console",
    folder: str | Path | None = None,
    stream: TextIO | None = None,
    env: Mapping[str, str] | None = None,
) -> logging.Logger:
    """Set up the logger ``tradewright``; what was set up before is replaced.

    Parameters
    ----------
    level : str, optional
        Least level that is logged; default the variable ``LOG_LEVEL``, else ``WARNING``.
    format : {"console", "json"}
        Form on stderr. Files are always JSON, one record a line.
    folder : str or Path, optional
        Folder of log files: ``tradewright.log`` (50 MB, 5 old ones) and ``daily/tradewright-DATE.log`` (10 MB a file,
        30 days).
    stream : text stream, optional
        Instead of stderr.
    env : mapping, optional
        Variables, default those of the process.

    Returns
    -------
    logging.Logger

    Raises
    ------
    ConfigError
        If the level or the form is unknown.

    Examples
    --------
    >>> import io
    >>> out = io.StringIO()
    >>> log = configure("INFO", format="json", stream=out)
    >>> with correlation("run-1"):
    ...     log.info("filled %d orders", 3, extra={"symbol": "SPY", "api_key": "abc"})
    >>> '"symbol": "SPY"' in out.getvalue(), '"correlation_id": "run-1"' in out.getvalue(), "abc" in out.getvalue()
    (True, True, False)
    >>> _ = configure("WARNING")
    """
    name = (level or (os.environ if env is None else env).get("LOG_LEVEL") or "WARNING").upper()
    if name not in LEVELS:
        raise ConfigError(f"The log level is {name!r}{closest(name, LEVELS)}; it must be one of {', '.join(LEVELS)}.")
    if format not in FORMATS:
        raise ConfigError(f"The log format is {format!r}{closest(format, FORMATS)}; it must be console or json.")
    logger = release()
    handlers: list[logging.Handler] = [_StreamHandler(stream)]
    handlers[0].setFormatter(_LazyFormatter(format, stream))
    if folder is not None:
        place = Path(folder)
        from tradewright.engine.record import writing

        with writing(place):
            (place / "daily").mkdir(parents=True, exist_ok=True)
        general = logging.handlers.RotatingFileHandler(
            place / "tradewright.log", maxBytes=50 * MEGABYTE, backupCount=5, encoding="utf-8", delay=True
        )
        files: list[logging.Handler] = [general, DailyFileHandler(place / "daily", "tradewright")]
        for handler in files:
            handler.setFormatter(_LazyFormatter("json", None))
        handlers += files
    for handler in handlers:
        logger.addHandler(handler)
    logger.setLevel(name)
    logger.propagate = False
    return logger


def release() -> logging.Logger:
    """Take down what `configure` set up, closing its files, and return the bare logger."""
    logger = logging.getLogger("tradewright")
    for handler in list(logger.handlers):
        if isinstance(handler, (_StreamHandler, logging.handlers.RotatingFileHandler)):
            logger.removeHandler(handler)
            handler.close()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)
    _CORRELATION.set("")
    return logger


def begin(identity: str | None = None) -> str:
    """Give every record from here on one id, until `release`; what `correlation` is for a block.

    Examples
    --------
    >>> begin("run-1"), correlation_id()
    ('run-1', 'run-1')
    >>> _ = release()
    >>> correlation_id()
    ''
    """
    _CORRELATION.set(identity or uuid.uuid4().hex[:12])
    return _CORRELATION.get()


@contextlib.contextmanager
def correlation(identity: str | None = None) -> Iterator[str]:
    """Give every record inside the block one id, so that the records of a run can be found together.

    Parameters
    ----------
    identity : str, optional
        The id; default a new one of 12 hexadecimal digits.

    Yields
    ------
    str
        The id.

    Examples
    --------
    >>> with correlation("outer"):
    ...     with correlation("inner"):
    ...         inner = correlation_id()
    ...     inner, correlation_id()
    ('inner', 'outer')
    """
    token = _CORRELATION.set(identity or uuid.uuid4().hex[:12])
    try:
        yield _CORRELATION.get()
    finally:
        _CORRELATION.reset(token)


def correlation_id() -> str:
    """Id of the block we are in, empty outside of any."""
    return _CORRELATION.get()


def get_logger(name: str = "tradewright", **fields: Any) -> structlog.stdlib.BoundLogger:
    """Logger that takes fields as keywords: ``log.info("filled", symbol="SPY", quantity=3)``.

    Parameters
    ----------
    name : str
        A name under ``tradewright``.
    **fields
        Added to every record.
    """
    import structlog

    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
    )
    return logger.bind(**fields) if fields else logger


def mask_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every field that sounds like a secret.

    Examples
    --------
    >>> mask_secrets(None, "", {"event": "login", "alpaca_secret": "x", "monkey": "y"})
    {'event': 'login', 'alpaca_secret': '***', 'monkey': 'y'}
    """
    for key in event:
        if _SECRET.search(key):
            event[key] = "***"
    return event


class DailyFileHandler(logging.handlers.RotatingFileHandler):
    """One file a day, split when it grows, removed when it is old.

    Parameters
    ----------
    folder : Path
        Where the files are.
    stem : str
        Files are called ``STEM-YYYY-MM-DD.log`` and, when full, ``.log.1`` and so on.
    max_bytes : int
        Size at which a file is split.
    days : int
        Days that are kept.
    """

    def __init__(self, folder: Path, stem: str, *, max_bytes: int = 10 * MEGABYTE, days: int = 30) -> None:
        self.folder, self.stem, self.days = folder, stem, days
        self.day = self._today()
        super().__init__(self._path(), maxBytes=max_bytes, backupCount=99, encoding="utf-8", delay=True)
        self.remove_old()

    def _today(self) -> dt.date:
        return dt.datetime.now(dt.UTC).date()

    def _path(self) -> Path:
        return self.folder / f"{self.stem}-{self.day.isoformat()}.log"

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record into the file of its day."""
        today = self._today()
        if today != self.day:
            self.day = today
            self.close()
            self.baseFilename = os.fspath(self._path().absolute())
            self.remove_old()
        super().emit(record)

    def remove_old(self) -> None:
        """Remove files of days before the last `days`."""
        oldest = self.day - dt.timedelta(days=self.days - 1)
        for path in self.folder.glob(f"{self.stem}-*.log*"):
            try:
                day = dt.date.fromisoformat(path.name[len(self.stem) + 1 : len(self.stem) + 11])
            except ValueError:
                continue
            if day < oldest:
                path.unlink(missing_ok=True)


class _StreamHandler(logging.StreamHandler[TextIO]):
    """Writes to what stderr is now, not to what it was when logging was set up."""

    def __init__(self, stream: TextIO | None) -> None:
        self.fixed = stream
        super().__init__(stream)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = self.fixed or sys.stderr
        super().emit(record)


class _LazyFormatter(logging.Formatter):
    """Imports structlog with the first record that is written (it takes 80 ms, more than a short command)."""

    def __init__(self, form: str, stream: TextIO | None) -> None:
        super().__init__()
        self.form, self.stream = form, stream
        self.inner: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self.inner is None:
            self.inner = _formatter(self.form, self.stream)
        return self.inner.format(record)


def _formatter(form: str, stream: TextIO | None) -> logging.Formatter:
    import structlog

    def with_correlation(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if correlation_id():
            event["correlation_id"] = correlation_id()
        return event

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        with_correlation,
        mask_secrets,
    ]
    if form == "json":
        shared += [structlog.stdlib.add_logger_name, structlog.processors.format_exc_info]
        last: Any = structlog.processors.JSONRenderer(sort_keys=True)
    else:
        target = stream or sys.stderr
        last = structlog.dev.ConsoleRenderer(colors=target.isatty() and not os.environ.get("NO_COLOR"))
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
    )
