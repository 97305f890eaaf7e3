"""The panel to retrain with: the button, how far it is, what changed, and the versions to go back to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from bstviz.errors import UserError
from bstviz.review.applied import changes_of
from bstviz.review.retraining.changes import Changes, in_words
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.background import pending
from bstviz.ui.components.text import escape, told
from bstviz.ui.labelling.record import labels_of
from bstviz.ui.page import reported
from bstviz.ui.retraining import work

VERSION = "retraining.version"
CHANGED_LISTED = 200
"""Sounds with another answer that are listed."""


def retraining(loaded: Loaded, *, on_open: Callable[[int], None]) -> None:
    """The panel.

    Args:
        loaded: The run that the page shows.
        on_open: Called with the row of a sound that is gone to.
    """
    with st.container(border=True):
        st.markdown("#### Retrain")
        if loaded.collection is None or not loaded.run.predicts:
            missing = "its weights are not here" if loaded.collection is not None else "its collection was not found"
            st.caption(f"This run cannot be retrained: {missing}.")
            return
        _button(loaded)
        _versions(loaded)
        if work.number_of(loaded):
            _changes(loaded, on_open)


def _button(loaded: Loaded) -> None:
    """What there is to train on, and the button; while it goes on, how far it is."""
    assert loaded.collection is not None
    labels = labels_of(loaded.run.collection)
    try:
        if labels.problem is not None:
            raise UserError(labels.problem)
        count = len(changes_of(loaded.collection, labels.record))
    except UserError as error:
        st.warning(told(error), icon=":material/error:")
        return
    if pending("Retraining", key=work.ASKED):
        return
    if count:
        work.warm()
    st.button(
        "Retrain now",
        key="retraining.now",
        icon=":material/model_training:",
        type="primary" if count else "secondary",
        disabled=not count,
        on_click=reported(partial(work.ask, loaded)),
        help="Train the flat and the hierarchical model on the decisions so far; nothing is overwritten",
    )
    said = f"{count:,} label{'s' * (count != 1)} decided since" if count else "No label decided since"
    st.caption(f"{said} {'this version' if work.number_of(loaded) else 'these models'}.")


def _versions(loaded: Loaded) -> None:
    """The versions to go back to, or on to again."""
    family = work.family(loaded)
    if len(family) < 2:
        return
    number = work.number_of(loaded)
    st.session_state[VERSION] = number if number in family else next(iter(family))

    def chosen() -> None:
        work.go(family[st.session_state[VERSION]], loading.run_path(loaded))

    st.selectbox(
        "Version",
        list(family),
        format_func=lambda number: f"Version {number}" if number else "Before retraining",
        key=VERSION,
        on_change=reported(chosen),
        help="Each has its own labels and models; going back deletes nothing",
    )


def _changes(loaded: Loaded, on_open: Callable[[int], None]) -> None:
    """What the version changed, once it is measured."""
    asked = work.what_changed(loaded)
    if asked is None:
        st.caption("The run before this version is not loaded, so what changed cannot be shown.")
        return
    if pending("What changed", key=work.CHANGED):
        return
    if asked.cancelled or asked.works[0].error is not None:
        st.button("Measure again", key="retraining.again", on_click=reported(work.ask_for_changes_again))
        return
    found: Changes = asked.works[0].result()
    st.markdown("\n".join(f"- {escape(line)}" for line in in_words(found)))
    with st.expander(f"Sounds with another answer: {len(found.sounds):,}"):
        _sounds(loaded, found, on_open)
    if found.classes is not None:
        with st.expander("By class, on sounds that neither model learned"):
            st.dataframe(_percent(found.classes), hide_index=True)
    with st.expander("Structure of the latent spaces"):
        st.dataframe(found.structure.round(3))
        st.caption(f"Of {found.measured:,} labelled sounds{' that the new model learned' if found.learned else ''}.")


def _sounds(loaded: Loaded, found: Changes, on_open: Callable[[int], None]) -> None:
    table = found.sounds.head(CHANGED_LISTED)
    rows = loaded.ids.get_indexer(pd.Index(table["sound_id"]))
    shown = table.assign(title=loaded.titles(rows))[["title", "before", "after", "confidence_after", "label"]]

    def opened() -> None:
        picked = st.session_state["retraining.sounds"]["selection"]["rows"]
        if picked and 0 <= picked[0] < len(rows):
            on_open(int(rows[picked[0]]))

    st.dataframe(
        shown.round(2),
        hide_index=True,
        key="retraining.sounds",
        selection_mode="single-row",
        on_select=reported(opened),
    )
    if len(found.sounds) > CHANGED_LISTED:
        st.caption(f"The {CHANGED_LISTED} that the new model is surer of than the old one was.")


def _percent(classes: pd.DataFrame) -> pd.DataFrame:
    """Accuracies of classes in percent, and their difference in points with its interval."""
    values = 100 * classes[["first", "second", "difference", "low", "high"]].astype(float)
    named = values.round(1).set_axis(["before, %", "now, %", "points", "from", "to"], axis=1)
    return pd.concat([classes[["code", "sounds"]], named], axis=1)
