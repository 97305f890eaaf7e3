"""The address bar: what is taken up from it, and what is not."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from bstviz.ui import query_params


def page() -> None:
    import streamlit as st

    from bstviz.ui import query_params

    query_params.read("p", {"sound": ("sound", str)})
    if st.button("next"):
        st.session_state["sound"] = f"{st.session_state.get('sound', '')}+"
    query_params.write("p", {"sound": st.session_state.get("sound")})


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_function(page)
    app.query_params["sound"] = "a"
    app.run().button[0].click().run()
    assert app.query_params["sound"] in ("a+", ["a+"])
    return app


def test_a_click_that_comes_with_the_address_from_before_does_not_go_back(app: AppTest) -> None:
    app.query_params["sound"] = "a"  # as the browser had it when the second click was made
    app.button[0].click().run()
    assert app.session_state["sound"] == "a++"


def test_a_new_address_is_taken_up(app: AppTest) -> None:
    app.query_params["sound"] = "b"
    assert app.run().session_state["sound"] == "b"


def test_an_address_of_long_ago_is_taken_up_again(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_params, "UNDER_WAY", 0)
    app.query_params["sound"] = "a"
    assert app.run().session_state["sound"] == "a"
