"""Overview: what is loaded, what each page does."""

import pandas as pd
import streamlit as st

from bstviz.paths import without_places
from bstviz.reports.table import TABLE_METRICS, modality_names, rows
from bstviz.ui.cache import loading, versions
from bstviz.ui.cache.loaded import Loaded
from bstviz.ui.components.text import escape, told
from bstviz.ui.page import guarded

PAGES = {
    "explore": "**Explore** one model's latent space: colour it, click a sound, play it and its neighbours.",
    "compare": "**Compare** two models on the same sounds: what hierarchical training changed.",
    "results": "**Results** of all runs: the paper's table and figures, training, attention, calibration.",
    "confusion": "**Confusion** matrices at both levels, by annotation confidence, of one setting or two; "
    "click a cell to play its sounds. Classes and uploaders with many errors.",
    "review": "**Review** labels of low quality by ear: a ranked queue with reasons; each decision is saved at once.",
    "classify": "**Classify** your own recordings: drop files, see both levels, probabilities and neighbours.",
}


@guarded
def page() -> None:
    st.title("See and listen to what a sound classifier learned")
    infos = loading.infos()
    taxonomies = {info.taxonomy.hash: info.taxonomy for info in infos.values()}.values()
    trained_on = "; ".join(
        f"**{escape(t.name)}**, {len(t.top)} top-level and {len(t.second)} second-level classes" for t in taxonomies
    )
    sizes = sorted({info.latent_dim for info in infos.values()} - {0})
    latents = (
        f" Each model has a latent space of its own, of {' or '.join(map(str, sizes))} dimensions." if sizes else ""
    )
    st.markdown(f"Models trained flat and hierarchically on a two-level taxonomy: {trained_on}.{latents}")
    for column, (name, text) in zip(st.columns(len(PAGES)), PAGES.items(), strict=True):
        with column.container(border=True, height="stretch", vertical_alignment="distribute"):
            st.markdown(text)
            st.page_link(f"pages/{name}.py", label=f"Open {name.capitalize()}", icon=":material/arrow_forward:")

    for reason in versions.shown().unreadable.values():
        st.warning(f"Left out: {told(reason)}", icon=":material/warning:")
    collections: dict[str, Loaded] = {}
    for path, info in infos.items():
        if info.collection.hash not in collections:
            collections[info.collection.hash] = loading.load(path)
    st.subheader("Loaded")
    sounds = {name: len(item.collection or item.run.sounds) for name, item in collections.items()}
    cards = st.columns(4)
    cards[0].metric("Runs", f"{len(infos):,}", border=True)
    cards[1].metric("Collections", f"{len(collections):,}", border=True)
    cards[2].metric("Sounds", f"{sum(sounds.values()):,}", border=True)
    classes = {code for info in infos.values() for code in info.taxonomy.codes}
    cards[3].metric("Second-level classes", f"{len(classes):,}", border=True)
    for item in collections.values():
        words = [f"**{escape(item.run.collection.name)}**"]
        if item.collection is not None:
            encoders = [escape(f"{kind} by {info}") for kind, info in item.collection.encoders]
            words.append(f"{len(item.collection):,} sounds; {', '.join(encoders)}")
        if item.run.extra_training_data:
            words.append(
                "extra training data, not listed here: " + ", ".join(map(escape, item.run.extra_training_data))
            )
        st.markdown("- " + " · ".join(words))
        if item.problem:
            st.caption(told(item.problem))
        for note in map(str, (*item.collection.notes, *item.collection.revisions) if item.collection else ()):
            st.caption(escape(without_places(note)))

    st.subheader("How well the runs do")
    judged = [info for info in infos.values() if info.metrics]
    if not judged:
        st.info("None of these runs can be evaluated: their sounds have no class.", icon=":material/info:")
        return
    found = rows(judged)
    table = [
        {
            "Collection": row.collection,
            "Loss": row.external or row.loss,
            "Modality": modality,
            "Annotation confidence": f"≥ {row.min_confidence}",
            "Folds": row.over,
            "Test sounds": row.test_sounds,
            **{heading: row.percent(name) for name, heading in TABLE_METRICS.items()},
        }
        for row, modality in zip(found, modality_names(found), strict=True)
    ]
    counted = st.column_config.NumberColumn(format="localized")
    st.dataframe(pd.DataFrame(table), hide_index=True, column_config={"Test sounds": counted})
    kinds = "; ".join(dict.fromkeys(run.split_kind for run in judged))
    st.caption(
        "Percent on test sounds, mean ± population deviation over the folds (/ over the training seeds) that are "
        f"loaded. Folds: {escape(kinds)}. "
        "The annotation confidence threshold applies to training and test alike. "
        "Figures of different collections cannot be compared."
    )


page()
