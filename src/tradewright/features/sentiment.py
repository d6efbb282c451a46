"""Sentiment of texts: headlines are collected, scored by word lists, and enter as a dated series.

Entry points: `score`, `Headline`, `Collector`, `RssCollector`, `MemoryCollector`, `headline_series`.

Invariants: a headline keeps when it was published and when it was fetched; what it says counts from the later of the
two. Scores are in [-1, 1]; the same text has the same score, always. Nothing is fetched unless a collector is asked to.
"""

from __future__ import annotations

import calendar
import hashlib
import html
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

from tradewright.domain.errors import ConfigError, DataProviderError, InputError, closest
from tradewright.features.dated import DatedSeries

__all__ = [
    "FINANCE_WORDS",
    "SCORERS",
    "Collector",
    "Headline",
    "MemoryCollector",
    "RssCollector",
    "clean",
    "headline_series",
    "score",
]

_NS: Final = 1_000_000_000


def _words(weight: float, text: str) -> dict[str, float]:
    return dict.fromkeys(text.split(), weight)


FINANCE_WORDS: Final[Mapping[str, float]] = {
    **_words(3.0, "soars soared soaring skyrockets skyrocketed blockbuster"),
    **_words(2.5, "surges surged surge surging jumps jumped rallies rallied rally "
                  "record upgrade upgraded upgrades breakthrough"),
    **_words(2.0, "beat beats tops topped outperform outperforms outperformed exceeds exceeded exceed strong stronger "
                  "strongest boom booming buyback buybacks approval approved wins won"),
    **_words(1.5, "gains gained gain rises rose rising climbs climbed higher growth grows grew raise raised raises "
                  "profit profits profitable profitability bullish optimistic upbeat improves improved improving "
                  "improvement recovery recovers recovered rebound rebounds rebounded expands expansion dividend "
                  "accelerates accelerated momentum robust solid"),
    **_words(-1.5, "falls fell falling drops dropped drop declines declined decline lower slips slipped slides slid "
                   "weak weaker weakness cuts cut slows slowed slowing slowdown bearish pessimistic concern concerns "
                   "worry worries worried uncertainty volatile volatility delay delays delayed lawsuit lawsuits probe "
                   "investigation shortfall headwind headwinds pressure pressured losses loss shrinks shrank"),
    **_words(-2.0, "miss misses missed underperform underperforms underperformed downgrade downgraded downgrades "
                   "warns warned warning tumbles tumbled recall recalls layoffs layoff sanctions fined penalty "
                   "writedown impairment restates restated halt halted halts"),
    **_words(-2.5, "plunges plunged plunge plunging slumps slumped slump sinks sank recession selloff sell-off crisis "
                   "breach distress distressed"),
    **_words(-3.0, "crashes crashed crash collapses collapsed collapse bankruptcy bankrupt insolvent insolvency "
                   "default defaults defaulted fraud fraudulent delisted delisting"),
}  # fmt: skip
"""Words of financial headlines and their weights, -3 to 3; written for this package."""

_NEGATIONS: Final = frozenset(
    [
        "not",
        "no",
        "never",
        "without",
        "cannot",
        "can't",
        "won't",
        "doesn't",
        "didn't",
        "isn't",
        "wasn't",
        "fails",
        "failed",
        "unable",
    ]
)
_STRONGER: Final = {**_words(1.3, "very sharply strongly heavily massively dramatically significantly steeply"),
                    **_words(0.6, "slightly modestly somewhat marginally barely a-bit")}  # fmt: skip
_TOKEN: Final = re.compile(r"[a-z][a-z'\-]*")
_TAG: Final = re.compile(r"<[^>]+>")
_LINK: Final = re.compile(r"https?://\S+")


def clean(text: str) -> str:
    """Text without markup, links and runs of white space.

    Examples
    --------
    >>> clean("<b>Profit&nbsp;up</b>  see https://x.y/z")
    'Profit up see'
    """
    return " ".join(_LINK.sub(" ", html.unescape(_TAG.sub(" ", text))).replace("\xa0", " ").split())


def _finance(text: str) -> float:
    words = _TOKEN.findall(clean(text).lower())
    total = 0.0
    for place, word in enumerate(words):
        weight = FINANCE_WORDS.get(word)
        if weight is None:
            continue
        before = words[max(0, place - 3) : place]
        for near in before[-1:] + words[place + 1 : place + 2]:
            weight *= _STRONGER.get(near, 1.0)
        if any(other in _NEGATIONS for other in before):
            weight *= -0.74
        total += weight
    return float(total / (total * total + 15.0) ** 0.5)


@lru_cache(maxsize=2)
def _vader(finance: bool) -> Any:
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        raise ConfigError(
            "VADER is not installed; install it with 'pip install tradewright[agents]', or score with 'finance'."
        ) from None
    found = SentimentIntensityAnalyzer()
    if finance:
        found.lexicon.update(FINANCE_WORDS)
    return found


SCORERS: Final[Mapping[str, Callable[[str], float]]] = {
    "finance": _finance,
    "vader": lambda text: float(_vader(False).polarity_scores(clean(text))["compound"]),
    "vader+finance": lambda text: float(_vader(True).polarity_scores(clean(text))["compound"]),
}
"""Scorers by name: our list of financial words, VADER (Hutto and Gilbert 2014), both together."""


def score(text: str, scorer: str = "finance") -> float:
    """Sentiment of a text.

    Parameters
    ----------
    text : str
    scorer : {"finance", "vader", "vader+finance"}
        ``finance`` adds up the weights of `FINANCE_WORDS`, turned by a negation in the three words before (factor
        -0.74) and scaled by a word of degree beside; the sum s becomes ``s / sqrt(s^2 + 15)`` (the normalisation of
        Hutto and Gilbert 2014, VADER).

    Returns
    -------
    float
        -1 (bad) to 1 (good); 0 where no word is known.

    Raises
    ------
    InputError
        If there is no such scorer.
    ConfigError
        If VADER is asked for and not installed.

    Examples
    --------
    >>> round(score("Profit beats estimates"), 4)  # 3.5 / sqrt(3.5^2 + 15)
    0.6705
    >>> score("Company files for bankruptcy") < 0 < score("Shares not downgraded")
    True
    """
    if scorer not in SCORERS:
        raise InputError(
            f"There is no scorer {scorer!r}{closest(scorer, SCORERS) or '.'} Scorers: {', '.join(SCORERS)}."
        )
    return SCORERS[scorer](text)


@dataclass(frozen=True, slots=True)
class Headline:
    """A text with the instants at which it was published and fetched.

    Parameters
    ----------
    published, fetched : int
        Nanoseconds UTC.
    title, summary, source, link : str
    symbol : str
        Empty when it is about no single asset.
    """

    published: int
    fetched: int
    title: str
    summary: str = ""
    source: str = ""
    link: str = ""
    symbol: str = ""

    @property
    def key(self) -> str:
        """Fingerprint of its text and link: the same headline twice has one."""
        return hashlib.sha256(f"{clean(self.title).lower()}\0{self.link}\0{self.symbol}".encode()).hexdigest()[:16]


class Collector(Protocol):
    """Where headlines come from."""

    def headlines(self) -> list[Headline]:
        """What is there now, in order of publication."""
        ...


class MemoryCollector:
    """Headlines that are given: for tests, and for what was collected before.

    Examples
    --------
    >>> len(MemoryCollector([Headline(0, 0, "Profit up")]).headlines())
    1
    """

    def __init__(self, items: Iterable[Headline]) -> None:
        self._items = sorted(items, key=lambda item: (item.published, item.fetched))

    def headlines(self) -> list[Headline]:
        """All of them."""
        return list(self._items)


class RssCollector:
    """Headlines of RSS and Atom feeds, by feedparser.

    Parameters
    ----------
    feeds : sequence of str or path, or mapping of str to such
        Addresses or files; a mapping gives the symbol each feed is about.
    timeout : float
        Seconds for each feed.
    clock : callable, optional
        Nanoseconds UTC now; stamps the fetch.

    Notes
    -----
    An entry without a publish time is stamped with its fetch time. One that claims a time after its fetch keeps it, and
    is known from then. An entry that is there twice is taken once, as it was fetched first.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "feed.xml"
    >>> _ = file.write_text("<rss version='2.0'><channel><title>T</title><item><title>Profit up</title>"
    ...                     "<pubDate>Tue, 02 Jan 2024 14:30:00 GMT</pubDate></item></channel></rss>")
    >>> [item.title for item in RssCollector([file]).headlines()]
    ['Profit up']
    """

    def __init__(
        self, feeds: Sequence[str | Path] | Mapping[str, str | Path], *, timeout: float = 20.0,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        pairs = list(feeds.items()) if isinstance(feeds, Mapping) else [("", feed) for feed in feeds]
        if not pairs:
            raise InputError("No feed was given; name at least one address or file.")
        if not timeout > 0.0:
            raise InputError(f"timeout is {timeout}; it must be above 0 seconds.")
        self._pairs, self._timeout, self._clock = pairs, timeout, clock
        self._seen: dict[str, Headline] = {}

    def headlines(self) -> list[Headline]:
        """Fetch all feeds once; gives everything seen so far.

        Raises
        ------
        DataProviderError
            If a feed cannot be fetched or is no feed.
        ConfigError
            If feedparser is not installed.
        """
        try:
            import feedparser
        except ImportError:
            raise ConfigError("Feeds need feedparser; install it with 'pip install tradewright[agents]'.") from None
        for symbol, place in self._pairs:
            data = self._bytes(place)
            now = self._clock()
            found = feedparser.parse(data)
            if found.bozo and not found.entries:
                raise DataProviderError(f"{place} is no RSS or Atom feed ({found.bozo_exception}); check the address.")
            for entry in found.entries:
                stamp = entry.get("published_parsed") or entry.get("updated_parsed")
                published = calendar.timegm(stamp) * _NS if stamp else now
                item = Headline(
                    published, now, clean(entry.get("title", "")), clean(entry.get("summary", "")),
                    str(found.feed.get("title", place)), str(entry.get("link", "")), symbol,
                )  # fmt: skip
                self._seen.setdefault(item.key, item)
        return sorted(self._seen.values(), key=lambda item: (item.published, item.fetched))

    def _bytes(self, place: str | Path) -> bytes:
        import urllib.error
        import urllib.request

        text = str(place)
        if not text.lower().startswith(("http://", "https://")):
            try:
                return Path(text).read_bytes()
            except OSError as error:
                raise DataProviderError(f"The feed {text!r} cannot be read: {error.strerror}.") from None
        request = urllib.request.Request(text, headers={"User-Agent": "tradewright"})
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:
                data: bytes = answer.read(16_000_000)
                return data
        except (urllib.error.URLError, OSError) as error:
            raise DataProviderError(
                f"The feed {text} cannot be fetched: {error}; try again, or leave it out."
            ) from None


def headline_series(
    headlines: Iterable[Headline], *, name: str = "sentiment", scorer: str | Callable[[str], float] = "finance"
) -> DatedSeries:
    """Scores of headlines as a dated series, for the features ``dated_mean`` and ``dated_count``.

    Parameters
    ----------
    headlines : iterable of Headline
    name : str
    scorer : str or callable
        Name of a scorer, or a function of the text (title, then summary).

    Returns
    -------
    DatedSeries
        By symbol where all headlines have one, else the same for all assets.

    Raises
    ------
    InputError
        If some headlines have a symbol and some have none.

    Examples
    --------
    >>> up, down = Headline(0, 5, "Profit beats estimates"), Headline(9, 7, "Shares plunge")
    >>> found = headline_series([up, down])
    >>> found.known.tolist(), found.value.round(2).tolist()
    ([5, 9], [0.67, -0.54])
    """
    items = list(headlines)
    with_symbol = sum(bool(item.symbol) for item in items)
    if 0 < with_symbol < len(items):
        raise InputError(
            f"{with_symbol} of {len(items)} headlines have a symbol; give all of them one, or make two series."
        )
    function = (lambda text: score(text, scorer)) if isinstance(scorer, str) else scorer
    values = [function(f"{item.title}. {item.summary}" if item.summary else item.title) for item in items]
    return DatedSeries.of(
        name, [item.published for item in items], values, fetched=[item.fetched for item in items],
        symbol=[item.symbol for item in items] if with_symbol else (), source="headlines",
        notes=(f"scored by {scorer if isinstance(scorer, str) else 'a function that was given'}",),
    )  # fmt: skip
