"""What a page shows in place of a traceback, whether it fails itself or what somebody does on it."""

from __future__ import annotations

import ast
import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
BY_STREAMLIT = {"ignore", "rerun"}
"""What ``on_click`` and ``on_select`` take besides callbacks."""


def failing(kind: str) -> AppTest:
    """A page with a button whose callback fails, and that fails itself if its state says so."""

    def script(kind: str) -> None:
        import streamlit as st

        from bstviz.errors import UserError
        from bstviz.ui.page import NAVIGATED, guarded, reported

        def fail() -> None:
            raise {
                "user": UserError("**b0ld** <b>advice</b>"),
                "memory": MemoryError(),
                "disk": OSError(28, "No space left on device"),
                "fault": KeyError("x"),
            }[kind]

        @guarded
        def page() -> None:
            st.button("Act", on_click=reported(fail))
            if st.checkbox("Fail"):
                fail()

        st.session_state[NAVIGATED] = True
        page()

    return AppTest.from_function(script, args=(kind,), default_timeout=180).run()


@pytest.mark.parametrize(("kind", "said"), [("user", "advice"), ("memory", "enough memory"), ("disk", "disk is full")])
def test_what_is_no_fault_of_the_program_is_said_on_the_page(kind: str, said: str) -> None:
    app = failing(kind)
    assert not app.error
    app.button[0].click().run()
    assert not app.exception
    assert said in app.error[0].value
    assert "<b>" not in app.error[0].value.replace("\\<b\\>", "")
    assert app.checkbox  # the page is drawn all the same
    app.checkbox[0].check().run()
    assert not app.exception
    assert [said in error.value for error in app.error] == [True]


def test_faults_of_the_program_stay_faults() -> None:
    assert failing("fault").checkbox[0].check().run().exception


def callbacks() -> Iterator[tuple[str, ast.expr]]:
    """Where each callback of a widget stands, and what is given for it."""
    for file in [*ROOT.glob("pages/*.py"), *ROOT.glob("bstviz/ui/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("st."):
                for given in node.keywords:
                    if given.arg and given.arg.startswith("on_") and given.arg != "on_release":  # of a cache
                        yield f"{file.relative_to(ROOT)}:{node.lineno}", given.value


def test_errors_of_every_callback_reach_the_page() -> None:
    found = dict(callbacks())
    assert len(found) > 10
    for place, given in found.items():
        by_streamlit = isinstance(given, ast.Constant) and given.value in BY_STREAMLIT
        assert by_streamlit or ast.unparse(given).startswith("reported("), place


class Library:
    """What the callback of a button refers to."""


def test_a_reload_lets_go_of_what_a_button_referred_to_that_is_drawn_no_more() -> None:
    made: list[weakref.ref[Library]] = []

    def script(made: list[object], kind: type[object]) -> None:
        import weakref
        from functools import partial

        import streamlit as st

        from bstviz.ui.cache import versions
        from bstviz.ui.page import reported

        def go_on(library: object) -> None:
            st.session_state["step"] += 1

        library, step = kind(), st.session_state.setdefault("step", 0)
        made.append(weakref.ref(library))
        st.button("Next", key=f"next.{step}", on_click=reported(partial(go_on, library)))
        st.button("Reload", key="reload", on_click=reported(versions.reload))

    def living() -> list[bool]:
        gc.collect()
        return [one() is not None for one in made]

    app = AppTest.from_function(script, args=(made, Library), default_timeout=180).run()
    app.button(key="next.0").click().run()
    assert living() == [True, True]
    app.button(key="reload").click().run()
    assert living() == [False, False, True]
    app.button(key="next.1").click().run()
    assert app.session_state["step"] == 2
