"""Selection and limits are fitted inside of the fold; dated series and headlines know when they were known."""

from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewright.domain.errors import DataProviderError, InputError
from tradewright.features.dated import DatedSeries, read_series
from tradewright.features.fractional import fixed_window, whole_past

sklearn = pytest.importorskip("sklearn")
from sklearn.base import clone  # noqa: E402
from sklearn.linear_model import LinearRegression  # noqa: E402
from sklearn.model_selection import KFold, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402

from tradewright.features.selection import (  # noqa: E402
    ClusterSelector,
    MutualInformationSelector,
    PermutationSelector,
    VifSelector,
)
from tradewright.features.transformers import FractionalDifference, MadClipper, Winsoriser  # noqa: E402

NS = 1_000_000_000


@pytest.mark.parametrize(
    "selector",
    [ClusterSelector(threshold=0.08), MutualInformationSelector(k=10), PermutationSelector(LinearRegression(), cv=3)],
    ids=lambda s: type(s).__name__,
)
def test_selection_inside_of_the_fold_finds_no_skill_in_noise(selector: Any) -> None:
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(120, 150)), rng.normal(size=120)
    folds = KFold(5)
    honest = cross_val_score(make_pipeline(clone(selector), LinearRegression()), X, y, cv=folds, scoring="r2").mean()
    chosen = clone(selector).fit(X, y).transform(X)
    leaking = cross_val_score(LinearRegression(), chosen, y, cv=folds, scoring="r2").mean()
    assert honest < 0.0
    assert leaking > honest + 0.1, "the leak is what the pipeline prevents; the test must be able to see it"


@pytest.mark.parametrize(
    "item",
    [Winsoriser(), MadClipper(), VifSelector(), ClusterSelector(), MutualInformationSelector(k=2),
     FractionalDifference(grid=(0.0, 1.0), threshold=0.1)],
    ids=lambda s: type(s).__name__,
)  # fmt: skip
def test_what_is_fitted_depends_on_the_training_rows_only(item: Any) -> None:
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(200, 4)).cumsum(axis=0), rng.normal(size=200)
    one = clone(item).fit(X[:100], y[:100])
    before = {key: np.copy(value) for key, value in vars(one).items() if key.endswith("_")}
    one.transform(X[100:] * 1e6)
    for key, value in before.items():
        assert np.array_equal(getattr(one, key), value, equal_nan=value.dtype.kind == "f"), key


def test_limits_are_those_of_the_training_rows() -> None:
    X = np.arange(101.0)[:, None]
    assert Winsoriser(0.05, 0.95).fit(X).transform([[1e9], [-1e9], [50.0]]).ravel().tolist() == [95.0, 5.0, 50.0]
    flat = MadClipper().fit(np.ones((5, 1)))
    assert flat.transform([[1e9]]).item() == 1e9  # no spread says nothing about outliers
    with pytest.raises(InputError, match="low is"):
        Winsoriser(0.9, 0.1).fit(X)


def test_collinear_columns_leave_one_by_one() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 300))
    X = np.column_stack([a, b, a + b + 0.01 * rng.normal(size=300), rng.normal(size=300), np.ones(300)])
    found = VifSelector(limit=5.0).fit(X)
    assert found.get_support().sum() == 3
    assert found.get_support()[3]
    assert not found.get_support()[4]


def test_windows_that_follow_reach_back_into_the_training_rows() -> None:
    walk = np.random.default_rng(3).normal(size=(500, 1)).cumsum(axis=0)
    change = FractionalDifference(grid=(0.6,), threshold=1e-2, follows=True).fit(walk[:400])
    assert np.allclose(change.transform(walk[400:])[:, 0], fixed_window(walk, 0.6, threshold=1e-2)[400:])


def test_the_expanding_difference_uses_all_rows() -> None:
    from tradewright.features.fractional import weights

    x = np.random.default_rng(4).normal(size=700).cumsum()
    found = whole_past(x, 0.4)
    for t in (500, 699):
        assert found[t] == pytest.approx(float(weights(0.4, threshold=0, most=t + 1) @ x[t::-1]), abs=1e-12)
    short = whole_past(x[:300], 0.4)
    assert np.array_equal(short, found[:300], equal_nan=True)


def test_a_value_is_known_from_the_later_of_publish_and_fetch() -> None:
    series = DatedSeries.of("x", [10, 20, 30], [1.0, 2.0, 3.0], fetched=[15, 45, 31])
    ts = np.array([9, 14, 15, 30, 31, 45, 99])
    assert np.array_equal(series.at(ts), [np.nan, np.nan, 1.0, 1.0, 3.0, 3.0, 3.0], equal_nan=True)
    assert series.known.tolist() == [15, 45, 31]
    count, mean = series.window(ts, 20)
    assert count.tolist() == [0, 0, 1, 1, 2, 2, 0]
    assert mean[4] == 2.0
    # what arrives late (2, at 45) does not displace 3, which was published after it
    assert series.at(np.array([50])).tolist() == [3.0]


def test_a_file_without_publish_times_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cpi.csv"
    file.write_text("date,value\n2024-01-31,1\n2024-02-29,\n2024-03-31,3\n")
    with pytest.raises(InputError, match="does not say when its values were known"):
        read_series(file)
    lagged = read_series(file, lag="1d")
    first = np.array(["2024-02-02"], dtype="datetime64[ns]").astype(np.int64)  # the end of the 31st and a day
    assert len(lagged) == 2
    assert lagged.known[0] == first[0]
    assert any("1 empty" in note for note in lagged.notes)
    with pytest.raises(InputError, match="did you mean 'value'"):
        read_series(file, value="vlaue", lag="1d")


@pytest.mark.shared_data
def test_the_vix_enters_as_a_dated_series(shared_data: Path) -> None:
    file = next((shared_data / "open" / "macro").glob("vix_daily*"))
    series = read_series(file, value="close", lag="1h")
    assert len(series) > 9_000
    assert (np.diff(series.known) > 0).all()


def test_events_are_counted_from_their_announcement() -> None:
    hour = 3600 * NS
    series = DatedSeries.of("fomc", [0, 5 * hour], [1.0, 1.0], event=np.array([10 * hour, 8 * hour]))
    ts = np.array([1, 6, 9, 12]) * hour
    assert series.hours_to(ts).tolist()[:3] == [9.0, 2.0, 1.0]
    assert np.isnan(series.hours_to(ts)[3])
    assert np.array_equal(series.hours_to(ts, past=True), [np.nan, np.nan, 1.0, 2.0], equal_nan=True)


FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Wire</title>
<item><title>Profit beats estimates, shares surge</title><link>http://x/1</link>
<pubDate>Tue, 02 Jan 2024 14:30:00 GMT</pubDate></item>
<item><title>&lt;b&gt;Maker&lt;/b&gt; files for bankruptcy</title><link>http://x/2</link>
<pubDate>Tue, 02 Jan 2024 15:30:00 GMT</pubDate></item>
<item><title>Weather is mild</title><link>http://x/3</link></item></channel></rss>"""


def test_headlines_of_a_feed_keep_both_times_and_are_taken_once(tmp_path: Path) -> None:
    pytest.importorskip("feedparser")
    from tradewright.features.sentiment import RssCollector, headline_series

    (tmp_path / "feed.xml").write_text(FEED)
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    noon = int(np.datetime64("2024-01-03T12:00", "ns").astype(np.int64))
    clock = iter([noon, noon + NS])
    try:
        place = f"http://127.0.0.1:{server.server_address[1]}/feed.xml"
        collector = RssCollector({"ABC": place}, clock=lambda: next(clock))
        first = collector.headlines()
        assert collector.headlines() == first
        with pytest.raises(DataProviderError, match="cannot be fetched"):
            RssCollector([place.replace("feed", "none")]).headlines()
    finally:
        server.shutdown()
        server.server_close()
    assert [h.title for h in first][1] == "Maker files for bankruptcy"
    assert {h.fetched for h in first} == {noon}
    series = headline_series(first)
    assert series.symbol == ("ABC",) * 3
    assert (series.known == noon).all()
    assert series.value[0] > 0.5
    assert series.value[1] < -0.4
    assert series.value[2] == 0.0


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.mark.parametrize(
    ("text", "sign"),
    [("Shares plunge on fraud probe", -1), ("Company raises dividend after strong quarter", 1),
     ("No growth expected", -1), ("Board meets on Tuesday", 0)],
)  # fmt: skip
@pytest.mark.parametrize("scorer", ["finance", "vader+finance"])
def test_the_scorer_knows_the_words_of_finance(text: str, sign: int, scorer: str) -> None:
    if scorer != "finance":
        pytest.importorskip("vaderSentiment")
    from tradewright.features.sentiment import score

    assert np.sign(score(text, scorer)) == sign
    with pytest.raises(InputError, match="did you mean 'finance'"):
        score(text, "finace")
