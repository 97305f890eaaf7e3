from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from bstviz.datasets.collection import Collection
from bstviz.datasets.splits import Folds, group_values, stratified_folds
from bstviz.encoders.base import Embeddings
from bstviz.errors import UserError
from bstviz.latent import structure
from bstviz.models.config import Loss, Modality, NetworkSizes
from bstviz.models.predict import predict
from bstviz.models.run import Run
from bstviz.models.run_info import load_info
from bstviz.training.train import _steps, train_fold, train_folds
from tests.fakes import CODES, DEEP, TINY, quick, small_collection, stratified

BATCH_NORM = replace(DEEP, head="plain")


def split_of(run: Run, name: str) -> set[str]:
    return set(run.sounds.loc[run.sounds["split"] == name, "sound_id"])


@pytest.mark.parametrize("loss", ["flat", "hierarchical"])
@pytest.mark.parametrize("modality", ["audio", "text", "both"])
def test_separable_classes_are_learned(collection: Collection, loss: Loss, modality: Modality) -> None:
    run = train_fold(collection, stratified(collection), 0, quick(loss=loss, modality=modality))
    assert run.metrics["n"] == 12
    assert run.metrics["second_accuracy"] >= 0.8
    assert run.history["train_loss"][-1] < 0.5 * run.history["train_loss"][0]


@pytest.mark.parametrize(
    "change",
    [
        {"mixup": 0.4},
        {"top_penalty": "indicator"},
        {"top_penalty": "none"},
        {"schedule": "constant"},
        {"standardise": False, "noise": 1e-4, "initialisation": "xavier", "sizes": BATCH_NORM},
        {"denominator": "all", "decay": "coupled", "schedule": "step", "drop_last": True},
        {"class_weights": "effective", "confidence_power": 1.0, "focal_gamma": 2.0, "contrastive_second": 0.2},
    ],
)
def test_every_variant_of_the_recipe_learns(collection: Collection, change: dict) -> None:
    run = train_fold(collection, stratified(collection), 0, quick(learning_rate=5e-3, **change))
    assert run.metrics["second_accuracy"] > 0.6


def test_labels_without_a_pattern_are_not_learned() -> None:
    """Test sounds play no part in training: shuffled classes stay near chance, 1 in 6."""
    rng = np.random.default_rng(0)
    big = small_collection(per_class=24)
    shuffled = replace(big, sounds=big.sounds.assign(**{"class": rng.permutation(big.sounds["class"])}))
    run = train_fold(shuffled, stratified(shuffled, 3), 0, quick())
    assert run.metrics["second_accuracy"] < 0.4


def test_hierarchical_training_gathers_the_top_classes(collection: Collection) -> None:
    from sklearn.metrics import silhouette_score

    def silhouette(loss: Loss) -> float:
        run = train_fold(collection, stratified(collection), 0, quick(loss=loss, epochs=40))
        return silhouette_score(run.latents, collection.taxonomy.parents[run.y_true], metric="cosine")

    assert silhouette("hierarchical") > silhouette("flat") + 0.1


def test_the_same_seed_gives_the_same_run_and_another_another(collection: Collection) -> None:
    folds = stratified(collection)
    first, again = (train_fold(collection, folds, 0, quick(epochs=4, mixup=0.4)) for _ in range(2))
    other = train_fold(collection, folds, 0, quick(epochs=4, mixup=0.4, seed=1))
    np.testing.assert_array_equal(first.latents, again.latents)
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    assert first.history == again.history
    assert not np.array_equal(first.latents, other.latents)


def test_the_run_lists_every_sound_with_its_answer(collection: Collection) -> None:
    run = train_fold(collection, stratified(collection), 1, quick(epochs=3))
    assert run.sounds["sound_id"].tolist() == collection.sounds["sound_id"].tolist()
    np.testing.assert_allclose(run.probabilities.sum(1), 1, atol=1e-5)
    assert [collection.taxonomy.codes[i] for i in run.probabilities.argmax(1)] == run.sounds["y_pred"].tolist()
    np.testing.assert_array_equal(run.y_true, collection.labels)
    assert run.latents.shape == (48, 8)
    assert run.sounds[["attention_audio", "attention_text"]].to_numpy().tolist() == [[1, 0]] * 48
    assert run.collection.hash == collection.hash
    assert {k: v.id for k, v in run.encoders.items()} == {"audio": "fake-audio"}


def test_stored_metrics_are_those_of_the_stored_test_sounds(collection: Collection) -> None:
    run = train_fold(collection, stratified(collection), 1, quick(epochs=3))
    test = run.sounds[run.sounds["split"] == "test"]
    assert run.metrics["n"] == len(test)
    assert run.metrics["second_accuracy"] == pytest.approx((test["y_true"] == test["y_pred"]).mean())
    tops = [[collection.taxonomy.parent_of(c) for c in test[name]] for name in ("y_true", "y_pred")]
    assert run.metrics["top_accuracy"] == pytest.approx(np.mean([t == p for t, p in zip(*tops, strict=True)]))


def test_the_network_that_is_stored_gives_the_stored_answers(collection: Collection) -> None:
    run = train_fold(collection, stratified(collection), 0, quick(modality="both", epochs=6))
    info = run.encoders
    answer = predict(
        run,
        audio=Embeddings(collection.embedding("audio"), info["audio"]),
        text=Embeddings(collection.embedding("text"), info["text"]),
    )
    np.testing.assert_allclose(answer.probabilities, run.probabilities, atol=1e-6)
    np.testing.assert_allclose(answer.latent, run.latents, atol=1e-6)


def test_standardisation_sees_training_sounds_only(collection: Collection) -> None:
    run = train_fold(collection, stratified(collection), 0, quick(epochs=1))
    rows = np.flatnonzero(run.sounds["split"] == "train")
    np.testing.assert_allclose(
        run.weights["standardise.audio.mean"][0, 0], collection.embedding("audio")[rows].mean(0), atol=1e-5
    )


def test_folds_have_disjoint_test_sets_that_cover_everything(collection: Collection) -> None:
    runs = train_folds(collection, stratified(collection), [0, 1, 2, 3], quick(epochs=2))
    tests = [split_of(run, "test") for run in runs]
    assert [run.fold for run in runs] == [0, 1, 2, 3]
    assert sum(map(len, tests)) == len(set.union(*tests)) == len(collection)
    for run in runs:
        assert not split_of(run, "test") & (split_of(run, "train") | split_of(run, "val"))


def test_the_confidence_threshold_applies_to_training_and_test(collection: Collection) -> None:
    run = train_fold(collection, stratified(collection), 0, quick(epochs=2, min_confidence=3))
    confidence = collection.sounds["confidence"].to_numpy()
    split = run.sounds["split"]
    assert (confidence[split.isin(["train", "val", "test"])] >= 3).all()
    assert (confidence[split.isin(["below_threshold", "unused"])] < 3).all()
    assert run.metrics["n"] == (split == "test").sum()
    assert len(run.sounds) == len(collection)


def test_sounds_without_confidence_count_only_without_a_threshold(collection: Collection) -> None:
    half = collection.sounds.copy()
    half.loc[::2, "confidence"] = None
    part = replace(collection, sounds=half)
    folds = stratified(part)
    assert len(split_of(train_fold(part, folds, 0, quick(epochs=1)), "unused")) == 0
    kept = train_fold(part, folds, 0, quick(epochs=1, min_confidence=2)).sounds
    assert kept.loc[::2, "split"].isin(["below_threshold", "unused"]).all()
    half["confidence"] = pd.array([pd.NA] * len(half), dtype="Int8")
    nothing = replace(collection, sounds=half)
    with pytest.raises(UserError, match="no annotation confidence"):
        train_fold(nothing, folds, 0, quick(min_confidence=3))


def test_sounds_without_embedding_are_not_listed(collection: Collection) -> None:
    audio = collection.embedding("audio").copy()
    audio[[0, 9]] = np.nan
    part = replace(collection, audio=audio)
    run = train_fold(part, stratified(part), 0, quick(epochs=2))
    assert len(run.sounds) == 46
    assert not {"s000", "s009"} & set(run.sounds["sound_id"])
    assert np.isfinite(run.latents).all()


def test_sounds_without_class_get_an_answer_and_train_nothing(collection: Collection) -> None:
    sounds = collection.sounds.copy()
    sounds.loc[[0, 9], "class"] = None
    part = replace(collection, sounds=sounds)
    run = train_fold(part, stratified(part), 0, quick(epochs=2))
    listed = run.sounds.loc[[0, 9]]
    assert listed["split"].tolist() == ["unused", "unused"]
    assert listed["y_true"].isna().all()
    assert set(listed["y_pred"]) <= set(CODES) | set(collection.taxonomy.codes)


def test_extra_training_data_trains_and_is_neither_tested_nor_listed(collection: Collection) -> None:
    other = small_collection(seed=1, name="other")
    other = replace(other, sounds=other.sounds.assign(sound_id="o" + other.sounds["sound_id"]))
    folds, config = stratified(collection), quick(epochs=3, retrieval=True)
    alone, more = (train_fold(collection, folds, 0, config, extra=extra) for extra in ((), (other,)))
    assert more.extra_training_data == ("other",)
    assert more.sounds["sound_id"].tolist() == alone.sounds["sound_id"].tolist()
    assert split_of(more, "test") == split_of(alone, "test")
    assert more.collection == alone.collection
    assert len(more.datastore.labels) == len(alone.datastore.labels) + len(other)
    assert not np.allclose(more.latents, alone.latents)


def partly_labelled(collection: Collection, rows: list[int]) -> Collection:
    """The collection with only the top-level class of some rows left."""
    tops = collection.sounds["class"].str.split("-").str[0].where(collection.sounds.index.isin(rows))
    sounds = collection.sounds.assign(class_top=tops)
    sounds.loc[rows, "class"] = None
    return replace(collection, sounds=sounds)


def test_partial_labels_train_and_are_neither_test_nor_neighbours(collection: Collection) -> None:
    part = partly_labelled(collection, list(range(0, 48, 4)))
    config = quick(epochs=4, mixup=0.4, retrieval=True, class_weights="balanced", partial_labels=True)
    run = train_fold(part, stratified(part, 3), 0, config)
    split = run.sounds["split"]
    assert (split[::4] == "partial").all()
    assert not (split.drop(split.index[::4]) == "partial").any()
    assert run.learned[::4].all()
    assert run.metrics["n"] == (split == "test").sum()
    assert len(run.datastore.labels) == split.isin(["train", "val"]).sum()
    assert run.datastore.labels.max() < len(run.taxonomy.codes)


def test_partial_labels_teach_the_top_level() -> None:
    """One second-level class has no label left; its sounds come out under their top-level class by their top label."""
    whole = small_collection(codes=("m-sp", "fx-a", "fx-v", "ss-n"), per_class=24, spread=1.5)
    rows = list(range(24))  # of m-sp; and two sounds of another class of music, far from these
    part = partly_labelled(whole, rows[4:])
    codes = part.sounds["class"].to_numpy(object, copy=True)
    codes[:4] = "m-m"
    part = replace(part, sounds=part.sounds.assign(**{"class": codes}), audio=whole.embedding("audio").copy())
    part.audio[:4] += 20
    top = whole.taxonomy.top_codes.index("m")
    mass = []
    for partial in (False, True):
        run = train_fold(part, stratified(part, 2), 0, quick(partial_labels=partial))
        mass.append(run.taxonomy.top_mass(run.probabilities[4:24])[:, top].mean())
    assert mass[1] > mass[0] + 0.3


def test_partial_labels_keep_to_groups(collection: Collection) -> None:
    part = partly_labelled(collection, [0, 1, 2, 3])  # of user0 to user3
    groups = group_values(part.sounds, "uploader")
    folds = Folds(stratified_folds(part.labels, n_folds=3, groups=groups), "grouped", groups)
    split = train_fold(part, folds, 0, quick(epochs=1, partial_labels=True)).sounds["split"].to_numpy()
    judged = set(groups[np.isin(split, ["test", "val"])])
    assert split[:4].tolist() == ["unused" if group in judged else "partial" for group in groups[:4]]
    assert "partial" in split[:4]


def test_partial_labels_that_nobody_has_are_refused(collection: Collection) -> None:
    with pytest.raises(UserError, match="no sound of 'small' has a top-level class"):
        train_fold(collection, stratified(collection), 0, quick(partial_labels=True))


def test_grouped_folds_keep_groups_out_of_validation_too(collection: Collection) -> None:
    groups = group_values(collection.sounds, "uploader")
    folds = Folds(stratified_folds(collection.labels, n_folds=3, groups=groups), "grouped", groups)
    run = train_fold(collection, folds, 0, quick(epochs=1))
    split = run.sounds["split"].to_numpy()
    assert all(len(set(split[groups == g])) == 1 for g in set(groups))


def test_missing_embeddings_are_refused(collection: Collection) -> None:
    with pytest.raises(UserError, match="no text embeddings yet"):
        train_fold(replace(collection, text=None, text_encoder=None), stratified(collection), 0, quick(modality="both"))


@pytest.mark.parametrize("sizes", [replace(TINY, dropout=0.3), replace(DEEP, dropout=0.3)], ids=["plain", "deep"])
def test_a_fold_comes_out_the_same_whichever_folds_it_is_trained_with(
    collection: Collection, sizes: NetworkSizes
) -> None:
    folds, config = stratified(collection), quick(modality="both", epochs=4, mixup=0.4, sizes=sizes)
    together = train_folds(collection, folds, [0, 1, 2, 3], config)
    alone = train_fold(collection, folds, 2, config)
    assert [run.fold for run in together] == [0, 1, 2, 3]
    np.testing.assert_allclose(together[2].latents, alone.latents, atol=1e-6)
    np.testing.assert_allclose(together[2].history["train_loss"], alone.history["train_loss"], rtol=1e-6)
    assert not np.allclose(together[1].latents, alone.latents)


def test_weights_are_by_each_fold_s_own_training_sounds(collection: Collection) -> None:
    folds, config = stratified(collection), quick(epochs=3, mixup=0.4, class_weights="balanced", confidence_power=1.0)
    together = train_folds(collection, folds, [0, 1, 2], config)
    alone = train_fold(collection, folds, 1, config)
    np.testing.assert_allclose(together[1].latents, alone.latents, atol=1e-6)
    plain = train_fold(collection, folds, 1, quick(epochs=3, mixup=0.4))
    assert not np.allclose(plain.latents, alone.latents)


def test_annotation_confidence_that_all_share_changes_nothing(collection: Collection) -> None:
    sure = replace(collection, sounds=collection.sounds.assign(confidence=3))
    plain, weighted = (
        train_fold(sure, stratified(sure), 0, quick(epochs=3, mixup=0.4, confidence_power=power)) for power in (0, 2)
    )
    np.testing.assert_allclose(weighted.probabilities, plain.probabilities, atol=1e-4)


def test_what_was_really_used_is_recorded(collection: Collection, tmp_path: Path) -> None:
    run = train_fold(collection, stratified(collection), 0, quick(epochs=1, precision="bfloat16"))
    info = load_info(run.save(tmp_path / "run"))
    assert (info.precision, info.threads) == ("bfloat16", torch.get_num_threads())
    assert "torch" in info.versions
    header = json.loads((tmp_path / "run" / "run.json").read_text())
    del header["precision"], header["threads"]
    (tmp_path / "run" / "run.json").write_text(json.dumps(header))
    info = load_info(tmp_path / "run")
    assert info.precision is info.threads is None


@pytest.mark.parametrize(("drop_last", "expected"), [(False, 5), (True, 4)])
def test_an_epoch_leaves_out_or_fills_up_the_last_batch(collection: Collection, drop_last: bool, expected: int) -> None:
    """36 sounds to train on, less a tenth for validation, in batches of 7: 4.6 batches."""
    config = quick(batch_size=7, drop_last=drop_last, validation=0.1)
    assert _steps(collection, stratified(collection), collection.usable(["audio"]), config) == expected


def test_the_structure_of_the_test_latents_is_among_the_metrics(collection: Collection) -> None:
    run = train_fold(collection, stratified(collection), 0, quick(epochs=3))
    expected = structure.structure(run.latents[run.tested], run.y_true[run.tested], run.taxonomy.parents)
    assert {name: run.metrics[name] for name in expected} == expected


def test_held_out_folds_calibrate_where_validation_sounds_are_cuts_of_training_ones() -> None:
    """Eight alike cuts a recording, classes drawn by lot: a network knows each recording, and nothing of another."""
    rng = np.random.default_rng(0)
    recording = np.repeat(np.arange(48), 8)
    base = small_collection(per_class=64)
    audio = (rng.normal(size=(48, base.embedding("audio").shape[1]))[recording]).astype(np.float32)
    lot = np.array(CODES)[rng.integers(len(CODES), size=48)[recording]]
    cuts = replace(base, sounds=base.sounds.assign(**{"class": lot}), audio=audio)
    folds = Folds(np.arange(len(cuts)) % 5, "by cut")
    held_out = Folds(recording % 4, "by recording", recording)
    config = quick(retrieval=True, epochs=20)
    own, strict = (train_fold(cuts, folds, 0, config, held_out=held) for held in (None, held_out))
    assert strict.temperature > 2 * own.temperature
    assert (own.datastore.share > 0, strict.datastore.share) == (True, 0)
    for name, weights in own.weights.items():  # the network itself is the same
        np.testing.assert_allclose(strict.weights[name], weights, atol=1e-6)
