from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets import splits
from bstviz.datasets.collection import Collection
from bstviz.datasets.splits import (
    choose_folds,
    column_folds,
    fold_options,
    group_values,
    published_folds,
    split_collection,
    split_fold,
    stratified_folds,
)
from bstviz.errors import UserError


def labels_of(*counts: int) -> np.ndarray:
    """So many sounds of each class, shuffled."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(0).permutation(labels)


def everything(labels: np.ndarray) -> np.ndarray:
    return np.ones(len(labels), bool)


def test_every_sound_with_a_class_is_test_once() -> None:
    labels = labels_of(40, 25, 10)
    labels[[3, 4]] = -1
    folds = stratified_folds(labels, n_folds=5)
    assert (folds[[3, 4]] == -1).all()
    assert set(folds[labels >= 0]) == set(range(5))


def test_folds_keep_the_class_proportions() -> None:
    labels = labels_of(50, 25, 10)
    folds = stratified_folds(labels, n_folds=5)
    for fold in range(5):
        assert np.bincount(labels[folds == fold]).tolist() == [10, 5, 2]


def test_the_seed_decides_the_folds() -> None:
    labels = labels_of(30, 30)
    first, again, other = (stratified_folds(labels, seed=s) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_groups_are_kept_in_the_same_fold() -> None:
    labels = labels_of(60, 60, 60)
    groups = np.random.default_rng(1).integers(0, 25, len(labels)).astype(str)
    folds = stratified_folds(labels, n_folds=5, groups=groups)
    assert all(len(set(folds[groups == g])) == 1 for g in set(groups))
    for fold in range(5):
        assert np.bincount(labels[folds == fold], minlength=3).min() > 0


def test_too_few_sounds_groups_or_folds_are_refused() -> None:
    labels = labels_of(10, 10)
    with pytest.raises(UserError, match="groups; there are 3"):
        stratified_folds(labels, n_folds=5, groups=np.arange(20) % 3)
    with pytest.raises(UserError, match="at least 2 folds"):
        stratified_folds(labels, n_folds=1)
    with pytest.raises(UserError, match="there are 0"):
        stratified_folds(np.full(20, -1), n_folds=5)
    with pytest.raises(UserError, match="the largest has 3"):
        stratified_folds(labels_of(3, 3, 2), n_folds=5)


def test_folds_come_from_a_column_counted_from_any_start() -> None:
    values = pd.Series([3, 1, None, 2, 1], name="test_fold")
    folds = column_folds(values)
    assert folds.tolist() == [2, 0, -1, 1, 0]
    assert folds.flags.writeable
    assert column_folds(pd.Series(["0", "4", "0"])).tolist() == [0, 1, 0]


@pytest.mark.parametrize("wrong", ["x", 1.5])
def test_a_column_value_that_is_no_whole_number_is_named(wrong: object) -> None:
    with pytest.raises(UserError, match=f"'fold' holds {wrong!r}"):
        column_folds(pd.Series([None, 0, 1, wrong], name="fold", dtype=object))


def test_a_column_of_one_fold_is_refused() -> None:
    with pytest.raises(UserError, match="names 1 fold"):
        column_folds(pd.Series([2, 2], name="fold"))


def test_a_sound_without_a_group_is_a_group_of_its_own() -> None:
    groups = group_values(pd.DataFrame({"uploader": ["a", None, "a", None]}), "uploader")
    assert groups[0] == groups[2]
    assert len(set(groups)) == 3


def test_grouping_by_an_unknown_column_is_refused() -> None:
    with pytest.raises(UserError, match="no column 'user' to group by; there are uploader"):
        group_values(pd.DataFrame({"uploader": ["a"]}), "user")


def test_a_fold_is_80_20_and_then_90_10() -> None:
    labels = labels_of(100, 60, 40)
    split = split_fold(stratified_folds(labels), 2, labels, everything(labels))
    assert Counter(split) == {"train": 144, "val": 16, "test": 40}
    assert np.bincount(labels[split == "val"]).tolist() == [8, 5, 3]
    assert np.bincount(labels[split == "test"]).tolist() == [20, 12, 8]


def test_the_test_set_is_the_fold_and_the_seed_draws_only_validation() -> None:
    labels = labels_of(50, 50)
    folds = stratified_folds(labels)
    first, again, other = (split_fold(folds, 1, labels, everything(labels), seed=s) for s in (0, 0, 7))
    assert ((first == "test") == (folds == 1)).all()
    assert (first == again).all()
    assert ((other == "test") == (folds == 1)).all()
    assert (first != other).any()


def test_groups_are_kept_in_the_same_split() -> None:
    labels = labels_of(80, 80, 80)
    groups = np.random.default_rng(1).integers(0, 40, len(labels)).astype(str)
    folds = stratified_folds(labels, groups=groups)
    for fold in range(5):
        split = split_fold(folds, fold, labels, everything(labels), groups=groups)
        assert all(len(set(split[groups == g])) == 1 for g in set(groups))
        assert {"train", "val", "test"} == set(split)


def test_grouped_validation_works_where_classes_have_few_sounds() -> None:
    labels, groups = np.repeat(np.arange(4), 6), np.arange(24)
    folds = stratified_folds(labels, n_folds=3, groups=groups)
    split = split_fold(folds, 0, labels, everything(labels), groups=groups)
    assert {"train", "val", "test"} == set(split)


def test_one_training_group_is_too_few() -> None:
    labels, groups = np.repeat(np.arange(4), 6), np.arange(24) % 2
    folds = stratified_folds(labels, n_folds=2, groups=groups)
    with pytest.raises(UserError, match="1 training groups"):
        split_fold(folds, 0, labels, everything(labels), groups=groups)


def test_unsure_sounds_are_neither_trained_on_nor_tested() -> None:
    labels = labels_of(60, 60)
    folds = stratified_folds(labels)
    confident = np.arange(len(labels)) % 3 > 0
    split = split_fold(folds, 0, labels, everything(labels), confident=confident)
    assert (split[(folds == 0) & ~confident] == "below_threshold").all()
    assert (split[(folds != 0) & ~confident] == "unused").all()
    assert (split[(folds == 0) & confident] == "test").all()
    assert set(split[(folds != 0) & confident]) == {"train", "val"}


def test_sounds_without_class_or_embedding_are_unused() -> None:
    labels = labels_of(40, 40)
    labels[0] = -1
    folds = stratified_folds(labels)
    usable = everything(labels)
    usable[[1, 2]] = False
    split = split_fold(folds, int(folds[1]), labels, usable)
    assert (split[:3] == "unused").all()
    assert (split[3:] != "unused").all()


def test_sounds_outside_every_fold_are_trained_on() -> None:
    labels = labels_of(40, 40)
    folds = stratified_folds(labels)
    folds[:10] = -1
    for fold in range(5):
        assert set(split_fold(folds, fold, labels, everything(labels))[:10]) <= {"train", "val"}


def test_a_class_with_a_single_training_sound_is_no_obstacle() -> None:
    labels = labels_of(40, 40, 1)
    folds = np.where(labels == 2, -1, stratified_folds(labels))
    split = split_fold(folds, 0, labels, everything(labels))
    assert (split == "val").sum() in (6, 7)


def test_a_threshold_that_leaves_too_little_is_refused() -> None:
    labels = labels_of(20, 20)
    folds = stratified_folds(labels)
    with pytest.raises(UserError, match="lower the confidence threshold"):
        split_fold(folds, 0, labels, everything(labels), confident=np.zeros(40, bool))
    with pytest.raises(UserError, match="0 test sounds"):
        split_fold(folds, 0, labels, everything(labels), confident=folds != 0)


def test_choose_folds_takes_the_data_s_own_where_it_has_them(collection: Collection) -> None:
    own = replace(collection, sounds=collection.sounds.assign(test_fold=np.arange(48) % 3))
    assert choose_folds(own).assignment.tolist() == (np.arange(48) % 3).tolist()
    assert choose_folds(own).kind == "the data's own, column test_fold"
    assert choose_folds(own, seed=7).kind == "stratified 5-fold, seed 7"
    assert choose_folds(own, group="uploader", folds=4).kind == "stratified 4-fold, seed 0, grouped by uploader"
    with pytest.raises(UserError, match="exclude each other"):
        choose_folds(own, group="uploader", column="test_fold")
    with pytest.raises(UserError, match="no column 'colour'"):
        choose_folds(own, column="colour")


def test_hatr_folds_are_stratified_anew_over_the_sounds_that_pass_each_threshold(collection: Collection) -> None:
    from sklearn.model_selection import StratifiedKFold

    folds = choose_folds(collection, folds="hatr")
    confidence = collection.sounds["confidence"].to_numpy(int)
    for threshold in (1, 2):
        rows = np.flatnonzero(confidence >= threshold)
        classes = collection.sounds["class"].to_numpy()[rows]
        expected = np.full(len(collection), -1)
        for fold, (_, test) in enumerate(StratifiedKFold(5, shuffle=True, random_state=1821).split(rows, classes)):
            expected[rows[test]] = fold
        np.testing.assert_array_equal(folds.at(threshold), expected)
    assert not np.array_equal(folds.at(1)[rows], folds.at(2)[rows])
    split = split_collection(
        collection, folds, 0, np.ones(len(collection), bool), min_confidence=2, validation=0.2, seed=0
    )
    np.testing.assert_array_equal(split == "test", folds.at(2) == 0)


def test_published_folds_go_by_freesound_id_and_other_sounds_train_only(collection: Collection) -> None:
    ids = ["15", "26", "nothing", *published_ids(45)]
    found = choose_folds(replace(collection, sounds=collection.sounds.assign(sound_id=ids)), folds="published")
    assert found.assignment[:3].tolist() == [0, 3, -1]
    assert found.count == 5
    assert found.kind.endswith("by public out-of-fold predictions; 1 sounds in none of them train only")
    with pytest.raises(UserError, match="0 of these 48 are among them"):
        choose_folds(collection, folds="published")


def published_ids(count: int) -> list[str]:
    """Ids of the published table, without the two that the test names."""
    path = Path(splits.__file__).parents[1] / "data" / splits.PUBLISHED_FOLDS
    return [str(i) for i in pd.read_parquet(path)["sound_id"] if i not in (15, 26)][:count]


def test_published_folds_are_those_of_the_shared_table(shared_data: Path) -> None:
    table = pd.read_parquet(shared_data / "bsd10k_v1.2.parquet", columns=["sound_id", "test_fold"])
    np.testing.assert_array_equal(published_folds(table["sound_id"]), table["test_fold"])
    path = Path(splits.__file__).parents[1] / "data" / splits.PUBLISHED_FOLDS
    assert path.stat().st_size < 100_000


def test_named_folds_take_no_seed_and_unknown_ones_are_refused(collection: Collection) -> None:
    for options in ({"seed": 1}, {"group": "uploader"}, {"column": "title"}):
        with pytest.raises(UserError, match="The folds 'hatr' are as they are"):
            choose_folds(collection, folds="hatr", **options)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="folds is 'mine'; allowed are a number or published or hatr"):
        choose_folds(collection, folds="mine")
    assert choose_folds(collection, folds="4").count == 4


def test_a_kind_is_the_options_that_make_it(collection: Collection) -> None:
    ids = ["nothing", *published_ids(47)]
    known = replace(collection, sounds=collection.sounds.assign(sound_id=ids))
    for name in ("published", "hatr"):
        assert fold_options(choose_folds(known, folds=name).kind) == ["--folds", name]
