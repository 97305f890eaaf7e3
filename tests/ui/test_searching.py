"""Search, saved views, undo, the table, own colours and the keys of Explore, without a browser."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.audio import playback
from bstviz.datasets.collection import Collection
from bstviz.latent.neighbours import unit
from bstviz.models.run import Run, load_run
from bstviz.ui.components.sound_list import LISTED
from bstviz.ui.explore import searching
from bstviz.ui.explore.searching import Search
from tests.fakes import RATE, FakeAudioEncoder, tone
from tests.ui.conftest import ROOT, map_of, seen, sent, sounds_of, values

RUN = load_run(paths.assets() / "runs" / "hierarchical-audio-c1-fold0")
IDS = RUN.sounds["sound_id"].tolist()


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/explore.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def app() -> AppTest:
    return opened()


def hits(app: AppTest) -> list[int]:
    """Rows that were found, best first."""
    return app.session_state[searching.HITS][1].rows.tolist()


def listed(app: AppTest, name: str = "explore.search.list") -> list[list[object]]:
    """Rows of a list."""
    (data,) = [one for one in sent(app, "sound_list") if one["name"] == name]
    return data["rows"]


def lit(app: AppTest) -> list[int]:
    """Rows that the map brings out."""
    opacity = values(sounds_of(map_of(app))[0]["marker"]["opacity"])
    return np.flatnonzero(opacity == 1).tolist()


def stated(app: AppTest, name: str) -> str:
    """A parameter of the page's address."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def said(app: AppTest) -> str:
    return seen(" ".join(element.value for element in (*app.caption, *app.markdown, *app.warning, *app.error)))


def ranked(like: list[str], unlike: list[str]) -> list[int]:
    near = unit(np.array(RUN.latents))
    scores = np.mean([near @ near[IDS.index(one)] for one in like], axis=0)
    if unlike:
        share = len(unlike) / len(like + unlike)
        scores = scores - share * np.mean([near @ near[IDS.index(one)] for one in unlike], axis=0)
    return [row for row in np.argsort(-scores, kind="stable").tolist() if IDS[row] not in (*like, *unlike)]


def test_sounds_like_some_and_unlike_others_are_listed_and_lit_and_in_the_address(app: AppTest) -> None:
    like, unlike = ["fx-a-003", "fx-a-004"], ["sp-s-001"]
    app.session_state["explore.search"] = Search(like=tuple(like), unlike=tuple(unlike))
    app.run()
    expected = ranked(like, unlike)[:50]
    assert hits(app) == expected
    assert len(listed(app)) == 50
    assert lit(app) == sorted(expected)
    assert json.loads(stated(app, "search")) == {"like": like, "unlike": unlike}
    again = opened(search=stated(app, "search"))
    assert (hits(again), listed(again), lit(again)) == (hits(app), listed(app), lit(app))


def test_a_selection_is_searched_by_and_thumbs_refine(app: AppTest) -> None:
    app.session_state["explore.selected"] = (pd.Index(["fx-a-003", "fx-a-004"]), "elsewhere", np.array([]))
    app.run()
    app.button(key="explore.search.more").click().run()
    assert app.session_state["explore.search"] == Search(like=("fx-a-003", "fx-a-004"))
    assert map_of(app)["counts"]["selected"] == 50
    app.multiselect(key="explore.search.like").set_value(["fx-a-004"]).run()
    assert hits(app) == ranked(["fx-a-004"], [])[:50]
    app.selectbox(key="explore.search.count").set_value(20).run()
    assert len(hits(app)) == 20
    app.button(key="explore.search.select").click().run()
    assert map_of(app)["counts"]["selected"] == 20
    app.button(key="explore.search.clear").click().run()
    assert "search" not in app.query_params
    assert map_of(app)["counts"]["selected"] == 0


def test_a_sound_is_for_or_against_and_not_both() -> None:
    def script() -> None:
        import streamlit as st

        from bstviz import paths
        from bstviz.ui.cache import loading
        from bstviz.ui.explore import searching

        loaded = loading.load(paths.assets() / "runs" / "flat-audio-c1-fold0")
        searching.searches_by(loaded, [1, 2], like=True)
        searching.searches_by(loaded, [2, 3], like=False)
        searching.searches_by(loaded, list(range(100, 200)), like=True)
        st.session_state["result"] = searching.current()

    result = AppTest.from_function(script, default_timeout=180).run().session_state["result"]
    assert result.unlike == tuple(IDS[2:4])
    assert result.like == tuple(IDS[150:200])


def test_words_are_compared_with_the_words_of_sounds_by_their_encoder(
    experiment: Path, encoders: object, collection: Collection
) -> None:
    app = opened(run="hierarchical-audio-c1-fold0")
    app.text_input(key="explore.search.words").set_value("title 7").run()
    assert not app.exception
    assert "By text, fake-text 1" in said(app)
    assert len(listed(app)) == 48
    assert json.loads(stated(app, "search")) == {"words": "title 7"}


def test_words_that_nothing_embeds_are_looked_for_in_title_and_tags(experiment: Path) -> None:
    app = opened(run="hierarchical-audio-c1-fold0")
    app.text_input(key="explore.search.words").set_value("title 7").run()
    assert "words within title and tags" in said(app)
    assert [row[0] for row in listed(app)] == ["title 7", "title 17", "title 27", "title 37", "title 47"]


def test_a_dropped_sound_ranks_the_sounds_and_what_cannot_be_decoded_is_named(
    experiment: Path, encoders: tuple[FakeAudioEncoder, object], runs: dict[str, Run]
) -> None:
    from bstviz.encoders.base import Embeddings
    from bstviz.models.predict import predict

    app = opened(run="hierarchical-audio-c1-fold0")
    own = playback.to_wav(tone(900), RATE)
    files = [("a.wav", own, "audio/wav"), ("b.wav", b"no sound", "audio/wav")]
    app.file_uploader(key="explore.search.sounds.files").set_value(files).run()
    assert not app.exception
    assert "b.wav: b.wav could not be decoded" in said(app)
    embedded = Embeddings(encoders[0].embed([tone(900)]), encoders[0].info)
    latent = unit(predict(runs["audio"], audio=embedded).latent)[0]
    order = np.argsort(-(unit(np.array(runs["audio"].latents)) @ latent), kind="stable")
    assert [row[0] for row in listed(app)][:5] == [f"title {row}" for row in order[:5]]
    assert "search" not in app.query_params
    (star,) = [trace for trace in map_of(app)["figure"]["data"] if trace["meta"]["part"] == "new"]
    placed = runs["audio"].pca.transform(predict(runs["audio"], audio=embedded).latent)
    np.testing.assert_allclose([values(star[axis])[0] for axis in "xy"], placed[0, :2], rtol=1e-2)  # a WAV has 16 bits
    app.selectbox(key="explore.run").set_value(str(experiment / runs["both"].id)).run()
    assert "choose an audio model" in said(app)


def test_undo_and_redo_go_over_views(app: AppTest) -> None:
    app.selectbox(key="explore.color").set_value("split").run()
    app.session_state["explore.filters.chosen"] = {"top": frozenset({"Speech"})}
    app.run()
    everything = pd.Index(IDS)
    app.session_state["explore.selected"] = (everything, "elsewhere", np.array([]))
    app.run()
    counts = map_of(app)["counts"]
    assert counts["selected"] == len(IDS)
    app.button(key="explore.undo").click().run()
    assert map_of(app)["counts"] == counts | {"selected": 0}
    app.button(key="explore.undo").click().run()
    assert map_of(app)["counts"]["shown"] == len(IDS)
    app.button(key="explore.undo").click().run()
    assert app.selectbox(key="explore.color").value == "top"
    assert app.button(key="explore.undo").disabled
    for _ in range(3):
        app.button(key="explore.redo").click().run()
    assert app.selectbox(key="explore.color").value == "split"
    assert map_of(app)["counts"] == counts  # a selection too long for any address
    assert app.button(key="explore.redo").disabled


def test_a_search_too_long_for_an_address_is_undone_and_redone_and_saved(app: AppTest) -> None:
    long = Search(like=(*(f"folder/{'x' * 60}/{i}.wav" for i in range(48)), "fx-a-003", "fx-a-004"))
    app.session_state["explore.search"] = long
    app.run()
    assert "search" not in app.query_params
    assert "too long for the address" in said(app)
    app.text_input(key="explore.views.name").set_value("long")
    app.button(key="FormSubmitter:explore.views.form-Save").click().run()
    assert list(json.loads(stated(app, "views"))) == ["long"]
    app.selectbox(key="explore.color").set_value("split").run()
    app.button(key="explore.undo").click().run()
    assert app.session_state["explore.search"] == long
    app.button(key="explore.search.clear").click().run()
    app.button(key="explore.views.0").click().run()
    assert app.session_state["explore.search"] == long


def test_a_new_view_ends_the_way_forward_and_views_are_bounded() -> None:
    from bstviz.ui.explore import views
    from bstviz.ui.explore.views import History, MapView

    own = History()
    for number in range(views.VIEWS_BACK + 5):
        own.record(MapView({"color": str(number)}))
    assert len(own.views) == views.VIEWS_BACK
    own.at -= 3
    own.record(MapView({"color": "other"}))
    assert not own.reaches(1)
    long = pd.Index(np.arange(views.SELECTED_BACK // 2 + 1).astype("O"))
    for number in range(4):
        own.record(MapView({"color": f"long {number}"}, (long[number:], "", np.array([]))))
    assert sum(map(len, own.views)) <= views.SELECTED_BACK + len(long)
    assert len(own.views) == 2


def test_saved_views_have_names_and_come_back_from_the_address(app: AppTest) -> None:
    app.session_state["explore.search"] = Search(like=("fx-a-003",))
    app.session_state["explore.filters.chosen"] = {"top": frozenset({"Speech"})}
    app.run()
    before = map_of(app)["counts"]
    app.text_input(key="explore.views.name").set_value(" *animals* ")
    app.button(key="FormSubmitter:explore.views.form-Save").click().run()
    assert not app.exception
    ((name, _),) = json.loads(stated(app, "views")).items()
    assert name == "*animals*"
    app.button(key="explore.search.clear").click().run()
    app.session_state["explore.filters.chosen"] = {}
    app.run()
    there = opened(views=stated(app, "views"))
    assert map_of(there)["counts"]["selected"] == 0
    there.button(key="explore.views.0").click().run()
    assert map_of(there)["counts"] == before
    there.button(key="explore.views.0.forget").click().run()
    assert "views" not in there.query_params


def test_a_name_with_control_characters_is_saved_without_and_a_bad_view_costs_itself_alone(app: AppTest) -> None:
    app.text_input(key="explore.views.name").set_value("my\x7f view")
    app.button(key="FormSubmitter:explore.views.form-Save").click().run()
    views = json.loads(stated(app, "views"))
    assert list(views) == ["my view"]
    bad = {"a\x7f": views["my view"], "numbers": {"color": 3}, "none": None}
    there = opened(views=json.dumps(bad | views))
    assert list(there.session_state["explore.views"]) == ["my view"]


def test_views_that_are_too_long_for_an_address_stay_in_the_session(app: AppTest) -> None:
    from bstviz.ui.explore import saved
    from bstviz.ui.explore.views import MapView

    app.session_state[saved.SAVED] = {f"view {i}": MapView({"words": "w" * 2_000}) for i in range(5)}
    app.run()
    assert list(json.loads(stated(app, "views"))) == ["view 3", "view 4"]
    assert len(app.session_state[saved.SAVED]) == 5


def test_the_table_lists_all_sounds_sorted_over_all_of_them(app: AppTest) -> None:
    app.toggle(key="explore.table").set_value(True).run()
    assert len(listed(app, "explore.table.list")) == LISTED
    app.selectbox(key="explore.table.sort").set_value("predicted_confidence").run()
    app.toggle(key="explore.table.down").set_value(True).run()
    app.multiselect(key="explore.table.columns").set_value(["predicted_confidence", "table: confidence"]).run()
    rows = listed(app, "explore.table.list")
    best = np.sort(RUN.confidence.astype(float))[::-1]
    assert [row[1] for row in rows] == pytest.approx(best[:LISTED], abs=1e-4)
    app.number_input(key="explore.table.page").set_value(3).run()
    rows = listed(app, "explore.table.list")
    assert [row[1] for row in rows] == pytest.approx(best[2 * LISTED :], abs=1e-4)
    assert all(isinstance(row[2], float) for row in rows)
    app.session_state["explore.filters.chosen"] = {"top": frozenset({"Speech"})}
    app.run()
    assert len(listed(app, "explore.table.list")) == 144


def test_own_colours_are_on_the_map_in_the_filters_and_in_the_address(app: AppTest) -> None:
    app.selectbox(key="explore.color").set_value("split").run()
    app.color_picker(key="explore.colors.1").set_value("#123456").run()
    (bars,) = [facet["bars"] for facet in sent(app, "facets")[0]["facets"] if facet["name"] == "split"]
    assert bars[1]["color"] == "#123456"
    there = opened(color="split", colors=stated(app, "colors"))
    for each in (app, there):
        entries = [trace for trace in map_of(each)["figure"]["data"] if "label" in trace["meta"]]
        assert "#123456" in [trace["marker"]["color"] for trace in entries]
    app.button(key="explore.colors.back").click().run()
    assert "colors" not in app.query_params


def test_colours_too_long_for_an_address_stay_in_the_session_and_the_page_says_so(app: AppTest) -> None:
    chosen = {f"column {i}": {f"value {j}": "#123456" for j in range(30)} for i in range(5)}
    app.session_state["explore.own_colors"] = chosen
    app.run()
    assert "colors" not in app.query_params
    assert "too long for the address" in said(app)
    app.selectbox(key="explore.color").set_value("split").run()
    app.button(key="explore.undo").click().run()
    assert app.session_state["explore.own_colors"] == chosen


@pytest.mark.parametrize("page", ["explore", "review"])
def test_a_page_tells_its_keys(page: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page(f"pages/{page}.py").run()
    (data,) = sent(app, "keys")
    assert data["bindings"][-1] == [["?"], "show these keys, or close them"]
    if page == "review":
        (decide,) = sent(app, "decide")
        told = {key for keys, _ in data["bindings"] for key in keys}
        letters = {key for act in decide["acts"] for key in act.get("keys") or [act["key"]] if len(key) == 1}
        assert {"a", "k"} <= letters <= told
