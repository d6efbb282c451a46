"""``tradewright strategies``: what can be run, and how to begin one of your own.

Entry points: `app`.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewright.app.cli.options import JsonOption
from tradewright.domain.errors import ConfigError
from tradewright.strategies.registry import list_strategies, load_object, strategy_class

__all__ = ["app"]

app = typer.Typer(
    name="strategies",
    help="List strategies, explain one, or begin a new one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command("list")
def list_(*, as_json: JsonOption = False) -> None:
    """Print every known strategy with its parameters."""
    found = list_strategies()
    if as_json:
        print(json.dumps([{"name": n, "about": text, "params": _params(n)} for n, text in found.items()], indent=2))
        return
    width = max(map(len, found))
    for name, text in found.items():
        print(f"{name:<{width}}  {text}")
        params = ", ".join(f"{key}={value!r}" for key, value in _params(name).items())
        if params:
            print(f"{'':<{width}}  {params}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name, or path/to/file.py:name.")], *, as_json: JsonOption = False
) -> None:
    """Explain one strategy: its rule, its parameters, its source."""
    cls = load_object(name) if ":" in name else strategy_class(name)
    text = inspect.getdoc(cls) or ""
    if as_json:
        warm_up = cls().warm_up() if isinstance(cls, type) and hasattr(cls, "warm_up") else None
        print(json.dumps({"name": name, "about": text, "params": _params(name), "warm_up": warm_up}, indent=2))
        return
    print(f"{getattr(cls, 'name', '') or name}\n\n{text}")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the strategy, such as my_rule.")],
    *,
    kind: Annotated[str, typer.Option("--kind", help="signals (whole arrays) or on_bar (bar by bar).")] = "signals",
    folder: Annotated[Path, typer.Option("--folder", help="Where the file goes.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a strategy to start from, ready to run."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(f"{name!r} is no name for a strategy; write small letters, digits and _, such as my_rule.")
    if kind not in _TEMPLATES:
        raise ConfigError(f"--kind is {kind!r}; it must be one of {', '.join(_TEMPLATES)}.")
    path = folder / f"{name}.py"
    if path.exists() and not force:
        raise ConfigError(f"{str(path)!r} is there already; choose another name, or --force to overwrite it.")
    class_name = "".join(part.capitalize() for part in name.split("_"))
    from tradewright.engine.record import write_atomic

    write_atomic(path, _TEMPLATES[kind].replace("CLASS", class_name).replace("NAME", name).encode("utf-8"))
    print(f"{path} is ready. Run it:\n  tradewright backtest --strategy {path}:{class_name} --symbols SPX")


def _params(name: str) -> dict[str, Any]:
    try:
        cls = load_object(name) if ":" in name else strategy_class(name)
        return dict(cls().params)
    except Exception:  # a strategy that cannot be made without arguments has no defaults to show
        return {}


_TEMPLATES = {
    "signals": '''"""CLASS: a strategy that decides on whole arrays."""

import numpy as np

import tradewright as tw


class CLASS(tw.Strategy):
    """Long while the close is above its level of some bars ago.

    Parameters
    ----------
    lookback : int
        Bars to look back.
    """

    lookback: int = 60
    constraint = "lookback >= 1"

    def warm_up(self) -> int:
        """Bars needed before the first opinion."""
        return self.lookback + 1

    def signals(self, bars: tw.Bars) -> np.ndarray:
        """1 long, 0 flat, -1 short, NaN no opinion; row t may use rows up to t only."""
        out = np.full(bars.close.shape, np.nan)
        out[self.lookback :] = bars.close[self.lookback :] > bars.close[: -self.lookback]
        return out
''',
    "on_bar": '''"""CLASS: a strategy that decides bar by bar."""

import tradewright as tw


class CLASS(tw.Strategy):
    """Long when the fast average is above the slow one, with a stop.

    Parameters
    ----------
    fast, slow : int
        Windows in bars.
    stop : float
        Distance of the protective stop, as a fraction of the fill price.
    """

    fast: int = 20
    slow: int = 100
    stop: float = 0.05
    constraint = "1 <= fast < slow and 0 < stop < 1"

    def warm_up(self) -> int:
        """Bars needed before the first opinion."""
        return self.slow

    def init(self, bars: tw.Bars) -> None:
        """Prepare indicators: each holds its past and present, never what comes later."""
        self.quick = self.indicator("sma", self.fast)
        self.slack = self.indicator("sma", self.slow)

    def on_bar(self, ctx) -> None:
        """Decide at the close of a bar; orders meet the market from the next bar on."""
        if self.quick.now > self.slack.now:
            if not ctx.position:
                ctx.buy(stop_loss=self.stop)
        elif ctx.position:
            ctx.close_position()
''',
}
