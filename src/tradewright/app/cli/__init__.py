"""The command line: finds the command, runs it, and turns errors into one line and an exit code.

Entry points: `main`, `COMMANDS`.

Invariants: only the module of the command that was given is imported. Results go to stdout, everything else to stderr.
Exit codes: 0 done, 2 usage or configuration, 3 data, 4 risk halt, 5 broker, 70 a bug of ours, 130 interrupted.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tradewright.domain.errors import TradewrightError, closest

__all__ = ["COMMANDS", "main"]

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "backtest": ("tradewright.app.cli.backtest:backtest", "Run one strategy on market data."),
    "sweep": ("tradewright.app.cli.sweep:sweep", "Run a strategy over a grid of parameters."),
    "verify": ("tradewright.app.cli.verify:verify", "Run a result again and compare."),
    "smoke": ("tradewright.app.cli.smoke:smoke", "Walk the main job once and judge it."),
    "measure": ("tradewright.app.cli.measure:measure", "Measure returns or an equity curve in a file."),
    "trials": ("tradewright.app.cli.trials:app", "Show and verify what was ever tried."),
    "data": ("tradewright.app.cli.data:app", "Look at market data and check it."),
    "book": ("tradewright.app.cli.book:app", "Rebuild order books; bars and flow of trades."),
    "indicators": ("tradewright.app.cli.indicators:app", "List indicators, explain one, compute one."),
    "labels": ("tradewright.app.cli.labels:app", "List kinds of labels, explain one, label market data."),
    "features": ("tradewright.app.cli.features:app", "List features, explain one, compute a set of them."),
    "strategies": ("tradewright.app.cli.strategies:app", "List strategies and their parameters."),
    "check": ("tradewright.app.cli.check:app", "Examine strategies, features and models for look-ahead."),
    "config": ("tradewright.app.cli.config:app", "Show, check and make configurations."),
}
"""Commands by name: where each is (a typer app, or a function) and one line about it."""

_USAGE: Final = "Usage: tradewright [--debug] COMMAND [OPTIONS]"
_EXIT_USAGE: Final = 2
_EXIT_BUG: Final = 70
_EXIT_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name, default those of the process.

    Returns
    -------
    int
        Exit code.

    Examples
    --------
    >>> main(["--version"])
    tradewright 0...
    0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    _tolerate(sys.stdout)
    _tolerate(sys.stderr)
    debug = _take_debug(arguments)
    if not arguments or arguments[0] in {"--help", "-h", "help"}:
        _help()
        return 0 if arguments else _EXIT_USAGE
    if arguments[0] in {"--version", "-V"}:
        from tradewright import __version__

        print(f"tradewright {__version__}")
        return 0
    name, *rest = arguments
    known = _available()
    if name not in known:
        _say(f"There is no command {name!r}{closest(name, known) or '.'} Commands: {', '.join(known)}.")
        return _EXIT_USAGE
    return _guarded(name, rest, debug=debug)


def _tolerate(stream: Any) -> None:
    """Let a terminal that cannot write a character show a question mark instead of ending the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None and getattr(stream, "errors", "") == "strict":
        reconfigure(errors="replace")


def _take_debug(arguments: list[str]) -> bool:
    """Remove ``--debug`` from wherever it stands before a ``--``."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    debug = "--debug" in arguments[:end]
    arguments[:end] = [word for word in arguments[:end] if word != "--debug"]
    return debug


def _guarded(name: str, arguments: list[str], *, debug: bool) -> int:
    try:
        return _run(name, arguments)
    except TradewrightError as error:
        if debug:
            raise
        _say(str(error))
        if error.exit_code == _EXIT_BUG:
            _say("This is a bug of ours. Run the command again with --debug and report what it prints.")
        return error.exit_code
    except KeyboardInterrupt as interrupt:
        notes = getattr(interrupt, "__notes__", [])
        _say("Interrupted. " + (" ".join(notes) if notes else "Nothing was saved."))
        return _EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader (such as head) has left; point stdout elsewhere, so that the interpreter's last flush is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        place = _own_code(error)
        if place:
            _say(f"{place}: {type(error).__name__}: {error}")
            return _EXIT_USAGE
        _say(f"{type(error).__name__}: {error}")
        _say("This is a bug of ours. Run the command again with --debug to see where.")
        return _EXIT_BUG


def _own_code(error: BaseException) -> str:
    """Where in the user's strategy file an error came up; empty when none of it took part."""
    import re
    import traceback

    own = {
        os.path.realpath(str(module.__file__))
        for name, module in list(sys.modules.items())
        if name.startswith("tradewright_user_") and getattr(module, "__file__", None)
    }
    frames = [(frame.filename, frame.lineno, frame.name) for frame in traceback.extract_tb(error.__traceback__)]
    if error.__cause__ is not None:  # out of a worker process, which hands its trace over as text
        frames += re.findall(r'File "(.+?)", line (\d+), in (\S+)', str(error.__cause__))
    mine = [frame for frame in frames if os.path.realpath(frame[0]) in own]
    return f"{os.path.relpath(mine[-1][0])}:{mine[-1][1]}, in {mine[-1][2]}" if mine else ""


def _run(name: str, arguments: list[str]) -> int:
    import typer

    module, _, attribute = COMMANDS[name][0].partition(":")
    target = getattr(importlib.import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        app.command(name=name, help=target.__doc__)(target)
        target = app
    restore = _tidy_warnings()
    try:
        # Not command.main(): it would swallow an interrupt and what was noted on it.
        command = typer.main.get_command(target)
        with command.make_context(f"tradewright {name}", arguments) as context:
            outcome = command.invoke(context)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except typer.Abort as stop:
        raise KeyboardInterrupt from stop
    except typer.TyperException as error:
        _usage_error(name, error)
        return _EXIT_USAGE
    finally:
        restore()
        if "tradewright.app.logging" in sys.modules:
            sys.modules["tradewright.app.logging"].release()
    return outcome if isinstance(outcome, int) and not isinstance(outcome, bool) else 0


def _tidy_warnings() -> Any:
    """Print warnings as one line without source code; returns what undoes it."""
    import warnings

    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, (FutureWarning, UserWarning)) and not issubclass(category, DeprecationWarning):
            _say(str(message), "Warning: ", "33")

    warnings.showwarning = show

    def restore() -> None:
        warnings.showwarning = before

    return restore


def _usage_error(name: str, error: Any) -> None:
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    if text:
        _say(text)
    _say(f"Try 'tradewright {name} --help'.", "", "2")


def _say(text: str, prefix: str = "Error: ", colour: str = "31") -> None:
    """Print lines to stderr, coloured where a person reads them."""
    plain = not sys.stderr.isatty() or bool(os.environ.get("NO_COLOR"))
    for line in text.splitlines() or [""]:
        print(f"{prefix}{line}" if plain else f"\x1b[{colour}m{prefix}{line}\x1b[0m", file=sys.stderr)


def _available() -> list[str]:
    return [name for name, (path, _) in COMMANDS.items() if importlib.util.find_spec(path.partition(":")[0])]


def _help() -> None:
    width = max(len(name) for name in COMMANDS)
    print("Research, backtest, optimise, paper trade and trade live with one code path.\n")
    print(f"{_USAGE}\n\nCommands:")
    for name in _available():
        print(f"  {name:<{width}}  {COMMANDS[name][1]}")
    print("\nOptions:\n  --debug    Show where an error comes from.\n  --version  Print the version.")
    print("\n'tradewright COMMAND --help' explains a command.")
