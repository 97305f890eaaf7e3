from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.errors import UserError
from bstviz.models.config import RECIPES
from bstviz.models.run import Run
from bstviz.models.run_info import CollectionRef
from bstviz.reports.table import TABLE_METRICS, Summary, paper_table, rows, write
from bstviz.training.baselines import Baseline, BaselineConfig, find_baselines


@pytest.fixture
def run(runs: dict[str, Run]) -> Run:
    return runs["audio"]


def scored(run: Run, value: float, n: int = 10, **train: object) -> Run:
    metrics = {**dict.fromkeys(run.metrics, value), "n": float(n)}
    return replace(run, metrics=metrics, train=replace(run.train, **train))  # type: ignore[arg-type]


def test_folds_become_one_row_with_mean_and_population_deviation(run: Run) -> None:
    (row,) = rows(replace(scored(run, v, n), fold=i) for i, (v, n) in enumerate([(0.5, 10), (0.7, 11), (0.9, 12)]))
    assert (row.folds, row.test_sounds) == (3, 33)
    assert row.metrics["second_accuracy"].mean == pytest.approx(0.7)
    assert row.metrics["second_accuracy"].std == pytest.approx(np.std([0.5, 0.7, 0.9]))
    assert "n" not in row.metrics
    assert set(TABLE_METRICS) <= set(row.metrics)


def test_a_row_says_what_it_is_over(run: Run) -> None:
    (row,) = rows([run])
    assert (row.collection, row.loss, row.modality, row.min_confidence) == ("small", "hierarchical", "audio", 1)
    assert row.encoders == "audio fake-audio 1, 16-d"
    assert row.split_kind == "stratified 4-fold"


@pytest.mark.parametrize(
    "change", [{"loss": "flat"}, {"modality": "text"}, {"min_confidence": 3}, {"epochs": 99}, {"top_penalty": "none"}]
)
def test_other_settings_are_rows_of_their_own(run: Run, change: dict) -> None:
    table = rows([scored(run, 0.5), scored(run, 0.7, **change)])
    assert sorted(row.metrics["top_accuracy"].mean for row in table) == [0.5, 0.7]


def test_another_collection_or_split_is_a_row_of_its_own(run: Run) -> None:
    elsewhere = replace(run, collection=CollectionRef("other", "0", None))
    assert len(rows([run, elsewhere, replace(run, split_kind="grouped")])) == 3


def test_seeds_share_a_row(run: Run) -> None:
    (row,) = rows([scored(run, 0.5), scored(run, 0.7, seed=1)])
    assert row.folds == 2


def test_rows_stand_in_the_order_of_the_papers_table(run: Run) -> None:
    given = [scored(run, 0.5, loss=loss, min_confidence=c) for c in (4, 1) for loss in ("flat", "hierarchical")]
    found = [(row.min_confidence, row.loss) for row in rows(given)]
    assert found == [(1, "hierarchical"), (1, "flat"), (4, "hierarchical"), (4, "flat")]


def test_no_runs_give_no_rows() -> None:
    assert rows([]) == []


def test_baselines_follow_the_networks_of_their_threshold(run: Run, tmp_path: Path) -> None:
    scores = Baseline(
        BaselineConfig("knn", "audio", 1), 0, run.split_kind, "small", "audio fake-audio 1, 16-d", {**run.metrics}
    )
    scores.save(tmp_path)
    network, baseline = rows([*find_baselines(tmp_path), scored(run, 0.5)])
    assert (network.model, network.loss) == ("hierarchical", "hierarchical")
    assert (baseline.model, baseline.loss, baseline.modality) == ("knn", None, "audio")
    assert baseline.metrics["top_accuracy"].mean == run.metrics["top_accuracy"]


def test_the_paper_s_figures_are_those_of_its_table_1() -> None:
    table = paper_table()
    assert len(table) == 2 * 3 * 3 * 4
    assert table[1, "flat", "both", "second_accuracy"] == Summary(pytest.approx(0.7980), pytest.approx(0.0053))
    assert table[4, "hierarchical", "both", "top_accuracy"] == Summary(pytest.approx(0.9360), pytest.approx(0.0034))
    assert table[3, "hierarchical", "text", "top_top2_accuracy"].mean == pytest.approx(0.9470)


def test_text_and_markdown_put_the_paper_beside_where_it_has_the_setting(run: Run) -> None:
    table = rows([scored(run, 0.5), replace(scored(run, 0.7), fold=1)])
    for form in ("text", "markdown"):
        shown = write(table, form, width=250)
        assert "60.00 ± 10.00 (76.73)" in shown
        assert "small · folds: stratified 4-fold" in shown
        assert "76.73" not in write(table, form, paper=False, width=250)
    assert "(" not in write(rows([scored(run, 0.5, min_confidence=2)]), "markdown").split("|")[20]


def test_csv_and_json_hold_every_metric(run: Run) -> None:
    table = rows([scored(run, 0.5), replace(scored(run, 0.7), fold=1)])
    (line,) = csv.DictReader(io.StringIO(write(table, "csv")))
    assert (line["loss"], line["folds"], float(line["hierarchical_f1_mean"])) == ("hierarchical", "2", 0.6)
    assert float(line["top_silhouette_std"]) == pytest.approx(0.1)
    (entry,) = json.loads(write(table, "json"))["rows"]
    assert entry["metrics"]["second_accuracy"] == {"mean": pytest.approx(0.6), "std": pytest.approx(0.1)}
    assert entry["paper"]["second_accuracy"]["mean"] == pytest.approx(0.7673)


def test_an_unknown_format_is_refused(run: Run) -> None:
    with pytest.raises(UserError, match="'html'; allowed are text, markdown, csv, json"):
        write(rows([run]), "html")


def test_recipes_are_distinguished_by_name_or_by_what_differs(run: Run) -> None:
    other = replace(run.train, **{"sizes": RECIPES["default"].sizes, "epochs": 7})
    names = [row.recipe for row in rows([replace(run, train=RECIPES["paper"]), replace(run, train=other)])]
    assert names[1] == "paper"
    assert "epochs 7" in names[0]


def test_a_summary_prints_percentages(run: Run) -> None:
    (row,) = rows([scored(run, 0.7673)])
    assert row.percent("second_accuracy") == "76.73"
    assert Summary(0.7673, 0.0047).percent() == "76.73 ± 0.47"
