"""The examples of Classify, and the words behind every "?"."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bstviz import paths, synth
from bstviz.datasets.taxonomy import bst
from bstviz.inference.names import words_of_name
from bstviz.models.run import load_run
from bstviz.ui.classify.examples import EXAMPLE_SOUNDS, example_upload
from bstviz.ui.components.terms import TERMS
from tests.ui.conftest import ROOT
from tests.ui.test_classify import pictures, upload
from tests.ui.test_pages import open_page

RUNS = sorted(path.name for path in (paths.assets() / "runs").iterdir() if path.name.endswith("fold0"))


def test_the_examples_are_six_of_all_top_level_classes() -> None:
    parents = {bst()[sound_id.rpartition("-")[0]].parent for sound_id in EXAMPLE_SOUNDS}
    assert len(EXAMPLE_SOUNDS) == 6
    assert parents == set(bst().top_codes)


@pytest.mark.parametrize("run", RUNS)
def test_no_bundled_model_was_trained_on_an_example(run: str) -> None:
    loaded = load_run(paths.assets() / "runs" / run)
    split = loaded.sounds.set_index("sound_id")["split"]
    assert {split[sound_id] for sound_id in EXAMPLE_SOUNDS} <= {"test", "below_threshold"}


@pytest.mark.parametrize("sound_id", EXAMPLE_SOUNDS)
def test_an_example_is_the_synthesised_sound_under_a_name_that_says_nothing(sound_id: str) -> None:
    given = example_upload(sound_id)
    samples, rate = soundfile.read(io.BytesIO(given.read()), dtype="float32")
    assert rate == synth.SAMPLE_RATE
    assert np.abs(samples - synth.render(sound_id)).max() < 1e-3
    assert words_of_name(given.name) == ""


def test_one_click_classifies_an_example_and_a_sound_of_ones_own_takes_its_place() -> None:
    app = open_page("classify.py")
    app.button(key="classify.example.fx-a-019").click().run()
    assert any("data-answer" in body for body in pictures(app))
    assert any("fx-a-019.wav" in m.value.replace("\\", "") for m in app.markdown)
    upload(app, {"mine.wav": example_upload("ss-n-031").read()})
    assert any("mine.wav" in m.value.replace("\\", "") for m in app.markdown)
    assert not [button for button in app.button if str(button.key).startswith("classify.example.")]


def words_looked_up() -> set[str]:
    """Terms that pages and components ask the table for, where they stand in the code as text."""
    found = set()
    for file in (*(ROOT / "pages").glob("*.py"), *(ROOT / "bstviz" / "ui").rglob("*.py")):
        for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("meaning", "meanings"):
                found |= {a.value for a in node.args if isinstance(a, ast.Constant)}
    return found


def test_every_word_that_is_looked_up_has_a_sentence() -> None:
    assert words_looked_up() <= set(TERMS)
    assert all(sentence.endswith(".") and len(sentence) < 260 for sentence in TERMS.values())
