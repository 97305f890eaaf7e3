"""Classify: sounds from files, folders, archives or the microphone; what they are, how sure, and what is near them."""

import streamlit as st

from bstviz.ui.classify import embedding, one_sound, predictions, table, uploads
from bstviz.ui.page import guarded

KEY = "classify"


@guarded
def page() -> None:
    st.header("Classify any sound")
    left, right = st.columns([3, 2], gap="large")
    with right:
        models = predictions.pick_models(key=KEY)
        words = predictions.Words(uploads.words(key=KEY), uploads.pick_names(key=KEY))
    with left:
        given = uploads.pick_uploads(key=KEY)
    embedding.shelf().keep_only(given)
    if len(given) == 1:
        one_sound.card(models, given[0], words, key=f"{KEY}.card")
    elif given:
        chosen = table.table(models, given, words, key=KEY)
        if chosen is not None:
            with st.container(border=True):
                one_sound.card(models, chosen, words, key=f"{KEY}.card")
    else:
        predictions.warm(models)


page()
