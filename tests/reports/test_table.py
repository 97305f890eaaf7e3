from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets.collection import Collection
from bstviz.encoders.base import EncoderInfo
from bstviz.errors import UserError
from bstviz.models.config import RECIPES, changed, recipe
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import CollectionRef
from bstviz.paths import assets
from bstviz.reports.paper import PaperFigure, paper_table
from bstviz.reports.table import TABLE_METRICS, Row, Summary, load_rows, recipe_of, rows, table, write
from bstviz.training.baselines import Baseline, BaselineConfig, find_baselines
from bstviz.training.train import train_fold
from tests.fakes import quick, stratified


@pytest.fixture
def run(runs: dict[str, Run]) -> Run:
    return runs["audio"]


def scored(run: Run, value: float, n: int = 10, **train: object) -> Run:
    metrics = {**dict.fromkeys(run.metrics, value), "n": float(n)}
    return replace(run, metrics=metrics, train=replace(run.train, **train))  # type: ignore[arg-type]


def of_the_paper(
    run: Run, value: float = 0.5, *, source: str | None = "bsd10k", recipe: str = "paper", **named: object
):
    """A run of a named recipe on a collection whose importer gave it a source."""
    point = {"loss": named.pop("loss", "hierarchical"), "modality": named.pop("modality", "audio")}
    train = replace(RECIPES[recipe], **point)  # type: ignore[arg-type]
    metrics = {**dict.fromkeys(run.metrics, value), "n": 10.0}
    collection = replace(run.collection, source=source)
    return replace(run, train=train, collection=collection, metrics=metrics, **named)  # type: ignore[arg-type]


def only(rows: list[Row]) -> Row:
    (row,) = rows
    return row


def test_folds_become_one_row_with_mean_and_population_deviation(run: Run) -> None:
    (row,) = rows(replace(scored(run, v, n), fold=i) for i, (v, n) in enumerate([(0.5, 10), (0.7, 11), (0.9, 12)]))
    assert (row.folds, row.test_sounds) == (3, 33)
    assert row.metrics["second_accuracy"].mean == pytest.approx(0.7)
    assert row.metrics["second_accuracy"].std_over_folds == pytest.approx(np.std([0.5, 0.7, 0.9]))
    assert row.metrics["second_accuracy"].std_over_seeds is None
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


def test_seeds_share_a_row_and_a_test_sound_counts_once(run: Run) -> None:
    row = only(rows([scored(run, 0.5), scored(run, 0.7, seed=1)]))
    assert (row.folds, row.seeds, row.test_sounds, row.over) == (1, 2, 10, "1 fold x 2 seeds")
    assert row.metrics["second_accuracy"] == Summary(pytest.approx(0.6), None, pytest.approx(0.1))
    assert row.percent("second_accuracy") == "60.00 ± – / 10.00"


def test_two_seeds_of_one_fold_of_the_bundled_demo_test_its_221_sounds(tmp_path: Path) -> None:
    bundled = load_run(assets() / "runs" / "flat-audio-c1-fold0")
    again = replace(bundled, train=replace(bundled.train, seed=1))
    for each in (bundled, again):
        each.save(tmp_path / each.id)
    row = only(load_rows([tmp_path]))
    assert (row.folds, row.seeds, row.test_sounds) == (1, 2, 221)


def test_spread_over_folds_and_over_seeds_is_apart(run: Run) -> None:
    values = {(0, 0): 0.5, (1, 0): 0.7, (0, 1): 0.6, (1, 1): 0.9}
    runs = [replace(scored(run, v, seed=seed), fold=fold) for (fold, seed), v in values.items()]
    row = only(rows(runs))
    found = row.metrics["top_accuracy"]
    assert found.mean == pytest.approx(0.675)
    assert found.std_over_folds == pytest.approx(np.std([0.55, 0.8]))
    assert found.std_over_seeds == pytest.approx(np.std([0.6, 0.75]))
    assert row.over == "2 folds x 2 seeds"
    assert "2 folds x 2 seeds" in write([row], "text", width=250)
    unequal = only(rows(runs[:3])).metrics["top_accuracy"]
    assert unequal.std_over_seeds == pytest.approx(np.std([0.5, 0.6]))  # on the fold that both have
    assert only(rows([runs[0], replace(scored(run, 0.9), fold=0)])).metrics["top_accuracy"].mean == 0.5


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
    assert table[1, "flat", "both", "second_accuracy"] == PaperFigure(pytest.approx(0.7980), "0.53")
    assert table[4, "hierarchical", "both", "top_accuracy"] == PaperFigure(pytest.approx(0.9360), "0.34")
    assert table[3, "hierarchical", "text", "top_top2_accuracy"].mean == pytest.approx(0.9470)


def test_the_paper_stands_beside_its_recipe_on_bsd10k(run: Run) -> None:
    table = rows([of_the_paper(run, 0.5), of_the_paper(run, 0.7, fold=1)])
    for form in ("text", "markdown"):
        shown = write(table, form, width=250)
        assert "60.00 ± 10.00 (76.73)" in shown
        assert "variance" in shown
        assert "small · folds: stratified 4-fold" in shown
        assert "76.73" not in write(table, form, paper=False, width=250)
    lines = write(table, "markdown").splitlines()
    assert lines[2].count("(paper: by CLAP)") == 4  # the encoder is another
    best, knn = (line.split("|") for line in lines[5:7])
    assert [part.strip() for part in best[2:6]] == [
        "paper, section 5: best audio model",
        "audio",
        "(77.51)",
        "(87.84)",
    ]
    assert [part.strip() for part in knn[4:6]] == ["(77.45)", "(87.65)"]
    clap = {"audio": EncoderInfo("clap", "1", 16)}
    own = write(rows([of_the_paper(run, encoders=clap)]), "markdown")
    assert own.count("(paper)") == 4
    assert "by CLAP" not in own


@pytest.mark.parametrize(
    "change", [{"source": None}, {"source": "bsd35k"}, {"recipe": "default"}, {"answered_by": "0" * 16}]
)
def test_the_paper_stands_beside_nothing_else(run: Run, change: dict) -> None:
    other = rows([of_the_paper(run, **change)])
    for form in ("text", "markdown", "latex"):
        shown = write(other, form, width=250)
        assert not any(words in shown for words in ("76.73", "77.45", "paper,", "(paper"))
    entry = json.loads(write(other, "json"))
    assert entry["rows"][0]["paper"] == {}
    assert "paper_section_5" not in entry


def test_texts_are_rows_of_their_own_and_the_paper_stands_beside_its_own_text_alone(runs: dict[str, Run]) -> None:
    run = runs["text"]
    longer = {"text": replace(run.encoders["text"], fields=("title", "tags", "description"))}
    texts = [of_the_paper(run, 0.5, modality="text"), of_the_paper(run, 0.7, modality="text", encoders=longer)]
    assert [(row.text, row.folds) for row in rows(texts)] == [("title+tags", 1), ("title+tags+description", 1)]
    short, long = (line.split("|")[3:5] for line in write(rows(texts), "markdown").splitlines()[4:6])
    assert [part.strip() for part in short] == ["text (title + tags)", "50.00"]
    assert [part.strip() for part in long] == ["text (title + tags + description)", "70.00 (77.26)"]
    assert "| text |" in write(rows(texts[:1]), "markdown")
    assert "77.26" not in write(rows(texts[:1]), "markdown")
    knn = [Baseline(BaselineConfig("knn", "text"), 0, run.split_kind, "small", "x", run.metrics, text=t) for t in "ab"]
    assert [row.text for row in rows(knn)] == ["a", "b"]


def test_a_metric_of_others_is_no_formula_in_a_spreadsheet(run: Run) -> None:
    row = replace(rows([run])[0], metrics={'=HYPERLINK("http://x.invalid")': Summary(0.5)})
    heading = next(csv.reader(io.StringIO(write([row], "csv"))))
    assert not any(name.startswith("=") for name in heading)


def test_csv_and_json_hold_every_metric(run: Run) -> None:
    table = rows([of_the_paper(run, 0.5), of_the_paper(run, 0.7, fold=1)])
    (line,) = csv.DictReader(io.StringIO(write(table, "csv")))
    assert (line["loss"], line["folds"], float(line["hierarchical_f1_mean"])) == ("hierarchical", "2", 0.6)
    assert float(line["top_silhouette_std_over_folds"]) == pytest.approx(0.1)
    assert line["top_silhouette_std_over_seeds"] == ""
    text = write(table, "json")
    (entry,) = json.loads(text)["rows"]
    assert entry["metrics"]["second_accuracy"] == {
        "mean": pytest.approx(0.6),
        "std_over_folds": pytest.approx(0.1),
        "std_over_seeds": None,
    }
    assert entry["paper"]["second_accuracy"] == {"mean": pytest.approx(0.7673), "plus_minus_as_printed": "0.47"}
    assert '"std"' not in text
    assert [row["model"] for row in json.loads(text)["paper_section_5"]] == ["flat", "knn"]


def test_latex_is_a_tabular(run: Run) -> None:
    shown = write(rows([scored(run, 0.5), scored(run, 0.5, min_confidence=3)]), "latex")
    lines = shown.splitlines()
    assert lines[0] == r"\begin{tabular}{lllrrrrrrr}"
    assert lines[4].startswith(r"$\geq$ 1 & Hierarchical & audio & 50.00 & ")
    assert [line for line in lines if line.startswith("\\")][1:] == [
        r"\toprule",
        r"\midrule",
        r"\midrule",
        r"\bottomrule",
        r"\end{tabular}",
    ]
    assert all(line.startswith("%") for line in lines[lines.index(r"\end{tabular}") + 1 :])


def test_rows_are_scored_on_the_sounds_that_all_test(collection: Collection, tmp_path: Path) -> None:
    folds = stratified(collection)
    trained = [train_fold(collection, folds, f, quick(epochs=2, min_confidence=c)) for c in (1, 3) for f in (0, 1)]
    for each in trained:
        each.save(tmp_path / each.id)
    Baseline(BaselineConfig("knn", "audio"), 0, folds.kind, "small", "", trained[0].metrics).save(tmp_path)
    all_in, above = load_rows([tmp_path], common=True)
    sounds = [set(run.sounds["sound_id"][run.tested]) for run in trained]
    assert all_in.test_sounds == above.test_sounds == len(sounds[2] | sounds[3]) < len(sounds[0] | sounds[1])
    right = [
        (run.y_true == run.y_pred)[run.tested & run.sounds["sound_id"].isin(sounds[2] | sounds[3])].mean()
        for run in trained[:2]
    ]
    assert all_in.metrics["second_accuracy"].mean == pytest.approx(np.mean(right))
    lone = train_fold(collection, folds, 2, quick(epochs=2, loss="flat"))
    lone.save(tmp_path / lone.id)
    with pytest.raises(UserError, match="no common test set"):
        load_rows([tmp_path], common=True)


def test_an_unknown_format_is_refused(run: Run) -> None:
    with pytest.raises(UserError, match="'html'; allowed are text, markdown, latex, csv, json"):
        write(rows([run]), "html")


def test_recipes_are_distinguished_by_name_or_by_what_differs(run: Run) -> None:
    other = replace(run.train, **{"sizes": RECIPES["default"].sizes, "epochs": 7})
    names = [row.recipe for row in rows([replace(run, train=RECIPES["paper"]), replace(run, train=other)])]
    assert names[1] == "paper"
    assert "epochs 7" in names[0]


def test_a_recipe_is_the_nearest_one_with_what_differs() -> None:
    assert recipe_of(recipe("hatr", seed=4, loss="flat", variant="x")) == "hatr"
    assert recipe_of(recipe("hatr", mixup=0.4)) == "hatr with mixup 0.4"
    assert recipe_of(recipe("default", sizes={"width": 256}, epochs=7)) == "default with epochs 7, sizes.width 256"
    assert recipe_of(recipe("text")) == "default with label_smoothing 0.3"


def test_variants_are_rows_with_a_column_of_their_own_and_say_what_they_change(run: Run) -> None:
    tried = {"": {}, "focal-2": {"focal_gamma": 2.0}, "no-mixup": {"mixup": 0.0}}
    base = recipe("default", mixup=0.9)
    runs = [
        scored(replace(run, train=changed(base, **changes)), score, variant=name)
        for (name, changes), score in zip(tried.items(), (0.5, 0.6, 0.7), strict=True)
    ]
    found = rows(runs)
    assert [(row.variant, row.recipe) for row in found] == [
        ("", "default with mixup 0.9"),
        ("focal-2", "default with mixup 0.9, focal_gamma 2.0"),
        ("no-mixup", "default with mixup 0.0"),
    ]
    headings, cells = table(found, paper=False)
    assert headings[:5] == ["Annotation confidence", "Loss", "Modality", "Variant", "Second-level"]
    assert [line[1:5] for line in cells] == [
        ["Hierarchical", "audio", name, score]
        for name, score in (("–", "50.00"), ("focal-2", "60.00"), ("no-mixup", "70.00"))
    ]
    text = write(found, "markdown", paper=False)
    assert "| --- | --- | --- | --- | ---: |" in text
    assert "Recipe: default with mixup 0.9." in text
    assert "Variants: focal-2: default with mixup 0.9, focal_gamma 2.0; no-mixup: default with mixup 0.0." in text
    assert "Variant" not in table(found[:1], paper=False)[0]


def test_a_summary_prints_percentages(run: Run) -> None:
    (row,) = rows([scored(run, 0.7673)])
    assert row.percent("second_accuracy") == "76.73"
    assert Summary(0.7673, 0.0047).percent() == "76.73 ± 0.47"
    assert Summary(0.7673, 0.0047, 0.0012).percent(1) == "76.7 ± 0.5 / 0.1"
