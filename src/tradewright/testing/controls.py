"""Clean controls: the causal twins of the planted leaks, on which an examiner must stay silent.

Entry point: `clean_controls`.

Invariants: row ``t`` of each is computed from rows up to ``t``, from nothing else, and the same whoever asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from tradewright.strategies.base import Strategy
from tradewright.testing.leaks import Planted, earnings

__all__ = ["clean_controls"]

_CLEAN: Final[dict[str, Planted]] = {}
Function = Callable[..., Any]
DAY_NS: Final = 86_400_000_000_000


def clean(kind: str = "feature", *, factory: bool = False, **options: Any) -> Callable[[Function], Function]:
    """Register a control under the name of its function."""

    def register(function: Function) -> Function:
        about = (function.__doc__ or "").strip().splitlines()[0]
        _CLEAN[function.__name__] = Planted(function.__name__, about, kind, function, (), None, options, factory)
        return function

    return register


def clean_controls() -> tuple[Planted, ...]:
    """All controls, in the order of this file.

    Examples
    --------
    >>> import tradewright as tw
    >>> item = clean_controls()[0]
    >>> item.name, tw.check_lookahead(item.make(), kind=item.kind, **item.options).clean
    ('last_return', True)
    """
    return tuple(_CLEAN.values())


@clean()
def last_return(df: Any) -> Any:
    """The return of the bar that has just closed."""
    return df["close"].pct_change()


@clean()
def trailing_window(df: Any) -> Any:
    """A rolling mean and deviation."""
    return df["close"] / df["close"].rolling(5).mean() - df["close"].rolling(20).std()


@clean()
def full_convolution(close: Any) -> Any:
    """A moving average by np.convolve, cut to the past."""
    return np.convolve(close, np.ones(9) / 9)[: close.size]


@clean()
def running_sum(close: Any) -> Any:
    """A rolling sum as the difference of two running sums, whose last bits depend on the past only."""
    total = np.cumsum(np.nan_to_num(close))
    out = np.full(close.size, np.nan)
    out[10:] = total[10:] - total[:-10]
    return out


@clean()
def expanding_zscore(df: Any) -> Any:
    """A z-score of the returns so far."""
    change = df["close"].pct_change()
    return (change - change.expanding().mean()) / change.expanding().std()


@clean()
def expanding_quantile(df: Any) -> Any:
    """Whether a return is above the 90 % quantile of those before."""
    change = df["close"].pct_change()
    return change > change.expanding().quantile(0.9).shift(1)


@clean()
def rolling_regression(close: Any) -> Any:
    """The residual of a regression over the last thirty rows."""
    out = np.full(close.size, np.nan)
    x = np.arange(30)
    for t in range(29, close.size):
        y = close[t - 29 : t + 1]
        if np.isfinite(y).all():
            slope, level = np.polyfit(x, y, 1)
            out[t] = y[-1] - slope * 29 - level
    return out


@clean()
def exponential(df: Any) -> Any:
    """An exponential average, which remembers all of the past."""
    return df["close"].ewm(span=12, adjust=False).mean()


@clean()
def one_sided_filter(close: Any) -> Any:
    """A Butterworth filter run forward only."""
    from scipy.signal import butter, lfilter

    b, a = butter(2, 0.1)
    return lfilter(b, a, np.nan_to_num(close, nan=100.0))


@clean()
def forward_fill(df: Any) -> Any:
    """Gaps filled with the last value."""
    return df["close"].where(np.arange(len(df)) % 7 < 4).ffill()


@clean()
def backward_join(df: Any) -> Any:
    """Weekly values joined as of each date."""
    import pandas as pd

    weekly = df[["close"]].iloc[::5].rename(columns={"close": "weekly"}).reset_index()
    found = pd.merge_asof(pd.DataFrame({"time": df.index}), weekly, on="time", direction="backward")
    return pd.Series(found["weekly"].to_numpy(), index=df.index)


@clean()
def closed_timeframe(df: Any) -> Any:
    """The close of the day before."""
    import pandas as pd

    days = df.index.normalize()
    daily = df["close"].groupby(days).last().shift(1)
    return pd.Series(daily.reindex(days).to_numpy(), index=df.index)


@clean()
def right_labels(df: Any) -> Any:
    """Weekly closes that are known when the week is over."""
    weekly = df["close"].resample("W-FRI", label="right", closed="left").last()
    return weekly.reindex(df.index, method="ffill").shift(1)


@clean(facts={"eps": earnings()})
def published_values(bars: Any, eps: Any) -> Any:
    """The newest earnings published by each bar, restated or not."""
    known = eps["known_at"].astype(np.int64)
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known[order], bars.ts, side="right") - 1
    values = eps["eps"][order]
    return np.where(place >= 0, values[np.maximum(place, 0)] if values.size else np.nan, np.nan)


@clean()
def session_vwap(df: Any) -> Any:
    """The volume-weighted price of the session so far."""
    days = df.index.normalize()
    value = (df["close"] * df["volume"]).groupby(days).cumsum()
    return df["close"] / (value / df["volume"].groupby(days).cumsum()) - 1


@clean()
def pivot_of_yesterday(df: Any) -> Any:
    """Pivot points of the last complete day."""
    import pandas as pd

    days = df.index.normalize()
    grouped = df.groupby(days)
    pivot = ((grouped["high"].max() + grouped["low"].min() + grouped["close"].last()) / 3).shift(1)
    return pd.Series(pivot.reindex(days).to_numpy(), index=df.index)


@clean()
def confirmed_fractal(high: Any) -> Any:
    """Williams fractals in the row that confirms them."""
    out = np.zeros(high.size)
    for t in range(4, high.size):
        out[t] = high[t - 2] == high[t - 4 : t + 1].max()
    return out


@clean()
def day_of_week(bars: Any) -> Any:
    """The day of the week, which follows dates and no prices."""
    return (bars.ts // DAY_NS + 3) % 7


@clean("strategy")
def first_of_the_month(bars: Any) -> Any:
    """Equal weights at the first bar of each month."""
    months = bars.ts.astype("datetime64[ns]").astype("datetime64[M]").astype(int)
    rows = np.flatnonzero(np.r_[True, months[1:] != months[:-1]])
    return rows, np.full((rows.size, bars.n_assets), 1.0 / bars.n_assets)


@clean("strategy")
def close_above_mean(bars: Any) -> Any:
    """Long above the mean of the last ten closes."""
    mean = np.full(bars.close.shape, np.nan)
    for t in range(9, bars.n_bars):
        mean[t] = bars.close[t - 9 : t + 1].mean(axis=0)
    return (bars.close > mean).astype(np.int8)


@clean("strategy")
def alive_so_far(bars: Any) -> Any:
    """Holds what has had a price in the last five bars and rises."""
    known = ~np.isnan(bars.close)
    recent = np.zeros_like(known)
    for t in range(bars.n_bars):
        recent[t] = known[max(0, t - 4) : t + 1].any(axis=0)
    rising = np.vstack([np.zeros((1, bars.n_assets), bool), np.diff(bars.close, axis=0) > 0])
    return (rising & recent).astype(np.int8)


@clean("strategy")
def sorted_by_past(bars: Any) -> Any:
    """Buys the instrument whose return of the last month was best."""
    out = np.full(bars.close.shape, np.nan)
    for t in range(20, bars.n_bars, 20):
        gain = np.nan_to_num(bars.close[t] / bars.close[t - 20], nan=-1.0)
        out[t] = 0.0
        out[t, int(np.argmax(gain))] = float(gain.max() > 1)
    return out


@clean()
def adjusted_so_far(bars: Any) -> Any:
    """Prices multiplied by the splits up to each bar."""
    close = bars.close.copy()
    for action in bars.actions:
        if str(action.kind) == "split":
            close[bars.ts >= action.ts, bars.instruments.index(action.instrument)] *= action.value
    return close


def _columns(bars: Any) -> Any:
    close = np.where(np.isnan(bars.close[:, 0]), 100.0, bars.close[:, 0])
    change = np.r_[0.0, np.diff(np.log(close))]
    return np.column_stack([np.r_[np.zeros(k), change[: change.size - k]] for k in range(5)]), np.r_[change[1:], 0.0]


@clean("model")
def walk_forward_fit(bars: Any) -> Any:
    """Fitted anew every sixty rows, on targets that are known by then."""
    x, y = _columns(bars)
    out = np.full(bars.n_bars, np.nan)
    for start in range(120, bars.n_bars, 60):
        rows = slice(0, start)  # the target of row start - 1 is known at row start
        weights = np.linalg.lstsq(x[rows], y[rows], rcond=None)[0]
        # One row at a time: a product of a block may add up in another order when the block is shorter.
        for t in range(start, min(start + 60, bars.n_bars)):
            out[t] = float(x[t] @ weights)
    return out


@clean("model")
def block_product(bars: Any) -> Any:
    """Predictions by one matrix product, whose last bits may depend on its length."""
    x, _ = _columns(bars)
    wide = np.hstack([x**k for k in range(1, 13)])
    return wide @ np.linspace(-1.0, 1.0, wide.shape[1])


@clean("model")
def scaler_of_the_past(bars: Any) -> Any:
    """A scaler and components fitted on the first hundred rows."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, _ = _columns(bars)
    out = np.full((bars.n_bars, 2), np.nan)
    if bars.n_bars > 100:
        model = make_pipeline(StandardScaler(), PCA(2, svd_solver="full")).fit(x[:100])
        out[100:] = model.transform(x[100:])
    return out


@clean("model")
def seeded_forest(bars: Any) -> Any:
    """A forest with a seed, fitted once on the first 150 rows."""
    from sklearn.ensemble import RandomForestRegressor

    x, y = _columns(bars)
    out = np.full(bars.n_bars, np.nan)
    if bars.n_bars > 150:
        forest = RandomForestRegressor(4, max_depth=3, random_state=1).fit(x[:149], y[:149])
        out[150:] = forest.predict(x[150:])
    return out


@clean("model")
def kalman_filter(bars: Any) -> Any:
    """The level by a Kalman filter."""
    close = np.log(np.where(np.isnan(bars.close[:, 0]), 100.0, bars.close[:, 0]))
    level = np.empty(close.size)
    m, p = close[0], 1.0
    for t, seen in enumerate(close):
        p += 1e-4
        gain = p / (p + 1e-3)
        m, p = m + gain * (seen - m), (1 - gain) * p
        level[t] = m
    return level


@clean("model")
def filtered_states(bars: Any) -> Any:
    """State probabilities of a hidden Markov model given the past."""
    change = _columns(bars)[0][:, 0]
    density = np.column_stack([np.exp(-0.5 * (change / s) ** 2) / s for s in (0.01, 0.03)]) + 1e-12
    move = np.array([[0.95, 0.05], [0.05, 0.95]])
    out, state = np.empty_like(density), np.array([0.5, 0.5])
    for t, d in enumerate(density):
        state = (state @ move) * d
        state = state / state.sum()
        out[t] = state
    return out[:, 1]


@clean("model", factory=True)
def standard_scaler() -> Any:
    """The scaler of scikit-learn, fitted on the past."""
    from sklearn.preprocessing import StandardScaler

    return StandardScaler()


@clean("model", factory=True)
def logistic_regression() -> Any:
    """A logistic regression, fitted on the past."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


def _noise() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).normal(size=(300, 3)).cumsum(axis=0)


@clean("model", factory=True, data=_noise(), fit_rows=200)
def scaler_fitted_on_past() -> Any:
    """A fitted scaler that has seen the training rows only."""
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit(_noise()[:200])


@clean("splitter", factory=True, embargo=6)
def purged_folds() -> Any:
    """Purged folds with an embargo."""
    from tradewright.models.validation import PurgedKFold

    return PurgedKFold(5, embargo=6)


@clean("splitter", factory=True, horizon=10)
def long_gap() -> Any:
    """A gap as long as the labels, less the row that only touches."""
    from sklearn.model_selection import TimeSeriesSplit

    return TimeSeriesSplit(5, gap=9)


@clean("splitter", factory=True, horizon=1)
def known_in_time() -> Any:
    """Labels of one bar are known when the test begins: no gap is needed."""
    from sklearn.model_selection import TimeSeriesSplit

    return TimeSeriesSplit(5)


@clean("label")
def honest_span(bars: Any) -> Any:
    """Labels that end where they say."""
    rows = np.arange(bars.n_bars - 5)
    return {"t0": rows, "t1": rows + 5, "label": np.nan_to_num(np.sign(bars.close[rows + 5, 0] - bars.close[rows, 0]))}


@clean("label", horizon=3)
def array_with_horizon(bars: Any) -> Any:
    """One label a bar, all over three rows."""
    out = np.full(bars.n_bars, np.nan)
    out[:-3] = bars.close[3:, 0] > bars.close[:-3, 0]
    return out


@clean()
def seeded_noise(close: Any) -> Any:
    """Noise with a seed, drawn row by row."""
    return close * (1 + 1e-6 * np.random.default_rng(4).normal(size=close.size))


@clean()
def timed_work(close: Any) -> Any:
    """Looks at the clock to say how long it took, and answers the same at any time."""
    begin = time.perf_counter()
    out = np.r_[np.nan, np.diff(close)]
    took = time.perf_counter() - begin
    assert took >= 0.0
    return out


class Breakout(Strategy):
    """Bar by bar: buys a close above the highest of its last ten, sells below their mean."""

    def warm_up(self) -> int:
        """Eleven bars."""
        return 11

    def init(self, bars: Any) -> None:
        """One indicator and a list of its own."""
        self.mean = self.indicator("sma", 10)
        self.seen: list[float] = []

    def on_bar(self, ctx: Any) -> None:
        """Decide on what has closed."""
        now = float(ctx.close)
        before, self.seen = self.seen, [*self.seen[-9:], now]
        if len(before) < 10 or self.mean.now != self.mean.now:
            return
        if now > max(before) and not ctx.position:
            ctx.buy()
        elif now < self.mean.now and ctx.position:
            ctx.close_position()


@clean("strategy", factory=True)
def breakout_bar_by_bar() -> Any:
    """A bar-by-bar strategy with memory of its own."""
    return Breakout
