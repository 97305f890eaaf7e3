"""Inputs that people really have, from the command line to the page: what each must give, in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from benchmarks.serving import served
from bstviz import paths
from bstviz.datasets.collection import load_collection
from bstviz.errors import UserError
from bstviz.inference import explore
from bstviz.models.run import load_run
from bstviz.training.train import train_fold, train_folds
from tests.anomalous_sounds import sndfile
from tests.cli.conftest import invoke
from tests.e2e.odd_inputs import (
    COUNT,
    RATE,
    TABLES,
    Table,
    bsd_layout,
    odd_library,
    odd_sounds,
    odd_table,
    tables,
)
from tests.e2e.test_classify import INPUT, open_page
from tests.e2e.test_external import choose
from tests.fakes import quick, small_collection, stratified, tone

pytestmark = pytest.mark.e2e
ODD, SHEET = "a-odd-hierarchical-fold0", "A sheet of odd columns"
"""A run on the odd collection, and its name; by these they come first, and every page opens on them."""
PAGES = {
    "": SHEET,
    "explore": "24 of 24 sounds pass",
    "compare": "24 shared sounds",
    "results": "Collection and folds",
    "confusion": "24 test sounds",
    "review": "0 of 24 sounds decided",
    "classify": "given:emb",
}
"""What each page says of the odd collection."""
EXCEPTION = '[data-testid="stException"]'


@dataclass(frozen=True)
class Cases:
    """What the command line made, and where it is served."""

    address: str
    tables: dict[str, Table]
    sounds: dict[str, float]

    def open(self, page: Page, name: str) -> None:
        """Open a page and wait until it stands, without an exception."""
        page.goto(f"{self.address}/{name}")
        stands(page)


def stands(page: Page) -> None:
    """Wait until a page has been drawn, and check that it is no exception."""
    page.wait_for_selector("h1, h2, .plotly-map, input[type=file]", state="attached")
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    assert page.locator(EXCEPTION).count() == 0, page.locator(EXCEPTION).all_inner_texts()


def imported(file: Path, out: Path, *options: object, status: int = 0) -> str:
    """What ``import table`` says, on one line."""
    done = invoke("import", "table", file, "--out", out, *options)
    assert done.exit_code == status, done.stderr
    return " ".join(done.stderr.split())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Table], dict[str, float]]:
    """Collections by ``import table`` with vectors of their own, small runs on them, and a library by ``explore``."""
    folder = tmp_path_factory.mktemp("cases")
    vectors = small_collection(per_class=4).embedding("audio")
    kept = np.sort(np.concatenate([np.arange(4 * c, 4 * c + 3) for c in range(6)]))
    found = tables(folder / "audio")
    for number, (name, case) in enumerate(found.items()):
        np.save(folder / "in_order.npy", vectors[kept] + number)  # else they were one collection, by its hash
        file = folder / f"{name}.csv"
        file.write_bytes(case.data)
        options = ("--audio", folder / "audio") if case.sounds else ()
        said = imported(file, folder / name, "--npy", folder / "in_order.npy", *options)
        for words in (f"{COUNT} sounds, {COUNT} with a class", *case.said):
            assert words in said, (name, said)
        collection = load_collection(folder / name)
        run = train_fold(collection, stratified(collection, 3), 0, quick(modality="audio", epochs=2))
        run.save(folder / "runs" / name)
    sounds = odd_sounds()
    (folder / "odd").mkdir()
    for name, (data, _) in sounds.items():
        (folder / "odd" / name).write_bytes(data)
    plain = [f"plain{i}.wav" for i in range(24 - len(sounds))]
    for name in plain:
        (folder / "odd" / name).write_bytes(sndfile(tone(300, 0.3, RATE), RATE))
    odd_table([*sounds, *plain], vectors).to_parquet(folder / "odd.parquet")
    options = ("--audio", folder / "odd", "--vector", "emb", "--name", SHEET)
    said = imported(folder / "odd.parquet", folder / "odd_sheet", *options)
    for words in ("joined: tags", "meta (dicts), boxes (lists)", "4 of score, 24 of all_inf", "'content (table)'"):
        assert words in said
    collection = load_collection(folder / "odd_sheet")
    lengths = dict(zip(collection.sounds["path"], collection.sounds["duration"], strict=True))
    for name, (_, seconds) in sounds.items():
        assert lengths[name] == pytest.approx(seconds, abs=max(0.01 * seconds, 0.13)), name
    folds = stratified(collection, 3)
    for loss in ("hierarchical", "flat"):
        trained = train_folds(collection, folds, range(3), quick(modality="audio", loss=loss, epochs=2))
        for fold, run in enumerate(trained):
            run.save(folder / "runs" / f"a-odd-{loss}-fold{fold}")
    wide = np.tile(vectors[kept], 32)
    bsd_layout(folder / "bsd", wide)
    done = invoke("import", "bsd10k", folder / "bsd", "--out", folder / "official")
    for words in ("2 sounds have no CLAP audio embedding", "The file of 2 of them has infinite or missing values"):
        assert words in " ".join(done.stderr.split())
    collection = load_collection(folder / "official")
    run = train_fold(collection, stratified(collection, 3), 0, quick(modality="audio", epochs=2))
    run.save(folder / "runs" / "official")
    return folder, found, {name: seconds for name, (_, seconds) in sounds.items()}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """Runs that ``explore`` makes of a folder with every fault, and the ids of its good sounds."""
    folder = tmp_path_factory.mktemp("library")
    good, bad = odd_library(folder / "mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explore, "UMAP_LIBRARY_SOUNDS", 0)
        model = paths.assets() / "runs" / "hierarchical-audio-c1-fold0"
        for _ in range(2):  # the second time it finds the same
            done = invoke("explore", folder / "mine", "--run", model, "--home", folder / "home", "--no-serve")
            assert done.exit_code == 1
            said = " ".join(done.stderr.split())
            for name in bad:
                assert re.search(rf" {re.escape(name)}(: It| is empty| could not)", said), (name, said)
    return folder / "home" / "runs", good


@pytest.fixture(scope="module")
def cases(
    browser: Browser, made: tuple[Path, dict[str, Table], dict[str, float]], library: tuple[Path, set[str]]
) -> Iterator[Cases]:
    folder, found, sounds = made
    with served(["--experiment", str(folder / "runs"), "--experiment", str(library[0])]) as server:
        yield Cases(server.address, found, sounds)


@pytest.mark.parametrize("rows", ["s0,fx-a,t,\ns1,m-sp,t,\n", "s0,fx-a,rain, wind\ns1,m-sp,rain, wind\n"])
def test_a_row_of_one_cell_more_than_the_header_is_refused_with_its_line(tmp_path: Path, rows: str) -> None:
    """On the command line: no page takes tables."""
    (tmp_path / "row.csv").write_text(f"sound_id,class,title\n{rows}")
    with pytest.raises(UserError, match=r"line 2 has 4 cells, where line 1 names 3 columns \(sound_id, class, title\)"):
        invoke("import", "table", tmp_path / "row.csv", "--out", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_without_any_class_an_import_is_no_quiet_success(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sound_id,class\n1,Purrcussion\n2,\n")
    said = imported(tmp_path / "t.csv", tmp_path / "c")
    assert "2 sounds, 0 with a class" in said
    assert "1 sounds of class 'Purrcussion'" in said
    assert "NO SOUND HAS A CLASS" in said
    assert "m-sp Solo percussion" in said


def test_the_overview_says_how_each_table_was_read(page: Page, cases: Cases) -> None:
    cases.open(page, "")
    for case in cases.tables.values():
        for words in case.said:
            if " with a class" not in words:
                page.get_by_text(words).first.wait_for()


@pytest.mark.parametrize("name", TABLES)
def test_a_sound_of_each_table_stands_on_the_map_with_its_words_and_class(page: Page, cases: Cases, name: str) -> None:
    case = cases.tables[name]
    cases.open(page, f"explore?run={name}&sound={quote(case.sound, safe='')}")
    page.locator("h4", has_text=re.compile(f"^{re.escape(case.title)}$")).wait_for()
    page.get_by_text("labelled Solo percussion").first.wait_for()
    page.get_by_text(f"{COUNT} of {COUNT} sounds pass").wait_for()
    if case.sounds:
        plays(page, 0.3)
    if name == "zeros":
        page.get_by_text("· 007 ·").wait_for()
    if name == "words":
        for word in ("None", "null", "007"):
            cases.open(page, f"explore?run={name}&words={quote(word)}")
            page.get_by_text(f"{COUNT // 6} of {COUNT} sounds pass").wait_for()


def plays(page: Page, seconds: float) -> None:
    """Wait until the player has a sound of so many seconds, and its picture."""
    audio = page.locator(".player audio").element_handle()
    page.wait_for_function(
        "([a, seconds, near]) => a.readyState >= 2 && Math.abs(a.duration - seconds) <= near",
        arg=[audio, seconds, max(0.01 * seconds, 0.13)],
    )
    page.locator('.player canvas:not([aria-valuemax="0"])').wait_for()


def test_every_sound_plays_on_the_map_with_its_whole_length(page: Page, cases: Cases) -> None:
    for name, seconds in cases.sounds.items():
        cases.open(page, f"explore?run={ODD}&sound={quote(Path(name).stem)}")
        plays(page, seconds)


@pytest.mark.parametrize("name", ["compare?sound=ima_adpcm", "review?sound=ima_adpcm", "review?sound=aiff_named"])
def test_what_browsers_refuse_plays_on_every_page_of_one_sound(page: Page, cases: Cases, name: str) -> None:
    cases.open(page, name)
    plays(page, 1)


def test_what_browsers_refuse_plays_in_lists(
    page: Page, cases: Cases, made: tuple[Path, dict[str, Table], dict[str, float]]
) -> None:
    tested = [load_run(made[0] / "runs" / f"a-odd-hierarchical-fold{fold}") for fold in range(3)]
    sounds = pd.concat([run.sounds[run.sounds["split"] == "test"] for run in tested])
    row = sounds[sounds["sound_id"] == "aiff_named"].iloc[0]
    cases.open(page, "confusion")
    for label, code in (("True class", row["y_true"]), ("Predicted class", row["y_pred"])):
        choose(page, label, f"({code})")
    page.locator(".list tbody tr", has_text="<b>3</b>").first.locator("button.play").click()
    plays(page, 1)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_on_columns_that_break_pages(page: Page, cases: Cases, name: str) -> None:
    cases.open(page, name)
    page.get_by_text(PAGES[name]).first.wait_for(state="attached")


def test_what_is_selected_of_them_comes_as_csv_and_parquet(page: Page, cases: Cases, tmp_path: Path) -> None:
    ids = quote('["noise_then_quiet","float_over","ima_adpcm"]')
    cases.open(page, f"explore?run={ODD}&selected={ids}")
    for kind in ("csv", "parquet"):
        with page.expect_download() as download:
            page.locator(f".st-key-explore-selection-{kind} button").click()
        download.value.save_as(tmp_path / f"selection.{kind}")
    assert (tmp_path / "selection.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    as_csv, as_parquet = pd.read_csv(tmp_path / "selection.csv"), pd.read_parquet(tmp_path / "selection.parquet")
    assert as_csv["'=1+1"].tolist() == ["'=cmd|0", "'=cmd|1", "'=cmd|2"]
    assert as_parquet["=1+1"].tolist() == ["=cmd|0", "=cmd|1", "=cmd|2"]
    for table in (as_csv, as_parquet):
        assert table["sound_id"].tolist() == ["noise_then_quiet", "float_over", "ima_adpcm"]
        assert table["split (table)"].tolist() == ["dev", "eval", "eval"]
        assert table["p_fx-a (table)"].tolist() == [0.5, 1.5, 0.5]
        assert table["content (table)"].tolist() == ["music", "speech", "music"]
        assert table["tags"].fillna("").tolist() == ["dog,bark", "rain", ""]
        assert table["score"].isna().tolist() == [True, False, False]


def test_odd_vectors_of_an_official_layout_are_said_on_the_overview(page: Page, cases: Cases) -> None:
    cases.open(page, "")
    page.get_by_text("The file of 2 of them has infinite or missing values, 1001.npy for one.").wait_for()
    cases.open(page, "explore?run=official")
    page.get_by_text(f"{COUNT - 2} of {COUNT - 2} sounds pass").wait_for()


def test_a_library_of_every_fault_is_shown_but_for_what_is_no_sound(
    page: Page, cases: Cases, library: tuple[Path, set[str]]
) -> None:
    runs, good = library
    (name,) = (path.name for path in runs.iterdir() if not path.name.startswith("."))
    for sound in sorted(good):
        cases.open(page, f"explore?run={quote(name)}&sound={quote(sound, safe='')}")
        page.get_by_text(f"{len(good)} of {len(good)} sounds pass").wait_for()
        page.get_by_text("not labelled").first.wait_for()
        plays(page, 0.3)


@pytest.mark.parametrize("kind", ["one", "broken"])
def test_a_library_of_too_few_sounds_says_why(tmp_path: Path, kind: str) -> None:
    (tmp_path / "mine").mkdir()
    if kind == "one":
        (tmp_path / "mine" / "a.wav").write_bytes(sndfile(tone(400, 0.3, RATE), RATE))
    else:
        for i in range(3):
            (tmp_path / "mine" / f"bad{i}.wav").write_bytes(b"not audio at all " * 20)
    words = "1 of 1 sounds.*at least 2" if kind == "one" else "0 of 3 sounds.*bad0.*bad1.*bad2.*could not be decoded"
    model = paths.assets() / "runs" / "hierarchical-audio-c1-fold0"
    with pytest.raises(UserError, match=f"(?s){words}"):
        invoke("explore", tmp_path / "mine", "--run", model, "--home", tmp_path / "home", "--no-serve")


def test_a_drop_of_nothing_that_can_be_read_names_each(page: Page, address: str, tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"bad{i}.wav").write_bytes(b"not audio at all " * 20)
    open_page(page, address)
    page.set_input_files(INPUT, [tmp_path / f"bad{i}.wav" for i in range(3)])
    page.wait_for_selector("text=could not be read (3)")
    assert page.locator(EXCEPTION).count() == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Predictions as CSV").click()
    table = pd.read_csv(download.value.path())
    for i in range(3):
        assert f"bad{i}.wav could not be decoded" in table["remarks"][i]


@pytest.mark.parametrize(
    ("name", "words"),
    [("noise_then_quiet.aac", "1 min 00 s of AAC at 16 kHz"), ("float_over.wav", "Its samples reach 1.2 times")],
)
def test_a_dropped_sound_is_whole_and_not_called_damaged(
    page: Page, address: str, tmp_path: Path, name: str, words: str
) -> None:
    data, seconds = odd_sounds()[name]
    (tmp_path / name).write_bytes(data)
    open_page(page, address)
    page.set_input_files(INPUT, tmp_path / name)
    page.wait_for_selector("[data-answer]")
    page.get_by_text(words).wait_for()
    plays(page, seconds)
    assert page.get_by_text(re.compile("clipped|damaged|cut off")).count() == 0
