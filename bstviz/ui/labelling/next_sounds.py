"""Which sounds to label next: a list to be played, and to be selected on the map."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from bstviz.errors import UserError
from bstviz.review.decisions import Record
from bstviz.review.label_quality import judging_runs
from bstviz.review.next_sounds import LabellingQueue, labelling_queue
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.components.downloads import downloads
from bstviz.ui.components.sound_list import sound_list
from bstviz.ui.components.text import told
from bstviz.ui.kept import kept
from bstviz.ui.labelling.record import labels_of
from bstviz.ui.page import reported

BATCH = 100
"""Sounds that are chosen at once; a batch stands until another one is asked for."""
BATCHES_ASKED = "labelling.next.batches"
"""Where the session keeps how many batches were asked for."""


@kept(
    max_entries=4,
    show_spinner="Choosing sounds to label next …",
    hash_funcs={Loaded: identity_of, Record: lambda record: ""},
    scope="session",
)
def _batch(judges: list[Loaded], record: Record, turn: int) -> LabellingQueue:
    """A batch, by the decisions as they were when it was asked for."""
    return labelling_queue([loaded.run for loaded in judges], judges[0].collection, record, count=BATCH, seed=turn)


def _judges(loaded: Loaded) -> list[Loaded]:
    """A run, its siblings, and those that differ in the loss alone."""
    infos = list(loading.infos().values())
    return [loading.load(info.folder) for own in judging_runs(infos, loaded.run) for info in own if info.folder]


def label_next(loaded: Loaded, *, on_open: Callable[[int], None], on_select: Callable[[np.ndarray], None]) -> None:
    """A switch, and where it is on the sounds of a run's collection to label next, each with its reason.

    Those that are decided leave the list; "Choose others" heeds the decisions since.

    Args:
        loaded: The run.
        on_open: Called with the row of the sound whose title was clicked.
        on_select: Called with the rows of all that are listed.
    """
    if not st.toggle("What to label next", key="labelling.next.on", persist_state="session"):
        return
    record = labels_of(loaded.run.collection).record
    turn = int(st.session_state.get(BATCHES_ASKED, 0))
    try:
        batch = _batch(_judges(loaded), record, turn)
    except UserError as error:
        st.info(told(str(error)), icon=":material/check:")
        return
    waiting = np.array([sound not in record.standing for sound in batch.ids], bool)
    rows = loaded.ids.get_indexer(batch.ids[waiting])
    reasons = [why for why, waits in zip(batch.reasons, waiting, strict=True) if waits]

    def another() -> None:
        st.session_state[BATCHES_ASKED] = turn + 1

    st.caption(
        f"{len(rows):,} of {batch.open_count:,} {batch.among} sounds, those first from which the models learn most."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Select these on the map",
            key="labelling.next.select",
            icon=":material/select_all:",
            disabled=not len(rows),
            on_click=reported(partial(on_select, rows)),
        )
        st.button("Choose others", key="labelling.next.more", icon=":material/refresh:", on_click=reported(another))
        downloads(batch.table, "next", key="labelling.next")
    sound_list(
        [(loaded, int(row)) for row in rows],
        key="labelling.next.list",
        columns=("title", "predicted", "note"),
        notes=reasons,
        on_open=lambda i: on_open(int(rows[i])),
        height=300,
    )
