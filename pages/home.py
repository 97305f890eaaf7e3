"""Overview: what is loaded, where to begin, what each page does."""

from functools import partial

import streamlit as st

from bstviz.ui.page import guarded


@partial(guarded, title="See and listen to what a sound classifier learned")
def page() -> None:
    from bstviz.ui.cache import loading, versions  # the title need not wait for them
    from bstviz.ui.components.text import told
    from bstviz.ui.home import panels
    from bstviz.ui.home.doors import doors, prepared_views
    from bstviz.ui.home.style import HOME_STYLE

    infos = loading.infos()
    panels.introduction(infos)
    for reason in versions.shown().unreadable.values():
        st.warning(f"Left out: {told(reason)}", icon=":material/warning:")
    first, each, rest = st.empty(), st.container(), st.container()
    with first.container():
        doors(prepared_views(None))  # as the pages choose for themselves, until there is something to choose from
    st.html(HOME_STYLE)
    known = panels.experiments(infos)
    views = prepared_views(*panels.first_of(known))
    with first.container():
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
