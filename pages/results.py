"""Results of the loaded runs: table 1, what hierarchical training does to latent spaces, the paper's figures."""

import streamlit as st

from bstviz.ui import query_params
from bstviz.ui.page import guarded
from bstviz.ui.results.sections import choose_group, choose_section, show_section

ADDRESS: query_params.Readers = {"source": ("results.source", str), "section": ("results.section", str)}


@st.fragment
@guarded
def page() -> None:
    st.header("Results")
    query_params.read("results", ADDRESS)
    group = choose_group()
    section = choose_section()
    show_section(section, group)
    query_params.write("results", {"source": group.name, "section": section.name})


page()
