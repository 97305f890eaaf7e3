"""Classify: sounds from files, folders, archives or the microphone; what they are, how sure, and what is near them."""

import streamlit as st

from bstviz.ui import query_params
from bstviz.ui.classify import embedding, examples, one_sound, predictions, table, uploads
from bstviz.ui.page import guarded

KEY = "classify"
ADDRESS: query_params.Readers = {examples.EXAMPLE: (f"{KEY}.{examples.EXAMPLE}", examples.parse_example)}


@guarded
def page() -> None:
    st.header("Classify any sound")
    query_params.read(KEY, ADDRESS)
    left, right = st.columns([3, 2], gap="large")
    with right:
        models = predictions.pick_models(key=KEY)
        words = predictions.Words(uploads.words(key=KEY), uploads.pick_names(key=KEY))
    with left:
        given = uploads.pick_uploads(key=KEY)
        if given:
            examples.forget_example(key=KEY)
        else:
            given = examples.pick_example(key=KEY)
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
    query_params.write(KEY, {examples.EXAMPLE: st.session_state.get(f"{KEY}.{examples.EXAMPLE}")})


page()
