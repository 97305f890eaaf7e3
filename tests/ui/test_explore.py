"""Explore without a browser: what its map, filters, card and lists are sent."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.migrations import OLD_FACETS, OLD_SPLITS
from bstviz.models.run import load_run
from bstviz.ui.components import selection
from tests.ui.conftest import ROOT, legend_of, map_of, parts_of, ringed, sent, sounds_of, values

RUN = load_run(paths.assets() / "runs" / "hierarchical-audio-c1-fold0")


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/explore.py").run()


def test_the_map_holds_every_sound_colored_by_its_top_level_class(app: AppTest) -> None:
    data = map_of(app)
    assert not app.exception
    (trace,) = sounds_of(data)
    np.testing.assert_array_equal(values(trace["x"]), RUN.projections["pca_x"].to_numpy(np.float32))
    np.testing.assert_array_equal(values(trace["marker"]["color"]), RUN.taxonomy.parents[RUN.y_true])
    counts = {"Music": 144, "Instrument samples": 240, "Speech": 144, "Sound effects": 384, "Soundscapes": 192}
    assert legend_of(data) == {label: f"{label} ({count})" for label, count in counts.items()}
    assert data["figure"]["layout"]["xaxis"]["title"]["text"].startswith("PC 1 (")


def test_rings_are_wrong_predictions_of_sounds_not_trained_on_unless_asked(app: AppTest) -> None:
    classified = RUN.y_true >= 0
    wrong = classified & (RUN.y_true != RUN.y_pred)
    learned = RUN.sounds["split"].isin(["train", "val"]).to_numpy()

    def rings(data: dict[str, Any]) -> str:
        return data["figure"]["data"][-1]["name"].replace("<br>", " ")

    data = map_of(app)
    np.testing.assert_array_equal(ringed(*sounds_of(data)), wrong & ~learned)
    counted = f"{(wrong & ~learned).sum():,} of {(classified & ~learned).sum():,}"
    assert rings(data) == f"predicted wrong: {counted} sounds not trained on"
    app.toggle(key="explore.training").set_value(True).run()
    data = map_of(app)
    np.testing.assert_array_equal(ringed(*sounds_of(data)), wrong)
    mix = f"{classified.sum():,} sounds, {(classified & learned).sum():,} of them trained on"
    assert rings(data) == f"predicted wrong: {wrong.sum():,} of {mix}"
    (facet,) = [f for f in sent(app, "facets")[0]["facets"] if f["name"] == "correct"]
    counts = {bar["label"]: bar["all"] for bar in facet["bars"]}
    assert (sum(counts.values()), counts["right"]) == (len(RUN.sounds), (classified & ~wrong).sum())


def test_recoloring_and_three_dimensions_keep_the_sound(app: AppTest) -> None:
    app.session_state["explore.sound"] = "fx-a-003"
    app.selectbox(key="explore.color").set_value("predicted_confidence").run()
    app.button_group(key="explore.map.dimensions").set_value(3).run()
    data = map_of(app)
    (trace,) = sounds_of(data)
    assert trace["type"] == "scatter3d"
    by_part = {t["meta"]["part"]: t for t in data["figure"]["data"]}
    (bar,) = (t["marker"]["colorbar"] for t in data["figure"]["data"] if t["marker"].get("showscale"))
    assert bar["ticktext"][-1] == "1"
    assert len(values(by_part["current"]["z"])) == 1
    assert np.isnan(values(by_part["near"]["x"])).sum() == 10  # a gap after each spoke


def test_a_sound_is_shown_with_player_neighbours_and_its_page(app: AppTest) -> None:
    app.session_state["explore.sound"] = "fx-a-003"
    app.run()
    (player,), (near,) = sent(app, "player"), sent(app, "sound_list")
    assert player["name"] == "fx-a-003"
    assert len(near["rows"]) == 10
    distances = [row[1] for row in near["rows"]]
    assert distances == sorted(distances)
    assert app.query_params["sound"] == "fx-a-003"
    assert app.query_params["run"] == "hierarchical-audio-c1-fold0"


def test_an_address_brings_back_the_view() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/explore.py")
    for name, value in {"run": "flat-audio-c1-fold0", "map": "umap", "color": "split", "sound": "ss-n-001"}.items():
        app.query_params[name] = value
    app.run()
    assert app.selectbox(key="explore.run").value.endswith("flat-audio-c1-fold0")
    data = map_of(app)
    assert data["figure"]["layout"]["xaxis"]["title"]["text"] == "UMAP 1"
    assert data["figure"]["layout"]["legend"]["title"]["text"] == "<b>Split</b>"
    assert "current" in parts_of(data)


def test_an_address_carries_filters_words_and_a_selection(app: AppTest) -> None:
    app.session_state["explore.filters.chosen"] = {"top": frozenset({"Speech", "Music"})}
    app.session_state["explore.selected"] = (pd.Index(["sp-s-001", "ss-n-001"]), "elsewhere", np.array([]))
    app.text_input(key="explore.filters.words").set_value("voice").run()
    sent_on = dict(app.query_params)
    there = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/explore.py")
    for name, value in sent_on.items():
        there.query_params[name] = value
    there.run()
    here_data, there_data = map_of(app), map_of(there)
    assert here_data["counts"]["shown"] < here_data["counts"]["drawn"]
    assert there_data["counts"] == here_data["counts"]
    assert legend_of(there_data) == legend_of(here_data)
    opacities = [values(sounds_of(data)[0]["marker"]["opacity"]) for data in (here_data, there_data)]
    np.testing.assert_array_equal(*opacities)
    assert there.text_input(key="explore.filters.words").value == "voice"


def test_an_address_carries_the_parameters_of_umap(experiment: object) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/explore.py")
    app.query_params["map"], app.query_params["umap"] = "umap", "7,0.25,3"
    app.run()
    assert app.slider(key="explore.map.neighbours").value == 7
    assert app.slider(key="explore.map.distance").value == 0.25
    assert app.number_input(key="explore.map.seed").value == 3


def test_an_address_kept_from_the_version_before_shows_the_same(app: AppTest) -> None:
    ((old, new),) = OLD_FACETS.items()
    ((old_split, new_split),) = OLD_SPLITS.items()
    views = []
    for facet, split in ((old, old_split), (new, new_split.replace("_", " "))):
        app.query_params["color"] = facet
        app.query_params["only"] = json.dumps({facet: ["0.9 – 1"], "split": [split, "test"]})
        data = map_of(app.run())
        assert app.selectbox(key="explore.color").value == new
        views.append((data["counts"], data["figure"]["layout"], app.query_params["only"]))
    assert views[0] == views[1]
    assert views[0][0]["shown"] < views[0][0]["drawn"]


def test_a_long_selection_stays_out_of_the_address(app: AppTest) -> None:
    app.session_state["explore.selected"] = (pd.Index(RUN.sounds["sound_id"]), "elsewhere", np.array([]))
    app.run()
    assert "selected" not in app.query_params


def test_an_address_of_rubbish_is_left_aside() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/explore.py")
    rubbish = {
        "run": "../../etc",
        "map": "tsne",
        "dimensions": "x",
        "color": "no",
        "sound": "<b>",
        "umap": "1,2,3,4",
        "selected": "7",
    }
    for name, value in {**rubbish, "only": '["top"]', "view": "1,2"}.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    assert map_of(app)["counts"]["drawn"] == len(RUN.sounds)


def test_filters_count_and_the_map_follows(app: AppTest) -> None:
    app.session_state["explore.filters.chosen"] = {"top": frozenset({"Speech"})}
    app.run()
    (facets,), data = sent(app, "facets"), map_of(app)
    second = next(f for f in facets["facets"] if f["name"] == "second")
    assert sum(bar["now"] for bar in second["bars"]) == 144
    assert sum(bar["all"] for bar in second["bars"]) == len(RUN.sounds)
    assert sum(bar["now"] for f in facets["facets"] if f["name"] == "top" for bar in f["bars"]) == len(RUN.sounds)
    assert data["counts"]["shown"] == 144
    dimmed = [t["name"] for t in data["figure"]["data"] if t.get("visible") == "legendonly"]
    assert dimmed == ["Music (144)", "Instrument samples (240)", "Sound effects (384)", "Soundscapes (192)"]
    opacity = values(sounds_of(data)[0]["marker"]["opacity"])
    speech = RUN.taxonomy.parents[RUN.y_true] == RUN.taxonomy.top_codes.index("sp")
    assert opacity[speech].min() > opacity[~speech].max()
    app.toggle(key="explore.hide").set_value(True).run()
    assert map_of(app)["counts"]["drawn"] == 144
    assert any("144 of 1,104 sounds pass" in c.value for c in app.caption)


def test_words_filter_and_find(app: AppTest) -> None:
    app.text_input(key="explore.filters.words").set_value("voice").run()
    shown = int(next(c.value for c in app.caption if "sounds pass" in c.value).split(" of ")[0].replace(",", ""))
    assert 0 < shown < len(RUN.sounds)
    app.text_input(key="explore.find").set_value("fx-a-003").run()
    found = sent(app, "sound_list")[-1]
    assert len(found["rows"]) == 1
    assert found["opens"]


def test_a_selection_is_listed_made_up_and_kept_over_runs_and_pages(app: AppTest) -> None:
    rows = np.flatnonzero(RUN.y_true == RUN.taxonomy.codes.index("ss-n"))
    ids = pd.Index(RUN.sounds["sound_id"].iloc[rows])
    app.session_state["explore.selected"] = (ids, "elsewhere", np.array([]))
    app.run()
    assert map_of(app)["counts"]["selected"] == len(rows)
    assert len(sent(app, "sound_list")[0]["rows"]) == len(rows)
    made = next(d.value for d in app.dataframe if "ratio" in d.value)
    assert made["label"].tolist() == ["Soundscapes"]
    assert made["share"].tolist() == [100]
    assert made["ratio"].iloc[0] == pytest.approx(len(RUN.sounds) / 192)
    picker = app.selectbox(key="explore.run")
    picker.set_value(str(paths.assets() / "runs" / "flat-audio-c1-fold0")).run()
    assert map_of(app)["counts"]["selected"] == len(rows)
    app.switch_page("pages/home.py").run()
    app.switch_page("pages/explore.py").run()
    assert map_of(app)["counts"]["selected"] == len(rows)
    assert app.selectbox(key="explore.run").value.endswith("flat-audio-c1-fold0")


def test_a_table_to_take_away_holds_the_selection_and_the_answers() -> None:
    from bstviz.ui.cache import loading

    loaded = loading.load(paths.assets() / "runs" / RUN.id)
    table = selection.table_of(loaded, np.array([3, 700]))
    assert table["sound_id"].tolist() == RUN.sounds["sound_id"].iloc[[3, 700]].tolist()
    assert {"title", "tags", "y_true", "y_pred", "predicted_confidence", "p_fx-a"} <= set(table)
    assert table["predicted_confidence"].to_numpy() == pytest.approx(RUN.probabilities[[3, 700]].max(axis=1))
