"""Overview: what is loaded, where to begin, what each page does."""

import streamlit as st

from bstviz.ui.cache import loading, versions
from bstviz.ui.components.text import told
from bstviz.ui.home import panels
from bstviz.ui.home.doors import doors, prepared_views
from bstviz.ui.home.style import HOME_STYLE
from bstviz.ui.page import guarded


@guarded
def page() -> None:
    st.title("See and listen to what a sound classifier learned")
    infos = loading.infos()
    panels.introduction(infos)
    first, each, rest = (st.container() for _ in range(3))
    st.html(HOME_STYLE)
    known = panels.experiments(infos)
    views = prepared_views(*panels.first_of(known))
    with first:
        for reason in versions.shown().unreadable.values():
            st.warning(f"Left out: {told(reason)}", icon=":material/warning:")
        doors(views)
    with rest:
        st.subheader("What each page does")
        panels.what_pages_do(views)
        st.subheader("Loaded")
        panels.what_is_loaded(infos)
        st.subheader("How well the runs do")
        panels.how_well(infos)
    with each:  # last, as it takes longest: what stands around it is there meanwhile
        panels.experiment_panels(known)


page()
