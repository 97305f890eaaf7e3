"""A taxonomy of one's own through every page and command: nothing on the way speaks of the one that comes along."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.datasets.taxonomy import bst, load_taxonomy
from bstviz.encoders import registry
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import load_run
from bstviz.reports.sections import SECTIONS
from tests.cli.conftest import FAKES, QUICK, invoke
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, write_tones
from tests.ui.test_pages import PAGES, open_page

CLASSES = """code,parent,name,definition,examples
b,,Birds,What flies,
t,,Traffic,What drives,
w,,Weather,What falls,
bo,b,Owl,It hoots,hoo
br,b,Robin,It sings,tweet
bc,b,Crow,It caws,
tb,t,Bus,It is long,
tc,t,Car,It is short,honk
wr,w,Rain,It is wet,
wh,w,Hail,It is hard,
"""
FOREIGN = [
    *(re.escape(c.name) for c in (*bst().top, *bst().second)),
    *(rf"{re.escape(code)}(?![\w-])" for code in bst().codes),
    "Broad Sound",
    "BST",
    "(?:23|five|5) (?:second|top|class(?:es)?)",
]
FOREIGN_WORDS = re.compile(rf"(?<![\w.-])(?:{'|'.join(FOREIGN)})(?!\w)")


def foreign(text: str) -> list[str]:
    """Words and figures of the Broad Sound Taxonomy."""
    return sorted(set(FOREIGN_WORDS.findall(text)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones of seven classes in three, imported, embedded and trained on by commands, whose words are kept."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "garden.csv").write_text(CLASSES)
    codes = load_taxonomy(folder / "garden.csv").codes
    write_tones(folder / "audio", codes, per_class=6).to_csv(folder / "tones.csv", index=False)
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: FakeAudioEncoder())
        patch.setitem(registry.ENCODERS, ("text", "fake-text"), lambda device: FakeTextEncoder())
        table = ("import", "table", folder / "tones.csv", "--audio", folder / "audio", "--out", folder / "tones")
        steps = [
            (*table, "--taxonomy", folder / "garden.csv"),
            ("embed", folder / "tones", *FAKES, "--text-fields", "title,tags"),
            ("train", folder / "tones", "--loss", "flat", *QUICK, "--out", folder / "runs"),
            ("train", folder / "tones", "--loss", "hierarchical", *QUICK, "--out", folder / "more"),
        ]
        for step in steps:
            result = invoke(*step)
            assert result.exit_code == 0, result.output
            said.append(result.output)
    (folder / "said.txt").write_text("\n".join(said))
    return folder


def shown(app: AppTest) -> str:
    """All that a page holds, as text: words, pickers, tables, data of components and figures."""
    kinds = ("markdown", "caption", "info", "warning", "error", "header", "subheader", "title")
    parts = [str(element.value) for kind in kinds for element in getattr(app, kind)]
    parts += [str(options) for box in app.selectbox for options in box.options]
    parts += [element.proto.body for element in app.get("html")]
    parts += [element.proto.json for element in app.get("bidi_component")]
    parts += [element.proto.spec for element in app.get("plotly_chart")]
    parts += [table.value.to_csv() for table in app.dataframe]
    parts += [f"{metric.label} {metric.value}" for metric in app.metric]
    return "\n".join(parts)


@pytest.fixture
def loaded(place: Path, encoders: object, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(place / "more"))
    return place


def test_words_of_the_packaged_taxonomy_are_found() -> None:
    text = 'Music, 23 classes; code "fx-a", is-pretty, bstviz: 5 top-level, m-side Broad Sound'
    assert foreign(text) == ["23 classes", "5 top", "Broad Sound", "Music", "fx-a"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_speaks_of_its_own_classes_only(page: str, loaded: Path) -> None:
    app = open_page(page)
    assert not app.exception
    text = shown(app)
    assert foreign(text) == []
    if page == "home.py":
        assert "**garden**, 3 top-level and 7 second-level classes" in text


@pytest.mark.parametrize("section", [section.name for section in SECTIONS])
def test_a_section_of_results_speaks_of_its_own_classes_only(section: str, loaded: Path) -> None:
    app = open_page("results.py")
    app.segmented_control(key="results.section").set_value(section).run()
    assert not app.exception
    assert foreign(shown(app)) == []


def test_a_dropped_sound_is_answered_in_its_own_classes(loaded: Path) -> None:
    app = open_page("classify.py")
    data = (loaded / "audio" / "br_0.wav").read_bytes()
    app.file_uploader(key="classify.files").set_value([("a.wav", data, "audio/wav")]).run()
    assert not app.exception
    assert foreign(shown(app)) == []
    assert "data-answer" in shown(app)


def test_what_makes_the_runs_speaks_of_its_own_classes_only(place: Path) -> None:
    assert foreign((place / "said.txt").read_text()) == []
    for run in map(load_run, find_runs(place / "runs")):
        assert run.taxonomy.name == "garden"
        assert (len(run.taxonomy.top), run.probabilities.shape[1]) == (3, 7)


def test_a_command_speaks_of_its_own_classes_only(place: Path, encoders: object, tmp_path: Path) -> None:
    run, sound = find_runs(place / "runs")[0], place / "audio" / "br_0.wav"
    collection = place / "tones"
    few = tmp_path / "few"  # too few for a UMAP map, which takes a minute
    few.mkdir()
    for file in sorted((place / "audio").glob("*_0.wav"))[:4]:
        shutil.copy(file, few)
    commands: list[tuple[object, ...]] = [
        ("classify", sound, "--run", run),
        ("classify", sound, "--run", run, "--json"),
        ("label", place / "audio", "--run", run, "--out", tmp_path / "labels.parquet"),
        ("explore", few, "--run", run, "--home", tmp_path / "home", "--no-serve"),
        ("search", collection, "sound", "--by", "text"),
        ("duplicates", collection),
        ("report", place / "runs", "--html", tmp_path / "report.html"),
        ("report", place / "runs", "--json"),
        ("report", place / "runs", "--format", "markdown"),
        ("review", "list", place / "runs"),
    ]
    for command in commands:
        result = invoke(*command)
        assert result.exit_code == 0, (command, result.output)
        assert foreign(result.output) == [], command
    table = pd.read_parquet(tmp_path / "labels.parquet")
    assert set(table["top"]) <= {"b", "t", "w"}
    assert [c for c in table if c.startswith("p_")] == [f"p_{c}" for c in load_run(run).taxonomy.codes]
    page = (tmp_path / "report.html").read_text()
    figures = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    words = re.sub(r"<script.*?</script>|<style.*?</style>", " ", page, flags=re.DOTALL)
    assert foreign(words + " ".join(map(json.dumps, map(json.loads, figures)))) == []
