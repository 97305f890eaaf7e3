"""The sections of :mod:`bstviz.reports.sections` on the page: pickers for the runs they take, and a look for every
block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import streamlit as st

from bstviz.datasets.writing import marked
from bstviz.evaluation.out_of_fold import OutOfFold
from bstviz.jobs import background
from bstviz.jobs.background import Kind
from bstviz.models.run import Run
from bstviz.models.run_info import RunInfo
from bstviz.reports import summaries
from bstviz.reports.comparisons import LossComparison, compared_apart
from bstviz.reports.sections import SECTIONS, Block, Choice, Chosen, Figure, RunGroup, Section, Table, run_groups
from bstviz.ui.cache import loading, versions
from bstviz.ui.cache.loaded import Loaded, identity_of
from bstviz.ui.cache.versions import BaselineVersion
from bstviz.ui.components.background import AT_ONCE, Asked, pending, visitor, wait
from bstviz.ui.components.charts import PLAIN_CONFIG, dark
from bstviz.ui.components.pickers import one_of
from bstviz.ui.components.terms import meaning, meanings
from bstviz.ui.components.text import chip, escape
from bstviz.ui.kept import kept
from bstviz.ui.page import reported

REPORT = Kind("report")
EXPLAINED = {
    "Table 1": meanings(
        "Loss", "Modality", "Annotation confidence", "Top level", "Second level", "Hierarchical F1", "Test sounds"
    ),
    "Structure": meanings("Latent space", "Silhouette", "Neighbours", "Hierarchical", "Non-hierarchical"),
    "Hierarchical against flat": meanings("Hierarchical", "Non-hierarchical", "Out of fold", "Interval"),
    "Confusion": meanings("Cells", "Out of fold"),
    "Latent spaces": meanings("Latent space", "Projection", "Loss", "Annotation confidence"),
    "Maps": meanings("Latent space", "Projection"),
    "Classes": meanings("Accuracy", "Second level", "Out of fold"),
    "Training": meanings("Loss", "Accuracy", "Fold", "Recipe"),
    "Attention": meanings("Attention", "Out of fold"),
    "Calibration": meanings("Calibration", "Confidence", "Out of fold"),
}
"""Terms that a section uses, by its name."""


def load_fold(info: RunInfo) -> Run:
    """A run with its arrays."""
    return loading.load_run(info.folder or Path())


class NotYetError(Exception):
    """What a section needs is being worked out; the text is where the session keeps what it has asked for."""


def compare_folds(infos: Sequence[RunInfo]) -> list[LossComparison]:
    """Hierarchical against flat, compared once while the server runs, in the background; NotYetError until then."""
    runs = [loading.load(info.folder or Path()) for info in infos]
    identity = "|".join(loaded.identity for loaded in runs)
    key = f"results.compared.{identity}"
    if key not in st.session_state:
        arguments = partial(_to_compare, runs)
        work = background.queue_of(REPORT).submit(identity, compared_apart, arguments, owner=visitor())
        st.session_state[key] = Asked([work])
        wait([work], at_most=AT_ONCE)
    (work,) = st.session_state[key].works
    if work.state != "done":
        raise NotYetError(key)
    return [replace(found, infos=[loaded.run for loaded in runs]) for found in work.result()]


def _to_compare(runs: Sequence[Loaded]) -> tuple[object, ...]:
    collection = runs[0].collection
    return [loaded.run for loaded in runs], None if collection is None else collection.sounds


@kept(max_entries=32, hash_funcs={Loaded: identity_of})
def _pooled(runs: Sequence[Loaded]) -> OutOfFold:
    return summaries.pooled([loaded.run for loaded in runs])


def pool_folds(infos: Sequence[RunInfo]) -> OutOfFold:
    """Out-of-fold predictions of a setting, pooled once while the server runs."""
    return _pooled([loading.load(info.folder or Path()) for info in infos])


@lru_cache(8)
def _groups(infos: tuple[RunInfo, ...], baselines: tuple[BaselineVersion, ...]) -> Mapping[str, RunGroup]:
    """Groups of runs and of the baselines that join them, by name; others are other objects."""
    return {group.name: group for group in run_groups(infos, [own.content for own in baselines])}


def choose_group() -> RunGroup:
    """Runs and baselines that the app was started with, of the collection and folds chosen."""
    groups = _groups(tuple(loading.infos().values()), tuple(versions.shown().baselines.values()))
    if st.session_state.get("results.source") not in groups:
        st.session_state["results.source"] = next(iter(groups))
    words = meanings("Collection", "Fold")
    return groups[st.selectbox("Collection and folds", list(groups), key="results.source", help=words)]


def choose_section() -> Section:
    """One of the sections."""
    names = {section.name: section for section in SECTIONS}
    return names[one_of("Show", list(names), key="results.section", name=str)]


def show_section(section: Section, group: RunGroup) -> None:
    """A section of the runs chosen, or what it needs."""
    st.caption(section.words, help=EXPLAINED.get(section.name))
    there = [info for info in group.infos if section.needs(info)]
    chosen = _choose_runs(section, there, group) if there else None
    try:
        blocks = section.blocks(chosen) if chosen else []
    except NotYetError as wanted:
        key = str(wanted)
        if not pending("Comparing hierarchical with flat", key=key):
            st.button("Compare", key=f"{key}.again", on_click=reported(partial(st.session_state.pop, key)))
        return
    if not blocks:
        st.info(section.missing, icon=":material/info:")
    # figures first: a page is looked at before it is read
    for number, block in enumerate(sorted(blocks, key=lambda block: isinstance(block, Table))):
        _show_block(block, key=f"results.{section.name}.{number}")


def _choose_runs(section: Section, infos: Sequence[RunInfo], group: RunGroup) -> Chosen:
    if section.scope == "group":
        return Chosen(infos, rows=group.rows, load=load_fold, dark=dark())
    if section.scope == "fold":
        with st.container(horizontal=True, vertical_alignment="bottom"):
            fold = st.selectbox(
                "Fold", sorted({info.fold for info in infos}), key="results.panels.fold", help=meaning("Fold")
            )
            training = st.toggle(
                "Training sounds too",
                key="results.panels.training",
                help="Show the sounds that the model was trained on too",
            )
            unit_length = st.toggle(
                "Unit-length latents", key="results.panels.unit", help=meaning("Unit-length latents")
            )
        own = [info for info in infos if info.fold == fold]
        return Chosen(own, load=load_fold, dark=dark(), training=training, unit_length=unit_length)
    settings = summaries.named_settings(infos, losses_apart=section.scope == "setting")
    with st.container(horizontal=True):
        name = st.selectbox("Setting", list(settings), key=f"results.{section.name}.setting", help=meaning("Setting"))
        members = settings[name]
        if section.folds_apart and len(members) > 1:
            folds: list[str | int] = ["all", *(info.fold for info in members)]
            kept = st.selectbox("Fold", folds, key=f"results.{section.name}.fold", help=meaning("Fold"))
            members = [info for info in members if kept in ("all", info.fold)]
    return Chosen(members, name, load=load_fold, pool=pool_folds, compare=compare_folds, dark=dark())


def _show_block(block: Block, *, key: str) -> None:
    if isinstance(block, Choice):
        chosen = st.segmented_control(
            block.label,
            list(block.names),
            default=block.start,
            required=True,
            format_func=lambda name: escape(block.names[name]),
            key=f"results.{block.label.lower()}",
        )
        _show_block(block.draw(str(chosen)), key=key)
    elif isinstance(block, Figure):
        if block.legend:
            st.html(" ".join(chip(name, color) for name, color in block.legend))
        st.plotly_chart(block.figure, config=PLAIN_CONFIG, key=key)
        st.caption(escape(block.caption))
    elif isinstance(block, Table):
        _show_table(block)
    else:
        st.markdown(escape(block.text))


def _show_table(table: Table) -> None:
    if table.frame is None:
        return
    config: dict[str, Any] = {
        name: st.column_config.NumberColumn(
            format="localized" if spec == ",d" else f"%{spec}", help=table.help.get(name)
        )
        for name, spec in table.formats.items()
    }
    config |= {
        name: st.column_config.TextColumn(help=words) for name, words in table.help.items() if name not in config
    }
    if table.csv:  # table 1, whose cells are text: headings break, so that it fits beside the menu
        st.table(table.frame.map(lambda cell: escape(str(cell))).set_index(table.headings[0]))
        data, icon = marked(table.csv), ":material/download:"
        st.download_button("CSV of every metric", data, "results.csv", "text/csv", icon=icon)
        st.caption(escape(table.caption))
        return
    st.dataframe(table.frame, hide_index=True, column_config=config, height="content", placeholder="")
    st.caption(escape(table.caption))
