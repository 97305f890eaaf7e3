"""bstviz, the app: page configuration and navigation; every page is a file in pages/."""

import streamlit as st

from bstviz import webapp
from bstviz.ui.page import navigation

st.set_page_config(page_title="bstviz", page_icon=str(webapp.assets() / "icon.svg"), layout="wide")
st.logo(str(webapp.assets() / "logo.svg"), icon_image=str(webapp.assets() / "icon.svg"), size="large")
navigation().run()
