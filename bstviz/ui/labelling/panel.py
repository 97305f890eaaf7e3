"""The panel to label with, of every page that shows sounds: what is labelled, as what, and what has been decided."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st

from bstviz.datasets.taxonomy import SoundClass
from bstviz.review import record_files
from bstviz.review.applied import label_table
from bstviz.review.decisions import Record
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.downloads import downloads
from bstviz.ui.components.pickers import one_of
from bstviz.ui.components.text import escape, told
from bstviz.ui.labelling import acts, form
from bstviz.ui.labelling.acts import SAID, Target
from bstviz.ui.labelling.form import Button, Press
from bstviz.ui.labelling.record import Labels, labels_of
from bstviz.ui.review.reviewer import Reviewer, ask_name, me, window

SWITCH, TARGET, PRESSES = "labelling.switch", "labelling.target", "labelling.presses"
VERDICTS = 5
"""Decisions on a sound that are shown."""


def switch(loaded: Loaded) -> bool:
    """Whether sounds are labelled on this page; at first where none has a class."""
    if SWITCH not in st.session_state:
        st.session_state[SWITCH] = not bool((loaded.run.y_true >= 0).any())
    return st.toggle(
        "Label sounds",
        key=SWITCH,
        persist_state="session",
        help="Give the sound that is shown, or the whole selection, a class",
    )


def labelling(loaded: Loaded, *, key: str, one: int | None, selected: np.ndarray) -> None:
    """The panel.

    Args:
        loaded: A run that lists the sounds.
        key: Of the panel.
        one: Row of the sound that the page shows.
        selected: (m,) rows of the selection.
    """
    with st.container(border=True):
        st.markdown("#### Label")
        labels, who, collection = labels_of(loaded.run.collection), me(), loaded.collection
        if collection is None or labels.problem is not None:
            st.warning(told(loaded.problem or labels.problem or ""), icon=":material/error:")
            return
        target = pick_target(loaded, one, selected)
        if SAID in st.session_state:
            st.success(escape(st.session_state.pop(SAID)), icon=":material/check:")
        if target is None:
            st.caption("Click a sound, or select some: a class is given to one sound or to the whole selection.")
        _ask(target, labels, who, key=key)
        _tell(target, labels, who)
        with st.container(horizontal=True):
            table = partial(label_table, collection, labels.record)
            downloads(table, "labels", key=f"{key}.table", what="Labels as")


def pick_target(loaded: Loaded, one: int | None, selected: np.ndarray) -> Target | None:
    """What is labelled: the sound that is shown or the selection; asked where there are both."""
    several = f"{len(selected):,} sound{'s' * (len(selected) != 1)}"
    choices = {"selection": f"Selection: {several}"} if len(selected) else {}
    choices |= {"one": "The sound shown"} if one is not None else {}
    if not choices:
        return None
    what = next(iter(choices))
    if len(choices) > 1:
        what = one_of("Label", list(choices), key=TARGET, name=choices.__getitem__)
    if what == "one" and one is not None:
        return Target(loaded, np.array([one]), f"“{loaded.title(one)}”")
    return Target(loaded, selected, several)


def _ask(target: Target | None, labels: Labels, who: Reviewer, *, key: str) -> None:
    """The form and the buttons for some sounds; without any, those of what was done before alone."""
    given = _history(labels.record, who)
    sounds = [] if target is None else target.ids
    token = hashlib.sha256("\n".join([labels.hash, *sounds]).encode()).hexdigest()
    chosen = None
    if target is not None:
        left, right = st.columns([3, 2])
        with left:
            chosen = form.pick_class(target.loaded.run.taxonomy)
        with right:
            form.ask_comment()
        given = [*_verdicts(target, chosen), *given]
    turn = f"{window()} {st.session_state.get(PRESSES, 0)} {token[:16]} {labels.identity}"

    def pressed(press: Press) -> None:
        # as they are now: a press may come before the page is drawn with what was typed last
        code, comment = st.session_state.get(form.CLASS_KEY), str(st.session_state.get(form.COMMENT_KEY) or "")
        st.session_state[PRESSES] = st.session_state.get(PRESSES, 0) + 1
        if press.act == "undo":
            acts.undo(labels, who)
        elif press.act == "redo":
            acts.redo(labels, who)
        elif target is None or press.sound != token:
            st.session_state[SAID] = "Nothing was decided: the page had other sounds. Look again."
        elif press.act in ("keep", "unsure") or (press.act == "set" and code in target.loaded.run.taxonomy.codes):
            acts.decide(
                target,
                labels,
                who,
                new=code if press.act == "set" else None,
                keep=press.act == "keep",
                confidence=press.confidence,
                comment=comment.strip(),
            )

    form.buttons(given, key=f"{key}.decide", sound=token, version=labels.hash, turn=turn, on_press=pressed)
    if target is not None and chosen is not None:
        form.definitions(chosen, target.loaded.run.taxonomy)


def _verdicts(target: Target, chosen: SoundClass | None) -> list[Button]:
    """The buttons that decide on some sounds."""
    known, several = any(target.classes), len(target.rows) > 1
    as_what = f" as {chosen.name}" if chosen is not None else ""
    return [
        Button(
            "set",
            ("l",),
            f"Label {target.words}{as_what}",
            "The class chosen above is right",
            main=True,
            off=chosen is None,
            chooser=form.CLASS_LABEL,
        ),
        Button("keep", ("o",), "Keep the labels" if several else "Keep the label", "The label is right", off=not known),
        Button("unsure", ("u",), "Unsure", "No class is clear; a label that is there is kept"),
    ]


def _history(record: Record, who: Reviewer) -> list[Button]:
    """The buttons that take the last act back and bring it back."""
    last, undone = record.last_act(who.id), record.undone.get(who.id)
    what = f"Take back {acts.in_words(last)}" if last else "You have decided nothing here"
    return [
        Button("undo", ("ctrl+z",), "Undo", what, off=not last),
        Button("redo", ("ctrl+y",), "Redo", "Bring back what you took back last", off=not undone),
    ]


def _tell(target: Target | None, labels: Labels, who: Reviewer) -> None:
    """What has been decided: on a sound that is shown alone, and in all."""
    record = labels.record
    if target is not None and len(target.rows) == 1:
        standing = record.standing.get(target.ids[0], ())
        said = "; ".join(f"{d.verdict} by {who.names(d)}{form.stated(d)}" for d in standing[-VERDICTS:])
        if said:
            st.caption(f"{'Disputed' if target.ids[0] in record.disputed else 'Decided'}: {escape(said)}")
    elif target is not None:
        decided = sum(sound in record.standing for sound in target.ids)
        if decided:
            st.caption(f"{decided:,} of the {len(target.rows):,} have been decided on.")
    mine = len({d.sound_id for own in record.standing.values() for d in own if d.by == who.id})
    st.caption(
        f"{len(record.standing):,} sounds decided, {mine:,} by you; {len(record.disputed):,} disputed. "
        f"Saved at once in `{labels.file.name}`."
    )
    other_versions(labels.file)
    with st.expander(f"You decide as {escape(who.name)}" if who.name else "You decide without a name"):
        ask_name(who, record)


def other_versions(file: Path) -> None:
    """How many decisions are on another version of the collection, and where they are."""
    for name, count in record_files.of_other_versions(file).items():
        several = count > 1
        st.caption(
            f"{count:,} decision{'s' * several} {'are' if several else 'is'} on another version of this collection, in "
            f"`{name}`."
        )
