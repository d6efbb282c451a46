"""``tradewright sweep``: one strategy over a grid of parameters.

Entry point: `sweep`.

Invariants: with ``--json`` stdout is the sweep document and nothing else; progress goes to stderr; an interruption
keeps what is in the resume file and says how to go on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewright.app.cli import options as shared
from tradewright.app.cli import running as run
from tradewright.domain.errors import ConfigError

__all__ = ["sweep"]


def sweep(
    *,
    grid: Annotated[
        list[str] | None,
        typer.Option("--grid", "-g", help="Axis: fast=5:50:5 or on=cross,state; repeatable.", metavar="NAME=VALUES"),
    ] = None,
    where: Annotated[str | None, typer.Option("--where", help="Condition, such as 'fast < slow'.")] = None,
    metric: Annotated[str, typer.Option("--metric", help="What the ranking is by.")] = "sharpe",
    top: Annotated[int, typer.Option("--top", min=1, help="How many sets to print.")] = 10,
    heatmap: Annotated[Path | None, typer.Option("--heatmap", help="Write a heat map page.", metavar="FILE")] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", help="Keep what is done in this file and go on from it.", metavar="FILE")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Threads or processes; default all.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
    symbols: shared.SymbolsOption = None,
    start: shared.StartOption = None,
    end: shared.EndOption = None,
    profile: shared.ProfileOption = None,
    config: shared.ConfigOption = None,
    initial_capital: run.CapitalOption = None,
    strategy: run.StrategyOption = None,
    params: run.ParamsOption = None,
    data: run.DataOption = None,
    actions: run.ActionsOption = None,
    decide_on: run.DecideOnOption = None,
    provider: run.ProviderOption = None,
    interval: run.IntervalOption = None,
    seed: run.SeedOption = None,
    fill: run.FillOption = None,
    intrabar: run.IntrabarOption = None,
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
    validate: run.ValidateOption = True,
    sets: shared.SetOption = None,
    as_json: shared.JsonOption = False,
    out: run.OutOption = None,
) -> None:
    """Run a strategy under every combination of parameter values and rank them."""
    from tradewright.engine.grid import parse_axis
    from tradewright.engine.sweep import sweep as run_sweep

    if not grid:
        raise ConfigError("A sweep needs at least one --grid, such as --grid fast=5:50:5 --grid slow=20:200:10.")
    axes: dict[str, list[object]] = {}
    for text in grid:
        name, values = parse_axis(text)
        if name in axes:
            raise ConfigError(f"--grid names {name!r} twice; write all of its values in one axis.")
        axes[name] = values
    given = run.common_options(
        start=start,
        end=end,
        strategy=strategy,
        data=data,
        provider=provider,
        interval=interval,
        validate=validate,
        actions=actions,
        decide_on=decide_on,
        initial_capital=initial_capital,
        fill=fill,
        intrabar=intrabar,
        size=size,
        size_mode=size_mode,
        lot=lot,
        close_last=close_last,
    )
    resolved = shared.resolved(symbols=symbols, profile=profile, config=config, sets=sets, options=given)
    arguments = run.data_arguments(resolved, seed=seed)
    loader: dict[str, Any] = {
        key: arguments.pop(key)
        for key in list(arguments)
        if key not in {"data", "symbols", "start", "end", "provider", "interval"}
    }
    block = resolved.config
    own = strategy is None or not block.strategy.params
    try:
        result = run_sweep(
            arguments.pop("data"),
            block.strategy.name,
            grid=axes,
            where=where,
            metric=metric,
            params={**(block.strategy.params if own else {}), **run.parse_params(params)},
            workers=workers,
            resume=resume,
            progress=not quiet and sys.stderr.isatty(),
            config=resolved,
            validate=block.data.check,
            load_options=loader,
            commission=commission,
            slippage=slippage,
            no_costs=no_costs,
            stop=stop,
            target=target,
            trail=trail,
            **arguments,
        )
    except KeyboardInterrupt as interrupt:
        if resume is not None:
            interrupt.add_note(f"What is done is in {resume}; the same command goes on from there.")
        raise
    run.log("sweep", strategy=result.strategy_name, sets=len(result), resumed=result.resumed, config=resolved.hash)
    if out is not None:
        result.save(out, evidence=True)
    written = None if heatmap is None else result.heatmap(heatmap)
    if as_json:
        sys.stdout.write(result.to_json(evidence=True))
    else:
        from tradewright.app.cli.summary import print_sweep

        print_sweep(result, top)
    if out is not None:
        run.say(f"Result: {out}")
    if written is not None:
        run.say(f"Heat map: {written}")
