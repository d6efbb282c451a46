"""Answers of subjects in an interpreter of their own: reads jobs from standard input, prints their digests.

Entry point: ``python -m tradewright.engine.lookahead.again``; see `purity.fresh_process`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tradewright.engine.lookahead.answers import table_digest
from tradewright.engine.lookahead.futures import exam_markets
from tradewright.engine.lookahead.subjects import subject_of

__all__ = ["digest_of_job"]


def digest_of_job(job: dict[str, Any]) -> str:
    """Digest of the answer that a job describes, on the made-up markets of its seed.

    Examples
    --------
    >>> job = {"kind": "indicator", "spec": "sma", "params": {"window": 5}, "seed": 1, "n_bars": 60, "market": 0}
    >>> len(digest_of_job(job))
    64
    """
    try:
        bars = exam_markets(int(job["n_bars"]), seed=int(job["seed"]))[int(job["market"])]
        form = str(job.get("form", "auto"))
        subject = subject_of(job["spec"], job["kind"], params=job.get("params"), form=form, example=bars)
        return table_digest(subject.answer(bars))
    except Exception as error:
        return f"error: {type(error).__name__}: {error}"


def main() -> None:
    """Answer all jobs."""
    jobs = json.loads(sys.stdin.read())
    print(json.dumps([digest_of_job(job) for job in jobs]))


if __name__ == "__main__":
    main()
