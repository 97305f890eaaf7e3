"""Classify: sounds from files, folders, archives or the microphone; what they are, how sure, and what is near them."""

import streamlit as st

from bstviz.ui import answer, answers, drop, opinions
from bstviz.ui.page import guarded

KEY = "classify"


@guarded
def page() -> None:
    st.header("Classify any sound")
    left, right = st.columns([3, 2], gap="large")
    with right:
        models = opinions.pick_models(key=KEY)
        text = drop.words(key=KEY)
    with left:
        uploads = drop.drop(key=KEY)
    if len(uploads) == 1:
        answer.card(models, uploads[0], text, key=f"{KEY}.{uploads[0].content[:12]}")
    elif uploads:
        chosen = answers.table(models, uploads, text, key=KEY)
        if chosen is not None:
            with st.container(border=True):
                answer.card(models, chosen, text, key=f"{KEY}.{chosen.content[:12]}")
    else:
        opinions.warm(models)


page()
