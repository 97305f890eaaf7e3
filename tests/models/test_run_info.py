from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bstviz.datasets.collection import Collection
from bstviz.encoders.base import Embeddings
from bstviz.errors import UserError
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import load_info, run_id
from bstviz.training.train import train_fold
from tests.fakes import quick, small_collection, stratified, with_descriptions

Runs = dict[str, Run]


def test_a_run_finds_its_collection_and_both_can_move_together(
    collection: Collection, runs: Runs, tmp_path: Path
) -> None:
    assert runs["audio"].load_collection().hash == collection.hash
    home = tmp_path / "home"
    assert collection.folder is not None
    shutil.copytree(collection.folder, home / "collection")
    run = load_run(runs["audio"].save(home / "runs" / "a"))
    beside = replace(run, collection=replace(run.collection, path=str(home / "collection")))
    beside.save(home / "runs" / "a")
    home.rename(tmp_path / "elsewhere")
    moved = load_run(tmp_path / "elsewhere" / "runs" / "a")
    assert moved.load_collection().folder == (tmp_path / "elsewhere" / "collection").resolve()


def test_a_collection_that_changed_is_refused(runs: Runs, collection: Collection) -> None:
    with pytest.raises(UserError, match="is not what run"):
        runs["audio"].check_collection(small_collection(seed=1))
    runs["audio"].check_collection(replace(collection, name="renamed"))


def test_a_run_of_a_further_text_accepts_the_collection_while_that_text_is_the_same(
    collection: Collection, tmp_path: Path
) -> None:
    both = with_descriptions(collection)
    name = "title+tags+description"
    first, second = (train_fold(both, stratified(both), 0, quick(modality="text", text=t)) for t in (None, name))
    read = load_run(second.save(tmp_path / second.id))
    assert (read.id, read.text, first.text) == (f"hierarchical-text-{name}-c1-fold0", name, "title+tags")
    assert read.name == "hierarchical · text (title + tags + description) · confidence ≥ 1 · fold 0"
    assert (first.collection.text_hash, read.collection.text_hash) == (None, both.with_text(name).text_hash)
    assert read.collection.hash == first.collection.hash == collection.hash
    for run in (first, read):
        run.check_collection(both)
    first.check_collection(collection)
    changed = both.having_text(Embeddings(both.further_texts[0].values + 1, both.further_texts[0].encoder))
    first.check_collection(changed)
    with pytest.raises(UserError, match="is not what run"):
        read.check_collection(changed)
    with pytest.raises(UserError, match="has no text embeddings 'title"):
        read.check_collection(collection)


def test_a_run_takes_the_words_of_the_fields_that_it_was_trained_on(runs: Runs) -> None:
    words = {"title": "Rain ", "tags": "", "description": "on a tent"}
    run = runs["text"]
    assert run.text_from(words) == "Rain"
    assert run.text_from({**words, "title": ""}) == ""
    unknown = replace(run, encoders={"text": replace(run.encoders["text"], fields=())})
    assert unknown.text_from(words) == "Rain. on a tent"


def test_a_run_takes_words_joined_as_those_that_it_was_trained_on(runs: Runs) -> None:
    run = runs["text"]
    other = replace(run, encoders={"text": replace(run.encoders["text"], template="{title} | {tags}")})
    assert other.text_from({"title": "Rain", "tags": "roof, night", "description": "on a tent"}) == "Rain | roof, night"


def test_the_name_of_a_run_is_a_name_of_a_folder_whatever_the_columns_are_called() -> None:
    names = {run_id(quick(modality="both", text=text), 0) for text in ("a/b", "a_b", "a b", "été")}
    assert len(names) == 4
    assert all(re.fullmatch(r"[\w.+%-]+", name, re.ASCII) for name in names)


def test_a_collection_that_is_gone_is_named(runs: Runs, tmp_path: Path) -> None:
    run = runs["audio"]
    gone = replace(run, collection=replace(run.collection, path=str(tmp_path / "gone")))
    for lost in (gone, replace(run, collection=replace(run.collection, path=None))):
        with pytest.raises(UserError, match=r"'small' of this run is not at"):
            lost.load_collection()


def test_a_run_is_named_for_people_and_for_folders(runs: Runs) -> None:
    assert runs["both"].id == "hierarchical-both-c1-fold0"
    assert runs["both"].name == "hierarchical · audio + text · confidence ≥ 1 · fold 0"


def test_the_name_of_a_run_carries_variant_and_seed(runs: Runs) -> None:
    tried = replace(runs["both"], train=replace(runs["both"].train, variant="focal-2", seed=1))
    assert tried.id == "hierarchical-both-c1-focal-2-fold0-s1"
    assert tried.name == "hierarchical · audio + text · confidence ≥ 1 · focal-2 · fold 0 · seed 1"


def test_a_run_is_itself_alone_and_its_collection_reference_a_value(runs: Runs) -> None:
    run = runs["audio"]
    assert run == run
    assert len({run, run, runs["both"], load_info(run.folder or Path())}) == 3
    assert {replace(run.collection), run.collection} == {run.collection}
