"""The one list of sections: every one of it is in the report and on the page, with what it is missing where it is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bstviz.evaluation.paired import MEASURES
from bstviz.models.run import Run
from bstviz.models.run_info import CollectionRef
from bstviz.plots import maps
from bstviz.reports.comparisons import compare_losses
from bstviz.reports.html import CARD_SECTIONS, chapters_of
from bstviz.reports.sections import SECTIONS, Choice, Chosen, Figure, Table, Text, run_groups
from bstviz.reports.summaries import LEVELS
from bstviz.training.baselines import Baseline, BaselineConfig


@pytest.fixture(scope="module")
def both(runs: dict[str, Run]) -> Chosen:
    """The run of both modalities as the one fold of a setting."""
    return Chosen([runs["both"]], "one setting", load=lambda info: runs["both"])


def test_names_are_of_one_section_each() -> None:
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)


@pytest.mark.parametrize("section", [s for s in SECTIONS if s.scope == "setting"], ids=lambda s: s.name)
def test_a_section_of_a_setting_is_a_figure_that_says_of_what_it_is(section, both: Chosen) -> None:
    (figure,) = section.blocks(both)
    assert isinstance(figure, Figure)
    assert "one setting" in figure.caption
    assert figure.figure.layout.height


def test_the_report_has_every_section_in_the_list_s_order(runs: dict[str, Run]) -> None:
    (group,) = run_groups([runs["both"]], [])
    *whole, by_setting, cards, data, settings, again = chapters_of(group)
    assert [chapter.title for chapter in whole] == [s.heading for s in SECTIONS if s.scope != "setting"]
    (setting,) = by_setting.chapters
    words = [s.words for s in SECTIONS if s.scope == "setting"]
    for block, start in zip(setting.blocks, words, strict=True):
        assert isinstance(block, Figure)
        assert block.caption.startswith(start)
    (card,) = cards.chapters
    assert card.title == setting.title
    assert [chapter.title for chapter in card.chapters] == list(CARD_SECTIONS)
    assert [chapter.title for chapter in (cards, data, settings, again)] == [
        "Model cards",
        "Data",
        "Settings and versions",
        "How to reproduce it",
    ]


def test_what_runs_do_not_have_is_said_and_attention_is_of_both_modalities(runs: dict[str, Run]) -> None:
    (group,) = run_groups([runs["audio"]], [])
    _, structure, against, *_, by_setting, _, _, _ = chapters_of(group)
    for chapter in (structure, against):
        claim, missing = chapter.blocks
        assert isinstance(claim, Text)
        assert isinstance(missing, Text)
        assert missing.text == next(s.missing for s in SECTIONS if s.heading == chapter.title)
    captions = [block.caption for block in by_setting.chapters[0].blocks if isinstance(block, Figure)]
    assert len(captions) == sum(s.scope == "setting" for s in SECTIONS) - 1
    assert not any("equation 2" in caption for caption in captions)


def test_table_1_is_text_and_numbers_and_a_choice_of_every_metric(runs: dict[str, Run]) -> None:
    (group,) = run_groups([runs["audio"]], [])
    table, choice = next(s for s in SECTIONS if s.name == "Table 1").blocks(Chosen(group.infos, rows=group.rows))
    assert isinstance(table, Table)
    assert isinstance(choice, Choice)
    assert table.frame is not None
    accuracy = 100 * runs["audio"].metrics["second_accuracy"]
    assert table.frame["Second-level"].tolist() == [f"{accuracy:.1f}"]
    assert table.cells[0][3].startswith(f"{accuracy:.2f}")
    assert choice.draw(choice.start).figure.data[0].y[0] == pytest.approx(accuracy)


def test_losses_are_compared_in_text_and_numbers_alike(runs: dict[str, Run]) -> None:
    flat = dataclasses.replace(runs["audio"], train=dataclasses.replace(runs["audio"].train, loss="flat"))
    (table,) = next(s for s in SECTIONS if s.name == "Structure").blocks(Chosen([runs["audio"], flat], "audio"))
    assert isinstance(table, Table)
    assert table.frame is not None
    for words in LEVELS.values():
        place = table.headings.index(f"{words}, difference")
        assert {row[place] for row in table.cells} <= {"+0.000", "–"}
        np.testing.assert_array_equal(table.frame[f"{words}, difference"].dropna(), 0)


def test_flat_is_tested_against_hierarchical_in_text_and_numbers_alike(runs: dict[str, Run]) -> None:
    flat = dataclasses.replace(runs["audio"], train=dataclasses.replace(runs["audio"].train, loss="flat"))
    both = [runs["audio"], flat]
    chosen = Chosen(both, "audio", compare=lambda infos: compare_losses(both, None))
    table, words = next(s for s in SECTIONS if s.name == "Hierarchical against flat").blocks(chosen)
    assert isinstance(table, Table)
    assert isinstance(words, Text)
    assert [row[0] for row in table.cells] == list(MEASURES.values())
    assert {row[table.headings.index("Difference")] for row in table.cells} == {"+0.00"}
    assert {row[table.headings.index("McNemar p")] for row in table.cells} == {"1.000", "–"}
    assert "0 of 0 tested" in words.text
    assert "audio" in table.caption


def test_runs_are_grouped_by_collection_and_folds(runs: dict[str, Run]) -> None:
    audio = runs["audio"]
    other = dataclasses.replace(audio, collection=CollectionRef("other", audio.collection.hash, None))
    regrouped = dataclasses.replace(audio, split_kind="by hand")
    knn = Baseline(BaselineConfig("knn", "audio"), 0, "by hand", audio.collection.name, "", audio.metrics)
    nowhere = dataclasses.replace(knn, collection="nowhere")
    groups = run_groups([audio, other, regrouped, runs["text"]], [knn, nowhere])
    assert [len(group.infos) for group in groups] == [2, 1, 1]
    assert [len(group.baselines) for group in groups] == [0, 0, 1]
    assert len({group.name for group in groups}) == 3


def test_the_map_is_the_plotly_figure_that_python_gives(runs: dict[str, Run]) -> None:
    flat = dataclasses.replace(runs["audio"], train=dataclasses.replace(runs["audio"].train, loss="flat"))
    section = next(s for s in SECTIONS if s.name == "Maps")
    by_loss = {"hierarchical": runs["audio"], "flat": flat}
    chosen = Chosen([runs["audio"], flat], "audio", load=lambda info: by_loss[info.train.loss])
    (figure,) = section.blocks(chosen)
    assert isinstance(figure, Figure)
    expected = maps.pair_map(runs["audio"], flat, projection="pca")
    for trace, same in zip(figure.figure.data[:2], expected.data[:2], strict=True):
        assert trace.x.tolist() == same.x.tolist()
    (alone,) = section.blocks(Chosen([runs["audio"]], "audio", load=lambda info: runs["audio"]))
    assert isinstance(alone, Figure)
    assert "xaxis2" not in alone.figure.to_plotly_json()["layout"]
