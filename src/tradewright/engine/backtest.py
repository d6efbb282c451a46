"""One backtest, from whatever the user has to a result.

Entry point: `backtest`; `run_prepared` for those who have everything ready, `load_inputs` and `cut` for sweeps.

Invariants: every option that is not given comes from the configuration, or from the engine's defaults when there is
none; what was given is recorded, so that the result can be run again. A second call on the same bars with the same
options builds nothing but the run itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.bars import Bars
from tradewright.domain.errors import ConfigError, DataError, InputError, MissingDataError, closest
from tradewright.domain.forecasts import HOLD
from tradewright.engine.costs import CostSettings, costs_of
from tradewright.engine.decisions import Decisions, decide_prepared, order_columns, signal_array, weight_rows
from tradewright.engine.evidence import ledger_of, record_backtest
from tradewright.engine.prepared import KEPT_RUNS, Prepared, memory_of, prepare
from tradewright.engine.result import Origin, Result
from tradewright.engine.settings import Settings, protection_of, settings_of
from tradewright.engine.trials import trial_ledger
from tradewright.engine.universe import within_universe
from tradewright.strategies.registry import make_strategy

if TYPE_CHECKING:
    from tradewright.data.sanity import SanityReport
    from tradewright.domain.bars import Instant

__all__ = [
    "backtest",
    "benchmark_bars",
    "cut",
    "detail_bars",
    "load_inputs",
    "looks_like_path",
    "require_bars",
    "resolve_settings",
    "resolved_config",
    "run_prepared",
]


def backtest(
    data: Any = None,
    strategy: Any = None,
    *,
    symbols: str | Sequence[str] | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
    provider: str | None = None,
    interval: str | None = None,
    profile: str | None = None,
    config: Any = None,
    initial_capital: float | None = None,
    params: Mapping[str, Any] | None = None,
    signals: Any = None,
    weights: Any = None,
    orders: Any = None,
    fill: str | None = None,
    intrabar: str | None = None,
    trail_update: str | None = None,
    size: Any = None,
    size_mode: str | None = None,
    size_basis: str | None = None,
    lot: float | None = None,
    allow_short: bool | None = None,
    leverage: float | None = None,
    maintenance_margin: float | None = None,
    on_short_cash: str | None = None,
    close_last: bool | None = None,
    volume_share: float | None = None,
    cooldown: int | None = None,
    max_position: float | None = None,
    max_gross: float | None = None,
    daily_loss: float | None = None,
    max_drawdown: float | None = None,
    on_halt: str | None = None,
    rebalance_buffer: float | None = None,
    stop: float | str | tuple[str, float] | None = None,
    target: float | str | tuple[str, float] | None = None,
    trail: float | str | tuple[str, float] | None = None,
    atr_window: int | None = None,
    sigma_window: int | None = None,
    risk_free: float | None = None,
    decide_on: str | None = None,
    commission: float | str | None = None,
    slippage: float | str | None = None,
    costs: CostSettings | str | Mapping[str, Any] | None = None,
    no_costs: bool = False,
    bands: bool = False,
    detail: Any = None,
    benchmark: Any = None,
    validate: bool = True,
    certificate: Any = None,
    **load_options: Any,
) -> Result:
    """Trade a strategy over historical bars and report what happened.

    Parameters
    ----------
    data : Bars, frame, mapping of arrays, path, symbols or None
        What to trade on. pandas, polars and pyarrow frames and mappings of ``open, high, low, close, volume`` are
        taken as they are; a path is read from disk; anything else that is text is symbols, loaded from `provider`.
    strategy : str, Strategy, class or function
        A registered name (``"sma_cross"``), ``"path/to/file.py:name"``, a strategy object or class, a class with
        ``on_bar(ctx)``, or a function ``f(bars)`` that returns signals. Left out when `signals`, `weights` or
        `orders` are given.
    symbols, provider, interval : optional
        For loading: which instruments, from where, at which bar length (``"1d"``, ``"15m"``).
    start, end : date, datetime, ISO text, optional
        Range, both included; a plain date is a trading session.
    profile, config : str, path or resolved configuration, optional
        Risk profile and configuration file. Only with one of them is the layered configuration (files, environment)
        read.
    initial_capital : float
        Cash before the first bar; default 100,000.
    params : mapping, optional
        Parameters of the strategy.
    signals, weights, orders : array-like, frame or path, optional
        Decisions instead of a strategy: signals ``(n_bars, n_assets)``; weights as ``(rows, weights)`` or ``(n_bars,
        n_assets)``; orders as columns or a sequence of mappings. Frames and files (CSV, Parquet) have a ``date`` or
        ``time`` and a ``symbol``; see docs/backtesting.md.
    fill : {"next_open", "same_close", "next_close"}
        When market orders fill, counted from the bar of the decision.
    intrabar : {"pessimistic", "expected", "optimistic"}
        What is assumed about the order of high and low.
    size : float or array, optional
        What an entry uses; default all equity, split evenly over the instruments. An array ``(n_bars, n_assets)``
        gives the size per bar.
    size_mode : {"fraction", "quantity", "value", "risk"}
        Unit of `size`.
    lot : float, optional
        Step of quantities, 0 fractional; default each instrument's own.
    stop, target, trail : float, str or tuple, optional
        Protection of entries: fraction of the fill price, ``"2atr"``, ``"1.50amount"`` or ``("atr", 2)``.
    decide_on : {"auto", "adjusted", "raw"}
        Prices that decisions see where bars carry splits or dividends (docs/corporate-actions.md).
    commission, slippage : float or str, optional
        Fractions of notional, ``"5bp"``, or a preset (``"ib_fixed"``); default 5 bp and 1 bp.
    costs : CostSettings, str or mapping, optional
        All of the cost model at once.
    no_costs : bool
        Trade for free; the result is stamped with it.
    bands : bool
        Also compute the fill bands.
    detail : Bars, frame, path or interval, optional
        Finer bars of the same instruments that decide what came first inside a bar; ``"1min"`` takes the bars of that
        length from where `data` came.
    benchmark : str, Bars or array, optional
        What to compare with: ``"buy_and_hold"``, a symbol (of the data, or of where it came from), a path, bars or
        prices.
    validate : bool
        False skips the data checks; the result is stamped with it.
    certificate : Certificate, path or True, optional
        Proof that the strategy does not look ahead (`tradewright.check_lookahead`); True examines it now, on these
        bars. Its hash stands in the result beside what is hashed.
    **load_options
        Further arguments of `tradewright.load`, such as `actions` (a file of corporate actions).

    Returns
    -------
    Result

    Raises
    ------
    ConfigError, InputError
        If an option, a parameter or an answer of the strategy is refused.
    DataError
        If data cannot be loaded or is too short for the strategy's warm-up.
    InvariantError
        If the numbers that came out cannot be true.

    Notes
    -----
    Fills, costs and money: docs/fill-semantics.md. Everything left out of this list (`leverage`, `cooldown`, halts,
    ...) is described in `tradewright.engine.settings.Settings`.

    Examples
    --------
    >>> import numpy as np, tradewright as tw
    >>> close = 100 + 10 * np.sin(np.arange(300) / 20)
    >>> result = tw.backtest({"close": close}, "sma_cross", params={"fast": 5, "slow": 20})
    >>> result.stats["n_trades"], result.conventions["costs"]
    (2, 'commission 5 bp, slippage 1 bp')
    """
    key: Any = None
    files = {
        name: str(value)
        for name, value in (("signals", signals), ("weights", weights), ("orders", orders))
        if isinstance(value, (str, Path))
    }
    plain = profile is None and config is None and detail is None and not load_options and not files
    if type(data) is Bars and plain:
        key = (
            start,
            end,
            symbols,
            initial_capital,
            fill,
            intrabar,
            trail_update,
            size,
            size_mode,
            size_basis,
            lot,
            allow_short,
            leverage,
            maintenance_margin,
            on_short_cash,
            close_last,
            volume_share,
            cooldown,
            max_position,
            max_gross,
            daily_loss,
            max_drawdown,
            on_halt,
            rebalance_buffer,
            stop,
            target,
            trail,
            atr_window,
            sigma_window,
            risk_free,
            decide_on,
            commission,
            slippage,
            costs,
            no_costs,
            validate,
        )
        try:
            known: Prepared | None = memory_of(data).setdefault("runs", {}).get(key)
        except TypeError:  # an array or mapping among the options
            key = known = None
        if known is not None:
            origin = known.memory["origin"] if not bands and benchmark is None else _origin(validate, bands, benchmark)
            result = run_prepared(known, strategy, params, signals, weights, orders, origin)
            return _certified(record_backtest(result, trial_ledger()), certificate)

    resolved = None
    if profile is not None or config is not None:
        resolved = resolved_config(profile, config, symbols if symbols is not None else getattr(data, "symbols", None))
    if load_options:
        _refuse_unknown(load_options, data, provider)
    origin = _origin(validate, bands, benchmark)
    if resolved is not None:
        strategy, params, symbols, start, end, provider, interval, data = _from_config(
            resolved, strategy, params, symbols, start, end, provider, interval, data, signals, weights, orders
        )
        if resolved.config.data.actions and not isinstance(data, Bars):
            load_options.setdefault("actions", Path(resolved.config.data.actions))
        if provider == "chain" and resolved.config.data.chain:
            load_options = {
                "chain": list(resolved.config.data.chain),
                **resolved.config.data.chain_options,
            } | load_options
        if resolved.config.data.missing_members != "refuse" and not isinstance(data, Bars):
            load_options.setdefault("missing_members", resolved.config.data.missing_members)
        origin.config = {"hash": resolved.hash, "profile": resolved.config.profile, "rows": _config_rows(resolved)}
    bars, origin.inputs, report = load_inputs(
        data,
        symbols=symbols,
        start=start,
        end=end,
        provider=provider,
        interval=interval,
        validate=validate,
        **load_options,
    )
    scale = None
    if isinstance(size, (np.ndarray, list)):
        scale, size = np.asarray(size, dtype=np.float64), 1.0
    settings = resolve_settings(
        resolved,
        costs=costs,
        commission=commission,
        slippage=slippage,
        no_costs=no_costs,
        stop=stop,
        target=target,
        trail=trail,
        initial_capital=initial_capital,
        fill=fill,
        intrabar=intrabar,
        trail_update=trail_update,
        size=size,
        size_mode=size_mode,
        size_basis=size_basis,
        lot=lot,
        allow_short=allow_short,
        leverage=leverage,
        maintenance_margin=maintenance_margin,
        on_short_cash=on_short_cash,
        close_last=close_last,
        volume_share=volume_share,
        cooldown=cooldown,
        max_position=max_position,
        max_gross=max_gross,
        daily_loss=daily_loss,
        max_drawdown=max_drawdown,
        on_halt=on_halt,
        rebalance_buffer=rebalance_buffer,
        atr_window=atr_window,
        sigma_window=sigma_window,
        risk_free=risk_free,
        decide_on=decide_on,
    )
    finer = None if detail is None else detail_bars(detail, bars, origin, validate=validate)
    if files:
        origin.inputs["decisions"] = files
    prepared = prepare(bars, settings, validate=validate, detail=finer, findings=report)
    prepared.memory["origin"] = origin if not bands and benchmark is None else _origin(validate, False, None)
    if key is not None:
        runs = memory_of(data)["runs"]
        if len(runs) >= KEPT_RUNS:
            runs.clear()
        runs[key] = prepared
    result = run_prepared(prepared, strategy, params, signals, weights, orders, origin, scale=scale)
    return _certified(record_backtest(result, ledger_of(resolved)), certificate)


def _certified(result: Result, certificate: Any) -> Result:
    if certificate is None or certificate is False:
        return result
    from tradewright.engine.promotion import attach_certificate

    return attach_certificate(result, certificate)


def run_prepared(
    prepared: Prepared,
    strategy: Any,
    params: Mapping[str, Any] | None,
    signals: Any,
    weights: Any,
    orders: Any,
    origin: Origin,
    *,
    scale: Any = None,
    given: Any = None,
) -> Result:
    """Decide and run on prepared bars.

    Parameters
    ----------
    prepared : Prepared
    strategy, params, signals, weights, orders
        As in `backtest`; exactly one kind of decision.
    origin : Origin
        Where the inputs came from.
    scale : float64 array, optional
        Size of entries per bar and instrument.
    given : optional
        What the user called the strategy, when `strategy` is the object made of it.
    """
    bars = prepared.bars
    if strategy is not None and signals is None and weights is None and orders is None:
        made = _made(strategy, params)
        warm_up = getattr(made, "warm_up", None)
        if warm_up is not None and bars.ts.shape[0] <= warm_up():
            require_bars(bars, warm_up(), origin)
        decisions = decide_prepared(made, prepared)
    else:
        made = None
        decisions = within_universe(_given_decisions(bars, strategy, signals, weights, orders), prepared)
    if scale is not None:
        decisions.scale = _scale(scale, bars, decisions.kind)
    run = decisions.run(prepared.market, prepared.spec, bars)
    return Result(run, prepared, decisions, made, strategy if given is None else given, origin)


def load_inputs(
    data: Any,
    *,
    symbols: str | Sequence[str] | None = None,
    start: Instant | None = None,
    end: Instant | None = None,
    provider: str | None = None,
    interval: str | None = None,
    validate: bool = True,
    **options: Any,
) -> tuple[Bars, dict[str, Any], SanityReport | None]:
    """Bars from whatever the user calls data, and how to get them again.

    Returns
    -------
    bars : Bars
        Cut to the range.
    inputs : dict
        Arguments of the loader for a manifest, or ``{"kind": "memory"}``.
    report : SanityReport or None
        What the data rules found; None for bars, which are judged when they are prepared.

    Raises
    ------
    InputError
        If `data` is nothing that holds bars.
    DataError
        If loading fails or the range is empty.
    """
    if isinstance(data, Bars):
        chosen = data
        if options.get("actions") is not None:
            from tradewright.data.corporate import attach

            chosen = attach(data, options["actions"])
        if options.get("universe") is not None:
            from tradewright.data.membership import with_membership

            chosen = with_membership(chosen, options["universe"])
        chosen = chosen if symbols is None else chosen.select(symbols)
        return cut(chosen, start, end), {"kind": "memory"}, None
    if data is None or isinstance(data, (str, Path)) or _is_symbols(data):
        path = None
        if isinstance(data, Path) or (isinstance(data, str) and looks_like_path(data)):
            path = str(data)
        elif data is not None:
            if symbols is not None:
                raise InputError(f"Symbols are given twice, as data ({data!r}) and as symbols ({symbols!r}); keep one.")
            symbols = data
        if isinstance(symbols, str):
            symbols = [part.strip() for part in symbols.split(",") if part.strip()]
        if not symbols and path is None and options.get("universe") is None:
            if isinstance(provider, str):
                from tradewright.data.providers import require_provider

                require_provider(provider)
            raise InputError("There is nothing to trade: give data (bars, a frame, a path) or symbols.")
        from tradewright.data.service import load_with_report
        from tradewright.data.universes import resolve

        wanted, _ = resolve(symbols or None, options.get("universe"), start=start, end=end)
        arguments: dict[str, Any] = {
            "provider": provider,
            "data": path,
            "start": start,
            "end": end,
            "interval": interval,
            "validate": validate,
            **options,
        }
        given = {name: value for name, value in arguments.items() if value is not None}
        bars, report = load_with_report(list(symbols) if symbols else None, **given)
        # What the source resolved by itself, such as the revision of a store, is said when the bars are loaded again.
        pinned = dict(bars.provenance.pinned)
        inputs = {"kind": "load", "symbols": wanted, **given, **pinned}
        if any(not isinstance(options.get(name), (str, Path, type(None))) for name in ("actions", "universe")):
            return bars, {"kind": "memory"}, report
        return bars, {name: _text_of(value) for name, value in inputs.items()}, report
    if isinstance(data, Mapping) and "close" in data and set(data) <= {"open", "high", "low", "close", "volume"}:
        numbered = _numbered(data, symbols)
        if options.get("actions") is not None or options.get("universe") is not None:
            return load_inputs(numbered, start=start, end=end, **options)
        return cut(numbered, start, end), {"kind": "memory"}, None
    from tradewright.data.service import load_with_report

    if provider is not None:
        raise InputError(f"provider {provider!r} is for loading; the data given here is in memory already.")
    bars, report = load_with_report(
        symbols, data=data, start=start, end=end, interval=interval, validate=validate, **options
    )
    return bars, {"kind": "memory"}, report


def detail_bars(detail: Any, bars: Bars, origin: Origin, *, validate: bool = True) -> Bars:
    """Finer bars of the instruments of a run; what is needed to find them again goes into `origin`.

    Parameters
    ----------
    detail : Bars, frame, path or interval
        An interval such as ``"1min"`` means the source that the bars themselves came from.
    bars : Bars
        Of the run.
    origin : Origin
    validate : bool

    Raises
    ------
    InputError
        If an interval is given for bars that were in memory.
    DataError
        If the finer bars cannot be loaded.
    """
    if isinstance(detail, str) and not looks_like_path(detail) and not Path(detail).exists():
        inputs = origin.inputs
        if inputs.get("kind") != "load":
            raise InputError(f"detail is {detail!r}, but the bars were in memory; give finer bars or a path.")
        again = {key: value for key, value in inputs.items() if key not in {"kind", "interval", "data", "decisions"}}
        place = None if inputs["data"] is None else Path(inputs["data"])
        again["symbols"] = list(bars.symbols)
        finer, _, _ = load_inputs(place, interval=detail, **again)
        inputs["detail"] = {"interval": detail}
    else:
        given = Path(detail) if isinstance(detail, str) else detail
        finer, found, _ = load_inputs(given, symbols=bars.symbols, validate=validate)
        if found.get("kind") == "load":
            origin.inputs["detail"] = {"path": str(detail)}
    origin.detail = finer
    return finer


def benchmark_bars(what: str, bars: Bars, inputs: Mapping[str, Any]) -> Bars:
    """Bars of a benchmark that is not among the instruments of the run: from the same source, or a file.

    Raises
    ------
    InputError
        If it is nowhere.
    """
    if looks_like_path(what):
        return load_inputs(Path(what))[0]
    near = closest(what, ["buy_and_hold", *bars.symbols]) or "."
    if inputs.get("kind") != "load":
        raise InputError(f"There is no benchmark {what!r} among {', '.join(bars.symbols[:8])}{near}")
    place = None if inputs.get("data") is None else Path(inputs["data"])
    kept = {key: inputs[key] for key in ("provider", "interval", "tz", "columns", "repair", "seed") if inputs.get(key)}
    try:
        return load_inputs(place, symbols=[what], **kept)[0]
    except (DataError, InputError) as error:
        raise InputError(
            f"There is no benchmark {what!r} among {', '.join(bars.symbols[:8])}{near} "
            f"Nor is it where they came from: {error}"
        ) from None


def cut(bars: Bars, start: Instant | None, end: Instant | None) -> Bars:
    """Bars from `start` to `end`, both included; plain dates are sessions.

    Raises
    ------
    MissingDataError
        If nothing is left.
    """
    if start is None and end is None:
        return bars
    from tradewright.data.grid import between_sessions

    kept = between_sessions(bars, start, end)
    if kept.n_bars == 0:
        raise MissingDataError(
            f"No bars from {start or 'the start'} to {end or 'the end'}; the data reaches from "
            f"{bars.start:%Y-%m-%d} to "
            f"{bars.end:%Y-%m-%d}."
        )
    return kept


def require_bars(bars: Bars, warm_up: int, origin: Origin) -> None:
    """Refuse a range that is too short to warm up, naming dates that would work.

    Raises
    ------
    MissingDataError
    """
    from tradewright.data.grid import require_warm_up

    full: Bars | None = None
    if origin.inputs.get("kind") == "load":
        from tradewright.data.service import load

        wider = {k: v for k, v in origin.inputs.items() if k not in {"kind", "symbols", "start", "end"}}
        try:
            full = load(origin.inputs["symbols"], **wider)
        except Exception:  # the hint is a courtesy; the refusal below is the answer
            full = None
    require_warm_up(bars, warm_up, full=full)


def resolved_config(profile: str | None, config: Any, symbols: Any = None) -> Any:
    """Resolved configuration from a profile and a file; one that is resolved already is taken as it is.

    Raises
    ------
    ConfigError
        If both a profile and a resolved configuration are given, or anything in the layers is refused.
    """
    if hasattr(config, "explain"):
        if profile is not None:
            raise ConfigError("The configuration is resolved already; resolve it with the profile, do not give both.")
        return config
    from tradewright.engine.hooks import hook

    if isinstance(symbols, str):
        symbols = [part.strip() for part in symbols.split(",")]
    return hook("config.resolve")(profile=profile, symbols=symbols, file=config)


def resolve_settings(
    resolved: Any = None,
    *,
    costs: CostSettings | str | Mapping[str, Any] | None = None,
    commission: float | str | None = None,
    slippage: float | str | None = None,
    no_costs: bool = False,
    stop: float | str | tuple[str, float] | None = None,
    target: float | str | tuple[str, float] | None = None,
    trail: float | str | tuple[str, float] | None = None,
    **changes: Any,
) -> Settings:
    """Engine settings from a resolved configuration (or the defaults) and what was given on top.

    Raises
    ------
    ConfigError
        If something is not understood or out of range.
    """
    base = None
    if resolved is not None:
        from tradewright.engine.hooks import hook

        base = hook("config.settings")(resolved.config)
    for name, value in (("stop", stop), ("target", target), ("trail", trail)):
        made = protection_of(name, value)
        if made is not None:
            changes[name], changes[f"{name}_kind"] = made
    configured = base is not None and base.costs.is_free
    if no_costs or costs is not None or commission is not None or slippage is not None or base is None:
        start = None if base is None or (configured and not no_costs) else base.costs
        changes["costs"] = costs_of(
            base=start, costs=costs, commission=commission, slippage=slippage, no_costs=no_costs
        )
    return settings_of(base, **changes)


def looks_like_path(text: str) -> bool:
    """Return whether text is a file or folder rather than symbols.

    Examples
    --------
    >>> looks_like_path("data/spy.csv"), looks_like_path("SPY,QQQ"), looks_like_path("BTC/USDT")
    (True, False, False)
    """
    lower = text.lower()
    if lower.endswith((".csv", ".csv.gz", ".parquet", ".pq", ".txt", ".gz", ".zip", ".zst")):
        return True
    if text.startswith(("./", "../", "/", "~")) or "\\" in text:
        return True
    return "," not in text and ("/" in text or "." in text) and Path(text).exists()


# --- private ------------------------------------------------------------------------------------------

_instances: dict[Any, Any] = {}
_KEPT_INSTANCES: Final = 256


def _made(strategy: Any, params: Mapping[str, Any] | None) -> Any:
    if not isinstance(strategy, str):
        return (
            strategy
            if params is None and hasattr(strategy, "params") and not isinstance(strategy, type)
            else make_strategy(strategy, params)
        )
    if ":" in strategy:
        return make_strategy(strategy, params)  # the file may have changed since
    try:
        key = (strategy, tuple(params.items()) if params else ())
        found = _instances.get(key)
    except TypeError:
        return make_strategy(strategy, params)
    if found is None:
        if len(_instances) >= _KEPT_INSTANCES:
            _instances.clear()
        found = _instances[key] = make_strategy(strategy, params)
    return found


def _given_decisions(bars: Bars, strategy: Any, signals: Any, weights: Any, orders: Any) -> Decisions:
    given = [
        name
        for name, value in (("strategy", strategy), ("signals", signals), ("weights", weights), ("orders", orders))
        if value is not None
    ]
    if len(given) != 1:
        what = " and ".join(given) if given else "nothing"
        raise InputError(f"Give exactly one of strategy, signals, weights and orders, not {what}.")
    if signals is not None:
        return Decisions("signals", signal_array(_padded(signals, bars), bars))
    if weights is not None:
        rows, values = weight_rows(_padded(weights, bars), bars)
        return Decisions("weights", rows=rows, weights=values)
    return Decisions("orders", orders=order_columns(orders, bars))


def _padded(values: Any, bars: Bars) -> Any:
    """Arrays of one row a bar, with no opinion about a last row that was added for a delisting."""
    if isinstance(values, (np.ndarray, list)) and len(values) == bars.n_bars - 1 and np.isnan(bars.close[-1]).all():
        table = np.asarray(values, dtype=np.float64)
        table = np.where(table == HOLD, np.nan, table)
        return np.concatenate([table, np.full((1, *table.shape[1:]), np.nan)])
    return values


def _scale(scale: Any, bars: Bars, kind: str) -> Any:
    if kind != "signals":
        raise InputError(f"An array of sizes belongs to signals; {kind} carry their own sizes.")
    array = np.asarray(scale, dtype=np.float64)
    if array.ndim == 1 and bars.n_assets == 1:
        array = array.reshape(-1, 1)
    if array.shape != (bars.n_bars, bars.n_assets):
        raise InputError(f"size has shape {np.shape(scale)}; it must be ({bars.n_bars}, {bars.n_assets}).")
    if not np.isfinite(array).all() or bool((array < 0).any()):
        raise InputError("Every size must be finite and at least 0.")
    return np.ascontiguousarray(array)


def _origin(validate: bool, bands: bool, benchmark: Any) -> Origin:
    origin = Origin()
    origin.validated = validate
    origin.bands = bands
    origin.benchmark = benchmark
    return origin


def _from_config(
    resolved: Any,
    strategy: Any,
    params: Mapping[str, Any] | None,
    symbols: Any,
    start: Any,
    end: Any,
    provider: Any,
    interval: Any,
    data: Any,
    *decisions: Any,
) -> tuple[Any, ...]:
    """Fill what was not given from the data and strategy blocks of the configuration."""
    block, chosen = resolved.config.data, resolved.config.strategy
    if strategy is None and all(item is None for item in decisions):
        strategy = chosen.name
        params = {**chosen.params, **(params or {})} or None
    if data is None:
        if symbols is None and block.symbols:
            symbols = list(block.symbols)
        # As a path, not as text: a folder "prices" is no symbol.
        data = None if block.path is None else Path(block.path)
        chained = block.chain and block.provider in {"sample", "chain"}
        provider = provider or ("chain" if chained else None if block.path else block.provider)
    if not isinstance(data, Bars) and (data is None or isinstance(data, (str, Path))):
        interval = interval or block.interval
    return strategy, params, symbols, start or block.start, end or block.end, provider, interval, data


def _config_rows(resolved: Any) -> list[dict[str, Any]]:
    """Where each value of the configuration came from, for the report."""
    return [
        {"key": row.key, "value": row.value, "layer": row.layer, "file": row.file, "line": row.line}
        for row in resolved.explain()
    ]


def _refuse_unknown(options: Mapping[str, Any], data: Any, provider: Any) -> None:
    """Refuse options that neither the engine nor the loader knows, before they are lost on the way."""
    from inspect import signature

    from tradewright.data.providers import options_of
    from tradewright.data.service import load_with_report

    known = {*signature(load_with_report).parameters, "adjusted"}
    if data is None or isinstance(data, (str, Path)) or _is_symbols(data):
        of_provider = options_of(provider or ("sample" if data is None or not looks_like_path(str(data)) else "csv"))
        if of_provider is None:
            return  # somebody else's provider knows best
        known |= of_provider
    for name in options:
        if name not in known or name == "options":
            hint = closest(name, {*signature(backtest).parameters, *known} - {"load_options", "options"})
            raise InputError(f"There is no option {name!r}{hint or '.'}")


def _numbered(data: Mapping[str, Any], symbols: Any) -> Bars:
    """Bars from columns without stamps; missing prices are the close, and the provenance says what was assumed."""
    close = data["close"]
    op, high, low = (data.get(name, close) for name in ("open", "high", "low"))
    bars = Bars.from_arrays(None, op, high, low, close, data.get("volume"), symbols=symbols)
    missing = [name for name in ("open", "high", "low") if name not in data]
    if missing:
        return bars.with_provenance(bars.provenance.with_note(f"no {', '.join(missing)} was given: the close is used"))
    return bars


def _is_symbols(data: Any) -> bool:
    return isinstance(data, (list, tuple)) and bool(data) and all(isinstance(item, str) for item in data)


def _text_of(value: Any) -> Any:
    return str(value) if not isinstance(value, (str, int, float, bool, list, dict, type(None))) else value
