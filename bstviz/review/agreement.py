"""How far the reviewers of a collection agree: each two of them, on the sounds that both gave a class."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from bstviz.datasets.taxonomy import Taxonomy
from bstviz.evaluation.metrics import cohen_kappa
from bstviz.review.decisions import Record

ID_SIGNS = 6
"""Of a reviewer's id, shown where they gave no name or somebody else has the same."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of two reviewers.

    Attributes:
        first: Name of one.
        second: Name of the other.
        sounds: How many sounds both gave a class.
        top_agreement: Share of these whose top-level class is the same, 0 to 1.
        top_kappa: Cohen's kappa of that; NaN where chance alone gives all of it.
        second_agreement: Share whose second-level class is the same.
        second_kappa: Cohen's kappa of that.
    """

    first: str
    second: str
    sounds: int
    top_agreement: float
    top_kappa: float
    second_agreement: float
    second_kappa: float


def agreements(record: Record, taxonomy: Taxonomy) -> list[Agreement]:
    """Agreement of each two reviewers, most sounds first; of two with no sound in common there is none.

    A reviewer's class for a sound is the one they decided last, whether or not a later decision replaces it. Where one
    of the two had been shown the other's decision they are not independent of each other.
    """
    given: dict[str, dict[str, str]] = {}
    for decision in record.decisions:
        own = given.setdefault(decision.by, {})
        own.pop(decision.sound_id, None)
        if decision.new in taxonomy.codes:
            own[decision.sound_id] = decision.new
    names, found = _names(record), []
    for one, other in combinations(given, 2):
        both = [sound for sound in given[one] if sound in given[other]]
        if not both:
            continue
        a, b = (taxonomy.encode([given[who][sound] for sound in both]) for who in (one, other))
        top_a, top_b = taxonomy.parents[a], taxonomy.parents[b]
        top = float((top_a == top_b).mean()), cohen_kappa(top_a, top_b)
        second = float((a == b).mean()), cohen_kappa(a, b)
        found.append(Agreement(names[one], names[other], len(both), *top, *second))
    return sorted(found, key=lambda pair: -pair.sounds)


def _names(record: Record) -> dict[str, str]:
    """What each reviewer is called last, told apart by the start of their id where that is needed."""
    called = {decision.by: decision.name or "" for decision in record.decisions}
    taken = list(called.values())
    return {
        who: name if name and taken.count(name) == 1 else f"{name or 'reviewer'} {who[:ID_SIGNS]}"
        for who, name in called.items()
    }
