"""What the packages ask of each other: every seam of the system as a protocol.

Entry points: one protocol per question. Data: `Provider`, `Feed`, `Check`. Decisions: `Strategy` (`SignalStrategy`,
`WeightStrategy`), `RegimeModel`, `Composer`, `Allocator`. Risk: `RiskRule`, `Gate`. Execution: `Broker`, `CostModel`.
Sessions: `Agent`, `View`, `Journal`, `Clock`, `Advisor`. People: `Reporter`, `Notifier`. Research: `TrialLedger`.

Invariants: a port speaks in nouns of this package and arrays; whoever implements one imports it from here and nothing
from the row that calls it. Every port that touches the outside has an in-memory twin in the package that owns it, and
an exam in `tradewright.testing` that twin and real implementation both sit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from .bars import Bars, Instant
from .events import Command, Event, Finding, Opinion, Payload, Severity, Slice, TradingState
from .forecasts import Regime, Signal, TargetWeights
from .instrument import Instrument
from .orders import ApprovedOrder, Fill, Order, OrderUpdate, Refusal
from .portfolio import AccountSnapshot, CashMovement, Portfolio

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    SignalArray: TypeAlias = npt.NDArray[np.int8]
    WeightRows: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]

__all__ = [
    "Advisor",
    "Agent",
    "Allocator",
    "Broker",
    "Check",
    "Clock",
    "CommandSource",
    "Composer",
    "CostModel",
    "Costs",
    "Feed",
    "Gate",
    "Journal",
    "Notifier",
    "Provider",
    "RegimeModel",
    "Report",
    "Reporter",
    "RiskRule",
    "SignalStrategy",
    "Strategy",
    "TrialLedger",
    "View",
    "WeightStrategy",
]

Report: TypeAlias = OrderUpdate | Fill | CashMovement | AccountSnapshot
"""What a broker tells."""


@runtime_checkable
class Provider(Protocol):
    """Where historical bars come from."""

    @property
    def name(self) -> str:
        """Name in the registry and in the provenance."""
        ...

    def load(
        self,
        symbols: Sequence[str],
        start: Instant | None = None,
        end: Instant | None = None,
        interval: str | None = None,
    ) -> Bars:
        """Bars of the symbols from `start` to `end`, both included.

        Raises
        ------
        DataError
            If a symbol is not known (the message names the nearest) or nothing lies in the range. Never invented data.
        """
        ...


@runtime_checkable
class Feed(Protocol):
    """Where slices come from, one after another: history, a replay, or a live source."""

    def __iter__(self) -> Iterator[Slice]:
        """Slices in order of their stamps; ends when the source does."""
        ...


@runtime_checkable
class Check(Protocol):
    """One question about whether bars can be believed."""

    @property
    def name(self) -> str:
        """Name in findings."""
        ...

    def __call__(self, bars: Bars) -> Sequence[Finding]:
        """Findings, none when all is well."""
        ...


@runtime_checkable
class Strategy(Protocol):
    """A named rule that forecasts; see `SignalStrategy` and `WeightStrategy`.

    A strategy is a pure, causal function of bars: row ``t`` of its answer must equal what it answers for the rows up
    to ``t``. It keeps no state between calls.
    """

    @property
    def name(self) -> str:
        """Name in the registry."""
        ...

    @property
    def params(self) -> Mapping[str, Any]:
        """Parameters it was built with; plain values that JSON can hold."""
        ...

    def warm_up(self) -> int:
        """Bars needed before the first row that is an opinion."""
        ...


@runtime_checkable
class SignalStrategy(Strategy, Protocol):
    """A strategy that says long, flat or short for each bar."""

    def signals(self, bars: Bars) -> SignalArray:
        """Codes of shape ``(n_bars, n_assets)``, known at the close of their row.

        1 long, 0 flat, -1 short, -128 no opinion (`tradewright.domain.forecasts`).
        """
        ...


@runtime_checkable
class WeightStrategy(Strategy, Protocol):
    """A strategy that says how much of the equity each instrument should hold."""

    def weights(self, bars: Bars) -> WeightRows:
        """Rows at which it decides, and target weights there.

        Returns
        -------
        rows : int64 array, shape (k,)
            Strictly increasing row numbers; a weight is known at the close of its row.
        weights : float64 array, shape (k, n_assets)
            Signed fractions of equity; NaN leaves an instrument as it is.
        """
        ...


@runtime_checkable
class RegimeModel(Protocol):
    """What knows the state of a market."""

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states, in the order of the columns."""
        ...

    def probabilities(self, bars: Bars) -> npt.NDArray[np.float64]:
        """Filtered probabilities of shape ``(n_bars, n_states)``; NaN during warm-up."""
        ...


@runtime_checkable
class Composer(Protocol):
    """What weighs the forecasts of several strategies."""

    def compose(self, signals: Sequence[Signal], regime: Regime | None) -> Sequence[Signal]:
        """One signal per instrument, with the contributions in its reason."""
        ...


@runtime_checkable
class Allocator(Protocol):
    """What turns forecasts into the portfolio we want."""

    def allocate(self, signals: Sequence[Signal], bars: Bars, portfolio: Portfolio) -> TargetWeights:
        """Target weights from forecasts and the past."""
        ...


@runtime_checkable
class RiskRule(Protocol):
    """One reason to say no."""

    @property
    def name(self) -> str:
        """Name in refusals."""
        ...

    def __call__(self, subject: Order | TargetWeights, view: View) -> Refusal | Order | TargetWeights | None:
        """None to let it pass, something smaller to let that pass, or a refusal."""
        ...


@runtime_checkable
class Gate(Protocol):
    """The only way to an approved order."""

    def judge(self, order: Order, view: View) -> ApprovedOrder | Refusal:
        """Approve or refuse; what is not known is refused."""
        ...


@runtime_checkable
class Broker(Protocol):
    """Where approved orders go and facts come from; simulated or real."""

    @property
    def name(self) -> str:
        """Name for people."""
        ...

    def submit(self, order: ApprovedOrder) -> None:
        """Send an order; sending the same client id twice places it once. The outcome arrives as reports.

        Raises
        ------
        TransientBrokerError
            If it is not known whether the order arrived; ask `snapshot` before sending again.
        BrokerError
            If the broker cannot take orders at all.
        """
        ...

    def cancel(self, client_id: str) -> None:
        """Ask for an order to be cancelled; the outcome arrives as a report."""
        ...

    def reports(self, market: Slice | None = None) -> Sequence[Report]:
        """What happened since the last call, in order; a simulated broker lets open orders meet `market` first."""
        ...

    def snapshot(self) -> AccountSnapshot:
        """The account as the broker sees it."""
        ...

    def close(self) -> None:
        """Let go of connections; open orders stay."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a trade costs, by kind; each zero or positive, in the account's currency.

    Examples
    --------
    >>> Costs(commission=1.0, slippage=0.5).total
    1.5
    """

    commission: float = 0.0
    spread: float = 0.0
    slippage: float = 0.0
    impact: float = 0.0

    @property
    def total(self) -> float:
        """Sum of all kinds."""
        return self.commission + self.spread + self.slippage + self.impact


@runtime_checkable
class CostModel(Protocol):
    """What an order is expected to cost before it is sent."""

    def estimate(
        self, instrument: Instrument, quantity: float, price: float, *, volume: float, volatility: float, maker: bool
    ) -> Costs:
        """Costs of trading a signed quantity.

        Parameters
        ----------
        instrument : Instrument
            What to trade.
        quantity : float
            Signed.
        price : float
            Reference price.
        volume : float
            Units traded per bar; NaN when not known.
        volatility : float
            Standard deviation of returns per bar; NaN when not known.
        maker : bool
            Whether it provides liquidity.
        """
        ...


@runtime_checkable
class View(Protocol):
    """The book as agents and rules may see it: everything to read, nothing to write."""

    @property
    def now(self) -> int:
        """Nanoseconds UTC of the newest slice."""
        ...

    @property
    def state(self) -> TradingState:
        """What trading is allowed."""
        ...

    @property
    def portfolio(self) -> Portfolio:
        """What the facts so far add up to."""
        ...

    @property
    def open_orders(self) -> Mapping[str, Order]:
        """Orders that may still fill, by client id."""
        ...

    def history(self, n: int | None = None) -> Bars:
        """The last `n` bars known (all with None)."""
        ...


@runtime_checkable
class Agent(Protocol):
    """A role on the bus."""

    @property
    def name(self) -> str:
        """Name in the journal."""
        ...

    def handle(self, event: Event, view: View) -> Iterable[Payload]:
        """What it says to an event; at most one message per decision, and the same for the same past."""
        ...


@runtime_checkable
class Advisor(Protocol):
    """A language model that may answer typed questions."""

    def ask(self, question: str, subject: str, facts: Mapping[str, Any]) -> Opinion | None:
        """An opinion from the closed set of the question, or None when there is no answer in time."""
        ...


@runtime_checkable
class Journal(Protocol):
    """The record. Appending returns when the event is safe."""

    def append(self, event: Event) -> None:
        """Keep an event; numbers must follow each other (InvariantError otherwise)."""
        ...

    def read(self, first: int = 0) -> Iterator[Event]:
        """Events from number `first` on, in order."""
        ...

    @property
    def last_seq(self) -> int:
        """Number of the newest event, -1 when empty."""
        ...

    def close(self) -> None:
        """Make everything safe and let go of files."""
        ...


@runtime_checkable
class Clock(Protocol):
    """What time it is; in a replay, what time it was."""

    def now(self) -> int:
        """Nanoseconds UTC."""
        ...

    def wait_until(self, ts: int) -> None:
        """Return at `ts`; at once when it is past or the clock is simulated."""
        ...


@runtime_checkable
class CommandSource(Protocol):
    """Where operators speak from."""

    def commands(self) -> Sequence[Command]:
        """Commands since the last call."""
        ...


@runtime_checkable
class Reporter(Protocol):
    """What turns a result into something for people."""

    def write(self, result: Any, path: Path) -> Path:
        """Write the report and return where it is."""
        ...


@runtime_checkable
class Notifier(Protocol):
    """Where alerts go."""

    def notify(self, severity: Severity, title: str, text: str) -> None:
        """Send an alert; must not raise and must not wait for long."""
        ...


@runtime_checkable
class TrialLedger(Protocol):
    """The count of everything that was ever tried; scores are deflated by it.

    A trial is one subject under one set of parameters on one set of data. Recording the same trial again is a repeat:
    it is kept, and counts no second time.
    """

    def record(
        self,
        *,
        subject: str,
        params: Mapping[str, Any],
        data_hash: str,
        score: float | None,
        n_returns: int = 0,
        skew: float | None = None,
        kurtosis: float | None = None,
        origin: str = "",
    ) -> int:
        """Keep a trial and return how many different ones there are of this subject on this data.

        Parameters
        ----------
        subject : str
            What was tried: a name, better a name and a hash of its source.
        params : mapping
            Its parameters, plain values.
        data_hash : str
            What it was tried on.
        score : float or None
            Sharpe ratio per bar; None when it has none (it never traded).
        n_returns, skew, kurtosis : optional
            Of the returns behind the score.
        origin : str
            Who tried it.
        """
        ...

    def count(self, subject: str | None = None, data_hash: str | None = None) -> int:
        """Different trials so far: of a subject, on some data, or all."""
        ...
