"""bstviz, the app: page configuration and navigation; every page is a file in pages/."""

import streamlit as st

from bstviz import paths

st.set_page_config(page_title="bstviz", page_icon=str(paths.assets() / "icon.svg"), layout="wide")
st.logo(str(paths.assets() / "logo.svg"), icon_image=str(paths.assets() / "icon.svg"), size="large")
st.navigation(
    [
        st.Page("pages/home.py", title="Overview", icon=":material/home:", default=True),
        st.Page("pages/explore.py", title="Explore", icon=":material/scatter_plot:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/compare:"),
        st.Page("pages/results.py", title="Results", icon=":material/monitoring:"),
        st.Page("pages/confusion.py", title="Confusion", icon=":material/grid_on:"),
        st.Page("pages/review.py", title="Review", icon=":material/rule:"),
        st.Page("pages/classify.py", title="Classify", icon=":material/graphic_eq:"),
    ],
    position="top",
).run()
