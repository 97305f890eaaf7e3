"""Panels of the Overview: every loaded experiment with its map and figures, what each page does, what is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from bstviz.datasets.collection import FREESOUND_ROOT
from bstviz.errors import UserError
from bstviz.models.run_info import RunInfo
from bstviz.paths import without_places
from bstviz.plots import viewport
from bstviz.reports.table import TABLE_METRICS, modality_names, rows
from bstviz.ui.cache import facets, loading, projections
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.compare import pair
from bstviz.ui.components.prepared import PreparedView, run_and_counterpart
from bstviz.ui.components.terms import meaning, meanings
from bstviz.ui.components.text import escape, told
from bstviz.ui.home.figures import MEASURED_HERE, figures_caption, figures_table, headline
from bstviz.ui.home.small_map import DOTS, small_map

PAGES = {
    "explore": "**Explore** one model's latent space: colour it, click a sound, play it and its neighbours.",
    "compare": "**Compare** two models on the same sounds: what hierarchical training changed.",
    "results": "**Results** of all runs: the paper's table and figures, training, attention, calibration.",
    "confusion": "**Confusion** matrices at both levels, by annotation confidence, of one setting or two; "
    "click a cell to play its sounds. Classes and uploaders with many errors.",
    "review": "**Review** labels of low quality by ear: a ranked queue with reasons; each decision is saved at once.",
    "classify": "**Classify** your own recordings: drop files, see both levels, probabilities and neighbours.",
}
PANELS_SHOWN = 4
"""Experiments with a map of their own; the table below has all."""


def experiments(infos: Mapping[Path, RunInfo]) -> dict[str, list[RunInfo]]:
    """Runs by the collection and the folds that they share, under a name, in the order of the first of each."""
    found: dict[tuple[str, str, str], list[RunInfo]] = {}
    for info in infos.values():
        found.setdefault((info.collection.name, info.split_kind, info.collection.hash), []).append(info)
    names = [name for name, _, _ in found]
    return {
        name if names.count(name) == 1 else f"{name} · {kind} · {digest[:6]}": own
        for (name, kind, digest), own in found.items()
    }


def both_of(infos: Sequence[RunInfo]) -> tuple[Loaded, Loaded | None]:
    """The run that stands for an experiment and the counterpart that it can be compared with, loaded; UserError where
    one is another on disk.
    """
    run, counterpart = run_and_counterpart(infos)
    loaded = loading.load(run.folder or Path())
    if counterpart is None:
        return loaded, None
    other = loading.load(counterpart.folder or Path())
    try:
        pair.pair(loaded, other)
    except UserError:  # they share too few sounds
        return loaded, None
    return loaded, other


def first_of(known: Mapping[str, Sequence[RunInfo]]) -> tuple[Loaded | None, Loaded | None]:
    """The run and counterpart that links lead to: of the first experiment whose sounds can be played here, else of the
    first that can be read.
    """
    found = []
    for infos in known.values():
        try:
            found.append(both_of(infos))
        except UserError:  # its panel says why
            continue
        if plays_here(found[-1][0]):
            return found[-1]
    return found[0] if found else (None, None)


def introduction(infos: Mapping[Path, RunInfo]) -> None:
    """What the models were trained on, and in which two ways."""
    taxonomies = {info.taxonomy.hash: info.taxonomy for info in infos.values()}.values()
    classes = "; ".join(
        f"**{escape(t.name)}** ({len(t.top)} top-level classes, {len(t.second)} second-level classes within them)"
        for t in taxonomies
    )
    sizes = sorted({info.latent_dim for info in infos.values()} - {0})
    latents = (
        f" Each model has a latent space of its own, of {' or '.join(map(str, sizes))} dimensions." if sizes else ""
    )
    st.markdown(
        f"Models that name the class of a sound, by the taxonomy {classes}. Hierarchical ones were trained on both "
        f"levels, non-hierarchical (flat) ones on the second level alone.{latents}",
        help=meanings("Top level", "Second level", "Hierarchical", "Non-hierarchical", "Latent space"),
    )


def experiment_panels(known: Mapping[str, Sequence[RunInfo]]) -> None:
    """The first few experiments, two beside each other."""
    st.subheader("The models at a glance")
    shown = list(known.items())[:PANELS_SHOWN]
    if len(shown) == 1:
        experiment_panel(*shown[0], wide=True)
    for start in range(0, len(shown), 2) if len(shown) > 1 else ():
        for column, (name, infos) in zip(st.columns(2), shown[start : start + 2], strict=False):
            with column:
                experiment_panel(name, infos)
    if len(known) > len(shown):
        more = f"{len(known) - len(shown)} more experiments are loaded; the table below has all."
        st.caption(more, help=meaning("Experiment"))


def experiment_panel(name: str, infos: Sequence[RunInfo], *, wide: bool = False) -> None:
    """One experiment: its map, its headline figures, whether its sounds can be played here; map and figures beside each
    other where there is room.
    """
    with st.container(border=True, height="stretch"):
        st.markdown(f"#### {escape(name)}")
        try:
            run, counterpart = both_of(infos)
            left, right = st.columns([2, 3], gap="large") if wide else (st.container(), st.container())
            with left:
                _map(run, counterpart)
            with right:
                _figures(run, counterpart)
                st.caption(playable_in_words(run))
        except UserError as error:  # of one experiment: the others are shown
            st.warning(told(error), icon=":material/error:")


def plays_here(run: Loaded) -> bool:
    """Whether sounds of a run can be played without the internet; of its first ones, which stand for all."""
    collection = run.collection
    return collection is not None and any(collection.has_audio(row) for row in range(min(len(collection), 20)))


def playable_in_words(run: Loaded) -> str:
    """Whether the sounds of a run can be played, and by what, as Markdown."""
    collection = run.collection
    if collection is None:
        return f":material/volume_off: {told(run.problem)}"
    if collection.audio_root == FREESOUND_ROOT:
        return (
            ":material/cloud: Its sounds are on Freesound, whose player plays them where the browser is online. "
            "Without it, maps and figures are the same; nothing can be played."
        )
    if not plays_here(run):
        return ":material/volume_off: Its sounds are not here and cannot be played: there are only embeddings of them."
    return ":material/volume_up: Its sounds can be played."


def _map(run: Loaded, counterpart: Loaded | None) -> None:
    if not run.run.latent_dim:
        st.caption("Its predictions came without latents, so there is no map of them.")
        return
    if counterpart is None:
        points, before = _points(run), None
        rows = np.arange(len(run.ids))
        wanted = run.run.held_out if run.run.held_out.any() else np.ones(len(rows), bool)
    else:
        both = pair.pair(counterpart, run)
        before, moved = pair.aligned(both, "pca", 2)
        points, rows = moved.points, both.b
        wanted = both.tested if both.tested.any() else np.ones(len(rows), bool)
    drawn = np.flatnonzero(wanted)
    drawn = drawn[viewport.stratified(run.run.y_true[rows[drawn]], DOTS)]
    column = facets.columns(run)["top"]
    of = "of the hierarchical model" if counterpart is not None else f"of {run.run.model_name}"
    shown = np.unique(column.index[rows[drawn]])
    position = np.zeros(len(column.categories), int)
    position[shown] = np.arange(len(shown))
    small_map(
        points[drawn],
        position[column.index[rows[drawn]]],
        [column.categories[i] for i in shown],
        words=f"Map of {len(drawn)} sounds in the latent space {of}, by top-level class",
        before=None if before is None else before[drawn],
    )


def _points(run: Loaded) -> np.ndarray:
    return projections.coordinates(run, "pca", 2, projections.umap_settings(run))


def _figures(run: Loaded, counterpart: Loaded | None) -> None:
    if not run.run.metrics:
        st.caption("Its sounds have no class, so there is nothing to measure.")
        return
    mains = [run] if counterpart is None else [run, counterpart]
    found = headline([loading.siblings(own) for own in mains])
    st.html(figures_table(found))
    terms = meanings(*MEASURED_HERE.values(), "Silhouette", "Hierarchical", "Non-hierarchical", "Out of fold")
    st.caption(figures_caption(found), help=terms)


def what_pages_do(views: Mapping[str, PreparedView]) -> None:
    """A card for each page, with a link to its prepared view."""
    names = list(PAGES)
    for start in range(0, len(names), 3):
        for column, name in zip(st.columns(3), names[start : start + 3], strict=False):
            with column.container(border=True, height="stretch", vertical_alignment="distribute"):
                st.markdown(PAGES[name])
                views[name].link(f"Open {name.capitalize()}")


def what_is_loaded(infos: Mapping[Path, RunInfo]) -> None:
    """How many runs, collections, sounds and classes, and what is known of each collection."""
    collections: dict[str, Loaded] = {}
    unread: dict[str, str] = {}
    for path, info in infos.items():
        digest = info.collection.hash
        if digest not in collections:
            try:
                collections[digest] = loading.load(path)
            except UserError as error:  # another run may be of the same collection
                unread[digest] = f"- **{escape(info.collection.name)}** · left out: {told(error)}"
    sounds = {name: len(item.collection or item.run.sounds) for name, item in collections.items()}
    cards = st.columns(4)
    cards[0].metric("Runs", f"{len(infos):,}", border=True, help=meaning("Run"))
    cards[1].metric("Collections", f"{len(collections | unread):,}", border=True, help=meaning("Collection"))
    cards[2].metric("Sounds", f"{sum(sounds.values()):,}", border=True)
    classes = {code for info in infos.values() for code in info.taxonomy.codes}
    cards[3].metric("Second-level classes", f"{len(classes):,}", border=True, help=meaning("Second level"))
    for item in collections.values():
        words = [f"**{escape(item.run.collection.name)}**"]
        if item.collection is not None:
            encoders = [escape(f"{kind} by {info}") for kind, info in item.collection.encoders]
            words.append("; ".join([f"{len(item.collection):,} sounds", *filter(None, [", ".join(encoders)])]))
        if item.run.extra_training_data:
            words.append(
                "extra training data, not listed here: " + ", ".join(map(escape, item.run.extra_training_data))
            )
        st.markdown("- " + " · ".join(words))
        if item.problem:
            st.caption(told(item.problem))
        for note in map(str, (*item.collection.notes, *item.collection.revisions) if item.collection else ()):
            st.caption(escape(without_places(note)))
    for digest, said in unread.items():
        if digest not in collections:
            st.markdown(said)


def how_well(infos: Mapping[Path, RunInfo]) -> None:
    """A row for each setting that can be measured."""
    judged = [info for info in infos.values() if info.metrics]
    if not judged:
        st.info(
            "None of these runs can be evaluated: their sounds have no class. Maps show what is predicted.",
            icon=":material/info:",
        )
        return
    found = rows(judged)
    several = len({row.recipe for row in found}) > 1
    table = [
        {
            "Collection": row.collection,
            "Loss": row.external or row.loss,
            **({"Recipe": row.recipe} if several else {}),
            "Modality": modality,
            "Annotation confidence": f"≥ {row.min_confidence}",
            "Folds": row.over,
            "Test sounds": row.test_sounds,
            **{heading: row.percent(name) for name, heading in TABLE_METRICS.items()},
        }
        for row, modality in zip(found, modality_names(found), strict=True)
    ]
    explained = {"Second-level": "Second level", "Top-level": "Top level"}
    explained |= {
        name: name for name in ("Collection", "Loss", "Recipe", "Modality", "Annotation confidence", "Hierarchical F1")
    }
    config = {heading: st.column_config.TextColumn(help=meaning(term)) for heading, term in explained.items()}
    counted = st.column_config.NumberColumn(format="localized", help=meaning("Test sounds"))
    st.dataframe(pd.DataFrame(table), hide_index=True, column_config={**config, "Test sounds": counted})
    kinds = "; ".join(dict.fromkeys(run.split_kind for run in judged))
    st.caption(
        "Percent on test sounds, mean ± population deviation over the folds (/ over the training seeds) that are "
        f"loaded. Folds: {escape(kinds)}. "
        "The annotation confidence threshold applies to training and test alike. "
        "Figures of different collections cannot be compared."
    )
