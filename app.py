"""bstviz, the app: page configuration and navigation; every page is a file in pages/.

``streamlit run app.py`` imports this file for ``app``, the server with routes of ours, which runs the file as a script
for each visitor.
"""

import streamlit as st

from bstviz import paths
from bstviz.server.routes import routes
from bstviz.server.serve import lifespan_of_settings
from bstviz.server.visitors.reviewer import middleware
from bstviz.ui.page import navigation

if __name__ == "__main__":
    st.set_page_config(page_title="bstviz", page_icon=str(paths.assets() / "icon.svg"), layout="wide")
    st.logo(str(paths.assets() / "logo.svg"), icon_image=str(paths.assets() / "icon.svg"), size="large")
    navigation().run()
else:
    app = st.App(__file__, routes=routes(), middleware=middleware(), lifespan=lifespan_of_settings())
