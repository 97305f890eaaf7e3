"""The map's component without a browser: what is drawn of many sounds, and what a browser's events do."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import legend_of, map_of, parts_of, sent, sounds_of, values


def shown(script: Callable[[], None], **state: object) -> AppTest:
    app = AppTest.from_function(script, default_timeout=180)
    for name, value in state.items():
        app.session_state[name.replace("_", ".")] = value
    app.run()
    assert not app.exception
    return app


def many() -> None:
    import numpy as np

    from bstviz.plots.facets import Category, Column
    from bstviz.plots.panes.pane import Marks, Pane
    from bstviz.ui.components.plotly_map import Sounds, linked_map

    n = 50_000
    points = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    labels = np.arange(n) % 4
    column = Column("c", "C", labels.astype(np.uint8), tuple(Category(x, "#000000") for x in "abcd"))
    marks = Marks(current=3, near={5: "near"}, selected=np.arange(100), shown=labels < 2)
    pane = Pane(["x", "y"], points, column, texts=lambda rows: [f"t{i}" for i in rows])
    linked_map([pane], Sounds("many", labels, column), key="m", map_key="p", marks=marks)


def test_a_map_of_many_sounds_is_sampled_and_says_so() -> None:
    data = map_of(shown(many, map_renderer="gpu"))
    drawn = data["counts"]["drawn"]
    assert 29_000 < drawn <= 30_000
    assert f"{drawn:,} of 50,000 sounds are drawn, stratified" in data["note"]
    assert data["counts"]["selected"] == 100
    assert legend_of(data) == {label: f"{label} (25 of 12,500)" for label in "abcd"}
    assert len(json.dumps(data)) < 20_000
    assert {"near", "current"} <= set(parts_of(data))


def test_fewer_sounds_are_drawn_by_a_processor_and_before_anything_is_known() -> None:
    known, unknown = map_of(shown(many, map_renderer="software")), map_of(shown(many))
    assert 11_900 < known["counts"]["drawn"] == unknown["counts"]["drawn"] <= 12_000
    assert "no graphics card" in known["note"]
    assert (known["asks"], unknown["asks"]) == (False, True)


def test_without_webgl_few_sounds_are_drawn_as_svg() -> None:
    data = map_of(shown(many, map_renderer="none"))
    assert {trace["type"] for trace in data["figure"]["data"]} == {"scatter"}
    assert 4_900 < data["counts"]["drawn"] <= 5_000
    assert "no WebGL" in data["note"]


def test_hover_texts_are_those_of_the_drawn_sounds_and_come_by_themselves() -> None:
    from bstviz.server.contents import CONTENTS

    data = map_of(shown(many, map_renderer="gpu"))
    text = sounds_of(data)[0]["text"]
    content = CONTENTS.get(text["url"].rsplit("/", 1)[1])
    assert content is not None
    found = json.loads(content.data)
    assert len(found) == text["later"] == data["counts"]["drawn"]
    assert found[0].startswith("t")


def zoomed() -> None:
    import numpy as np
    import streamlit as st

    from bstviz.plots.facets import Category, Column
    from bstviz.plots.panes.pane import Pane
    from bstviz.plots.viewport import View
    from bstviz.ui.components.plotly_map import Sounds, linked_map

    n = 40_000
    points = np.random.default_rng(0).uniform(0, 1, (n, 2)).astype(np.float32)
    column = Column("c", "C", np.zeros(n, np.uint8), (Category("a", "#000000"),))
    st.session_state["m.view"] = {"p|2|zoomed": View(0, 0.5, 0, 0.5)}
    sounds = Sounds("zoomed", np.zeros(n, int), column)
    panes = [Pane(["x", "y"], places, column) for places in (points, 1 - points)]
    rows = linked_map(panes[:1], sounds, key="m", map_key="p")
    near, far = ((places <= 0.5).all(axis=1) for places in (points, 1 - points))
    st.session_state["inside"] = rows.tolist() == near.nonzero()[0].tolist()
    st.session_state["n.view"] = {"q|2|zoomed": View(0, 0.5, 0, 0.5)}
    rows = linked_map(panes, sounds, key="n", map_key="q")
    st.session_state["either"] = rows.tolist() == (near | far).nonzero()[0].tolist()


def test_zooming_into_a_map_of_many_sounds_draws_what_is_in_view() -> None:
    app = shown(zoomed, map_renderer="gpu")
    assert app.session_state["inside"]
    assert app.session_state["either"]


def test_arrays_travel_as_bytes_once() -> None:
    first, again = (map_of(shown(many, map_renderer="gpu")) for _ in range(2))
    (trace,), (same,) = sounds_of(first), sounds_of(again)
    assert values(trace["x"]).dtype == np.float32
    assert trace["x"]["url"] == same["x"]["url"]


def recolored() -> None:
    import numpy as np

    from bstviz.plots.facets import Category, Column
    from bstviz.plots.panes.pane import Marks, Pane
    from bstviz.ui.components.plotly_map import Sounds, linked_map

    n = 1_000
    points = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    marks = Marks(selected=np.arange(3))
    for key, colors in (("m", ("#ff0000", "#00ff00")), ("n", ("#0000ff", "#ffff00"))):
        column = Column(key, key, (np.arange(n) % 2).astype(np.uint8), tuple(Category(c, c) for c in colors))
        linked_map(
            [Pane(["x", "y", "z"], points, column)],
            Sounds(key, column.index, column),
            key=key,
            map_key=key,
            marks=marks,
        )


def test_the_same_codes_for_other_words_have_another_address() -> None:
    """A browser keeps what it has decoded by its address."""
    app = shown(recolored)
    colors = [sounds_of(data)[0]["marker"]["color"] for data in sent(app, "plotly_map")]
    codes, words = ([color[name] for color in colors] for name in ("url", "words"))
    assert len({url.partition("#")[0] for url in codes}) == 1
    assert len(set(codes)) == len({tuple(own) for own in words}) == 2
    assert values(colors[0])[0] == "rgba(255,0,0,1)"
