"""A taxonomy of one's own through every page and command: nothing on the way speaks of the one that comes along, or
shows a figure that the paper measured on it.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.cli import web
from bstviz.datasets import freesound_api
from bstviz.datasets.collection import load_collection
from bstviz.datasets.taxonomy import bst, load_taxonomy
from bstviz.encoders import registry
from bstviz.models.config import RECIPES
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import Run, load_run
from bstviz.reports.paper import SECTION_5, paper_table
from bstviz.reports.sections import SECTIONS
from bstviz.reports.table import TABLE_FORMATS, rows, write
from bstviz.review.acts import decide
from tests.cli.conftest import FAKES, QUICK, invoke
from tests.cli.test_app import COMMANDS
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, write_tones
from tests.freesound_server import TOKEN, serving
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
PAPER = [*paper_table().values(), *(figure for row in SECTION_5 for figure in row.metrics.values())]
PAPER_MEANS = "|".join(sorted({re.escape(f"{100 * p.mean:.{digits}f}") for p in PAPER for digits in (1, 2)}))
BESIDE = r"""\(paper\b[^)]*\)|, paper\b|paper, section|Open marks|"paper": \{\s*"|paper_section"""
PAPER_FIGURES = re.compile(rf"\((?:{PAPER_MEANS})\)|{BESIDE}")
"""The paper's means as tables hold them, in brackets, and what stands with them: headings, names of marks, keys."""
SWEEP = """losses = ["flat", "hierarchical"]
modalities = ["audio", "both"]
min_confidences = [1]
baselines = ["knn"]
recipe = "paper"
"""
ABOUT_BST = {"import bsd2k", "import bsd10k", "import bsd35k", "fetch", "datasets", "demo"}
"""Commands that are about data sets in the Broad Sound Taxonomy, and take no other."""


def foreign(text: str) -> list[str]:
    """Words of the Broad Sound Taxonomy, and figures of the paper's."""
    return sorted({*FOREIGN_WORDS.findall(text), *PAPER_FIGURES.findall(text)})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones of seven classes in three, imported, embedded and trained on by the paper's recipe."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "garden.csv").write_text(CLASSES)
    (folder / "sweep.toml").write_text(SWEEP)
    codes = load_taxonomy(folder / "garden.csv").codes
    write_tones(folder / "audio", codes, per_class=6).to_csv(folder / "tones.csv", index=False)
    few = folder / "few"  # too few for a UMAP map, which takes a minute
    few.mkdir()
    for file in sorted((folder / "audio").glob("*_0.wav"))[:4]:
        shutil.copy(file, few)
    return folder


@pytest.fixture(scope="module")
def said(place: Path) -> dict[str, str]:
    """What every command says, by invocation, of a taxonomy of one's own; those that make something come first."""
    sounds, runs, sweep, record = place / "tones", place / "runs", place / "sweep", place / "record.jsonl"
    own = ("--taxonomy", place / "garden.csv")
    steps: list[tuple[object, ...]] = [
        ("import", "folder", place / "audio", *own, "--out", place / "bare"),
        ("import", "freesound", "--query", "rain", "--no-previews", *own, "--out", place / "rain"),
        ("import", "table", place / "tones.csv", "--audio", place / "audio", *own, "--out", sounds),
        ("embed", sounds, *FAKES, "--text-fields", "title,tags"),
        ("train", sounds, "--loss", "flat", *QUICK, "--out", runs),
        ("sweep", sounds, "--preset", place / "sweep.toml", *QUICK, "--out", sweep),
        *(("report", sweep, "--format", form) for form in TABLE_FORMATS),
        ("report", sweep, "--common"),
        ("report", sweep, "--html", place / "report.html"),
        ("duplicates", sounds, "--experiment", sweep),
        ("search", sounds, "sound", "--by", "text"),
        ("classify", place / "audio" / "br_0.wav", "--run", runs),
        ("classify", place / "audio" / "br_0.wav", "--run", runs, "--json"),
        ("label", place / "audio", "--run", runs, "--out", place / "labels.parquet"),
        ("explore", place / "few", "--run", runs, "--home", place / "home", "--no-serve"),
        ("predict", sounds, "--run", runs, "--out", place / "predicted.csv"),
        ("score", place / "predicted.csv", "--truth", sounds),
        ("import", "predictions", place / "predicted.csv", "--collection", sounds, "--name", "a", "--out", place / "a"),
        ("card", runs),
        ("export", runs / "flat-audio-c1-fold0", "--out", place / "atlas.parquet"),
        ("check-encoder", sounds, "--sounds", "3"),
        ("relocate", sounds, place / "audio"),
        ("review", "list", sweep),
        ("review", "export", sweep, "--decisions", record, "--out", place / "decisions.csv"),
        ("review", "next", sweep),
        ("review", "labels", sweep, "--decisions", record, "--out", place / "labels.csv"),
        ("review", "agreement", sweep, "--decisions", record),
        ("retrain", sweep, "--decisions", record, "--modality", "audio", "--out", place / "versions"),
        ("review", "apply", sweep, "--decisions", record, "--out", place / "reviewed"),
        ("app", "--experiment", sweep),
        ("serve", "--experiment", sweep),
    ]
    found = {}
    with pytest.MonkeyPatch.context() as patch, serving() as freesound:
        patch.setattr(freesound_api, "FREESOUND_API", freesound.address)
        patch.setenv("FREESOUND_TOKEN", TOKEN)
        patch.delenv("BSTVIZ_OFFLINE", raising=False)
        patch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: FakeAudioEncoder())
        patch.setitem(registry.ENCODERS, ("text", "fake-text"), lambda device: FakeTextEncoder())
        patch.setattr(web, "serve_app", lambda *arguments, **options: 0)  # the pages have tests of their own
        for step in steps:
            if step[:2] == ("review", "export"):
                first = load_collection(sounds)
                old = first.sounds["class"].iat[0]
                decide(record, first.hash, sound_id=first.sounds["sound_id"].iat[0], old=old, new="wh", why="", by="me")
            result = invoke(*step)
            assert result.exit_code == 0, (step, result.output)
            found[" ".join(str(part).replace(str(place), "") for part in step)] = result.output
    return found


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
def loaded(said: dict[str, str], place: Path, encoders: object, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(place / "sweep"))
    return place


def test_words_of_the_packaged_taxonomy_are_found() -> None:
    text = 'Music, 23 classes; code "fx-a", is-pretty, bstviz: 5 top-level, m-side Broad Sound'
    assert foreign(text) == ["23 classes", "5 top", "Broad Sound", "Music", "fx-a"]


@pytest.mark.parametrize("form", TABLE_FORMATS)
def test_figures_of_the_paper_are_found_where_they_may_stand(form: str, runs: dict[str, Run]) -> None:
    run = runs["audio"]
    paper = replace(RECIPES["paper"], loss="flat", modality="audio")
    on_bsd10k = replace(run, train=paper, collection=replace(run.collection, source="bsd10k"))
    assert bool(PAPER_FIGURES.search(write(rows([on_bsd10k]), form))) == (form != "csv")  # CSV holds ours alone
    assert not PAPER_FIGURES.search(write(rows([run]), form))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_speaks_of_its_own_classes_only(page: str, loaded: Path) -> None:
    app = open_page(page)
    assert not app.exception
    text = shown(app)
    assert foreign(text) == []
    if page == "home.py":
        assert "**garden** (3 top-level classes, 7 second-level classes within them)" in text


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


def test_every_command_is_run_with_a_taxonomy_of_ones_own(said: dict[str, str]) -> None:
    assert {name for name in COMMANDS for step in said if step.startswith(f"{name} ")} == set(COMMANDS) - ABOUT_BST


def test_a_command_speaks_of_its_own_classes_only(said: dict[str, str]) -> None:
    assert {step: found for step, words in said.items() if (found := foreign(words))} == {}


def test_what_commands_make_is_of_its_own_classes_only(said: dict[str, str], place: Path) -> None:
    for run in map(load_run, find_runs(place / "sweep")):
        assert run.taxonomy.name == "garden"
        assert (len(run.taxonomy.top), run.probabilities.shape[1]) == (3, 7)
    table = pd.read_parquet(place / "labels.parquet")
    assert set(table["top"]) <= {"b", "t", "w"}
    assert [c for c in table if c.startswith("p_")] == [f"p_{c}" for c in load_taxonomy(place / "garden.csv").codes]
    assert load_collection(place / "reviewed").sounds["class"].iat[0] == "wh"
    assert foreign((place / "decisions.csv").read_text()) == []
    page = (place / "report.html").read_text()
    figures = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    words = re.sub(r"<script.*?</script>|<style.*?</style>", " ", page, flags=re.DOTALL)
    assert foreign(words + " ".join(map(json.dumps, map(json.loads, figures)))) == []
