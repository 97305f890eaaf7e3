"""Results of the loaded runs: table 1, what hierarchical training does to latent spaces, the paper's figures."""

import streamlit as st

from bstviz.ui.page import guarded
from bstviz.ui.results.sections import choose_group, choose_section, show_section


@st.fragment
@guarded
def page() -> None:
    st.header("Results")
    group = choose_group()
    show_section(choose_section(), group)


page()
