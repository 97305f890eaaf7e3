"""bstviz, the app: page configuration and navigation; every page is a file in pages/."""

import streamlit as st

from bstviz import paths
from bstviz.ui.page import navigation

st.set_page_config(page_title="bstviz", page_icon=str(paths.assets() / "icon.svg"), layout="wide")
st.logo(str(paths.assets() / "logo.svg"), icon_image=str(paths.assets() / "icon.svg"), size="large")
navigation().run()
