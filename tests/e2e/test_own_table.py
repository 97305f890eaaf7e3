"""A table as a spreadsheet writes it, with vectors of its own, from the command line to a filter on the page."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from benchmarks.serving import served
from bstviz.datasets.collection import load_collection
from bstviz.training.train import train_fold
from tests.fakes import quick, small_collection, stratified

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on what ``import table`` makes of semicolons, Windows-1252, class names and a folder of vectors."""
    folder = tmp_path_factory.mktemp("own")
    base = small_collection()
    names = {c.code: c.name.upper() for c in base.taxonomy.second}
    lines = ["Sound_ID;Label;Title;Year;Split;When;Loop"]
    lines += [
        f"={i}+1;{names[code]};Tür {i};{1975 + i};{'dev' if i % 3 else 'eval'};2020-01-{1 + i % 28:02d};{i % 2 == 0}"
        for i, code in enumerate(base.sounds["class"])
    ]
    (folder / "mine.csv").write_bytes(("\r\n".join(lines) + "\r\n;;;;;;\r\n").encode("cp1252"))
    (folder / "vectors").mkdir()
    for i, vector in enumerate(base.embedding("audio")):
        np.save(folder / "vectors" / f"={i}+1.npy", vector)
    command = ["import", "table", folder / "mine.csv", "--npy", folder / "vectors", "--out", folder / "mine"]
    done = subprocess.run(
        [sys.executable, "-m", "bstviz", *map(str, command)], check=True, capture_output=True, text=True
    )
    assert "48 sounds, 48 with a class" in done.stderr
    collection = load_collection(folder / "mine")
    for loss in ("hierarchical", "flat"):
        run = train_fold(collection, stratified(collection), 0, quick(modality="audio", loss=loss))
        run.save(folder / "runs" / run.id)
    return folder / "runs"


def test_years_filter_in_the_browser_and_what_passes_is_taken_away(
    browser: Browser, page: Page, experiment: Path, tmp_path: Path
) -> None:
    with served(["--experiment", str(experiment)]) as server:
        chosen = urllib.parse.quote(json.dumps({"Year": ["1980 – 1984"], "Split": ["dev", "eval"]}))
        page.goto(f"{server.address}/explore?only={chosen}")
        page.get_by_text("5 of 48 sounds pass").wait_for()
        page.locator("[aria-label='Year'] button.bar", has_text="1990 – 1994").click()
        page.get_by_text("10 of 48 sounds pass").wait_for()
        page.get_by_role("button", name="Select them").click()
        page.get_by_text("10 sounds selected").wait_for()
        with page.expect_download() as download:
            page.locator(".st-key-explore-selection-csv button").click()
        download.value.save_as(tmp_path / "selection.csv")
        with page.expect_download() as download:
            page.locator(".st-key-explore-selection-parquet button").click()
        download.value.save_as(tmp_path / "selection.parquet")
    raw = (tmp_path / "selection.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    years = [*range(1980, 1985), *range(1990, 1995)]
    table = pd.read_csv(tmp_path / "selection.csv")
    assert table["Year"].tolist() == years
    assert table["sound_id"].tolist() == [f"'={y - 1975}+1" for y in years]
    assert pd.read_parquet(tmp_path / "selection.parquet")["sound_id"].tolist() == [f"={y - 1975}+1" for y in years]
    assert table["title"].iloc[0] == "Tür 5"
