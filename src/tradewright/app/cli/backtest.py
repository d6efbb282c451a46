"""``tradewright backtest``: one strategy on market data, in one command.

Entry point: `backtest` (a typer application with one command).

Invariants: with ``--json`` stdout is the result document and nothing else; without it a summary for people is printed
and, unless ``--fast`` or ``--no-report`` was given, a report is written and its place said.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from tradewright.app.cli import options as shared
from tradewright.app.cli import running as run
from tradewright.domain.errors import ConfigError

if TYPE_CHECKING:
    from tradewright.engine.result import Result

__all__ = ["backtest"]

_AUTO = "auto"

backtest = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


class _Command(TyperCommand):
    """Lets ``--report`` stand alone (a name is made up) or take a path."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta["tradewright.words"] = list(args)
        out: list[str] = []
        for i, word in enumerate(args):
            alone = word == "--report" and (i + 1 == len(args) or args[i + 1].startswith("-"))
            out.append(f"--report={_AUTO}" if alone else word)
        return super().parse_args(ctx, out)


@backtest.command(name="backtest", cls=_Command)
def _backtest(
    ctx: typer.Context,
    *,
    symbols: shared.SymbolsOption = None,
    start: shared.StartOption = None,
    end: shared.EndOption = None,
    profile: shared.ProfileOption = None,
    config: shared.ConfigOption = None,
    initial_capital: run.CapitalOption = None,
    strategy: run.StrategyOption = None,
    params: run.ParamsOption = None,
    signals: Annotated[
        Path | None, typer.Option("--signals", help="Instead of a strategy: date,symbol,signal.", metavar="FILE")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Instead of a strategy: date,symbol,weight.", metavar="FILE")
    ] = None,
    orders: Annotated[
        Path | None, typer.Option("--orders", help="Instead of a strategy: date,symbol,quantity,...", metavar="FILE")
    ] = None,
    data: run.DataOption = None,
    actions: run.ActionsOption = None,
    provider: run.ProviderOption = None,
    interval: run.IntervalOption = None,
    store: run.StoreOption = None,
    source: run.SourceOption = None,
    as_of: run.AsOfOption = None,
    seed: run.SeedOption = None,
    fill: run.FillOption = None,
    intrabar: run.IntrabarOption = None,
    decide_on: run.DecideOnOption = None,
    size: run.SizeOption = None,
    size_mode: run.SizeModeOption = None,
    lot: run.LotOption = None,
    close_last: run.CloseLastOption = None,
    commission: run.CommissionOption = None,
    slippage: run.SlippageOption = None,
    no_costs: run.NoCostsOption = False,
    stop: run.StopOption = None,
    target: run.TargetOption = None,
    trail: run.TrailOption = None,
    detail: Annotated[
        str | None,
        typer.Option("--detail", help="Finer bars: a path, or a bar length in --data.", metavar="PATH|LENGTH"),
    ] = None,
    bands: Annotated[
        bool | None, typer.Option("--bands/--no-bands", help="Fill bands: pessimistic, expected, optimistic.")
    ] = None,
    benchmark: Annotated[
        str | None, typer.Option("--benchmark", help="What to compare with: buy_and_hold, a symbol, a path, or none.")
    ] = None,
    validate: run.ValidateOption = True,
    sets: shared.SetOption = None,
    as_json: shared.JsonOption = False,
    report: Annotated[
        str | None, typer.Option("--report", help="Write the HTML report, here or under reports/.", metavar="[PATH]")
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no HTML report.")] = False,
    out: run.OutOption = None,
    certify: Annotated[
        bool, typer.Option("--certify", help="Examine the strategy for look-ahead, on these bars.")
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", help="What 'check lookahead --out' wrote, for the result.", metavar="FILE"),
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Numbers only: no report, bands or benchmark.")] = False,
) -> None:
    """Run one strategy on market data and show what happened.

    Without options: an SMA cross on the S&P 500 sample series.
    """
    from tradewright.engine.backtest import backtest as run_backtest

    given = run.common_options(
        start=start,
        end=end,
        strategy=strategy,
        data=data,
        provider=provider,
        interval=interval,
        store=store,
        source=source,
        as_of=as_of,
        validate=validate,
        actions=actions,
        initial_capital=initial_capital,
        fill=fill,
        intrabar=intrabar,
        decide_on=decide_on,
        size=size,
        size_mode=size_mode,
        lot=lot,
        close_last=close_last,
    )
    resolved = shared.resolved(symbols=symbols, profile=profile, config=config, sets=sets, options=given)
    block = resolved.config
    # Parameters of the configuration belong to its own strategy, not to another one that the option names.
    own = strategy is None or not block.strategy.params
    chosen = {**(block.strategy.params if own else {}), **run.parse_params(params)}
    arguments = run.data_arguments(resolved, seed=seed)
    want_benchmark = (
        benchmark if benchmark is not None else (None if fast else block.report.benchmark or "buy_and_hold")
    )
    tables = {name: path for name, path in (("signals", signals), ("weights", weights), ("orders", orders)) if path}
    if tables and (strategy is not None or params):
        raise ConfigError(f"--{next(iter(tables))} is instead of a strategy; leave --strategy and --params out.")
    result = run_backtest(
        arguments.pop("data"),
        None if tables else block.strategy.name,
        params=None if tables else chosen or None,
        signals=signals,
        weights=weights,
        orders=orders,
        detail=detail,
        config=resolved,
        commission=commission,
        slippage=slippage,
        no_costs=no_costs,
        stop=stop,
        target=target,
        trail=trail,
        bands=bands if bands is not None else not fast,
        benchmark=None if want_benchmark == "none" else want_benchmark,
        validate=block.data.check,
        certificate=certificate if certificate is not None else certify,
        **arguments,
    )
    stats = result.stats
    run.log(
        "backtest",
        strategy=result.strategy_name,
        params=result.params,
        config=resolved.hash,
        **{name: stats[name] for name in ("n_bars", "n_trades", "final_equity", "total_return", "sharpe")},
    )
    result.origin.command = run.command_line("backtest", ctx.meta["tradewright.words"])
    result.origin.config["rows"] = run.config_rows(
        resolved,
        params=result.params,
        tables=tables,
        stop=stop,
        target=target,
        trail=trail,
        commission=commission,
        slippage=slippage,
        no_costs=no_costs,
    )
    if out is not None:
        result.save(out, evidence=True)
    written = _report(
        result, report or block.report.path, no_report or (fast and report is None), as_json, block.report.title
    )
    if as_json:
        sys.stdout.flush()
        sys.stdout.buffer.write(result.to_bytes(evidence=True))
        sys.stdout.buffer.flush()
    else:
        from tradewright.app.cli.summary import print_result

        print_result(result)
    if result.certificate is not None:
        run.say(f"Certificate: {result.certificate.sentence}")
    if out is not None:
        run.say(f"Result: {out}")
    if written is not None:
        run.say(f"Report: {written}")


def _report(result: Result, where: str | None, unwanted: bool, as_json: bool, title: str | None) -> Path | None:
    """Write the report if one is wanted; a missing library is an error only when the report was asked for."""
    if unwanted or (as_json and where is None):
        return None
    path = Path(where) if where not in {None, _AUTO} else Path("reports") / _file_name(result)
    try:
        return result.report(path, **({"title": title} if title else {}))
    except ConfigError as error:
        if where is not None:
            raise
        run.say(f"No report: {error}")
        return None


def _file_name(result: Result) -> str:
    import re

    names = "_".join(result.symbols[:3]) + (f"_and_{len(result.symbols) - 3}" if len(result.symbols) > 3 else "")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{result.strategy_name}_{names}") + ".html"
