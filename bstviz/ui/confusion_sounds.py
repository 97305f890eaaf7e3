"""The sounds behind a number: of a cell of one matrix, or of two, to be played, taken away and selected on the map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from bstviz import confusion
from bstviz.outoffold import OutOfFold
from bstviz.ui import selection
from bstviz.ui.confusion import Side, entries
from bstviz.ui.loaders import Loaded
from bstviz.ui.sound_list import sound_list
from bstviz.ui.text import escape


def cell_sounds(sides: Sequence[Side], chosen: tuple[str, str], *, key: str) -> None:
    """The sounds of a cell, those that the model is most sure of first; of two matrices those that only A has come first."""
    taxonomy = sides[0].answers.taxonomy
    true, predicted = (taxonomy[code] for code in chosen)
    st.markdown(f"#### {escape(true.name)} → {escape(predicted.name)}")
    st.caption(escape(" ".join(f"{c.name}: {c.definition}" for c in dict.fromkeys((true, predicted)) if c.definition)))
    found = [confusion.cell(side.answers, *chosen) for side in sides]
    listed = [(folds, answers) for folds, answers in zip((s.folds for s in sides), found, strict=True)]
    notes: list[str] = []
    if len(sides) == 2:
        both = np.isin(found[0].sound_ids, found[1].sound_ids)
        only_b = ~np.isin(found[1].sound_ids, found[0].sound_ids)
        notes = ["only A"] * int((~both).sum()) + ["only B"] * int(only_b.sum()) + ["A and B"] * int(both.sum())
        listed = [
            (sides[0].folds, found[0].where(~both)),
            (sides[1].folds, found[1].where(only_b)),
            (sides[0].folds, found[0].where(both)),
        ]
    upper = true.parent is None or predicted.parent is None
    columns = ("title", "class", "predicted", "certainty") if upper else ("title", "certainty")
    sounds(listed, notes, key=key, name=f"{chosen[0]}-taken-for-{chosen[1]}", columns=columns, keys=True)


def sounds(
    listed: Sequence[tuple[Sequence[Loaded], OutOfFold]],
    notes: Sequence[str],
    *,
    key: str,
    name: str,
    columns: Sequence[str],
    keys: bool = False,
) -> None:
    """A list of answers with a way onto the map and into a file.

    Args:
        listed: Runs and answers of theirs, in order.
        notes: A word on each answer, or none at all.
        key: Of the list.
        name: Of the file.
        columns: Of the list.
        keys: Whether keys play the next and the last one; one list of a page at most.
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
        st.caption(f"{len(rows):,} sound{'s' * (len(rows) > 1)}, most certain first")
        csv = table.to_csv(index=False)
        st.download_button(
            "CSV", csv, f"{name}.csv", "text/csv", key=f"{key}.csv", icon=":material/download:", on_click="ignore"
        )
        selected = st.button(
            "Select on the map", key=f"{key}.map", icon=":material/scatter_plot:", help="Select these sounds on the Explore page"
        )  # fmt: skip
    if selected or went in st.session_state:
        selection.show_on_map(rows[0][0], ids, st.session_state.pop(went, None))
    shown = (*columns, "note") if notes else columns
    sound_list(rows, key=f"{key}.list", columns=shown, notes=notes or None, on_open=go_to, keys=keys)


def _table(folds: Sequence[Loaded], answers: OutOfFold) -> pd.DataFrame:
    codes = np.array(answers.taxonomy.codes, object)
    titles = [loaded.title(row) for loaded, row in entries(folds, answers)]
    return pd.DataFrame(
        {
            "sound_id": answers.sound_ids,
            "title": titles,
            "true": codes[answers.y_true],
            "predicted": codes[answers.y_pred],
            "certainty": confusion.conviction(answers),
            "confidence": answers.confidence,
            "fold": answers.folds,
        }
    )
