"""The certificate: what was examined, on what, how, and how it came out.

Entry points: `Certificate`, `SCHEMA`, `certificate_hash`.

Invariants: the same examination gives the same bytes on every machine with the same engine; no time of day is in it;
the hash covers everything but itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tradewright.domain.errors import DataError, InputError
from tradewright.engine.lookahead.findings import Leak

__all__ = ["SCHEMA", "Certificate", "certificate_hash"]

SCHEMA: Final = "tradewright.certificate/1"


class Certificate:
    """Outcome of an examination for look-ahead, with its hash.

    Made by `tradewright.check_lookahead`, or read by `load`.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import tradewright as tw
    >>> found = tw.check_lookahead("rsi")
    >>> found.clean, found.subject["kind"], found.leaks
    (True, 'indicator', ())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = tw.Certificate.load(found.save(pathlib.Path(folder) / "rsi.json"))
    >>> again.hash == found.hash, again.verify()
    (True, ())
    """

    __slots__ = ("_document",)

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = dict(document)
        self._document["hash"] = self._document.get("hash") or certificate_hash(self._document)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return self.verdict == "clean"

    @property
    def verdict(self) -> str:
        """``"clean"`` or ``"leaks"``."""
        return str(self._document["verdict"])

    @property
    def hash(self) -> str:
        """SHA-256 of everything else in it."""
        return str(self._document["hash"])

    @property
    def subject(self) -> dict[str, Any]:
        """What was examined: kind, name, spec, params, source_hash, form."""
        found: dict[str, Any] = self._document["subject"]
        return found

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What was found, the worst first."""
        return tuple(Leak(**{**item, "fields": tuple(item["fields"])}) for item in self._document["leaks"])

    @property
    def checked(self) -> Sequence[Mapping[str, Any]]:
        """Every check with how it came out, and what was not checked with the reason."""
        found: list[dict[str, Any]] = self._document["checked"]
        return found

    @property
    def data(self) -> Sequence[Mapping[str, Any]]:
        """Bars that were used: hash, symbols, rows, range."""
        found: list[dict[str, Any]] = self._document["data"]
        return found

    @property
    def rules(self) -> tuple[str, ...]:
        """Rules that were broken, in the order of `leaks`."""
        return tuple(dict.fromkeys(leak.rule for leak in self.leaks))

    @property
    def sentence(self) -> str:
        """What it comes to, for people."""
        who = f"{self.subject['kind']} {self.subject['name']}"
        answers = self._document["answers"]
        if self.clean:
            return f"{who}: no leak in {answers:,} answers; certificate {self.hash[:16]}"
        return f"{who}: {len(self.leaks)} leak{'s' if len(self.leaks) > 1 else ''}. {self.leaks[0].sentence}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as they are saved."""
        return dict(self._document)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        from tradewright.engine.record import to_bytes

        return to_bytes(self._document)

    def save(self, path: str | Path) -> Path:
        """Write it as JSON, at once or not at all."""
        from tradewright.engine.record import write_atomic

        return write_atomic(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> Certificate:
        """Read one that `save` (or ``--out``) wrote.

        Raises
        ------
        DataError
            If the file is missing, is no certificate, or was changed after it was written.
        """
        import orjson

        try:
            document = orjson.loads(Path(path).read_bytes())
        except OSError as error:
            raise DataError(f"{str(path)!r} cannot be read: {error.strerror}. Give what --out wrote.") from error
        except orjson.JSONDecodeError as error:
            raise DataError(f"{str(path)!r} is not JSON ({error}); give what --out wrote.") from error
        schema = document.get("schema") if isinstance(document, dict) else None
        if schema != SCHEMA:
            raise DataError(f"{str(path)!r} has schema {schema!r}; a certificate has {SCHEMA!r}.")
        found = cls(document)
        stated, true = found.hash, certificate_hash(document)
        if stated != true:
            raise DataError(
                f"{str(path)!r} does not match its own hash {stated[:12]}...; it was changed after it was written. "
                "Examine the subject again."
            )
        return found

    def verify(self, subject: Any = None) -> tuple[str, ...]:
        """What speaks against trusting it now; empty when nothing does.

        Parameters
        ----------
        subject : optional
            What it is believed to be of; default: what its own spec names, where that can be found again.

        Returns
        -------
        tuple of str
            Sentences: another hash, another source, another engine.
        """
        from tradewright.domain.errors import TradewrightError
        from tradewright.engine.lookahead.subjects import source_text, subject_of
        from tradewright.engine.manifest import engine_build

        out: list[str] = []
        if certificate_hash(self._document) != self.hash:
            out.append("Its hash does not fit its content: it was changed.")
        spec = self.subject["spec"]
        given = subject if subject is not None else (spec.get("spec") if spec.get("kind") != "object" else None)
        if given and self.subject["kind"] in {"strategy", "indicator", "feature"}:
            try:
                now = subject_of(given, self.subject["kind"], params=self.subject["params"]).source_hash()
            except TradewrightError as error:
                out.append(f"What it was made for is not there any more: {error}")
            else:
                if now != self.subject["source_hash"]:
                    out.append("The source has changed since: examine it again.")
        elif subject is not None:
            text = source_text(subject)
            now = None if text is None else hashlib.sha256(text.encode()).hexdigest()
            if now != self.subject["source_hash"]:
                out.append("The source has changed since: examine it again.")
        if self._document["engine"]["hash"] != engine_build()[1]:
            out.append("Another build of the engine made it; examine again to be sure.")
        return tuple(out)

    def fits(self, manifest: Mapping[str, Any]) -> tuple[str, ...]:
        """What keeps it from standing for a result; empty when it is of the same strategy, parameters and source.

        Parameters
        ----------
        manifest : mapping
            Manifest of a result.
        """
        strategy = manifest["strategy"]
        out = []
        if self.subject["kind"] != "strategy":
            out.append(f"it is of a {self.subject['kind']}, not of a strategy")
        elif self.subject["name"] != strategy["name"]:
            out.append(f"it is of {self.subject['name']}, the result is of {strategy['name']}")
        if self.subject["source_hash"] != strategy["source_hash"]:
            out.append("the source of the strategy is another one")
        elif self.subject["params"] != strategy["params"]:
            out.append(f"it was examined with {self.subject['params']}, the result has {strategy['params']}")
        return tuple(out)

    def require_clean(self) -> Certificate:
        """Return itself, or raise.

        Raises
        ------
        InputError
            If it has leaks; the message is the first of them, with its next step.
        """
        if not self.clean:
            raise InputError(f"{self.leaks[0].sentence} {self.leaks[0].next_step}")
        return self

    def __repr__(self) -> str:
        lines = [self.sentence] if self.clean else [self.sentence.partition(". ")[0] + "."]
        for leak in self.leaks:
            lines += [f"  {leak.rule}: {leak.sentence}", f"    {leak.next_step}"]
        return "\n".join(lines)


def certificate_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 over a certificate without its own hash."""
    from tradewright.engine.record import to_bytes

    return hashlib.sha256(to_bytes({key: value for key, value in document.items() if key != "hash"})).hexdigest()
