"""Filters over a run's sounds: small bar charts that filter each other, and words of title and tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from bstviz import migrations
from bstviz.inference.search import matching
from bstviz.plots.facets import Column, Columns, crossfilter
from bstviz.ui import query_params
from bstviz.ui.cache import facets
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.components.terms import meaning, meanings
from bstviz.ui.components.text import escape
from bstviz.ui.kept import kept
from bstviz.ui.page import reported
from bstviz.ui.web import component, event

STANDARD = ("top", "second", "correct", "confidence", "predicted_confidence", "split")
TERMS_OF = {
    "confidence": "Annotation confidence",
    "predicted_confidence": "Confidence",
    "split": "Split",
    "fold": "Fold",
    "attention": "Attention",
}
"""What explains a column, by its name."""


@dataclass(frozen=True)
class Toggled:
    """A bar that was clicked: a category of a column; None stands for all of them."""

    column: str
    label: str | None


def chosen(key: str) -> dict[str, frozenset[str]]:
    """Labels that each column lets through, by column name; columns that let all through are left out."""
    labels: dict[str, frozenset[str]] = st.session_state.setdefault(f"{key}.chosen", {})
    return labels


def toggle(key: str, column: str, label: str | None) -> None:
    """Let a category through, or no longer; None lets all of the column through."""
    now = dict(chosen(key))
    now[column] = frozenset() if label is None else now.get(column, frozenset()) ^ {label}
    st.session_state[f"{key}.chosen"] = {name: labels for name, labels in now.items() if labels}


def written(key: str) -> str | None:
    """The filters' labels for an address; None where all passes."""
    picked = {name: sorted(labels) for name, labels in sorted(chosen(key).items())}
    return json.dumps(picked, ensure_ascii=False, separators=(",", ":")) if picked else None


def parse(text: str) -> dict[str, frozenset[str]]:
    """Labels by column from an address; ValueError where there are none."""
    return {name: frozenset(labels) for name, labels in query_params.from_json(text, dict[str, list[str]]).items()}


def clear(key: str) -> None:
    """Let everything through."""
    st.session_state[f"{key}.chosen"] = {}
    st.session_state[f"{key}.words"] = ""


@kept(max_entries=16, hash_funcs={Loaded: identity_of})
def _matching(loaded: Loaded, words: str) -> np.ndarray:
    return matching(facets.search_texts(loaded), words)


def active(columns: Columns, key: str) -> list[str]:
    """Names of the columns that are shown or filter."""
    shown = st.session_state.get(f"{key}.columns", STANDARD)
    return [name for name in columns if name in shown or name in chosen(key)]


def passing(loaded: Loaded, columns: Columns, *, key: str) -> tuple[np.ndarray | None, dict[str, np.ndarray]]:
    """What passes all filters, (N,) bool or None for everything; and the counts of each shown column."""
    st.session_state[f"{key}.chosen"] = migrations.facet_labels(chosen(key), columns)
    words = str(st.session_state.get(f"{key}.words", "")).strip()
    base = _matching(loaded, words) if words else None
    picked = [columns[name] for name in active(columns, key)]
    mask, counts = crossfilter(picked, chosen(key), base)
    filtered = words or any(name in columns for name in chosen(key))
    return (mask if filtered else None), counts


def filters(
    loaded: Loaded,
    columns: Columns,
    counts: Mapping[str, np.ndarray],
    shown: np.ndarray | None,
    *,
    key: str,
    on_select: Callable[[np.ndarray], None],
) -> None:
    """The filters' own place on the page.

    Args:
        loaded: The run.
        columns: Its columns.
        counts: What :func:`passing` counted.
        shown: What passes.
        key: Of the filters.
        on_select: Called with the rows that pass, when they are to be selected.
    """
    st.text_input(
        "Title or tags contain",
        key=f"{key}.words",
        placeholder="words, in any order",
        persist_state="session",
        icon=":material/search:",
        help="Keeps the sounds whose title and tags hold all of the words",
    )
    n = len(loaded.run.sounds)
    splits = loaded.run.sounds["split"] if shown is None else loaded.run.sounds["split"][shown]
    mix = ", ".join(f"{count:,} {str(name).replace('_', ' ')}" for name, count in splits.value_counts().items())
    st.caption(f"{len(splits):,} of {n:,} sounds pass" + f": {escape(mix)}" * bool(mix))
    if shown is not None:
        with st.container(horizontal=True):
            st.button(
                "Select them",
                on_click=reported(lambda: on_select(np.flatnonzero(shown))),
                key=f"{key}.select",
                type="tertiary",
            )
            st.button("Show all", on_click=reported(clear), args=(key,), key=f"{key}.clear", type="tertiary")
    charts([columns[name] for name in active(columns, key)], counts, key=key)
    st.multiselect(
        "Columns to filter by",
        list(columns),
        default=[c for c in STANDARD if c in columns],
        format_func=columns.names.__getitem__,
        key=f"{key}.columns",
        persist_state="session",
        help=meanings(*TERMS_OF.values()),
    )


def charts(columns: Sequence[Column], counts: Mapping[str, np.ndarray], *, key: str) -> None:
    """Bar charts of columns; a click on a bar lets its category through."""

    def toggled() -> None:
        bar = event(f"{key}.charts", "toggle", Toggled)
        if bar is not None and bar.label in {None, *labels.get(bar.column, ())} and bar.column in labels:
            toggle(key, bar.column, bar.label)

    labels = {column.name: column.labels for column in columns}

    picked = chosen(key)
    component("facets")(
        key=f"{key}.charts",
        data={
            "facets": [
                {
                    "name": column.name,
                    "label": column.label,
                    "help": meaning(TERMS_OF[column.name]) if column.name in TERMS_OF else "",
                    "bars": [
                        {
                            "label": c.label,
                            "color": c.color,
                            "all": int(a),
                            "now": int(b),
                            "on": c.label in picked.get(column.name, ()),
                        }
                        for c, a, b in zip(column.categories, column.counts(), counts[column.name], strict=True)
                        if a
                    ],
                }
                for column in columns
            ]
        },
        on_toggle_change=toggled,
    )
