"""The preset ``standard_200`` in pandas, written as a careful user writes it: whole frames, no loops over rows.

It is the contestant of `benchmarks/features.py` and the oracle of ``tests/oracles/test_features.py``. Frames have one
column for each asset and are complete (no holes); the calendar is that of the New York stock exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

Frame = Any


class Wide:
    """Prices, and what many features share."""

    def __init__(self, index: Any, fields: dict[str, Any], columns: list[str], longer: tuple[str, str]) -> None:
        self.o, self.h, self.l, self.c, self.v = (
            pd.DataFrame(fields[name], index=index, columns=columns)
            for name in ("open", "high", "low", "close", "volume")
        )
        self.logc = np.log(self.c)
        self.r = self.logc.diff()
        self.s = self.c.pct_change()
        level = (1.0 + self.s.mean(axis=1).fillna(0.0)).cumprod()
        self.b = pd.DataFrame(np.repeat(level.to_numpy()[:, None], len(columns), axis=1), index=index, columns=columns)
        self.rb, self.sb = np.log(self.b).diff(), self.b.pct_change()
        before = self.c.shift()
        self.tr = np.maximum(self.h - self.l, np.maximum((self.h - before).abs(), (self.l - before).abs()))
        self.tr.iloc[0] = np.nan
        self.gap, self.body = np.log(self.o / before), np.log(self.c / self.o)
        local = index.tz_convert("America/New_York") - pd.Timedelta(1, "ns")
        self.day = pd.DatetimeIndex(local.tz_localize(None).normalize())
        self.first = pd.Series(self.day, index=index).diff() != pd.Timedelta(0)
        self.longer_words = dict(zip(("next", "next2"), longer, strict=True))
        self.kept: dict[str, Any] = {}


def sma(x: Frame, w: int) -> Frame:
    return x.rolling(w).mean()


def seeded(x: Frame, w: int, alpha: float) -> Frame:
    begin = int(np.isfinite(x.iloc[:, 0].to_numpy()).argmax())
    y = x.copy()
    y.iloc[begin + w - 1] = x.iloc[begin : begin + w].mean()
    y.iloc[: begin + w - 1] = np.nan
    return y.ewm(alpha=alpha, adjust=False).mean()


def ema(x: Frame, w: int) -> Frame:
    return seeded(x, w, 2.0 / (w + 1.0))


def rma(x: Frame, w: int) -> Frame:
    return seeded(x, w, 1.0 / w)


def rsi(c: Frame, w: int) -> Frame:
    d = c.diff()
    up, down = rma(d.clip(lower=0.0), w), rma((-d).clip(lower=0.0), w)
    return 100.0 * up / (up + down)


def cov(x: Frame, y: Frame, w: int) -> Frame:
    return x.rolling(w).cov(y, ddof=0)


def spread_rs(w: Wide) -> Frame:
    u, d = np.log(w.h / w.o), np.log(w.l / w.o)
    return u * (u - w.body) + d * (d - w.body)


def gk(w: Wide, n: int) -> Frame:
    span = np.log(w.h / w.l)
    return np.sqrt(sma(0.5 * span**2 - (2.0 * np.log(2.0) - 1.0) * w.body**2, n).clip(lower=0.0))


def yz(w: Wide, n: int) -> Frame:
    k = 0.34 / (1.34 + (n + 1.0) / (n - 1.0))
    inner = w.gap.rolling(n).var() + k * w.body.rolling(n).var() + (1.0 - k) * sma(spread_rs(w), n)
    return np.sqrt(inner.clip(lower=0.0))


def money_flow(w: Wide, n: int) -> Frame:
    t = (w.h + w.l + w.c) / 3.0
    d, flow = t.diff(), t * w.v
    d = d.where(d.abs() > 1e-12 * t, 0.0)  # less is rounding of the mean of three prices
    up, down = flow.where(d > 0.0, 0.0), flow.where(d < 0.0, 0.0)
    up.iloc[0] = down.iloc[0] = np.nan
    up, down = up.rolling(n).sum(), down.rolling(n).sum()
    return 100.0 * up / (up + down)


def adx(w: Wide, n: int) -> Frame:
    up, down = w.h.diff(), -w.l.diff()
    plus = up.where((up > down) & (up > 0.0), 0.0)
    minus = down.where((down > up) & (down > 0.0), 0.0)
    plus.iloc[0] = minus.iloc[0] = np.nan

    def wilder_sum(x: Frame) -> Frame:  # the sum of the first n - 1 rows, then y += x - y / n
        seed = x.iloc[1:n].sum()
        y = x.copy() * n
        y.iloc[n - 1] = seed
        y.iloc[: n - 1] = np.nan
        return y.ewm(alpha=1.0 / n, adjust=False).mean()

    tr, p, m = wilder_sum(w.tr), wilder_sum(plus), wilder_sum(minus)
    dx = (100.0 * (p / tr - m / tr).abs() / (p / tr + m / tr)).copy()
    dx.iloc[:n] = np.nan
    return rma(dx, n)


def since(x: Frame, n: int, pick: Callable[..., Any]) -> Frame:
    view = np.lib.stride_tricks.sliding_window_view(x.to_numpy(), n, axis=0)[..., ::-1]
    out = np.full(x.shape, np.nan)
    out[n - 1 :] = pick(view, axis=-1)
    return pd.DataFrame(out, index=x.index, columns=x.columns)


def mad_score(x: Frame, n: int) -> Frame:
    view = np.lib.stride_tricks.sliding_window_view(x.to_numpy(), n, axis=0)[:-1]
    middle = np.median(view, axis=-1)
    mad = np.median(np.abs(view - middle[..., None]), axis=-1)
    out = np.full(x.shape, np.nan)
    out[n:] = (x.to_numpy()[n:] - middle) / (1.482602218505602 * mad)
    return pd.DataFrame(out, index=x.index, columns=x.columns)


def ffd(x: Frame, d: float, threshold: float) -> Frame:
    weights = [1.0]
    while abs(following := -weights[-1] * (d - len(weights) + 1) / len(weights)) >= threshold:
        weights.append(following)
    line = np.array(weights)
    out = np.full(x.shape, np.nan)
    for j in range(x.shape[1]):
        out[line.size - 1 :, j] = np.convolve(x.iloc[:, j], line, "valid")
    return pd.DataFrame(out, index=x.index, columns=x.columns)


def of_first(w: Wide, x: Frame) -> Frame:
    mark = w.first.copy()
    mark.iloc[0] = False
    return x.where(mark, np.nan, axis=0).ffill()


def streak(c: Frame) -> Frame:
    way = np.sign(c.diff())
    out = {}
    for name in c.columns:
        line = way[name]
        block = (line != line.shift()).cumsum()
        out[name] = line * (line.groupby(block).cumcount() + 1)
    return pd.DataFrame(out)


def session_volatility(w: Wide) -> Frame:
    step = w.r.where(~w.first, w.body, axis=0)
    total = (step**2).groupby(w.day).cumsum()
    return np.sqrt(total.where(pd.Series(w.day, index=w.c.index) > w.day[0], np.nan, axis=0))


def longer(w: Wide, p: dict[str, Any]) -> Frame:
    word = w.longer_words[p["interval"]]
    if f"close {word}" not in w.kept:
        if word == "1d":
            key = w.day.to_numpy()
        else:
            local = w.c.index.tz_convert("America/New_York") - pd.Timedelta(1, "ns")
            minute = local.hour * 60 + local.minute - 570
            key = (w.day + pd.to_timedelta(minute // 60, unit="h")).to_numpy()
        w.kept[f"close {word}"], w.kept[f"key {word}"] = w.c.groupby(key).last(), key
    close, key = w.kept[f"close {word}"], w.kept[f"key {word}"]
    inner = Wide.__new__(Wide)
    inner.c, inner.logc = close, np.log(close)
    inner.r = inner.logc.diff()
    found = value(p["of"], inner)
    last = np.append(np.flatnonzero(key[1:] != key[:-1]), key.size - 1)
    out = pd.DataFrame(np.nan, index=w.c.index, columns=w.c.columns)
    out.iloc[last] = found.to_numpy()
    return out.ffill()


def rank_rows(x: Frame) -> Frame:
    return (x.rank(axis=1) - 1.0).div(x.count(axis=1) - 1.0, axis=0)


def demean(x: Frame) -> Frame:
    return x.sub(x.mean(axis=1), axis=0)


def line(w: Wide, series: Any) -> Frame:
    return pd.DataFrame(
        np.repeat(np.asarray(series, dtype=float)[:, None], w.c.shape[1], axis=1), index=w.c.index, columns=w.c.columns
    )


def neutral(y: Frame, x: Frame) -> Frame:
    both = y.notna() & x.notna()
    y, x = demean(y.where(both)), demean(x.where(both))
    return y - x.mul((x * y).sum(axis=1) / (x * x).sum(axis=1), axis=0)


def schedule(w: Wide) -> Any:
    import exchange_calendars as xc

    if "schedule" not in w.kept:
        plan = xc.get_calendar("XNYS", start=w.day[0] - pd.Timedelta(60, "D"), end=w.day[-1] + pd.Timedelta(60, "D"))
        table = plan.schedule[["open", "close"]].copy()
        days = table.index
        month = days.to_period("M")
        table["since"] = pd.Series(1, index=days).groupby(month).cumsum()
        table["left"] = pd.Series(1, index=days).groupby(month).transform("sum") - table["since"]
        table["before"] = pd.Series(days, index=days).diff().dt.days
        table["after"] = -pd.Series(days, index=days).diff(-1).dt.days
        table["half"] = (table["close"] - table["open"]) < pd.Timedelta(390, "min")
        w.kept["schedule"] = table.reindex(w.day)
    return w.kept["schedule"]


def minutes(w: Wide, what: str) -> Any:
    table = schedule(w)
    opened = (w.c.index - pd.DatetimeIndex(table["open"])).total_seconds() / 60.0
    left = (pd.DatetimeIndex(table["close"]) - w.c.index).total_seconds() / 60.0
    return {"opened": opened, "left": left, "place": opened / (opened + left)}[what]


def third_friday(w: Wide) -> Any:
    def of(month: Any) -> Any:
        first = month.start_time
        return first + pd.to_timedelta((4 - first.day_of_week) % 7 + 14, unit="D")

    month = w.day.to_period("M")
    this = of(month)
    return (this.where(w.day <= this, of(month + 1)) - w.day).days


def _minute(w: Wide) -> Any:
    local = w.c.index.tz_convert("America/New_York")
    return local.hour * 60 + local.minute + local.second / 60.0


def _alpha(w: Wide, n: int) -> Frame:
    return sma(w.r, n) - cov(w.r, w.rb, n) / w.rb.rolling(n).var(ddof=0) * sma(w.rb, n)


def _bipower(w: Wide, n: int) -> Frame:
    return sma(w.r.abs() * w.r.abs().shift(), n) * np.pi / 2.0


def _winsorise(w: Wide, n: int, q: float) -> Frame:
    low, high = w.r.rolling(n).quantile(q).shift(), w.r.rolling(n).quantile(1.0 - q).shift()
    return w.r.clip(lower=low, upper=high).where(low.notna())


def _residual_momentum(w: Wide, n: int, m: int) -> Frame:
    slope = (cov(w.r, w.rb, m) / w.rb.rolling(m).var(ddof=0)).shift()
    return (w.r - slope * w.rb).rolling(n).sum()


def _tsi(w: Wide, slow: int, fast: int) -> Frame:
    d = w.c.diff()
    return 100.0 * ema(ema(d, slow), fast) / ema(ema(d.abs(), slow), fast)


def _r2(x: Frame, n: int) -> Frame:
    return x.rolling(n).corr(pd.Series(np.arange(len(x), dtype=float), index=x.index)) ** 2


def _slope(x: Frame, n: int) -> Frame:
    t = pd.Series(np.arange(len(x), dtype=float), index=x.index)
    return x.rolling(n).cov(t, ddof=0) / ((n * n - 1.0) / 12.0)


def _bb(w: Wide, n: int) -> tuple[Frame, Frame]:
    return sma(w.c, n), w.c.rolling(n).std(ddof=0)


def _cci(w: Wide, n: int) -> Frame:
    t = (w.h + w.l + w.c) / 3.0
    view = np.lib.stride_tricks.sliding_window_view(t.to_numpy(), n, axis=0)
    away = np.full(t.shape, np.nan)
    away[n - 1 :] = np.abs(view - view.mean(axis=-1, keepdims=True)).mean(axis=-1)
    return (t - sma(t, n)) / (0.015 * away)


Value = Callable[[Wide, dict[str, Any]], Any]
PANDAS: dict[str, Value] = {
    "simple_return": lambda w, p: w.c.pct_change(p["window"]),
    "log_return": lambda w, p: w.logc.diff(p["window"]),
    "rsi": lambda w, p: rsi(w.c, p["window"]),
    "ppo": lambda w, p: 100.0 * (ema(w.c, p["fast"]) / ema(w.c, p["slow"]) - 1.0),
    "pvo": lambda w, p: 100.0 * (ema(w.v, p["fast"]) / ema(w.v, p["slow"]) - 1.0),
    "willr": lambda w, p: -100.0 * (w.h.rolling(p["window"]).max() - w.c)
    / (w.h.rolling(p["window"]).max() - w.l.rolling(p["window"]).min()),
    "cci": lambda w, p: _cci(w, p["window"]),
    "mfi": lambda w, p: money_flow(w, p["window"]),
    "cmo": lambda w, p: 2.0 * rsi(w.c, p["window"]) - 100.0,
    "tsi": lambda w, p: _tsi(w, p["slow"], p["fast"]),
    "er": lambda w, p: w.c.diff(p["window"]).abs() / w.c.diff().abs().rolling(p["window"]).sum(),
    "zscore": lambda w, p: (w.c - sma(w.c, p["window"])) / w.c.rolling(p["window"]).std(),
    "psl": lambda w, p: 100.0 * sma((w.c.diff() > 0.0).astype(float).where(w.c.diff().notna()), p["window"]),
    "rising_share": lambda w, p: sma((w.c.diff() > 0.0).astype(float).where(w.c.diff().notna()), p["window"]),
    "adx": lambda w, p: adx(w, p["window"]),
    "aroonosc": lambda w, p: (since(w.l, p["window"] + 1, np.argmin) - since(w.h, p["window"] + 1, np.argmax))
    * 100.0 / p["window"],
    "choppiness": lambda w, p: 100.0 * np.log(
        w.tr.rolling(p["window"]).sum() / (w.h.rolling(p["window"]).max() - w.l.rolling(p["window"]).min())
    ) / np.log(p["window"]),
    "vhf": lambda w, p: (w.c.rolling(p["window"]).max() - w.c.rolling(p["window"]).min())
    / w.c.diff().abs().rolling(p["window"]).sum(),
    "linreg_r2": lambda w, p: _r2(w.c, p["window"]),
    "bbands_percent": lambda w, p: (w.c - _bb(w, p["window"])[0]) / (4.0 * _bb(w, p["window"])[1]) + 0.5,
    "bbands_width": lambda w, p: 4.0 * _bb(w, p["window"])[1] / _bb(w, p["window"])[0],
    "overnight_return": lambda w, p: of_first(w, w.gap),
    "intraday_return": lambda w, p: np.log(w.c / of_first(w, w.o)),
    "gap_drift": lambda w, p: sma(w.gap, p["window"]),
    "body_drift": lambda w, p: sma(w.body, p["window"]),
    "distance_to_mean": lambda w, p: w.c / sma(w.c, p["window"]) - 1.0,
    "distance_to_ema": lambda w, p: w.c / ema(w.c, p["window"]) - 1.0,
    "drawdown_from_high": lambda w, p: w.c / w.h.rolling(p["window"]).max() - 1.0,
    "rise_from_low": lambda w, p: w.c / w.l.rolling(p["window"]).min() - 1.0,
    "range_place": lambda w, p: (w.c - w.l.rolling(p["window"]).min())
    / (w.h.rolling(p["window"]).max() - w.l.rolling(p["window"]).min()),
    "return_per_risk": lambda w, p: sma(w.r, p["window"]) / w.r.rolling(p["window"]).std(),
    "log_slope": lambda w, p: _slope(w.logc, p["window"]),
    "acceleration": lambda w, p: w.logc.diff(p["window"]) - w.logc.diff(p["window"]).shift(p["window"]),
    "momentum_skip": lambda w, p: w.logc.shift(p["skip"]) - w.logc.shift(p["window"]),
    "max_return": lambda w, p: w.r.rolling(p["window"]).max(),
    "min_return": lambda w, p: w.r.rolling(p["window"]).min(),
    "streak": lambda w, p: streak(w.c),
    "upper_shadow": lambda w, p: (w.h - np.maximum(w.o, w.c)) / (w.h - w.l),
    "lower_shadow": lambda w, p: (np.minimum(w.o, w.c) - w.l) / (w.h - w.l),
    "historical_volatility": lambda w, p: w.r.rolling(p["window"]).std(),
    "parkinson": lambda w, p: np.sqrt(sma(np.log(w.h / w.l) ** 2, p["window"]) / (4.0 * np.log(2.0))),
    "garman_klass": lambda w, p: gk(w, p["window"]),
    "rogers_satchell": lambda w, p: np.sqrt(sma(spread_rs(w), p["window"]).clip(lower=0.0)),
    "yang_zhang": lambda w, p: yz(w, p["window"]),
    "ewma_volatility": lambda w, p: np.sqrt((w.r**2).ewm(alpha=1.0 - p["decay"], adjust=False).mean()),
    "natr": lambda w, p: 100.0 * rma(w.tr, p["window"]) / w.c,
    "volatility_ratio": lambda w, p: w.r.rolling(p["fast"]).std() / w.r.rolling(p["slow"]).std(),
    "ulcer": lambda w, p: np.sqrt(sma((100.0 * (w.c / w.c.rolling(p["window"]).max() - 1.0)) ** 2, p["window"])),
    "semi_volatility": lambda w, p: np.sqrt(
        sma((w.r.clip(lower=0.0) if p.get("side") == "up" else w.r.clip(upper=0.0)) ** 2, p["window"])
    ),
    "bipower_volatility": lambda w, p: np.sqrt(_bipower(w, p["window"])),
    "jump_share": lambda w, p: (1.0 - _bipower(w, p["window"]) / sma(w.r.iloc[2:] ** 2, p["window"])).clip(0.0, 1.0),
    "volatility_of_volatility": lambda w, p: w.r.rolling(p["inner"]).std().rolling(p["window"]).std(),
    "volatility_spike": lambda w, p: w.r.rolling(p["window"]).std()
    / w.r.rolling(p["baseline"]).std().shift(p["window"]),
    "volatility_rank": lambda w, p: (w.r.rolling(p["window"]).std().rolling(p["lookback"]).rank(method="min") - 1.0)
    / (p["lookback"] - 1.0),
    "rank": lambda w, p: (w.c.rolling(p["window"]).rank(method="min") - 1.0) / (p["window"] - 1.0),
    "gap_share": lambda w, p: w.gap.rolling(p["window"]).var()
    / (w.gap.rolling(p["window"]).var() + w.body.rolling(p["window"]).var()),
    "session_volatility": lambda w, p: session_volatility(w),
    "rvol": lambda w, p: w.v / sma(w.v, p["window"]).shift(),
    "amihud": lambda w, p: 1e6 * sma(w.s.abs() / (w.c * w.v), p["window"]),
    "cmf": lambda w, p: (((2.0 * w.c - w.h - w.l) / (w.h - w.l)).fillna(0.0) * w.v).rolling(p["window"]).sum()
    / w.v.rolling(p["window"]).sum(),
    "volume_score": lambda w, p: (np.log(w.v) - sma(np.log(w.v), p["window"]))
    / np.log(w.v).rolling(p["window"]).std(),
    "log_money_traded": lambda w, p: np.log(sma(w.c * w.v, p["window"])),
    "volume_trend": lambda w, p: np.log(sma(w.v, p["fast"]) / sma(w.v, p["slow"])),
    "volume_volatility": lambda w, p: np.log(w.v).diff().rolling(p["window"]).std(),
    "return_volume_correlation": lambda w, p: w.r.rolling(p["window"]).corr(np.log(w.v).diff()),
    "signed_volume": lambda w, p: (np.sign(w.c.diff()) * w.v).rolling(p["window"]).sum()
    / w.v.iloc[1:].rolling(p["window"]).sum(),
    "distance_to_vwap": lambda w, p: w.c * w.v.rolling(p["window"]).sum()
    / ((w.h + w.l + w.c) / 3.0 * w.v).rolling(p["window"]).sum() - 1.0,
    "zero_return_share": lambda w, p: sma((w.c.diff() == 0.0).astype(float).where(w.c.diff().notna()), p["window"]),
    "range_impact": lambda w, p: 1e6 * sma(np.log(w.h / w.l) / (w.c * w.v), p["window"]),
    "skewness": lambda w, p: value(p["of"], w).rolling(p["window"]).skew(),
    "kurtosis": lambda w, p: value(p["of"], w).rolling(p["window"]).kurt(),
    "autocorrelation": lambda w, p: w.s.rolling(p["window"]).corr(w.s.shift(p["lag"])),
    "variance_ratio": lambda w, p: w.logc.diff(p["lag"]).rolling(p["window"]).var()
    / (p["lag"] * w.r.rolling(p["window"]).var()),
    "beta": lambda w, p: cov(w.s, w.sb, p["window"]) / w.sb.rolling(p["window"]).var(ddof=0),
    "correlation": lambda w, p: w.s.rolling(p["window"]).corr(w.sb),
    "relative_strength": lambda w, p: (w.c / w.b).pct_change(p["window"]),
    "alpha": lambda w, p: _alpha(w, p["window"]),
    "idiosyncratic_volatility": lambda w, p: np.sqrt(
        w.r.rolling(p["window"]).var(ddof=0) * (1.0 - w.r.rolling(p["window"]).corr(w.rb) ** 2)
        * p["window"] / (p["window"] - 2.0)
    ),
    "downside_beta": lambda w, p: (w.r * w.rb.clip(upper=0.0)).rolling(p["window"]).sum()
    / (w.rb.clip(upper=0.0) ** 2).rolling(p["window"]).sum(),
    "residual_momentum": lambda w, p: _residual_momentum(w, p["window"], p["beta_window"]),
    "lead_correlation": lambda w, p: w.r.rolling(p["window"]).corr(w.rb.shift(p["rows"])),
    "benchmark_return": lambda w, p: np.log(w.b).diff(p["window"]),
    "benchmark_volatility": lambda w, p: w.rb.rolling(p["window"]).std(),
    "cs_rank": lambda w, p: rank_rows(value(p["of"], w)),
    "cs_zscore": lambda w, p: demean(value(p["of"], w)).div(value(p["of"], w).std(axis=1), axis=0),
    "cs_demean": lambda w, p: demean(value(p["of"], w)),
    "cs_sector_neutral": lambda w, p: demean(value(p["of"], w)),
    "cs_beta_neutral": lambda w, p: neutral(value(p["of"], w), value({"feature": "beta", "window": 60}, w)),
    "cs_neutral": lambda w, p: neutral(value(p["of"], w), value({"feature": "beta", "window": 60}, w)),
    "sector_rank": lambda w, p: rank_rows(value(p["of"], w)),
    "sector_momentum": lambda w, p: line(w, value(p["of"], w).mean(axis=1)),
    "cs_dispersion": lambda w, p: line(w, value(p["of"], w).std(axis=1)),
    "cs_breadth": lambda w, p: line(
        w, (value(p["of"], w) > 0.0).sum(axis=1) / value(p["of"], w).count(axis=1).replace(0, np.nan)
    ),
    "longer": longer,
    "frac_diff": lambda w, p: ffd(w.logc, p["d"], p["threshold"]),
    "mad_score": lambda w, p: mad_score(w.r, p["window"]),
    "winsorise": lambda w, p: _winsorise(w, p["window"], p["share"]),
    "lagged": lambda w, p: w.r.shift(p["rows"]),
    "session_place": lambda w, p: line(w, minutes(w, "place")),
    "minutes_since_open": lambda w, p: line(w, minutes(w, "opened")),
    "minutes_to_close": lambda w, p: line(w, minutes(w, "left")),
    "day_of_week": lambda w, p: line(w, w.day.day_of_week),
    "week_sine": lambda w, p: line(w, np.sin(2.0 * np.pi * w.day.day_of_week / 7.0)),
    "week_cosine": lambda w, p: line(w, np.cos(2.0 * np.pi * w.day.day_of_week / 7.0)),
    "day_sine": lambda w, p: line(w, np.sin(2.0 * np.pi * _minute(w) / 1440.0)),
    "day_cosine": lambda w, p: line(w, np.cos(2.0 * np.pi * _minute(w) / 1440.0)),
    "month": lambda w, p: line(w, w.day.month),
    "year_sine": lambda w, p: line(w, np.sin(2.0 * np.pi * (w.day.month - 1) / 12.0)),
    "year_cosine": lambda w, p: line(w, np.cos(2.0 * np.pi * (w.day.month - 1) / 12.0)),
    "session_of_month": lambda w, p: line(w, schedule(w)["since"]),
    "sessions_to_month_end": lambda w, p: line(w, schedule(w)["left"]),
    "turn_of_month": lambda w, p: line(w, (schedule(w)["left"] == 0) | (schedule(w)["since"] <= 3)),
    "quarter_end": lambda w, p: line(w, (schedule(w)["left"] == 0) & (w.day.month % 3 == 0)),
    "days_since_session": lambda w, p: line(w, schedule(w)["before"]),
    "days_to_session": lambda w, p: line(w, schedule(w)["after"]),
    "half_day": lambda w, p: line(w, schedule(w)["half"]),
    "days_to_third_friday": lambda w, p: line(w, third_friday(w)),
}  # fmt: skip


def value(entry: dict[str, Any], w: Wide) -> Frame:
    """One entry of a specification in pandas."""
    params = {key: v for key, v in entry.items() if key != "feature"}
    return PANDAS[entry["feature"]](w, params)
