"""Results: table 1, what hierarchical training does to the latent space, and the paper's figures, of the loaded runs."""

from collections.abc import Sequence

import streamlit as st

from bstviz.results import CAPTIONS
from bstviz.run import RunInfo
from bstviz.ui import loaders, result_sections
from bstviz.ui.page import guarded

SECTIONS = ("Table 1", "Structure", "Confusion", "Latent spaces", "Classes", "Training", "Attention", "Calibration")


def of_source(infos: Sequence[RunInfo]) -> list[RunInfo]:
    """Runs of the collection and folds chosen."""
    sources = list(dict.fromkeys((i.collection.name, i.split_kind) for i in infos))
    name, kind = st.selectbox(
        "Collection and folds", sources, format_func=lambda s: f"{s[0]} · folds: {s[1]}", key="results.source"
    )
    return [i for i in infos if (i.collection.name, i.split_kind) == (name, kind)]


@st.fragment
@guarded
def page() -> None:
    st.header("Results")
    infos = of_source(list(loaders.infos().values()))
    section = st.segmented_control("Show", SECTIONS, default=SECTIONS[0], required=True, key="results.section")
    if section in CAPTIONS:
        st.caption(CAPTIONS[str(section)])
    if section == "Table 1":
        result_sections.table_one(infos)
    elif section == "Structure":
        result_sections.structure(infos)
    elif section == "Latent spaces":
        result_sections.latent_spaces(infos)
    elif section == "Attention" and not any(i.train.modality == "both" for i in infos):
        st.info("Attention weighs audio against text; load a run of both modalities.", icon=":material/info:")
    else:
        result_sections.of_one_setting(
            str(section), [i for i in infos if section != "Attention" or i.train.modality == "both"]
        )


page()
