"""Adjusting for splits and dividends: laws over drawn prices, and the adjusted closes of others as oracles."""

from __future__ import annotations

import csv
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewright.data import load
from tradewright.data.adjust import action_rows, adjust, factors, unadjust
from tradewright.domain.actions import ActionKind, CorporateAction
from tradewright.domain.bars import Bars, Provenance
from tradewright.domain.errors import InconsistentDataError, InputError
from tradewright.domain.instrument import Instrument

DAY = 86_400_000_000_000
X = Instrument("X")
FIELDS = ("open", "high", "low", "close", "volume")


def _bars(closes: Any, first: str = "2024-01-02", volume: Any = None) -> Bars:
    prices = np.asarray(closes, dtype=np.float64)
    stamps = np.datetime64(first, "ns").astype(np.int64) + np.arange(len(prices)) * DAY
    return Bars.from_arrays(
        stamps, prices, prices, prices, prices, volume, instruments=X, interval_ns=DAY,
        provenance=Provenance("drawn", adjusted="raw"),
    )  # fmt: skip


def _action(row: int, kind: str, value: float, *, early: int = 0) -> CorporateAction:
    ts = int(np.datetime64("2024-01-02", "ns").astype(np.int64)) + row * DAY - early
    return CorporateAction(ts=ts, instrument=X, kind=ActionKind(kind), value=value)


@st.composite
def histories(draw: Any) -> tuple[Bars, list[CorporateAction]]:
    """Raw prices with holes, and splits and dividends anywhere among them, several on one day too."""
    n = draw(st.integers(4, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    price, close, actions = 100.0, np.empty(n), []
    for row in range(n):
        price *= float(np.exp(rng.normal(0.0, 0.02)))
        for _ in range(int(rng.choice([0, 0, 0, 1, 2]))):
            if rng.random() < 0.4:
                ratio = float(rng.choice([2.0, 7.0, 1.5, 0.1]))
                price /= ratio
                actions.append(_action(row, "split", ratio, early=int(rng.integers(0, 3)) * 1000))
            else:
                actions.append(_action(row, "dividend", price * float(rng.uniform(0.001, 0.02)),
                                       early=int(rng.integers(0, 3)) * 1000))  # fmt: skip
        close[row] = price
    holes = rng.random(n) < 0.15
    if holes.all():
        holes[0] = False
    close[holes] = np.nan
    bars = _bars(close, volume=np.round(rng.lognormal(8.0, 1.0, n)))
    return bars, sorted(actions, key=lambda action: action.ts)


@settings(max_examples=150, deadline=None)
@given(
    histories(),
    st.sampled_from(["split", "split+dividend"]),
    st.sampled_from(["previous_close", "ex_close"]),
    st.sampled_from(["backward", "forward"]),
)
def test_undoing_an_adjustment_gives_the_prices_that_were_quoted(
    history: Any, kind: str, rule: str, direction: str
) -> None:
    bars, actions = history
    how: dict[str, Any] = {"kind": kind, "rule": rule, "direction": direction}
    made = adjust(bars, actions, **how)
    again = unadjust(made, actions, **how)
    for name in FIELDS:
        np.testing.assert_allclose(getattr(again, name), getattr(bars, name), rtol=1e-9, err_msg=name)
    assert again.provenance.adjusted == "raw"


def _holding_returns(bars: Bars, actions: list[CorporateAction], rule: str) -> np.ndarray[Any, Any]:
    """Returns from close to close of somebody who counts shares and cash, told without any factor.

    ex_close: cash that came in buys shares at the close it is known at. previous_close: the dividend was never in the
    price that was paid, so the return is on what was left of it.
    """
    known = np.flatnonzero(np.isfinite(bars.close[:, 0]))
    out = []
    for before, after in zip(known[:-1].tolist(), known[1:].tolist(), strict=True):
        shares, cash = 1.0, 0.0
        for action in actions:
            if bars.ts[before] < action.ts <= bars.ts[after]:
                if action.kind is ActionKind.SPLIT:
                    shares *= action.value
                else:
                    cash += shares * action.value
        old, new = float(bars.close[before, 0]), float(bars.close[after, 0])
        out.append((shares * new + cash) / old if rule == "ex_close" else shares * new / (old - cash))
    return np.array(out) - 1.0


@settings(max_examples=150, deadline=None)
@given(
    histories(), st.sampled_from(["previous_close", "ex_close"]), st.sampled_from(["backward", "forward"])
)  # fmt: skip
def test_returns_of_adjusted_prices_are_those_of_a_holder(history: Any, rule: str, direction: str) -> None:
    """The exact meaning of both rules, whatever falls on one day and wherever bars are missing."""
    bars, actions = history
    actions = sorted(actions, key=lambda action: (action.ts, action.kind is ActionKind.DIVIDEND))
    close = adjust(bars, actions, rule=rule, direction=direction).close[:, 0]
    close = close[np.isfinite(close)]
    np.testing.assert_allclose(close[1:] / close[:-1] - 1.0, _holding_returns(bars, actions, rule), atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(histories(), st.integers(0, 40), st.sampled_from(["previous_close", "ex_close"]))
def test_later_actions_are_invisible(history: Any, day: int, rule: str) -> None:
    """As of a date, the bars are those of a world in which nothing else was announced."""
    bars, actions = history
    as_of = int(bars.ts[0]) + day * DAY
    seen = adjust(bars, actions, as_of=as_of, rule=rule)
    known = adjust(bars, [a for a in actions if a.ts <= as_of], as_of=as_of, rule=rule)
    for name in FIELDS:
        assert np.array_equal(getattr(seen, name), getattr(known, name), equal_nan=True), name
    assert {a.ts for a in seen.actions if a.ts > as_of} == {a.ts for a in actions if a.ts > as_of}


@settings(max_examples=80, deadline=None)
@given(histories())
def test_money_traded_does_not_depend_on_splits(history: Any) -> None:
    bars, actions = history
    made = adjust(bars, actions, kind="split")
    np.testing.assert_allclose(made.close * made.volume, bars.close * bars.volume, rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(histories())
def test_dividends_left_in_split_adjusted_prices_are_restated(history: Any) -> None:
    """Splits out of the prices first and dividends afterwards is both at once."""
    bars, actions = history
    once = adjust(bars, actions)
    twice = adjust(adjust(bars, actions, kind="split"))
    np.testing.assert_allclose(twice.close, once.close, rtol=1e-12)
    assert {str(a.kind) for a in adjust(bars, actions, kind="split").actions} <= {"dividend"}
    assert once.actions == ()


# --- by hand ------------------------------------------------------------------------------------------


def test_factors_by_hand() -> None:
    """A dividend of 2 at 100, then 7 for one with 0.7 per new share on the same day."""
    bars = _bars([100.0, 99.0, 700.0, 100.0], volume=[1.0, 1.0, 1.0, 7.0])
    actions = [_action(1, "dividend", 2.0), _action(3, "split", 7.0), _action(3, "dividend", 0.7)]
    made = factors(bars, actions)
    late = (700 / 7 - 0.7) / 700
    assert made.price[:, 0].tolist() == pytest.approx([late * 0.98, late, late, 1.0])
    assert made.volume[:, 0].tolist() == [7.0, 7.0, 7.0, 1.0]
    made = factors(bars, actions, rule="1+d/C_t")
    late = 1 / 7 / 1.007
    assert made.price[:, 0].tolist() == pytest.approx([late / (1 + 2 / 99), late, late, 1.0])
    assert made.rule == "ex_close"
    forward = factors(bars, actions, rule="1 - d/C_prev", direction="forward")
    assert forward.price[:, 0].tolist() == pytest.approx([1.0, 1 / 0.98, 1 / 0.98, 700 / (99.3 * 0.98)])


def test_a_dividend_before_the_split_of_its_bar_is_per_old_share() -> None:
    """Friday's dividend of 7 and Monday's seven for one meet the same bar: 1 per new share."""
    bars = _bars([70.0, 9.0])
    old = [_action(1, "dividend", 7.0, early=5000), _action(1, "split", 7.0)]
    new = [_action(1, "dividend", 1.0), _action(1, "split", 7.0)]
    assert factors(bars, old).price[0, 0] == pytest.approx(factors(bars, new).price[0, 0])
    carried = replace(bars, actions=tuple(old))
    assert [(str(a.kind), value) for _, _, a, value in action_rows(carried)] == [("split", 7.0), ("dividend", 1.0)]


def test_without_a_bar_on_the_ex_date_the_next_one_takes_its_place() -> None:
    bars = _bars([100.0, np.nan, 49.0])
    made = factors(bars, [_action(1, "split", 2.0), _action(1, "dividend", 1.0)])
    assert made.steps[0].row == 2
    assert made.price[0, 0] == pytest.approx(0.5 * (1 - 1 / 50))


@pytest.mark.parametrize("rule", ["previous_close", "ex_close"])
def test_a_dividend_as_large_as_the_price_is_refused(rule: str) -> None:
    bars = _bars([100.0, 50.0, 1.0])
    with pytest.raises(InconsistentDataError, match=r"X pays 50 per share on 2024-01-04, but its price before was 50"):
        factors(bars, [_action(1, "split", 2.0), _action(2, "dividend", 50.0)], rule=rule)


def test_actions_before_the_first_bar_change_nothing() -> None:
    bars = _bars([100.0, 50.0])
    made = factors(bars, [_action(0, "split", 2.0), _action(0, "dividend", 500.0)])
    assert made.price.tolist() == [[1.0], [1.0]]
    assert made.steps == ()


def test_an_action_after_the_last_bar_waits_for_its_date() -> None:
    bars = _bars([100.0, 102.0])
    split, paid = _action(3, "split", 2.0), _action(4, "dividend", 1.0)
    assert adjust(bars, [split, paid]).close[:, 0].tolist() == [100.0, 102.0]
    seen = adjust(bars, [split, paid], as_of="2024-02-01")
    assert seen.close[:, 0].tolist() == pytest.approx([50.0 * (1 - 1 / 51), 51.0 * (1 - 1 / 51)])
    waiting = adjust(bars, [split, paid], as_of="2024-02-01", rule="ex_close")
    assert waiting.close[:, 0].tolist() == [50.0, 51.0], "its close is not known yet"
    assert [str(action.kind) for action in waiting.actions] == ["dividend"]


def test_a_delisting_is_kept_per_share_of_the_adjusted_prices() -> None:
    bars = _bars([100.0, 50.0, 40.0])
    gone = _action(2, "delisting", 10.0)
    actions = [_action(1, "split", 2.0), gone]
    assert adjust(bars, actions).actions == (gone,)
    assert adjust(bars, actions, direction="forward").actions[0].value == 20.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rule": "ex_clos"}, "did you mean 'ex_close'"),
        ({"kind": "splits"}, "did you mean 'split'"),
        ({"direction": "sideways"}, "backward, forward"),
        ({"as_of": "soon"}, "is not an ISO date"),
    ],
)
def test_unknown_words_are_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        adjust(_bars([1.0, 2.0]), [_action(1, "split", 2.0)], **change)


def test_prices_that_are_adjusted_already_are_refused() -> None:
    bars = _bars([1.0, 2.0])
    done = bars.with_provenance(replace(bars.provenance, adjusted="split"))
    with pytest.raises(InputError, match="count it twice"):
        adjust(done, [_action(1, "split", 2.0)])
    assert adjust(done, [_action(1, "dividend", 0.1)]).provenance.adjusted == "split+dividend"


# --- oracles ------------------------------------------------------------------------------------------


def _column(rows: list[dict[str, str]], name: str) -> np.ndarray[Any, Any]:
    return np.array([float(row[name] or "nan") for row in rows])


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name",
    [
        *(f"us_daily_yahoo_2010_2025/{name}" for name in ("ABBV", "ACN", "AVGO", "BA", "CVX", "CAT", "DIS")),
        "backtrader/orcl-1995-2014",
        "backtrader/nvda-1999-2014",
    ],
)
def test_yahoo_divides_by_the_previous_close(shared_data: Path, name: str) -> None:
    """Dividends implied by adjusted closes are round amounts under one rule, and that rule gives the closes back.

    The amounts are read off under ``1 - d / C_prev``, rounded to a tenth of a cent and put through `adjust`. Under the
    other rule the same column needs amounts that no company pays, and the rounded ones do not give it back.
    """
    with gzip.open(shared_data / "restricted" / f"{name}.csv.gz", "rt") as file:
        rows = [{key.lower().replace(" ", "_"): cell for key, cell in row.items()} for row in csv.DictReader(file)]
    close, told = _column(rows, "close"), _column(rows, "adj_close")
    kept = told / close
    step = kept[:-1] / kept[1:]
    at = np.flatnonzero(step < 1.0 - 5e-4)
    ours, theirs = (1.0 - step[at]) * close[at], (1.0 / step[at] - 1.0) * close[at + 1]
    rounded = np.round(ours, 3)
    assert np.median(np.abs(ours - rounded)) < np.median(np.abs(theirs - np.round(theirs, 3))) / 10
    days = np.array([row["date"] for row in rows], dtype="datetime64[D]")
    bars = Bars.from_arrays(days, close, close, close, close, instruments=X, interval_ns=DAY)
    actions = [
        CorporateAction(ts=int(bars.ts[t + 1]), instrument=X, kind=ActionKind.DIVIDEND, value=float(d))
        for t, d in zip(at, rounded, strict=True)
    ]
    assert len(actions) >= 9
    right, wrong = (
        np.abs(adjust(bars, actions, rule=rule).close[:, 0] / told * (told[-1] / close[-1]) - 1.0).max()
        for rule in ("previous_close", "ex_close")
    )
    assert right < 1.5e-4, "what the source rounds adds up over the years"
    assert wrong > 3 * right


@pytest.mark.shared_data
def test_raw_prices_adjust_to_the_split_adjusted_ones_of_another_source(shared_data: Path) -> None:
    """AAPL of 2014: quoted prices of one source, adjusted for the split, are the adjusted prices of another."""
    folder = shared_data / "open" / "corporate_actions"
    raw = load("AAPL", data=folder / "quandl_wiki_raw_4stocks_2014.csv.gz")
    other = load(data=folder / "AAPL_daily_2012_2014_dividend_split.csv.gz", start="2014-01-02", validate=False)
    made = adjust(raw, kind="split")
    assert np.array_equal(made.ts, other.ts)
    for name in ("open", "high", "close"):
        np.testing.assert_allclose(getattr(made, name), getattr(other, name), rtol=2e-4, err_msg=name)
    assert (np.abs(made.low / other.low - 1.0) > 2e-4).sum() == 2, "two lows are other lows in the second source"
    assert (np.abs(made.volume / other.volume - 1.0) > 0.02).sum() == 1, "and one volume"
    with gzip.open(folder / "AAPL_daily_2012_2014_dividend_split.csv.gz", "rt") as file:
        paid = [float(row["dividend"]) for row in csv.DictReader(file) if row["date"] >= "2014"]
    ours = [action.value for action in made.actions]
    assert ours == pytest.approx([amount for amount in paid if amount], rel=1e-4), "dividends restated per new share"
    back = unadjust(made, raw.actions, kind="split")
    np.testing.assert_allclose(back.close, raw.close, rtol=1e-14)


@pytest.mark.shared_data
def test_an_adjusted_close_column_is_the_same_ratio_for_all_prices(shared_data: Path) -> None:
    """`adjust=True` of the loader and the dividends implied by the same column agree on returns."""
    path = shared_data / "restricted" / "us_daily_yahoo_2010_2025" / "KO.csv.gz"
    plain, scaled = load(data=path, validate=False), load(data=path, adjust=True, validate=False)
    ratio = scaled.close / plain.close
    np.testing.assert_allclose(scaled.open / plain.open, ratio, rtol=1e-9)
    assert scaled.provenance.adjusted == "split+dividend"
