"""Compare without a browser: two linked panes, and the tables under them."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.latent import alignment
from bstviz.models.run import load_run
from tests.ui.conftest import ROOT, map_of, ringed, sent, sounds_of, values

HIERARCHICAL, FLAT = (load_run(paths.assets() / "runs" / f"{loss}-audio-c1-fold0") for loss in ("hierarchical", "flat"))


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/compare.py").run()


def test_hierarchical_and_flat_stand_side_by_side_on_the_same_sounds(app: AppTest) -> None:
    data = map_of(app)
    layout = data["figure"]["layout"]
    for note, title, run in zip(layout["annotations"], data["morph"], (HIERARCHICAL, FLAT), strict=False):
        silhouette = f"top-level silhouette {run.metrics['top_silhouette']:.3f}"
        assert note["text"].startswith(f"{title}<br>{silhouette}")
    assert data["morph"] == ["<b>Left: hierarchical · audio</b>", "<b>Right: flat · audio</b>"]
    assert data["counts"]["drawn"] == len(HIERARCHICAL.sounds)
    assert layout["legend"]["title"]["text"] == "<b>Top-level class</b>"
    assert (layout["xaxis2"]["matches"], layout["yaxis2"]["matches"]) == ("x", "y")


def test_each_side_is_coloured_by_its_own_answers_in_the_same_colours(app: AppTest) -> None:
    app.selectbox(key="compare.color").set_value("correct").run()
    left, right = (values(trace["marker"]["color"]) for trace in sounds_of(map_of(app)))
    assert (left != right).any()
    app.selectbox(key="compare.color").set_value("second").run()
    left, right = (values(trace["marker"]["color"]) for trace in sounds_of(map_of(app)))
    np.testing.assert_array_equal(left, right)


def test_rings_of_each_side_are_its_own_wrong_predictions_of_sounds_not_trained_on(app: AppTest) -> None:
    def check(data: dict, judged: list[np.ndarray]) -> None:
        wrong = [own & (run.y_true != run.y_pred) for run, own in zip((HIERARCHICAL, FLAT), judged, strict=True)]
        notes = data["figure"]["layout"]["annotations"]
        for trace, own, counted, note in zip(sounds_of(data), wrong, judged, notes, strict=False):
            np.testing.assert_array_equal(ringed(trace), own)
            assert f"wrong: {own.sum():,} of {counted.sum():,} sounds" in note["text"]

    data = map_of(app)
    learned = [run.sounds["split"].isin(["train", "val"]).to_numpy() for run in (HIERARCHICAL, FLAT)]
    check(data, [~own for own in learned])
    app.toggle(key="compare.training").set_value(True).run()
    check(map_of(app), [np.ones(len(own), bool) for own in learned])


def test_a_sounds_neighbours_are_kept_lost_and_gained(app: AppTest) -> None:
    app.session_state["compare.sound"] = "fx-a-003"
    app.run()
    (near,) = sent(app, "sound_list")
    notes = [row[1].split(" ")[0] for row in near["rows"]]
    row = HIERARCHICAL.sounds["sound_id"].tolist().index("fx-a-003")
    jaccard = alignment.neighbour_jaccard(HIERARCHICAL.latents, FLAT.latents)[row]
    assert notes.count("kept") / len(notes) == pytest.approx(jaccard)
    assert notes.count("lost") == notes.count("gained") == 10 - notes.count("kept")
    traces = map_of(app)["figure"]["data"]
    for kind in ("kept", "lost", "gained"):
        spokes = [np.isnan(values(t["x"])).sum() for t in traces if t["meta"]["part"] == kind]
        assert spokes == [notes.count(kind)] * 2  # on either side


def test_classes_are_measured_on_what_is_out_of_fold_in_both(app: AppTest) -> None:
    table = next(d.value for d in app.dataframe if "Class" in d.value)
    tested = (HIERARCHICAL.sounds["split"] == "test").to_numpy() & (FLAT.sounds["split"] == "test").to_numpy()
    assert table["Sounds"].sum() == tested.sum()
    label = HIERARCHICAL.taxonomy.codes.index("fx-a")
    own = tested & (HIERARCHICAL.y_true == label)
    row = table[table["Class"] == "Animals"].iloc[0]
    assert row["Accuracy, left"] == pytest.approx(100 * (HIERARCHICAL.y_pred[own] == label).mean())
    assert row["Accuracy, right"] == pytest.approx(100 * (FLAT.y_pred[own] == label).mean())
    assert row["Accuracy, diff."] == pytest.approx(row["Accuracy, right"] - row["Accuracy, left"])
    app.button_group(key="compare.classes.level").set_value("top").run()
    assert len(next(d.value for d in app.dataframe if "Class" in d.value)) == 5


def test_a_chosen_class_is_selected_on_both_maps(app: AppTest) -> None:
    ids = HIERARCHICAL.sounds["sound_id"][HIERARCHICAL.y_true == 0]
    app.session_state["compare.selected"] = (ids, "elsewhere", np.array([]))
    app.run()
    assert map_of(app)["counts"]["selected"] == 48


def test_structure_is_told_at_both_levels_by_the_same_measures(app: AppTest) -> None:
    table = next(d.value for d in app.dataframe if "What it says" in d.value).set_index("Measure")
    for level, words in (("top", "Top"), ("second", "Second")):
        for title, name in (("Silhouette", "silhouette"), ("Neighbour purity", "knn_purity")):
            values = [run.metrics[f"{level}_{name}"] for run in (HIERARCHICAL, FLAT)]
            found = table.loc[title, [f"{words}, left", f"{words}, right"]].tolist()
            assert found == [f"{value:.3f}" for value in values]
            assert table.loc[title, f"{words}, diff."] == pytest.approx(values[1] - values[0])


def test_identical_runs_differ_in_nothing(app: AppTest) -> None:
    app.selectbox(key="compare.right").set_value(app.selectbox(key="compare.left").value).run()
    app.selectbox(key="compare.color").set_value("change").run()
    left, right = (values(trace["marker"]["color"]) for trace in sounds_of(map_of(app)))
    assert not left.any()
    assert not right.any()
    caption = " ".join(c.value for c in app.caption)
    assert "0 % of a neighbourhood" in caption
    assert "Procrustes disparity 0.000" in caption


def test_runs_of_any_modality_are_compared_on_what_they_share(experiment: object) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/compare.py").run()
    assert not app.exception
    assert not app.error
    assert map_of(app)["counts"]["drawn"] == 48
