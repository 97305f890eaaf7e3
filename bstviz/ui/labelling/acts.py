"""What a press does: decide on one sound or on a selection in one act, take the last act back, bring it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from bstviz import log
from bstviz.review import acts
from bstviz.review.decisions import Decision
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.labelling.record import Labels, recorded
from bstviz.ui.review.reviewer import Reviewer

SAID = "labelling.said"
"""Where the session keeps what was done until the page is drawn."""


@dataclass(frozen=True, eq=False)
class Target:
    """Sounds to decide on together.

    Attributes:
        loaded: A run that lists them.
        rows: (m,) rows in it.
        words: What they are called on buttons.
    """

    loaded: Loaded
    rows: np.ndarray
    words: str

    @property
    def ids(self) -> list[str]:
        """Ids of the sounds."""
        return [str(sound) for sound in self.loaded.ids[self.rows]]

    @property
    def classes(self) -> list[str | None]:
        """The class that each has in the collection."""
        given = self.loaded.table["class"].iloc[self.rows]
        return [None if pd.isna(code) else str(code) for code in given]


@log.timed("decide")
def decide(
    target: Target,
    labels: Labels,
    who: Reviewer,
    *,
    new: str | None,
    keep: bool = False,
    confidence: int | None = None,
    comment: str = "",
) -> None:
    """Save a decision on all sounds of a target in one act, over those that the page showed, and say so.

    Args:
        target: The sounds.
        labels: The decisions as the page showed them.
        who: Decides.
        new: The class; None is unsure.
        keep: Each keeps the class that it has, in place of ``new``; those without one are left alone.
        confidence: How sure the label is.
        comment: On it.
    """
    classes = dict(zip(target.ids, target.classes, strict=True))
    changes = {sound: (old, old if keep else new) for sound, old in classes.items() if old is not None or not keep}
    made = acts.decide_all(
        labels.file,
        labels.hash,
        changes,
        by=who.id,
        over=labels.seen(list(changes)),
        name=who.name,
        confidence=confidence if new is not None or keep else None,
        comment=comment or None,
    )
    st.session_state[SAID] = f"Saved: {in_words(made)}.{_meanwhile(made, labels)}"


def undo(labels: Labels, who: Reviewer) -> None:
    """Take back somebody's last act, and say which it was."""
    taken = acts.undo_act(labels.file, labels.hash, by=who.id)
    st.session_state[SAID] = f"Taken back: {in_words(taken)}." if taken else "There is nothing to take back."


def redo(labels: Labels, who: Reviewer) -> None:
    """Bring back what somebody took back last, and say what it was."""
    back = acts.redo_act(labels.file, labels.hash, by=who.id)
    st.session_state[SAID] = f"Brought back: {in_words(back)}." if back else "There is nothing to bring back."


def in_words(made: Sequence[Decision]) -> str:
    """What was decided in an act: how many sounds and what of them."""
    counts = Counter(decision.verdict for decision in made)
    what = ", ".join(f"{count:,} {verdict}" for verdict, count in counts.most_common(3))
    more = f" and {len(counts) - 3} more" if len(counts) > 3 else ""
    sure = {decision.confidence for decision in made} - {None}
    confidence = f", annotation confidence {sure.pop()}" if len(sure) == 1 else ""
    return f"{len(made):,} sound{'s' * (len(made) != 1)} ({what}{more}{confidence})"


def _meanwhile(made: Sequence[Decision], labels: Labels) -> str:
    """How many sounds somebody else has decided otherwise since the page was drawn."""
    record, _ = recorded(labels.file, labels.hash)
    agreed = record.agreed
    disputed = sum(decision.sound_id not in agreed for decision in made)
    if not disputed:
        return ""
    return f" Of them {disputed:,} were decided otherwise meanwhile: both decisions are kept, and Review lists them."
