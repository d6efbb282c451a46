"""Planted leaks, each as users write them by mistake, for examiners of examiners.

Entry points: `planted_leaks`, `Planted`; the causal twins are in `tradewright.testing.controls`.

Invariants: every subject here looks ahead (or depends on what it must not) in the one way that its name says, and in no
other; each says by which rule it is to be found.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from tradewright.strategies.base import Strategy

__all__ = ["Planted", "earnings", "planted_leaks"]


@dataclass(frozen=True, slots=True)
class Planted:
    """A subject and how it is to be judged.

    Parameters
    ----------
    name, about : str
    kind : str
        As `tradewright.check_lookahead` takes it.
    subject : object
        A function, class or object; where `factory`, a function that makes it.
    rules : tuple of str
        Rules of which one at least must be found; empty for a clean control.
    looks_ahead : int or None
        Rows, where that is certain.
    options : mapping
        Further arguments of `tradewright.check_lookahead`.
    """

    name: str
    about: str
    kind: str
    subject: Any
    rules: tuple[str, ...] = ("future",)
    looks_ahead: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    factory: bool = False

    def make(self) -> Any:
        """Return the subject."""
        return self.subject() if self.factory else self.subject


_LEAKS: Final[dict[str, Planted]] = {}
Function = Callable[..., Any]


def leak(
    kind: str = "feature", *rules: str, ahead: int | None = None, factory: bool = False, **options: Any
) -> Callable[[Function], Function]:
    """Register a leak under the name of its function; its docstring says what is wrong."""

    def register(function: Function) -> Function:
        about = (function.__doc__ or "").strip().splitlines()[0]
        name = function.__name__
        _LEAKS[name] = Planted(name, about, kind, function, rules or ("future",), ahead, options, factory)
        return function

    return register


def planted_leaks() -> tuple[Planted, ...]:
    """All planted leaks, in the order of this file.

    Examples
    --------
    >>> import tradewright as tw
    >>> item = planted_leaks()[0]
    >>> item.name, tw.check_lookahead(item.make(), kind=item.kind, **item.options).rules
    ('negative_shift', ('future',))
    >>> len(planted_leaks()) >= 40
    True
    """
    return tuple(_LEAKS.values())


# --- shifts and windows ---------------------------------------------------------------------------


@leak(ahead=1)
def negative_shift(df: Any) -> Any:
    """The return of the next bar, by shift(-1)."""
    return df["close"].pct_change().shift(-1)


@leak(ahead=5)
def forward_return(close: Any) -> Any:
    """The return of the next five bars as a feature."""
    out = np.full(close.size, np.nan)
    out[:-5] = close[5:] / close[:-5] - 1
    return out


@leak(ahead=2)
def centred_window(df: Any) -> Any:
    """A rolling mean with center=True."""
    return df["close"].rolling(5, center=True).mean()


@leak(ahead=4)
def same_convolution(close: Any) -> Any:
    """A moving average by np.convolve(mode="same"), which is centred."""
    return np.convolve(close, np.ones(9) / 9, mode="same")


@leak(ahead=1)
def central_gradient(close: Any) -> Any:
    """The slope by np.gradient, which takes both neighbours."""
    return np.gradient(np.log(close))


@leak()
def rolled_around(close: Any) -> Any:
    """A lag by np.roll, whose first row is the last close of all."""
    return close / np.roll(close, 1) - 1


@leak(ahead=5)
def savitzky_golay(close: Any) -> Any:
    """A Savitzky-Golay filter, which is centred."""
    from scipy.signal import savgol_filter

    return savgol_filter(close, 11, 2, mode="nearest")


@leak(ahead=1)
def sparse_peek(close: Any) -> Any:
    """A trend rule that skips entries which the next bar would punish: it peeks in one row of twenty."""
    above = np.zeros(close.size)
    for t in range(10, close.size):
        above[t] = close[t] > close[t - 10 : t].mean()
    entries = (above == 1) & (np.r_[0, above[:-1]] == 0)
    falls = np.r_[close[1:] < close[:-1], False]
    above[entries & falls] = 0
    return above


# --- statistics of the whole sample -----------------------------------------------------------------


@leak()
def whole_sample_zscore(close: Any) -> Any:
    """A z-score with mean and deviation of all rows."""
    returns = np.r_[0.0, np.diff(np.log(close))]
    return (returns - np.nanmean(returns)) / np.nanstd(returns)


@leak()
def minmax_on_all(close: Any) -> Any:
    """A min-max scaler fitted on all rows."""
    from sklearn.preprocessing import MinMaxScaler

    return MinMaxScaler().fit_transform(np.nan_to_num(close).reshape(-1, 1))[:, 0]


@leak()
def global_quantile(close: Any) -> Any:
    """A threshold at the 90 % quantile of all rows."""
    returns = np.r_[0.0, np.diff(np.log(close))]
    return returns > np.nanquantile(returns, 0.9)


@leak()
def full_detrend(close: Any) -> Any:
    """The residual of a regression over all rows."""
    x = np.arange(close.size)
    known = np.isfinite(close)
    return np.log(close) - np.polyval(np.polyfit(x[known], np.log(close[known]), 1), x)


@leak()
def fft_filter(close: Any) -> Any:
    """A low-pass filter by the Fourier transform of all rows."""
    spectrum = np.fft.rfft(np.nan_to_num(close, nan=100.0))
    spectrum[12:] = 0
    return np.fft.irfft(spectrum, close.size)


@leak()
def month_mean(df: Any) -> Any:
    """The mean of the month by groupby.transform, known on its first day."""
    months = df.index.year * 12 + df.index.month
    return df["close"] / df["close"].groupby(months).transform("mean") - 1


@leak()
def final_maximum(close: Any) -> Any:
    """The distance to the highest close of all."""
    return close / np.nanmax(close) - 1


@leak()
def future_minimum(close: Any) -> Any:
    """A running minimum from the end: whether a stop will be hit."""
    later = np.minimum.accumulate(np.nan_to_num(close, nan=1e9)[::-1])[::-1]
    return later / close - 1


@leak("strategy")
def sized_by_all(bars: Any) -> Any:
    """Weights scaled by the volatility of the whole sample."""
    returns = np.diff(np.log(bars.close), axis=0)
    trend = np.sign(returns[4:])
    return np.arange(5, bars.n_bars), np.nan_to_num(trend * 0.01 / np.nanstd(returns, axis=0)).clip(-1, 1)


@leak()
def best_window(close: Any) -> Any:
    """A momentum whose window was chosen on the whole sample."""

    def momentum(window: Any) -> Any:
        out = np.zeros(close.size)
        out[window:] = close[window:] / close[:-window] - 1
        return out

    later = np.r_[np.diff(np.log(close)), 0.0]
    scores = [np.nansum(momentum(w) * later) for w in range(2, 40)]
    return momentum(2 + int(np.argmax(scores)))


# --- filling, joining, resampling -------------------------------------------------------------------


def _with_gaps(series: Any) -> Any:
    return series.where(np.arange(len(series)) % 7 < 4)


@leak()
def backward_fill(df: Any) -> Any:
    """Gaps filled backward."""
    return _with_gaps(df["close"]).bfill()


@leak()
def interpolated(df: Any) -> Any:
    """Gaps filled by interpolation between the values around them."""
    return _with_gaps(df["close"]).interpolate()


@leak()
def nearest_join(df: Any) -> Any:
    """Weekly values joined to the nearest date, which may be a later one."""
    import pandas as pd

    weekly = df[["close"]].iloc[::5].rename(columns={"close": "weekly"}).reset_index()
    times = pd.DataFrame({"time": df.index})
    found = pd.merge_asof(times, weekly, on="time", direction="nearest")
    return pd.Series(found["weekly"].to_numpy(), index=df.index)


@leak()
def left_labels(df: Any) -> Any:
    """Weekly closes labelled with the beginning of the week."""
    weekly = df["close"].resample("W-FRI", label="left").last()
    return weekly.reindex(df.index, method="ffill")


@leak()
def unclosed_timeframe(df: Any) -> Any:
    """The close of the day, joined to its hours from the first on."""
    import pandas as pd

    days = df.index.normalize()
    daily = df["close"].groupby(days).last().rolling(3).mean()
    return pd.Series(daily.reindex(days).to_numpy(), index=df.index)


@leak()
def packed_before_shift(close: Any) -> Any:
    """Missing rows dropped before a shift, so that values slide to earlier rows."""
    change = np.where(np.arange(close.size) % 9 == 4, np.nan, np.r_[0.0, np.diff(np.log(close))])
    packed = change[~np.isnan(change)]
    out = np.full(close.size, np.nan)
    out[1 : packed.size + 1] = packed[: close.size - 1]
    return out


def earnings(n: int = 24) -> dict[str, Any]:
    """Quarterly earnings with the day they are about, the day they were published, and later restatements.

    Examples
    --------
    >>> table = earnings(4)
    >>> bool((table["known_at"] > table["period"]).all())
    True
    """
    rng = np.random.default_rng(5)
    period = np.datetime64("2015-01-30") + np.arange(n) * np.timedelta64(28, "D")
    value = rng.normal(1.0, 0.3, n)
    days = np.timedelta64(1, "D")
    return {
        "period": np.concatenate([period, period]).astype("datetime64[ns]"),
        "known_at": np.concatenate([period + 20 * days, period + 75 * days]).astype("datetime64[ns]"),
        "eps": np.concatenate([value, value * rng.normal(1.0, 0.2, n)]),
    }


@leak("feature", "facts", facts={"eps": earnings()})
def late_publication(bars: Any, eps: Any) -> Any:
    """Earnings joined by the quarter they are about, weeks before they were published."""
    half = len(eps["period"]) // 2
    first = np.argsort(eps["known_at"], kind="stable")
    keep: dict[int, float] = {}
    for k in first:
        keep.setdefault(int(eps["period"][k].astype(np.int64)), float(eps["eps"][k]))
    periods = np.array(sorted(keep), dtype=np.int64)
    values = np.array([keep[p] for p in periods.tolist()])
    place = np.searchsorted(periods, bars.ts, side="right") - 1
    del half
    return np.where(place >= 0, values[np.maximum(place, 0)] if values.size else np.nan, np.nan)


@leak("feature", "facts", facts={"eps": earnings()})
def restated_values(bars: Any, eps: Any) -> Any:
    """Earnings from the day of the first report, with the values of later restatements."""
    order = np.argsort(eps["known_at"], kind="stable")
    first: dict[int, int] = {}
    last: dict[int, float] = {}
    for k in order:
        period = int(eps["period"][k].astype(np.int64))
        first.setdefault(period, int(eps["known_at"][k].astype(np.int64)))
        last[period] = float(eps["eps"][k])
    out = np.full(bars.n_bars, np.nan)
    for period, known in first.items():
        out[bars.ts >= known] = last[period]
    return out


# --- sessions and calendars -------------------------------------------------------------------------


@leak()
def day_vwap(df: Any) -> Any:
    """The volume-weighted price of the whole day, in each of its hours."""
    days = df.index.normalize()
    value = (df["close"] * df["volume"]).groupby(days).transform("sum")
    return df["close"] / (value / df["volume"].groupby(days).transform("sum")) - 1


@leak()
def same_day_pivot(df: Any) -> Any:
    """Pivot points of the day that is still going on."""
    days = df.index.normalize()
    high, low = df["high"].groupby(days).transform("max"), df["low"].groupby(days).transform("min")
    return (high + low + df["close"].groupby(days).transform("last")) / 3


@leak()
def day_volume_profile(df: Any) -> Any:
    """The price with the most volume of the whole day."""
    days = df.index.normalize()
    most = df["volume"].groupby(days).transform("max")
    level = df["close"].where(df["volume"] == most).groupby(days).transform("max")
    return df["close"] / level - 1


@leak("strategy", ahead=1)
def month_end_by_next_row(bars: Any) -> Any:
    """The last bar of a month, recognised by the month of the next one."""
    months = bars.ts.astype("datetime64[ns]").astype("datetime64[M]").astype(int)
    last = np.r_[months[1:] != months[:-1], False]
    rising = np.r_[np.zeros((1, bars.n_assets), bool), np.diff(bars.close, axis=0) > 0]
    return (last.reshape(-1, 1) & rising).astype(np.int8)


@leak(ahead=1)
def holiday_tomorrow(bars: Any) -> Any:
    """The day before a long weekend, from the stamps of later bars."""
    step = np.diff(bars.ts, append=bars.ts[-1])
    return (step > 2 * 86_400_000_000_000).astype(float)


# --- charts that need confirmation ------------------------------------------------------------------


@leak()
def zigzag(close: Any) -> Any:
    """Turning points of a zigzag, marked where they are and not where they are confirmed."""
    out = np.zeros(close.size)
    pivot, direction = 0, 0
    for t in range(1, close.size):
        move = close[t] / close[pivot] - 1
        if (direction >= 0 and close[t] > close[pivot]) or (direction <= 0 and close[t] < close[pivot]):
            if direction == 0 and abs(move) < 0.05:
                continue
            direction, pivot = (1 if close[t] > close[pivot] else -1), t
        elif abs(move) >= 0.05:
            out[pivot] = direction
            direction, pivot = -direction, t
    return out


@leak(ahead=2)
def unconfirmed_fractal(high: Any) -> Any:
    """Williams fractals in the row of their middle."""
    out = np.zeros(high.size)
    for t in range(2, high.size - 2):
        out[t] = high[t] == high[t - 2 : t + 3].max()
    return out


@leak(ahead=26)
def chikou_as_input(df: Any) -> Any:
    """The lagging span of Ichimoku, which is the close of 26 bars later."""
    return df["close"].shift(-26) > df["close"]


@leak("strategy", ahead=1)
def same_bar_fill(bars: Any) -> Any:
    """Buys at the close when the next open will be higher."""
    want = np.zeros(bars.close.shape, dtype=np.int8)
    want[:-1] = bars.open[1:] > bars.close[:-1]
    return want


# --- universes and corporate actions ----------------------------------------------------------------


@leak("strategy")
def survivors_only(bars: Any) -> Any:
    """Holds only what still has prices at the end."""
    alive = ~np.isnan(bars.close[-1])
    rising = np.vstack([np.zeros((1, bars.n_assets), bool), np.diff(bars.close, axis=0) > 0])
    return (rising & alive).astype(np.int8)


_INDEX_TODAY: Final = {"EXAM", "EXAM1", "AAPL", "MSFT"}


@leak("strategy", "names")
def constituents_of_today(bars: Any) -> Any:
    """Trades the past with the members that an index has today."""
    member = np.array([symbol.split(".")[0] in _INDEX_TODAY for symbol in bars.symbols])
    rising = np.vstack([np.zeros((1, bars.n_assets), bool), np.diff(bars.close, axis=0) > 0])
    return (rising & member).astype(np.int8)


@leak("strategy")
def sorted_by_future(bars: Any) -> Any:
    """Buys the instrument whose return of the next month is best."""
    out = np.full(bars.close.shape, np.nan)
    for t in range(0, bars.n_bars - 20, 20):
        gain = np.nan_to_num(bars.close[t + 20] / bars.close[t], nan=-1.0)
        out[t] = 0.0
        out[t, int(np.argmax(gain))] = 1.0
        if bars.n_assets == 1:
            out[t] = float(gain[0] > 1)
    return out


@leak()
def adjusted_by_later_splits(bars: Any) -> Any:
    """Prices of the past divided by splits that come later."""
    close = bars.close.copy()
    for action in bars.actions:
        if str(action.kind) == "split":
            j = bars.instruments.index(action.instrument)
            close[bars.ts < action.ts, j] /= action.value
    return close


# --- models -----------------------------------------------------------------------------------------


def _columns(bars: Any) -> Any:
    """Returns of the last five bars, and the sign of the next one."""
    close = np.where(np.isnan(bars.close[:, 0]), 100.0, bars.close[:, 0])
    change = np.r_[0.0, np.diff(np.log(close))]
    x = np.column_stack([np.r_[np.zeros(k), change[: change.size - k]] for k in range(5)])
    return x, np.r_[change[1:], 0.0]


@leak("model")
def pca_on_all(bars: Any) -> Any:
    """Components fitted on all rows."""
    from sklearn.decomposition import PCA

    x, _ = _columns(bars)
    return PCA(2, svd_solver="full").fit_transform(x)


@leak("model")
def selection_on_all(bars: Any) -> Any:
    """The feature that goes best with the target over all rows."""
    x, y = _columns(bars)
    return x[:, int(np.argmax([abs(np.sum(column * y)) for column in x.T]))] * np.sum(x[:, 0] * y)


@leak("model")
def target_encoding(bars: Any) -> Any:
    """The mean next return of each day of the week, over all rows."""
    _, y = _columns(bars)
    day = (bars.ts // 86_400_000_000_000 + 3) % 7
    return np.array([y[day == k].mean() if (day == k).any() else 0.0 for k in range(7)])[day]


@leak("model")
def fitted_in_sample(bars: Any) -> Any:
    """Predictions for the rows that the model was fitted on."""
    x, y = _columns(bars)
    return x @ np.linalg.lstsq(x, y, rcond=None)[0]


@leak("model")
def early_stopping_on_test(bars: Any) -> Any:
    """Boosting that is stopped where the test block is predicted best."""
    x, y = _columns(bars)
    out = np.full(bars.n_bars, np.nan)
    for start in range(120, bars.n_bars, 60):
        test = slice(start, min(start + 60, bars.n_bars))
        weights, best, kept = np.zeros(5), np.inf, np.zeros(5)
        for _ in range(40):
            weights = weights + 50.0 * x[: start - 1].T @ (y[: start - 1] - x[: start - 1] @ weights) / start
            loss = float(np.sum((y[test] - x[test] @ weights) ** 2))
            if loss < best:
                best, kept = loss, weights
        out[test] = x[test] @ kept
    return out


@leak("model", ahead=1)
def trained_on_tomorrow(bars: Any) -> Any:
    """A walk-forward fit whose last training target is the return of the first test bar."""
    x, y = _columns(bars)
    out = np.full(bars.n_bars, np.nan)
    for start in range(120, bars.n_bars, 20):
        rows = slice(0, start + 1)  # the target of row `start` is known one bar later
        weights = np.linalg.lstsq(x[rows], y[rows], rcond=None)[0]
        out[start : start + 20] = x[start : start + 20] @ weights
    return out


@leak("model")
def kalman_smoother(bars: Any) -> Any:
    """The level by a Kalman smoother, which goes back from the end."""
    close = np.log(np.where(np.isnan(bars.close[:, 0]), 100.0, bars.close[:, 0]))
    level, spread = np.empty(close.size), np.empty(close.size)
    m, p = close[0], 1.0
    for t, seen in enumerate(close):
        p += 1e-4
        gain = p / (p + 1e-3)
        m, p = m + gain * (seen - m), (1 - gain) * p
        level[t], spread[t] = m, p
    for t in range(close.size - 2, -1, -1):
        level[t] += spread[t] / (spread[t] + 1e-4) * (level[t + 1] - level[t])
    return level


@leak("model")
def smoothed_states(bars: Any) -> Any:
    """State probabilities of a hidden Markov model given all rows."""
    _, y = _columns(bars)
    change = np.r_[0.0, y[:-1]]
    density = np.column_stack([np.exp(-0.5 * (change / s) ** 2) / s for s in (0.01, 0.03)]) + 1e-12
    move = np.array([[0.95, 0.05], [0.05, 0.95]])
    ahead = np.empty_like(density)
    state = np.array([0.5, 0.5])
    for t, d in enumerate(density):
        state = (state @ move) * d
        state = state / state.sum()
        ahead[t] = state
    back = np.ones(2)
    for t in range(change.size - 2, -1, -1):
        back = move @ (density[t + 1] * back)
        back = back / back.sum()
        ahead[t] = ahead[t] * back / (ahead[t] * back).sum()
    return ahead[:, 1]


class BatchScaler:
    """Scales by the mean and deviation of whatever it is asked to transform."""

    def fit(self, x: Any, y: Any = None) -> BatchScaler:
        """Nothing is kept."""
        return self

    def transform(self, x: Any) -> Any:
        """Scaled by the batch itself."""
        return (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)


@leak("model", factory=True)
def scaler_of_the_batch() -> Any:
    """A transformer that standardises by the batch it is asked about."""
    return BatchScaler()


def _noise() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).normal(size=(300, 3)).cumsum(axis=0)


@leak("model", "fitted", factory=True, data=_noise(), fit_rows=200)
def scaler_fitted_on_all() -> Any:
    """A fitted scaler that has seen the test rows."""
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit(_noise())


# --- folds and labels -------------------------------------------------------------------------------


@leak("splitter", "overlap", factory=True)
def shuffled_split() -> Any:
    """A shuffled train and test split."""
    from sklearn.model_selection import ShuffleSplit

    return ShuffleSplit(3, test_size=0.25, random_state=0)


@leak("splitter", "overlap", factory=True)
def plain_folds() -> Any:
    """K folds without any purge."""
    from sklearn.model_selection import KFold

    return KFold(5)


@leak("splitter", "overlap", factory=True, horizon=10)
def short_purge() -> Any:
    """A gap of four rows before the test, where labels span ten."""
    from sklearn.model_selection import TimeSeriesSplit

    return TimeSeriesSplit(5, gap=4)


@leak("splitter", "embargo", factory=True, embargo=10)
def no_embargo() -> Any:
    """Purged folds without the embargo that was asked for."""
    from tradewright.models.validation import PurgedKFold

    return PurgedKFold(5, embargo=0)


@leak("label", "span")
def understated_span(bars: Any) -> Any:
    """Labels that say they end after three bars, but read five."""
    rows = np.arange(bars.n_bars - 5)
    return {"t0": rows, "t1": rows + 3, "label": np.nan_to_num(np.sign(bars.close[rows + 5, 0] - bars.close[rows, 0]))}


@leak("label", "span")
def barriers_of_all(bars: Any) -> Any:
    """Labels whose barriers are as wide as the volatility of all rows."""
    rows = np.arange(bars.n_bars - 5)
    width = np.nanstd(np.diff(np.log(bars.close[:, 0])))
    change = np.log(bars.close[rows + 5, 0] / bars.close[rows, 0]) / width
    return {"t0": rows, "t1": rows + 5, "label": change}


# --- what is not in the bars ------------------------------------------------------------------------


@leak("strategy", "length")
def flat_at_the_end(bars: Any) -> Any:
    """Closes its positions ten bars before the data ends."""
    want = np.r_[np.zeros((1, bars.n_assets)), np.diff(bars.close, axis=0) > 0].astype(np.int8)
    want[bars.n_bars - 10 :] = 0
    return want


_fitted: dict[str, float] = {}


@leak("feature", "memory")
def scaled_once(close: Any) -> Any:
    """A scale that is fitted at the first call and kept."""
    if "scale" not in _fitted:
        _fitted["scale"] = float(np.nanstd(close))
    return close / _fitted["scale"]


@leak("feature", "chance")
def unseeded_noise(close: Any) -> Any:
    """Noise without a seed."""
    return close * (1 + 1e-6 * np.random.default_rng().normal(size=close.size))


@leak("feature", "clock")
def age_of_a_bar(bars: Any) -> Any:
    """The age of each bar at the time of the call."""
    now = dt.datetime.now(dt.UTC).date()
    return (
        bars.close
        * (np.datetime64(now) - bars.ts.astype("datetime64[ns]").astype("datetime64[D]")).astype(float)[:, None]
    )


@leak("strategy", "independent")
def learned_by_heart(bars: Any) -> Any:
    """Signals that were made elsewhere and are read out by row number."""
    known = np.random.default_rng(11).integers(0, 2, 100_000)
    return np.repeat(known[: bars.n_bars, None], bars.n_assets, axis=1).astype(np.int8)


@leak("feature", "hidden")
def looked_up_by_date(bars: Any) -> Any:
    """Values of a private table, joined by date."""
    day = bars.ts // 86_400_000_000_000
    table = np.random.default_rng(12).normal(size=20_000)
    inside = (day >= 0) & (day < table.size)
    return np.where(inside, table[np.clip(day, 0, table.size - 1)], np.nan)


@leak("feature", "input")
def filled_in_place(df: Any) -> Any:
    """Writes into the frame it was given."""
    df.loc[df.index[:3], "close"] = 1.0
    return df["close"].rolling(3).mean()


class EarlyAverage(Strategy):
    """Answers from the second bar on, but says that it needs twenty."""

    def warm_up(self) -> int:
        """Twenty bars, it says."""
        return 20

    def signals(self, bars: Any) -> Any:
        """Long above the mean of all bars so far."""
        mean = np.cumsum(np.nan_to_num(bars.close), axis=0) / np.arange(1, bars.n_bars + 1)[:, None]
        return (bars.close > mean).astype(np.int8)


@leak("strategy", "warm_up", factory=True)
def dishonest_warm_up() -> Any:
    """Answers before the warm-up that it states."""
    return EarlyAverage


class Peeker(Strategy):
    """Keeps all bars and looks at the next one."""

    def init(self, bars: Any) -> None:
        """Keep the closes, the future among them."""
        self.closes = bars.close[:, 0]
        self.row = -1

    def on_bar(self, ctx: Any) -> None:
        """Buy before a rise, sell before a fall."""
        self.row += 1
        if self.row + 1 < self.closes.size and self.closes[self.row + 1] > self.closes[self.row]:
            if not ctx.position:
                ctx.buy()
        elif ctx.position:
            ctx.close_position()


@leak("strategy", factory=True)
def bars_kept_in_init() -> Any:
    """A bar-by-bar strategy that keeps all bars and reads the next one."""
    return Peeker
