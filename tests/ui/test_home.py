"""The Overview: its figures are those of the runs' files, its dots are the test sounds, and its links open what they
promise.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote_plus

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.evaluation.out_of_fold import differ_in_loss_alone
from bstviz.models.run import Run, load_run
from bstviz.plots.facets import Category
from bstviz.ui.classify.examples import EXAMPLE_SOUNDS
from bstviz.ui.components.prepared import run_and_counterpart
from bstviz.ui.home import panels
from bstviz.ui.home.small_map import DOTS, SIDE, picture
from tests.ui.conftest import map_of, seen, sent
from tests.ui.test_pages import bundled, open_page

HIERARCHICAL, FLAT = (bundled(f"{loss}-audio-c1-fold0") for loss in ("hierarchical", "flat"))


def opened(page: str, **parameters: str) -> AppTest:
    """A page by an address."""
    app = open_page(f"{page}.py")
    app.query_params.clear()
    for name, value in parameters.items():
        app.query_params[name] = value
    assert not app.run().exception
    assert not app.error
    return app


def shown_html(app: AppTest) -> str:
    return "".join(element.proto.body for element in app.get("html"))


def links(app: AppTest) -> dict[str, dict[str, str]]:
    """Parameters of the Overview's links by the page they lead to; of several the first, a door's."""
    found: dict[str, dict[str, str]] = {}
    for link in app.get("page_link"):
        pairs = re.findall(r"([^&=]+)=([^&]*)", link.proto.query_string)
        found.setdefault(link.proto.page, {name: unquote_plus(value) for name, value in pairs})
    return found


def test_the_headline_figures_are_the_share_of_right_answers_among_test_sounds() -> None:
    text = shown_html(open_page("home.py"))
    for run in (HIERARCHICAL, FLAT):
        test = run.sounds[run.sounds["split"] == "test"]
        right = 100 * float((test["y_true"] == test["y_pred"]).mean())
        above = 100 * float((test["y_true"].str.split("-").str[0] == test["y_pred"].str.split("-").str[0]).mean())
        (low, high), (top_low, top_high) = (
            (float(a), float(b))
            for value in (right, above)
            for a, b in re.findall(rf"<b>{value:.1f} %</b> <small>\((\S+) to (\S+)\)</small>", text)[:1]
        )
        # The normal approximation of a binomial's interval, which a bootstrap over sounds comes close to
        for value, a, b in ((right, low, high), (above, top_low, top_high)):
            half = 1.96 * np.sqrt(value * (100 - value) / len(test))
            assert (a, b) == pytest.approx((value - half, value + half), abs=1.0)


def test_every_test_sound_is_a_dot_within_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(paths.assets() / "runs"))
    dots = re.findall(r"--x:(\S+?)cqw;--y:(\S+?)cqw;--u:(\S+?)cqw;--v:(\S+?)cqw", shown_html(open_page("home.py")))
    assert len(dots) == int((HIERARCHICAL.sounds["split"] == "test").sum()) <= DOTS
    places = np.array(dots, float)
    assert places.min() >= 0
    assert places.max() <= SIDE


def test_a_picture_keeps_distances_and_other_peoples_words_as_text() -> None:
    points = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    made = picture(points, np.array([0, 0, 1]), [Category("<b>", "#112233"), Category("b", "#445566")], words='a "map"')
    assert "&lt;b&gt;" in made
    assert "&quot;map&quot;" in made
    places = np.array(re.findall(r"--x:(\S+?)cqw;--y:(\S+?)cqw", made), float)
    sides = [np.linalg.norm(places[a] - places[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert np.array(sides) / sides[0] == pytest.approx([1, 4 / 3, 5 / 3], abs=0.01)
    assert places[2, 1] < places[0, 1]  # up is up


def test_a_run_and_its_counterpart_share_all_but_the_loss() -> None:
    infos = [load_run(folder) for folder in sorted((paths.assets() / "runs").iterdir())]
    run, counterpart = run_and_counterpart(infos)
    assert counterpart is not None
    assert (run.train.loss, counterpart.train.loss) == ("hierarchical", "flat")
    assert differ_in_loss_alone(run, counterpart)
    assert not differ_in_loss_alone(run, bundled("flat-both-c1-fold0"))
    assert run_and_counterpart([FLAT]) == (FLAT, None)


def test_the_door_to_mistakes_opens_the_pair_that_is_confused_most_and_lists_its_sounds() -> None:
    app = opened("confusion", **links(open_page("home.py"))["confusion"])
    test = HIERARCHICAL.sounds[HIERARCHICAL.sounds["split"] == "test"]
    matrix = confusion_matrix(test["y_true"], test["y_pred"], labels=HIERARCHICAL.taxonomy.codes)
    np.fill_diagonal(matrix, 0)
    cell = app.session_state["confusion.cell"]
    codes = list(HIERARCHICAL.taxonomy.codes)
    assert matrix[codes.index(cell[0]), codes.index(cell[1])] == matrix.max()
    assert "hierarchical" in app.selectbox(key="confusion.a.model").value.lower()
    (listed,) = sent(app, "sound_list")
    assert len(listed["rows"]) == matrix.max()
    shown = next(link.proto for link in app.get("page_link") if link.proto.page == "compare")
    assert f"sound={cell[0]}-" in shown.query_string


def test_the_door_to_the_comparison_opens_a_mistake_that_only_one_model_makes() -> None:
    app = opened("compare", **links(open_page("home.py"))["compare"])
    sound = app.session_state["compare.sound"]
    rows = [run.sounds.set_index("sound_id").loc[sound] for run in (HIERARCHICAL, FLAT)]
    assert [row["y_true"] == row["y_pred"] for row in rows] == [False, True]
    assert rows[0]["split"] == "test"
    assert len(map_of(app)["morph"]) == 2


def test_the_door_to_classify_shows_an_example_classified() -> None:
    wanted = links(open_page("home.py"))["classify"]["example"]
    assert wanted in EXAMPLE_SOUNDS
    app = opened("classify", example=wanted)
    assert any("data-answer" in element.proto.body for element in app.get("html"))


def test_other_prepared_views_open() -> None:
    known = links(open_page("home.py"))
    assert opened("explore", **known["explore"]).selectbox(key="explore.color").value == "correct"
    assert opened("review", **known["review"]).segmented_control(key="review.agreement").value == "against"
    assert opened("results", **known["results"]).segmented_control(key="results.section").value == "Table 1"


@pytest.mark.parametrize(
    ("page", "parameters"),
    [
        ("confusion", {"cell": "no|such", "model": "x", "trained": "9", "section": "?"}),
        ("confusion", {"cell": "one"}),
        ("results", {"section": "?", "source": "?"}),
        ("review", {"predictions": "?", "sounds": "?", "models": "?"}),
        ("classify", {"example": "../../etc"}),
    ],
)
def test_forged_addresses_open_the_page_as_it_is(page: str, parameters: dict[str, str]) -> None:
    opened(page, **parameters)


def test_several_experiments_have_a_panel_each_and_say_whether_they_can_be_played(
    runs: dict[str, Run], experiment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [str(paths.assets() / "runs"), str(experiment)]
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, ":".join(places))
    app = open_page("home.py")
    assert not app.exception
    headings = [seen(m.value) for m in app.markdown if m.value.startswith("#### ")]
    assert headings == ["#### bstviz demo", f"#### {next(iter(runs.values())).collection.name}"]
    assert any("can be played" in caption.value for caption in app.caption)


def test_experiments_are_told_apart_by_collection_and_folds() -> None:
    infos = {run.folder: run for run in (HIERARCHICAL, FLAT) if run.folder}
    assert {name: len(own) for name, own in panels.experiments(infos).items()} == {"bstviz demo": 2}


@pytest.mark.parametrize("page", ["explore", "compare"])
def test_an_empty_panel_offers_a_mistake_which_is_one(page: str) -> None:
    app = open_page(f"{page}.py")
    app.button(key=f"{page}.mistake").click().run()
    assert not app.exception
    row = HIERARCHICAL.sounds.set_index("sound_id").loc[app.session_state[f"{page}.sound"]]
    assert row["y_true"] != row["y_pred"]
    assert row["split"] == "test"
    test = HIERARCHICAL.sounds[(HIERARCHICAL.sounds["split"] == "test").to_numpy()]
    wrong = test[test["y_true"] != test["y_pred"]]
    probabilities = pd.Series(HIERARCHICAL.confidence, HIERARCHICAL.sounds["sound_id"])[wrong["sound_id"]]
    assert page == "compare" or probabilities.idxmax() == app.session_state["explore.sound"]


def test_an_empty_list_of_confusion_offers_the_pair_confused_most() -> None:
    app = open_page("confusion.py")
    assert not sent(app, "sound_list")
    app.button(key="confusion.most").click().run()
    assert len(sent(app, "sound_list")[0]["rows"]) == int(app.dataframe[-1].value["Sounds"].max())
