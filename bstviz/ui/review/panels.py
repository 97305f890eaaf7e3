"""One label to review at a time: the sound, the reasons, what its classes mean, and buttons and keys to decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.review.decisions import Record
from bstviz.review.label_quality import LabelQuality
from bstviz.ui.components.player import sound_player
from bstviz.ui.components.sound_card import facts
from bstviz.ui.components.sound_list import sound_list
from bstviz.ui.components.terms import meaning
from bstviz.ui.components.text import chip, escape, texts_from
from bstviz.ui.labelling import form
from bstviz.ui.labelling.form import Button, Press
from bstviz.ui.page import reported
from bstviz.ui.review.reviewer import me, window
from bstviz.ui.review.session import COMMENT, NOTICE, OTHER_KEY, PLAY, TURN, ReviewSession

OTHER = "Another class"
"""Label of the field that a class is chosen in; its key works in there too."""


def buttons(session: ReviewSession, i: int, record: Record) -> None:
    """The buttons to decide with, each with its key."""
    quality, sound = session.queue.quality, str(session.queue.quality.sound_ids[i])
    label, suggested = (quality.taxonomy.second[c[i]] for c in (quality.labels, quality.suggested))
    above, (left, right) = st.container(), st.columns(2)
    with left:
        other = form.pick_class(
            quality.taxonomy, label=OTHER, key=OTHER_KEY, placeholder="Choose, then press S", without=label
        )
    right.text_input("Comment", key=COMMENT, max_chars=form.COMMENT_LENGTH, placeholder="For all who review here")

    def pressed(press: Press) -> None:
        at = session.queue.position(press.sound)
        if press.version != session.queue.version:
            st.session_state[NOTICE] = "Nothing was decided: the page had another version. Look at the sound again."
        elif at is not None:
            session.press(at, press.act, press.seen, press.confidence)

    who = me()
    given = [
        Button("accept", ("a",), f"Accept {suggested.name}", "The suggested class is right", main=True),
        Button("keep", ("k",), f"Keep {label.name}", "The label is right"),
        Button("unsure", ("u",), "Unsure", "Neither is clear; the label is kept"),
        Button("set", ("s",), "Set another class", "The class chosen below is right", off=other is None, chooser=OTHER),
        Button("next", ("n",), "Next", "Go on without a decision"),
        Button("undo", ("z", "ctrl+z"), "Undo", "Take your last decision back", off=not record.last_by(who.id)),
        Button("redo", ("ctrl+y",), "Redo", "Bring back what you took back last", off=who.id not in record.undone),
    ]
    with above:
        form.buttons(
            given,
            key="review.decide",
            sound=sound,
            version=session.queue.version,
            turn=f"{window()} {st.session_state.get(TURN, 0)} {session.queue.version}",
            on_press=pressed,
            seen=[decision.id for decision in record.standing.get(sound, ())],
        )


def decided(session: ReviewSession, sound: str, record: Record) -> None:
    """What was decided on a sound before, with a button to undo it."""
    standing = record.standing.get(sound, ())
    if not standing:
        return
    who = me()
    message = "; ".join(
        f"{d.verdict} by {who.names(d)}{form.stated(d)}, {d.when[:16].replace('T', ' ')} UTC"
        + (f" ({d.why})" if d.why else "")
        for d in standing
    )
    st.info(f"{'Disputed' if sound in record.disputed else 'Decided'}: {escape(message)}", icon=":material/gavel:")
    st.button(
        "Take back",
        key="review.back",
        on_click=reported(session.take_back),
        args=(standing,),
        icon=":material/undo:",
    )


def agreement(session: ReviewSession) -> None:
    """How far each two reviewers agree, where two have given the same sounds classes."""
    pairs = session.agreements()
    if not pairs:
        return
    columns: dict[str, Any] = {"first": "Reviewer", "second": "And", "sounds": "Sounds"}
    for level, words in {"top": "top level", "second": "second level"}.items():
        columns[f"{level}_agreement"] = st.column_config.NumberColumn(f"Agree, {words}", format="percent")
        columns[f"{level}_kappa"] = st.column_config.NumberColumn(f"Kappa, {words}", format="%.2f")
    with st.expander("Agreement of reviewers"):
        st.dataframe(
            pd.DataFrame(pairs),
            hide_index=True,
            key="review.agreement_table",
            column_config=columns,
        )
        st.caption("Cohen's kappa: 1 where two always agree, 0 where they agree as often as by chance.")


def definitions(quality: LabelQuality, i: int) -> None:
    """The given and the suggested label side by side, with the probabilities of each model and the neighbours."""
    for column, heading, index in zip(
        st.columns(2), ("Label", "Suggested"), (int(quality.labels[i]), int(quality.suggested[i])), strict=True
    ):
        found = quality.taxonomy.second[index]
        with column.container(border=True, height="stretch"):
            st.html(f"{heading} {chip(found.name, found.color)}")
            st.markdown(escape(found.definition))
            if found.examples:
                st.caption(escape(f"For example: {found.examples}") + texts_from(quality.taxonomy))
            given = [
                *zip(quality.names, quality.models[:, i, index], strict=True),
                *([(f"{quality.k} neighbours", quality.votes[i, index])] if quality.k else []),
            ]
            st.caption(" · ".join(f"{escape(name.removeprefix('the '))} {100 * share:.1f} %" for name, share in given))


def sound(session: ReviewSession, i: int, record: Record, *, autoplay: bool) -> None:
    """One sound of the queue: to play, why its label may be wrong, what its classes mean, and the keys to decide."""
    quality, (loaded, row) = session.queue.quality, session.queue.entries[i]
    st.markdown(f"#### {escape(loaded.title(row))}")
    sound_player(loaded, row, key="review.player", autoplay=st.session_state.pop(PLAY, False) and autoplay)
    facts(loaded, row)
    decided(session, str(quality.sound_ids[i]), record)
    buttons(session, i, record)
    st.markdown(f"**Why:** {escape('; '.join(quality.reasons(i)))}.")
    definitions(quality, i)


def neighbours(session: ReviewSession, i: int) -> None:
    """The sounds nearest to one in the space of the embeddings, with their labels, to be played."""
    if not session.queue.quality.k:
        st.caption(
            "Too few of the labelled sounds have embeddings, so the models alone judge the labels and there are no "
            "neighbours."
        )
        return
    loaded, _ = session.queue.entries[i]
    near = [(loaded, row) for sound in session.queue.quality.near[i] if (row := loaded.row_of(sound)) is not None]
    st.markdown("**Nearest sounds**, by their embeddings", help=meaning("Embedding"))
    sound_list(near, key="review.near", columns=("title", "class", "predicted"), height=300)


def following(session: ReviewSession, rows: np.ndarray, *, shown: int = 30) -> None:
    """The first sounds of the queue, to be gone to."""
    quality = session.queue.quality
    st.markdown("**Queue**, lowest label quality first", help=meaning("Label quality"))
    entries = [session.queue.entries[i] for i in rows[:shown]]
    codes = [quality.taxonomy.codes[quality.suggested[i]].replace("-", "\N{NON-BREAKING HYPHEN}") for i in rows[:shown]]
    notes = [f"→\N{NO-BREAK SPACE}{code}" for code in codes]

    def open_(position: int) -> None:
        st.session_state[PLAY] = True
        session.go_to(int(rows[position]))

    sound_list(
        entries,
        key="review.queue",
        columns=("title", "class", "note"),
        notes=notes,
        on_open=open_,
        height=300,
        total=len(rows),
    )
