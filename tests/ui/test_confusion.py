"""The confusion page without a browser, on a small sweep over two thresholds: its numbers are those of the runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import bst
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import load_info
from bstviz.training.preset import SweepPreset, grid_of
from bstviz.training.sweep import run_sweep
from bstviz.ui.confusion.matrix import CELL
from bstviz.ui.confusion.sides import families
from tests.fakes import CODES, stratified
from tests.ui.conftest import ROOT, sent

SECTIONS = {
    "Confused pairs": (1, 2),
    "Across thresholds": (2, 1),
    "Classes": (4, 2),
    "Groups": (1, 2),
    "Accuracy by threshold": (2, 2),
    "Calibration": (2, 1),
}
"""Charts and tables of the page with a section open, the matrix and its scores among them."""


@pytest.fixture(scope="module")
def swept(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sweep")
    preset = SweepPreset(
        "x", modalities=("audio",), min_confidences=(1, 3), baselines=(), train={"epochs": 2, "min_steps": 0}
    )
    list(run_sweep(collection, stratified(collection), grid_of(preset, collection), out, jobs=1))
    return out


@pytest.fixture
def page(swept: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(swept))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    return app.switch_page("pages/confusion.py").run()


def press(page: AppTest, **controls: object) -> AppTest:
    for name, value in controls.items():
        page.segmented_control(key=f"confusion.{name.replace('_', '.')}").set_value(value)
    return page.run()


def matrix(page: AppTest) -> np.ndarray:
    """The numbers of the matrix in its cells."""
    spec = json.loads(page.get("plotly_chart")[0].proto.spec)
    return np.array([[float(str(cell or 0).replace("−", "-")) for cell in row] for row in spec["data"][0]["text"]])


def page_text(page: AppTest) -> str:
    return " ".join(element.value for element in (*page.markdown, *page.caption, *page.warning, *page.info))


def answered(folder: Path, loss: str, trained: int, collection: Collection, threshold: int) -> pd.DataFrame:
    """Predictions of a setting for its test sounds of an annotation confidence, read from its files."""
    runs = [load_run(path) for path in find_runs(folder) if path.name.startswith(f"{loss}-audio-c{trained}-")]
    sounds = pd.concat([run.sounds[run.sounds["split"].isin(["test", "below_threshold"])] for run in runs])
    return sounds.merge(collection.sounds[["sound_id", "confidence"]]).query("confidence >= @threshold")


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_draws(page: AppTest, section: str) -> None:
    press(page, section=section)
    assert not page.exception
    assert not page.error
    assert (len(page.get("plotly_chart")), len(page.dataframe)) == SECTIONS[section]


@pytest.mark.parametrize(("trained", "threshold"), [(1, 1), (1, 4), (3, 3), (3, 1)])
def test_a_matrix_is_that_of_the_runs_at_both_thresholds(
    page: AppTest, swept: Path, collection: Collection, trained: int, threshold: int
) -> None:
    press(page, cells="count", a_trained=trained, a_tested=threshold)
    sounds = answered(swept, "hierarchical", trained, collection, threshold)
    np.testing.assert_array_equal(
        matrix(page), confusion_matrix(sounds["y_true"], sounds["y_pred"], labels=bst().codes)
    )
    assert f"**{len(sounds):,} test sounds**" in page_text(page)


def test_it_says_where_the_threshold_applies_and_which_runs_there_are(page: AppTest) -> None:
    assert "There are runs trained on ≥ 1, ≥ 3, none on ≥ 2, ≥ 4, ≥ 5" in page_text(page)
    assert "applies to the test only" in page_text(press(page, a_tested=4))
    assert "≥ 3 applies to training only" in page_text(press(page, a_trained=3, a_tested=1))


def test_two_settings_are_subtracted_and_different_test_sets_are_reported(
    page: AppTest, swept: Path, collection: Collection
) -> None:
    page.toggle(key="confusion.compare").set_value(True)
    press(page, cells="count")
    labels = bst().codes
    first, second = (answered(swept, loss, 1, collection, 1) for loss in ("hierarchical", "flat"))
    counts = [confusion_matrix(s["y_true"], s["y_pred"], labels=labels) for s in (first, second)]
    np.testing.assert_array_equal(matrix(page), counts[0] - counts[1])
    assert "tested on the same 48 sounds" in page_text(page)
    press(page, b_tested=3)
    few = answered(swept, "flat", 1, collection, 3)
    assert f"**Different test sets**: A is tested on 48 sounds, B on {len(few)}; both on {len(few)}" in page_text(page)
    page.toggle(key="confusion.shared").set_value(True).run()
    own = first[first["sound_id"].isin(few["sound_id"])]
    wanted = confusion_matrix(own["y_true"], own["y_pred"], labels=labels) - confusion_matrix(
        few["y_true"], few["y_pred"], labels=labels
    )
    np.testing.assert_array_equal(matrix(page), wanted)


def test_the_sounds_of_a_cell_are_listed_and_those_of_a_difference_marked(
    page: AppTest, swept: Path, collection: Collection
) -> None:
    code = collection.sounds["class"].iloc[0]
    page.session_state[CELL] = (code, code)
    page.run()
    first, second = (answered(swept, loss, 1, collection, 1) for loss in ("hierarchical", "flat"))
    a, b = (set(s["sound_id"][(s["y_true"] == code) & (s["y_pred"] == code)]) for s in (first, second))
    assert len(sent(page, "sound_list")[0]["rows"]) == len(a)
    page.toggle(key="confusion.compare").set_value(True).run()
    notes = [row[-1] for row in sent(page, "sound_list")[0]["rows"]]
    found = [notes.count(note) for note in ("only A", "only B", "A and B")]
    assert found == [len(a - b), len(b - a), len(a & b)]


def test_a_cell_is_chosen_by_its_classes_as_well(page: AppTest) -> None:
    true, predicted = CODES[0], CODES[1]
    page.selectbox(key="confusion.cell.true").set_value(true).run()
    assert CELL not in page.session_state
    page.selectbox(key="confusion.cell.predicted").set_value(predicted).run()
    assert page.session_state[CELL] == (true, predicted)
    assert any("→" in heading.value for heading in page.markdown)
    page.session_state[CELL] = (predicted, true)  # a click on the matrix
    page.run()
    assert page.selectbox(key="confusion.cell.true").value == predicted
    assert not page.exception


def test_top_level_classes_collapse_and_open(page: AppTest) -> None:
    press(page, cells="count")
    buttons = {button.label: button for button in page.button}
    buttons["Collapse all"].click().run()
    assert matrix(page).shape == (5, 5)
    page.pills(key="confusion.open").set_value(["ss"]).run()
    assert matrix(page).shape == (8, 8)
    assert matrix(page).sum() == 48
    next(button for button in page.button if button.label == "Open all").click().run()
    assert matrix(page).shape == (23, 23)


def test_a_threshold_that_no_sound_reaches_is_a_message(
    runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runs["audio"].save(tmp_path / "run")
    header = json.loads((folder / "run.json").read_text())
    header["collection"]["path"] = "gone"
    (folder / "run.json").write_text(json.dumps(header))
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path))
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run().switch_page("pages/confusion.py").run()
    assert "was not found" in page_text(page)
    assert page.get("plotly_chart")
    assert "No test sound has such an annotation confidence" in page_text(press(page, a_tested=3))
    assert not page.exception


def test_thresholds_of_training_are_one_family(swept: Path) -> None:
    found = families([load_info(path) for path in find_runs(swept)])
    assert list(found) == ["Hierarchical · audio", "Non-hierarchical · audio"]
    assert {t: len(runs) for t, runs in found["Non-hierarchical · audio"].items()} == {1: 4, 3: 4}
