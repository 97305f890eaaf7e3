"""Pages on a collection of columns that people really have: none ends a page, and every bar is one filter."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.datasets.collection import Collection
from bstviz.datasets.writing import csv_bytes, parquet_bytes
from bstviz.models.run import Run
from bstviz.ui.cache import loading
from bstviz.ui.components.selection import table_of
from tests.ui.conftest import ROOT, sent
from tests.ui.test_pages import PAGES

OFFERED = (
    "year",
    "freesound_id",
    "score",
    "split (table)",
    "certainty",
    "top (table)",
    "loop",
    "when",
    "place",
    "status",
)


@pytest.fixture
def odd(collection: Collection, experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small runs' collection with odd columns, which its hash does not count, in place of the plain one."""
    n = len(collection)
    at = np.arange(n)
    sounds = collection.sounds.assign(
        year=1975 + at,
        freesound_id=512_300 + at,
        score=np.where(at % 7 == 0, np.inf, at / 3),
        all_inf=np.where(at % 2 == 0, np.inf, -np.inf),
        huge=1e300 * at,
        split=np.where(at % 3 == 0, "dev", "eval"),
        certainty=np.where(at % 3 == 0, "mine", "theirs"),
        top=np.where(at % 2 == 0, "a", "b"),
        y_true="fx-a",
        loop=pd.array([True, None, False] * (n // 3), dtype="boolean"),
        when=pd.to_datetime("2020-01-01") + pd.to_timedelta(at, unit="D"),
        place=[f"a very long name of a place that goes on and on for ever and does not end {i % 2}" for i in at],
        status=["none" if i % 2 else None for i in at],
        cat=pd.Categorical(["x", "y", None] * (n // 3)),
        labels=[["a", "b"] if i % 2 else ["c"] for i in at],
        vectors=[np.arange(3.0) for _ in at],
        meta=[{"a": int(i)} for i in at],
    )
    sounds["p_fx-a"] = 0.5 + at % 2
    saved = replace(collection, sounds=sounds).save(tmp_path / "odd")
    monkeypatch.setenv(paths.COLLECTION_VARIABLE, str(saved))
    return experiment


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens(page: str, odd: Path, encoders: object) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    app = app if page == "home.py" else app.switch_page(f"pages/{page}").run()
    assert not app.exception
    assert not app.error


def test_the_map_is_coloured_and_filtered_by_each_of_them(odd: Path) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/explore.py").run()
    assert {"labels", "vectors", "meta", "all_inf"}.isdisjoint(app.selectbox(key="explore.color").options)
    app.multiselect(key="explore.filters.columns").set_value(list(OFFERED))
    for name in OFFERED:
        app.selectbox(key="explore.color").set_value(name).run()
        assert not app.exception, name
    facets = {facet["name"]: facet["bars"] for facet in sent(app, "facets")[0]["facets"]}
    assert set(OFFERED) <= set(facets)
    for name, bars in facets.items():
        assert len({bar["label"] for bar in bars}) == len(bars), name
        assert sum(bar["all"] for bar in bars) == 48, name
    years = {bar["label"]: bar["all"] for bar in facets["year"]}
    assert years["1980 – 1984"] == 5
    app.session_state["explore.filters.chosen"] = {"year": frozenset({"1980 – 1984"})}
    app.run()
    assert any(caption.value.startswith("5 of 48 sounds pass") for caption in app.caption)


def test_what_is_selected_is_taken_away_whole(odd: Path, runs: dict[str, Run]) -> None:
    loaded = loading.load(odd / runs["both"].id)
    rows = np.arange(6)
    table = table_of(loaded, rows)
    for read in (
        pd.read_parquet(io.BytesIO(parquet_bytes(table))),
        pd.read_csv(io.BytesIO(csv_bytes(table)), dtype={"sound_id": str}),
    ):
        assert read["split (table)"].tolist() == ["dev", "eval", "eval"] * 2
        assert set(read["split"]) <= {"train", "val", "test"}
        np.testing.assert_allclose(read["p_fx-a"], loaded.run.sounds["p_fx-a"][:6], atol=1e-6)
        assert read["p_fx-a (table)"].tolist() == [0.5, 1.5] * 3
        assert read["labels"].tolist()[:2] == ["c", "a,b"]
        assert read["year"].tolist() == list(range(1975, 1981))
