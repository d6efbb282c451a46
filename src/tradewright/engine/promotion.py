"""What a result must bring before anybody trades it: a certificate, and evidence that outlives its trials.

Entry points: `requirements`, `Promotion`, `attach_certificate`.

Invariants: not knowing means no: what cannot be shown is not met. No certificate, no promotion. A certificate is
attached to a result only if it is of the same strategy, with the same source and parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tradewright.domain.errors import ConfigError, InputError

if TYPE_CHECKING:
    from tradewright.engine.lookahead.certificate import Certificate
    from tradewright.engine.result import Result
    from tradewright.engine.saved import SavedResult

__all__ = ["CONFIDENCE", "Promotion", "Requirement", "attach_certificate", "certificate_block", "requirements"]

CONFIDENCE: Final = 0.95
"""Deflated probability that the evidence must reach."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition of promotion.

    Parameters
    ----------
    name : str
    met : bool
    sentence : str
        What was found.
    next_step : str
        What to do where it is not met.
    """

    name: str
    met: bool
    sentence: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Promotion:
    """All conditions, and whether every one is met.

    Parameters
    ----------
    requirements : tuple of Requirement
    """

    requirements: tuple[Requirement, ...]

    @property
    def promotable(self) -> bool:
        """Whether every condition is met."""
        return all(item.met for item in self.requirements)

    @property
    def missing(self) -> tuple[Requirement, ...]:
        """Conditions that are not met."""
        return tuple(item for item in self.requirements if not item.met)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        rows = [
            {"name": r.name, "met": r.met, "sentence": r.sentence, "next_step": r.next_step} for r in self.requirements
        ]
        return {"promotable": self.promotable, "requirements": rows}

    def __repr__(self) -> str:
        lines = ["promotable" if self.promotable else "not promotable"]
        for item in self.requirements:
            lines.append(f"  {'met    ' if item.met else 'missing'}  {item.name}: {item.sentence}")
            if not item.met:
                lines.append(f"           {item.next_step}")
        return "\n".join(lines)


def requirements(
    result: Result | SavedResult, certificate: Certificate | str | Path | None = None, *, confidence: float = CONFIDENCE
) -> Promotion:
    """What a result still needs before it may be traded.

    Parameters
    ----------
    result : Result or SavedResult
    certificate : Certificate or path, optional
        Where it is not attached to the result already.
    confidence : float
        Probability that the deflated Sharpe ratio must reach, in (0, 1).

    Returns
    -------
    Promotion

    Examples
    --------
    >>> import numpy as np, tradewright as tw
    >>> tw.use_ledger(tw.MemoryTrialLedger())
    >>> close = 100 * np.exp(np.cumsum(np.random.default_rng(4).normal(0.001, 0.01, 500)))
    >>> result = tw.backtest({"close": close}, "sma_cross", params={"fast": 5, "slow": 20})
    >>> found = requirements(result)
    >>> found.promotable, [item.name for item in found.missing][0]
    (False, 'certificate')
    >>> proof = tw.check_lookahead("sma_cross", params={"fast": 5, "slow": 20})
    >>> [item.met for item in requirements(result, proof).requirements if item.name == "certificate"]
    [True]
    >>> tw.use_ledger(None)
    """
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence is {confidence!r}; it must be a probability above 0 and below 1, such as 0.95.")
    return Promotion((_certificate(result, certificate), _evidence(result, confidence), _data(result)))


def attach_certificate(result: Result, certificate: Certificate | str | Path | bool) -> Result:
    """Put the hash of a certificate into a result, beside what is hashed.

    Parameters
    ----------
    result : Result
    certificate : Certificate, path or True
        With True the strategy is examined now, on the bars of the result.

    Raises
    ------
    InputError
        If it is of another strategy, source or parameters.
    ConfigError
        With True, where there is no strategy to examine: arrays were given.
    """
    found = _loaded(certificate, result)
    known = "manifest" in result._kept
    against = found.fits(result.manifest)
    if not known:
        result._kept.pop("manifest", None)  # the command that ran it may not be noted yet
    if against:
        raise InputError(
            f"The certificate {found.hash[:16]} cannot stand for this result: {'; '.join(against)}. Examine the "
            "strategy with these parameters: tradewright check lookahead --strategy NAME --params JSON --out FILE."
        )
    result._kept["certificate"] = found
    result._kept.pop("document", None)
    return result


def certificate_block(found: Certificate) -> dict[str, Any]:
    """What a result says about its certificate."""
    subject = found.subject
    return {
        "hash": found.hash,
        "verdict": found.verdict,
        "strategy": subject["name"],
        "source_hash": subject["source_hash"],
        "params": subject["params"],
        "data": [item["hash"] for item in found.data],
        "allowed": [item["rule"] for item in found.as_dict()["allowed"]],
    }


def _loaded(certificate: Any, result: Result) -> Certificate:
    from tradewright.engine.lookahead.certificate import Certificate
    from tradewright.engine.lookahead.check import check_lookahead

    if certificate is True:
        if result.strategy is None:
            raise ConfigError(
                "Only a strategy can be certified; decisions that are handed over as arrays or tables cannot be asked "
                "about another future."
            )
        given = result.given if isinstance(result.given, str) else result.strategy
        return check_lookahead(given, result.bars, kind="strategy", params=result.params or None)
    if isinstance(certificate, (str, Path)):
        return Certificate.load(certificate)
    if isinstance(certificate, Certificate):
        return certificate
    raise InputError(f"certificate is {certificate!r}; give a Certificate, the path of one, or True to examine now.")


_EXAMINE: Final = (
    "Examine the strategy: tradewright check lookahead --strategy NAME --out FILE, and attach the outcome."
)


def _certificate(result: Any, certificate: Any) -> Requirement:
    from tradewright.engine.lookahead.certificate import Certificate

    if certificate is not None:
        found = Certificate.load(certificate) if isinstance(certificate, (str, Path)) else certificate
        against = [*found.fits(result.manifest)]
        block = certificate_block(found)
    else:
        block, against = result.certificate, []
        if block is not None and not isinstance(block, dict):
            block = certificate_block(block)
    if block is None:
        return Requirement("certificate", False, "no certificate, no promotion", _EXAMINE)
    if against:
        return Requirement("certificate", False, "; ".join(against), _EXAMINE)
    short = str(block["hash"])[:16]
    if block["verdict"] != "clean":
        return Requirement("certificate", False, f"certificate {short} has leaks", "Take the leaks out, examine again.")
    return Requirement("certificate", True, f"certificate {short} is clean")


def _evidence(result: Any, confidence: float) -> Requirement:
    try:
        evidence = result.evidence
    except Exception as error:  # a ledger that cannot be read proves nothing
        return Requirement(
            "evidence", False, f"the evidence cannot be had: {error}", "See 'tradewright trials verify'."
        )
    step = "Run it with a trial ledger, on more data or with fewer trials; see docs/overfitting.md."
    if evidence is None or not evidence["counted"]:
        return Requirement("evidence", False, "its trials were not counted", step)
    value = evidence["deflated_sharpe"]
    if value is None:
        return Requirement("evidence", False, "there is no Sharpe ratio to judge", step)
    said = f"the Sharpe ratio is truly above luck with a probability of {value * 100:.1f} %"
    return Requirement("evidence", value >= confidence, f"{said} ({confidence * 100:g} % are needed)", step)


def _data(result: Any) -> Requirement:
    data = result.manifest["data"]
    if not data["validated"]:
        return Requirement("data", False, "the data was not judged", "Run it with validate=True.")
    if data["synthetic"]:
        return Requirement("data", False, "the prices are made up", "Run it on real prices.")
    return Requirement("data", True, "the data was judged, and is not made up")
