"""The sounds behind a number: of a cell of one matrix, or of two; to play, download and select on the map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.evaluation import confusion
from bstviz.evaluation.out_of_fold import OutOfFold, differ_in_loss_alone
from bstviz.ui.cache import loading
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components import selection
from bstviz.ui.components.downloads import downloads
from bstviz.ui.components.prepared import PreparedView
from bstviz.ui.components.sound_list import sound_list
from bstviz.ui.components.text import escape, texts_from
from bstviz.ui.confusion.sides import Side, entries
from bstviz.ui.labelling import panel

Listed = tuple[Sequence[Loaded], OutOfFold]
"""Runs, and predictions of theirs."""


def cell_sounds(sides: Sequence[Side], chosen: tuple[str, str], *, key: str) -> None:
    """The sounds of a cell, most confident first; of two matrices, those that only A or only B has come first."""
    taxonomy = sides[0].answers.taxonomy
    true, predicted = (taxonomy[code] for code in chosen)
    st.markdown(f"#### {escape(true.name)} → {escape(predicted.name)}")
    defined = " ".join(f"{c.name}: {c.definition}" for c in dict.fromkeys((true, predicted)) if c.definition)
    st.caption(escape(defined) + texts_from(taxonomy))
    if len(sides) == 2:
        listed, notes = _told_apart(sides[0], sides[1], chosen)
    else:
        listed, notes = [(sides[0].folds, confusion.cell(sides[0].answers, *chosen))], []
    upper = true.parent is None or predicted.parent is None
    columns = ("title", "class", "predicted", "predicted_confidence") if upper else ("title", "predicted_confidence")
    sounds(listed, notes, key=key, name=f"{chosen[0]}-predicted-as-{chosen[1]}", columns=columns, keys=True)


def _told_apart(first: Side, second: Side, chosen: tuple[str, str]) -> tuple[list[Listed], list[str]]:
    """The sounds of a cell of two matrices: only the first's, only the second's, both's; and which each is."""
    a, b = (confusion.cell(side.answers, *chosen) for side in (first, second))
    shared = _among(a, b)
    only_a, only_b = a.where(~shared), b.where(~_among(b, a))
    notes = []
    for own, other, answers in ((first, second, only_a), (second, first, only_b)):
        tested = _among(answers, other.answers)
        notes += [f"only {own.letter}" + ("" if there else " tested") for there in tested]
    notes += ["A and B"] * int(shared.sum())
    return [(first.folds, only_a), (second.folds, only_b), (first.folds, a.where(shared))], notes


def _among(some: OutOfFold, others: OutOfFold) -> np.ndarray:
    """Which of some predictions' sounds others are of too, (n,) bool."""
    found: np.ndarray = pd.Index(some.sound_ids).isin(others.sound_ids)  # np.isin compares every word with every other
    return found


def sounds(
    listed: Sequence[Listed],
    notes: Sequence[str],
    *,
    key: str,
    name: str,
    columns: Sequence[str],
    keys: bool = False,
) -> None:
    """A list of predictions with a way onto the map and into a file.

    Args:
        listed: Runs and predictions of theirs, in order.
        notes: A word on each prediction, or none at all.
        key: Of the list.
        name: Of the file.
        columns: Of the list.
        keys: Whether keys play the next and the previous one; one list of a page at most.
    """
    rows = [entry for folds, answers in listed for entry in entries(folds, answers)]
    if not rows:
        st.caption("No sounds.")
        return
    table = pd.concat([_table(folds, answers) for folds, answers in listed if len(answers)], ignore_index=True)
    if notes:
        table.insert(1, "model", notes)
    ids = table["sound_id"].to_numpy()
    went = f"{key}.went"

    def go_to(position: int) -> None:
        st.session_state[went] = str(ids[position])

    with st.container(horizontal=True, vertical_alignment="center"):
        order = "those of one matrix alone first" if notes else "most confident first"
        st.caption(f"{len(rows):,} sound{'s' * (len(rows) > 1)}, {order}")
        downloads(lambda: table, name, key=key)
        selected = st.button(
            "Select on the map",
            key=f"{key}.map",
            icon=":material/scatter_plot:",
            help="Select these sounds on the Explore page",
        )
    if selected or went in st.session_state:
        selection.show_on_map(rows[0][0], ids, st.session_state.pop(went, None))
    shown = (*columns, "note") if notes else columns
    played = sound_list(rows, key=f"{key}.list", columns=shown, notes=notes or None, on_open=go_to, keys=keys)
    _in_both_models(*rows[played or 0])
    if keys and panel.switch(rows[0][0]):
        loaded = rows[0][0]
        found = loaded.ids.get_indexer(pd.Index(ids, dtype=object))
        one = int(found[played]) if played is not None and found[played] >= 0 else None
        panel.labelling(loaded, key=f"{key}.label", one=one, selected=np.sort(found[found >= 0]))


def _in_both_models(loaded: Loaded, row: int) -> None:
    """A link to a sound on the page Compare, where there is a run that differs in the loss alone."""
    others = [info for info in loading.infos().values() if info.latent_dim]
    other = next((info for info in others if differ_in_loss_alone(loaded.run, info)), None)
    if other is None or not loaded.run.latent_dim:
        return
    right = loading.run_name(loading.load(other.folder or Path()))
    sides = {"left": loading.run_name(loaded), "right": right, "sound": str(loaded.ids[row])}
    PreparedView("compare", sides).link(
        f"Where the other model puts “{escape(loaded.title(row))}”",
        icon=":material/compare:",
        help="The sound on the maps of both models, hierarchical and not, with what each predicts",
    )


def _table(folds: Sequence[Loaded], answers: OutOfFold) -> pd.DataFrame:
    codes = np.array(answers.taxonomy.codes, object)
    titles = [loaded.title(row) for loaded, row in entries(folds, answers)]
    return pd.DataFrame(
        {
            "sound_id": answers.sound_ids,
            "title": titles,
            "true": codes[answers.y_true],
            "predicted": codes[answers.y_pred],
            "predicted_confidence": confusion.predicted_confidence(answers),
            "confidence": answers.annotation_confidence,
            "fold": answers.folds,
        }
    )
