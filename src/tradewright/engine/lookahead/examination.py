"""Whether answers depend on what comes later, and on anything else that they must not depend on.

Entry point: `Examination`.

Invariants: a row is compared bit by bit between the bars as they are and the same bars with another future of the same
length; where the length differs, differences up to 1e-12 of the column's largest value are noted and allowed, because
sums may be taken in another order (and only then: what differs by later values of the same length is a leak whatever
its size). Everything is drawn from the seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tradewright.domain.bars import DAY_NS, FIELDS, Bars, utc
from tradewright.domain.errors import InputError
from tradewright.engine.lookahead.answers import ALLOWANCE, Difference, Table, first_difference
from tradewright.engine.lookahead.findings import RULES, Checked, Leak, next_step
from tradewright.engine.lookahead.futures import FUTURES, Future, choose_cuts, only_field, rebuilt, renamed
from tradewright.engine.lookahead.purity import asks_for_time, other_chance, other_clock, watched_files
from tradewright.engine.lookahead.subjects import Facts, MutatedInputError, Subject, later_facts

if TYPE_CHECKING:
    Seen = tuple[Difference, int, Future]

__all__ = ["Examination", "when"]

_ALWAYS: Final = ("cut", "path")
_TURNS: Final = (
    "missing", "boom", "died", "dropped", "crash", "moved", "flat", "wild", "holes", "reversed", "actions", "shuffled",
)  # fmt: skip
_TURNS_A_CUT: Final = 2
_TINY: Final = 1e-10
_FAR: Final = 100  # nobody shifts by that much: what looks so far looks at everything
_YEARS_28: Final = 10_227 * DAY_NS  # the same days of the week and leap years again


def when(bars: Bars, row: int) -> str:
    """Close of a row in UTC."""
    return utc(int(bars.ts[row])).isoformat().replace("+00:00", "Z")


class Examination:
    """One subject on one market.

    Parameters
    ----------
    subject : Subject
    bars : Bars
    cuts : int
        About how many rows before which the future is changed.
    seed : int
    sweep : int
        Further rows, spread over all, before which the future rises or falls: for leaks in few rows.
    facts : mapping, optional
        Dated tables the subject takes.
    tick : callable, optional
        Called after every answer.

    Attributes
    ----------
    leaks : list of Leak
    checked : list of Checked
    cuts : dict of int to str
        By row, with the reason.
    answers : int
        How often the subject was asked.
    depends : bool
        Whether the answers were seen to follow the bars.
    """

    def __init__(
        self,
        subject: Subject,
        bars: Bars,
        *,
        cuts: int,
        seed: int,
        sweep: int = 0,
        facts: Facts | None = None,
        tick: Callable[[], None] | None = None,
    ) -> None:
        self.subject, self.bars, self.n_cuts, self.seed, self.n_sweep = subject, bars, cuts, seed, sweep
        self.facts: Facts = facts or {}
        self.leaks: list[Leak] = []
        self.checked: list[Checked] = []
        self.cuts: dict[int, str] = {}
        self.answers = 0
        self.base = Table({})
        self.depends = False
        self._tick = tick
        self._refused: dict[str, str] = {}
        self._noise = 0.0

    def sit(self) -> None:
        """Run every check."""
        if not self._first():
            return
        self._warm_up()
        self._chance()
        if any(leak.rule == "chance" for leak in self.leaks):
            self._done("future", RULES["future"], 0, "answers that differ by chance cannot be compared", skipped=True)
            return
        self._future()
        if self.facts:
            self._facts()
        self._memory()
        self._clock()
        self._dependence()
        self._names()
        if self.subject.stream is not None:
            self._stream()

    # --- asking -------------------------------------------------------------------------------------

    def _ask(self, bars: Bars, facts: Facts | None = None) -> Table:
        self.answers += 1
        if self._tick is not None:
            self._tick()
        with np.errstate(all="ignore"), _silent():
            return self.subject.answer(bars, self.facts if facts is None else facts)

    def _other(self, bars: Bars, label: str, facts: Facts | None = None) -> Table | None:
        """Answer on changed bars, None (and a note) where the subject refuses them."""
        try:
            return self._ask(bars, facts)
        except MutatedInputError:
            raise
        except Exception as error:
            self._refused.setdefault(label, f"{type(error).__name__}: {error}"[:160])
            return None

    def _first(self) -> bool:
        name = self.subject.name
        digest = _content(self.bars)
        try:
            with watched_files() as heard:
                self.base = self._ask(self.bars)
        except (MutatedInputError, ValueError) as error:
            if not isinstance(error, MutatedInputError) and "read-only" not in str(error):
                raise
            self._leak("input", f"{name} writes to the bars it is given ({error}).")
            self._done("input", "the input stays as it is", 1)
            return False
        if digest != _content(self.bars):
            self._leak("input", f"{name} changes the bars it is given.")
        self._done("input", "the input stays as it is", 1)
        if heard:
            self._leak("files", f"{name} reads {', '.join(heard[:3])} while it answers; its future cannot be changed.")
        self._done("files", "no data files and no network", 1)
        return True

    # --- the future ---------------------------------------------------------------------------------

    def _future(self) -> None:
        bars, base = self.bars, self.base
        self.cuts = choose_cuts(bars, self.n_cuts, seed=self.seed, warm_up=self.subject.warm_up, events=_events(base))
        self.cuts = {row: why for row, why in self.cuts.items() if row >= self.subject.first_cut}
        seen: list[Seen] = []
        runs = 0
        turn = 0
        for cut in self.cuts:
            names = [*_ALWAYS, *(_TURNS[(turn + k) % len(_TURNS)] for k in range(_TURNS_A_CUT))]
            turn += _TURNS_A_CUT
            for name in names:
                runs += 1
                found = self._compare(FUTURES[name], cut)
                if found is not None:
                    seen.append((found, cut, FUTURES[name]))
        runs += 1
        found = self._compare(FUTURES["longer"], bars.n_bars)
        if found is not None:
            seen.append((found, bars.n_bars, FUTURES["longer"]))
        if not seen:
            runs += self._sweep(seen)
        self._judge(seen)
        notes = [f"{FUTURES[k].about}: {text}" for k, text in self._refused.items()]
        if self._noise:
            notes.append(
                f"another length changes the last bits (up to {self._noise:.1e} of the largest value): allowed"
            )
        self._done("future", RULES["future"], runs, "; ".join(notes), also=("length",))

    def _sweep(self, seen: list[Seen]) -> int:
        """Look at many more rows for leaks of few rows, until there is one; gives the number of answers."""
        first = max(self.subject.first_cut, min(self.subject.warm_up, self.bars.n_bars - 1), 1)
        rows = np.setdiff1d(np.arange(first, self.bars.n_bars), list(self.cuts))
        if rows.size > self.n_sweep:
            rows = np.sort(np.random.default_rng([self.seed, 4]).choice(rows, self.n_sweep, replace=False))
        # An answer of few values may not mind a rise, but then it minds a fall.
        few = all(np.unique(values).size <= 12 for values in self.base.columns.values())
        runs = 0
        for row in rows.tolist():
            for name in ("boom", "crash") if few else ("path",):
                runs += 1
                found = self._compare(FUTURES[name], row)
                if found is not None:
                    seen.append((found, row, FUTURES[name]))
                    return runs
        return runs

    def _changed(self, future: Future, cut: int) -> Bars:
        return future.make(self.bars, cut, np.random.default_rng([self.seed, cut, 2]))

    def _compare(self, future: Future, cut: int) -> Difference | None:
        other = self._other(self._changed(future, cut), future.name)
        if other is None:
            return None
        late = None
        if not (future.same_length and future.keeps_bars):
            late = {"orders asked for": 1}  # without a next bar, what is asked for need not become an order
        rows = min(cut, self.bars.n_bars)
        if future.same_length:
            return first_difference(self.base, other, rows, late=late)
        found = first_difference(self.base, other, rows, allow=ALLOWANCE, late=late)
        if found is None:
            noise = first_difference(self.base, other, rows, late=late)
            if noise is not None:
                self._noise = max(self._noise, noise.relative)
        return found

    def _judge(self, seen: list[Seen]) -> None:
        if not seen:
            return
        same = [item for item in seen if item[2].same_length]
        if not same:  # perhaps the futures of the same length were too tame at that place: try all of them
            cut = min(seen, key=lambda item: item[0].row)[1]
            for future in FUTURES.values():
                if future.same_length and cut < self.bars.n_bars:
                    found = self._compare(future, cut)
                    if found is not None:
                        same.append((found, cut, future))
        if same:
            self._report_future(same)
        else:
            self._report_length(min(seen, key=lambda item: (item[0].row, item[1])))

    def _report_future(self, seen: list[Seen]) -> None:
        row = min(item[0].row for item in seen)
        # Among the futures that show the first row, the smoothest says best how far it looks.
        order = ["path", "boom", "crash", "flat", "wild"]
        difference, cut, future = min(
            (item for item in seen if item[0].row == row),
            key=lambda item: (order.index(item[2].name) if item[2].name in order else 9, item[1]),
        )
        last = self._furthest(future, cut, row)
        ahead, to_the_end = last - row, last >= self.bars.n_bars - 1
        fields = self._fields(future, cut, row)
        whole = (to_the_end and ahead > 1) or ahead >= _FAR
        tiny = max(item[0].relative for item in seen) < _TINY
        named = f" ({', '.join(fields)})" if fields else ""
        far = "to the end of the data" if to_the_end and ahead > 1 else f"{ahead:,} bar{'s' if ahead > 1 else ''} ahead"
        size = (
            "other orders"
            if difference.column.startswith("orders")
            else f"{difference.before:.6g} becomes {difference.after:.6g}"
            if math.isfinite(difference.before) or math.isfinite(difference.after)
            else "its value changes"
        )
        self._leak(
            "future",
            f"{self.subject.name}: {self._what(difference)} at row {row} ({when(self.bars, row)}) changes when "
            f"{future.about} from row {cut} on ({size}): it looks {far}{named}.",
            next_step("future", ahead=ahead, to_the_end=whole, fields=fields, tiny=tiny),
            row=row,
            column=difference.column,
            looks_ahead=ahead,
            to_the_end=to_the_end,
            fields=fields,
            future=future.name,
            cut=cut,
            relative=difference.relative if math.isfinite(difference.relative) else None,
        )

    def _report_length(self, item: Seen) -> None:
        difference, cut, future = item
        self._leak(
            "length",
            f"{self.subject.name}: {self._what(difference)} at row {difference.row} "
            f"({when(self.bars, difference.row)}) changes when {future.about} (from row {cut} on), though not when the "
            "later rows hold other values: it depends on how many rows there are.",
            row=difference.row,
            column=difference.column,
            future=future.name,
            cut=cut,
            relative=difference.relative if math.isfinite(difference.relative) else None,
        )

    def _what(self, difference: Difference) -> str:
        return f"the answer {difference.column!r}" if difference.column else "the answer"

    def _row_changes(self, bars: Bars, row: int) -> bool:
        other = self._other(bars, "a closer look")
        if other is None:
            return False
        found = first_difference(_only(self.base, row), _only(other, row), 1)
        return found is not None

    def _furthest(self, future: Future, cut: int, row: int) -> int:
        """Last row on which `row` depends, by bisection."""
        low, high = cut, self.bars.n_bars  # it changes with `low`, not with `high`
        while high - low > 1:
            middle = (low + high) // 2
            # What answers yes or no may not mind one future; of a rise and a fall it minds one.
            if any(
                self._row_changes(self._changed(f, middle), row) for f in (future, FUTURES["boom"], FUTURES["crash"])
            ):
                low = middle
            else:
                high = middle
        return low

    def _fields(self, future: Future, cut: int, row: int) -> tuple[str, ...]:
        """Fields whose later values alone change `row`."""
        other = self._changed(future, cut)
        out = []
        for field in (*FIELDS, "ts", "actions"):
            same = (
                getattr(other, field) is getattr(self.bars, field)
                if field == "actions"
                else np.array_equal(getattr(other, field), getattr(self.bars, field), equal_nan=field != "ts")
            )
            if not same and self._row_changes(only_field(self.bars, other, field), row):
                out.append(field)
        return tuple(out)

    # --- other inputs -------------------------------------------------------------------------------

    def _facts(self) -> None:
        runs = 0
        for cut in self.cuts:
            for mode in ("cut", "path"):
                runs += 1
                facts = later_facts(self.facts, int(self.bars.ts[cut - 1]), mode, self.seed)
                other = self._other(self.bars, "later facts", facts)
                found = None if other is None else first_difference(self.base, other, cut)
                if found is not None:
                    done = "are not there" if mode == "cut" else "have other values"
                    self._leak(
                        "facts",
                        f"{self.subject.name}: {self._what(found)} at row {found.row} ({when(self.bars, found.row)}) "
                        f"changes when facts published after {when(self.bars, cut - 1)} {done}.",
                        row=found.row,
                        column=found.column,
                        future=f"facts {mode}",
                        cut=cut,
                    )
                    self._done("facts", RULES["facts"], runs)
                    return
        self._done("facts", RULES["facts"], runs)

    def _chance(self) -> None:
        for seed in (self.seed + 101, self.seed + 202):
            with other_chance(seed):
                other = self._other(self.bars, "another random state")
            found = None if other is None else first_difference(self.base, other, self.bars.n_bars)
            if found is not None:
                self._leak(
                    "chance",
                    f"{self.subject.name} answers differently when asked twice: {self._what(found)} at row "
                    f"{found.row} is {found.before:.6g}, then {found.after:.6g}.",
                    row=found.row,
                    column=found.column,
                )
                break
        self._done("chance", RULES["chance"], 2)

    def _memory(self) -> None:
        subject, bars = self.subject, self.bars
        half = bars.head(max(bars.n_bars // 2, min(bars.n_bars, subject.warm_up + 2)))
        found: Difference | None = None
        try:
            with np.errstate(all="ignore"), _silent():
                for other in (half, self._changed(FUTURES["boom"], 0), half):
                    subject.used(other, self.facts)
                again = subject.used(bars, self.facts)
            found = first_difference(self.base, again, bars.n_bars)
            self.answers += 4
        except Exception as error:
            self._done("memory", RULES["memory"], 0, f"{type(error).__name__}: {error}"[:160], skipped=True)
            return
        finally:
            subject._used = None
        if found is not None:
            self._leak(
                "memory",
                f"{subject.name} answers otherwise after it has been asked about other bars: {self._what(found)} at "
                f"row {found.row} is {found.before:.6g} for a new copy and {found.after:.6g} for a used one.",
                row=found.row,
                column=found.column,
            )
        self._done("memory", RULES["memory"], 4)

    def _clock(self) -> None:
        given = self.subject.given
        inner = getattr(given, "__dict__", {}).get("function", given)
        if not asks_for_time(inner):
            self._done("clock", RULES["clock"], 0, "its code mentions no clock")
            return
        assert self.subject._pristine is not None
        copy = self.subject._pristine.fresh()
        try:
            with other_clock(copy) as has_clock, np.errstate(all="ignore"), _silent():
                other = self.subject.ask(copy, self.bars, self.facts) if has_clock else None
        except Exception as error:
            self._done("clock", RULES["clock"], 0, f"{type(error).__name__}: {error}"[:160], skipped=True)
            return
        found = None if other is None else first_difference(self.base, other, self.bars.n_bars)
        if found is not None:
            self._leak(
                "clock",
                f"{self.subject.name} answers otherwise when the clock stands a thousand days later: "
                f"{self._what(found)} at row {found.row}.",
                row=found.row,
                column=found.column,
            )
        self._done("clock", RULES["clock"], 1)

    def _dependence(self) -> None:
        """Answers that follow no bars come from somewhere else: then no changed future can show a leak."""
        declares = self.subject.declares
        if declares is not None and set(declares) <= {"ts", "session"}:
            self._done("hidden", RULES["hidden"], 0, "it declares that it reads times only")
            return
        bars, base = self.bars, self.base
        if not _varies(base) or self.facts:
            self._done("hidden", RULES["hidden"], 0, "its answer is constant" if not self.facts else "it takes facts")
            return
        for name in ("path", "reversed", "wild"):
            other = self._other(self._changed(FUTURES[name], 0), "other bars from the first on")
            if other is None or first_difference(base, other, bars.n_bars) is not None:
                self.depends = True
                self._done("hidden", RULES["hidden"], 3)
                return
        shifted = self._other(rebuilt(bars, ts=bars.ts + _YEARS_28), "the same bars 28 years later")
        self._other(self._changed(FUTURES["moved"], bars.n_bars // 2), "other gaps between dates")
        crooked = self._other(rebuilt(bars, ts=bars.ts + 11 * DAY_NS + 5 * DAY_NS // 24), "the same bars 11 days later")
        if shifted is None or crooked is None:
            self._done("hidden", RULES["hidden"], 0, "other dates are refused", skipped=True)
            return
        if (
            first_difference(base, crooked, bars.n_bars) is None
            and first_difference(base, shifted, bars.n_bars) is None
        ):
            self._leak(
                "independent",
                f"{self.subject.name} answers the same for entirely different bars and dates: it does not depend on "
                "the bars given, only on the number of the row.",
            )
        elif _overlap(base, shifted) < 0.5:
            self._leak(
                "hidden",
                f"{self.subject.name} does not depend on the bars given, only on their dates, and not as a calendar "
                "does: it seems to look them up in data of its own.",
            )
        self._done("hidden", RULES["hidden"], 5, also=("independent",))

    def _names(self) -> None:
        if self.subject.by_name:
            self._done("names", RULES["names"], 0, f"it takes {self.subject.by_name}", skipped=True)
            return
        other = self._other(renamed(self.bars), "other names")
        if other is None:
            self._done(
                "names", RULES["names"], 0, "it asks for its instruments by name and refuses others", skipped=True
            )
            return
        other.labels = self.base.labels
        found = first_difference(self.base, other, self.bars.n_bars)
        if found is not None:
            self._leak(
                "names",
                f"{self.subject.name} answers otherwise when the instruments have other names: {self._what(found)} at "
                f"row {found.row}. A list of names is known today, not then.",
                row=found.row,
                column=found.column,
            )
        self._done("names", RULES["names"], 1)

    # --- form ---------------------------------------------------------------------------------------

    def _warm_up(self) -> None:
        said = self.subject.warm_ups
        if not said:
            self._done("warm_up", RULES["warm_up"], 0, "it states no warm-up", skipped=True)
            return
        for name, values in self.base.columns.items():
            rows = said.get(name, said.get("", 1)) - 1
            early = values[: max(rows, 0)]
            if name.startswith("indicator "):
                continue
            there = ~np.isnan(early) if early.dtype.kind == "f" else early != 0
            if self.subject.kind == "model":
                continue
            if there.any():
                row = int(np.flatnonzero(there.any(axis=1))[0])
                self._leak(
                    "warm_up",
                    f"{self.subject.name} answers at row {row}, before its warm-up of {rows + 1} rows is over.",
                    row=row,
                    column=name,
                )
                break
        self._done("warm_up", RULES["warm_up"], 1)

    def _stream(self) -> None:
        assert self.subject.stream is not None
        try:
            with np.errstate(all="ignore"), _silent():
                rows = self.subject.stream(self.bars)
        except Exception as error:
            self._done("streaming", RULES["streaming"], 0, f"{type(error).__name__}: {error}"[:160], skipped=True)
            return
        found = first_difference(self.base, rows, self.bars.n_bars, allow=ALLOWANCE)
        if found is not None:
            self._leak(
                "streaming",
                f"{self.subject.name}: row by row, {self._what(found)} at row {found.row} is {found.after:.12g}, for "
                f"all rows at once {found.before:.12g}.",
                row=found.row,
                column=found.column,
                relative=found.relative if math.isfinite(found.relative) else None,
            )
        self._done("streaming", RULES["streaming"], 1)

    # --- keeping book -------------------------------------------------------------------------------

    def _leak(self, rule: str, sentence: str, step: str = "", *, row: int | None = None, **facts: Any) -> None:
        time = None if row is None else when(self.bars, row)
        self.leaks.append(Leak(rule, sentence, step or next_step(rule), row=row, time=time, **facts))

    def _done(
        self, check: str, about: str, runs: int, why: str = "", *, skipped: bool = False, also: Sequence[str] = ()
    ) -> None:
        leaks = any(leak.rule in {check, *also} for leak in self.leaks)
        outcome = "leaks" if leaks else "not checked" if skipped else "clean"
        self.checked.append(Checked(check, about, runs, outcome, why))


def _silent() -> Any:
    import warnings

    return warnings.catch_warnings(action="ignore")


def _content(bars: Bars) -> tuple[float, ...]:
    return tuple(float(np.nansum(getattr(bars, name))) for name in FIELDS)


def _only(table: Table, row: int) -> Table:
    return Table({name: values[row : row + 1] for name, values in table.columns.items()}, labels=table.labels)


def _events(table: Table) -> list[int]:
    """Rows in which a discrete answer changes; none for answers that change all the time."""
    rows: set[int] = set()
    for values in table.columns.values():
        known = values if values.dtype.kind != "f" else np.where(np.isnan(values), -9.87e30, values)
        changed = np.flatnonzero((known[1:] != known[:-1]).any(axis=1)) + 1
        if 0 < changed.size < 0.6 * values.shape[0]:
            rows.update(changed.tolist())
    return sorted(rows)


def _varies(table: Table) -> bool:
    """Whether more than one value is answered, missing ones aside."""
    for name, values in table.columns.items():
        if name == "decision":
            continue  # when a strategy decides may well be a matter of the calendar
        for column in values.T:
            known = column[~np.isnan(column)] if column.dtype.kind == "f" else column
            if known.size and bool((known != known[0]).any()):
                return True
    return False


def _overlap(base: Table, other: Table) -> float:
    """Share of the rows that stand out in either answer which stand out, equally, in both."""
    least = 1.0
    for name, values in base.columns.items():
        a, b = (np.nan_to_num(t.columns[name].astype(np.float64), nan=-9.87e30) for t in (base, other))
        if a.shape != b.shape:
            return 0.0
        for x, y in zip(a.T, b.T, strict=True):
            levels, counts = np.unique(x, return_counts=True)
            usual = levels[np.argmax(counts)]
            stand = (x != usual) | (y != usual)
            if stand.any():
                least = min(least, float((x[stand] == y[stand]).mean()))
        del values
    return least


def require_rows(bars: Bars, warm_up: int, name: str) -> None:
    """Refuse to examine on fewer rows than an answer needs.

    Raises
    ------
    InputError
    """
    if bars.n_bars < warm_up + 20:
        raise InputError(
            f"{name} needs {warm_up:,} rows before its first answer and 20 more to be examined on, but there are "
            f"{bars.n_bars:,}; give more bars, or shorter windows (params)."
        )


Counted = Mapping[str, int]
