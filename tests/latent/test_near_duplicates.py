from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import StandardScaler

from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.splits import choose_folds, group_values
from bstviz.errors import UserError
from bstviz.latent import near_duplicates
from bstviz.latent.near_duplicates import COPY, correlation, find_duplicates, mark_groups, whiten
from tests.fakes import small_collection
from tests.latent.conftest import pairs


def noise(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=round(16_000 * seconds)).astype(np.float32)


@pytest.fixture
def doubled() -> Collection:
    """Sounds in class clusters; five rows at the end are nearly those of rows 0, 10, 20, 30 and 40."""
    made = small_collection(per_class=20)
    audio = made.embedding("audio")
    copies = audio[:50:10] + 0.02 * np.random.default_rng(1).normal(size=(5, audio.shape[1])).astype(np.float32)
    sounds = pd.concat([made.sounds, made.sounds.iloc[:50:10].assign(sound_id=list("abcde"))], ignore_index=True)
    return replace(made, sounds=sounds, audio=np.vstack([audio, copies]), text=None, text_encoder=None)


def test_whitening_is_that_of_scikit_learn_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(200, 12)) @ rng.normal(size=(12, 12)) + 3).astype(np.float32)
    x[:, 5] = 2  # tells nothing
    monkeypatch.setattr(near_duplicates, "COMPONENTS", 6)
    monkeypatch.setattr(near_duplicates, "ROWS", 64)
    theirs = PCA(6, whiten=True).fit_transform(StandardScaler().fit_transform(x))
    assert cosine_similarity(whiten(x)) == pytest.approx(cosine_similarity(theirs), abs=1e-3)


def test_planted_copies_are_the_nearest_pairs(doubled: Collection) -> None:
    found = find_duplicates(doubled)
    assert set(zip(found.left[:5], found.right[:5], strict=True)) == {(10 * i, 120 + i) for i in range(5)}
    assert (found.left < found.right).all()
    assert (np.diff(found.similarity) <= 0).all()
    assert found.similarity[4] > 0.95


def test_every_pair_above_the_threshold_is_listed_once(doubled: Collection) -> None:
    similarity = np.triu(cosine_similarity(whiten(doubled.embedding("audio"))), 1)
    found = find_duplicates(doubled, threshold=0.6)
    assert set(zip(found.left, found.right, strict=True)) == set(map(tuple, np.argwhere(similarity >= 0.6)))


def test_the_usual_threshold_is_the_median_of_the_nearest_and_its_deviation() -> None:
    assert near_duplicates.usual_threshold(np.array([0.1, 0.2, 0.3, 0.6, 1.0])) == pytest.approx(0.3 + 0.2)


def test_sounds_without_an_embedding_have_no_pairs(doubled: Collection) -> None:
    audio = doubled.embedding("audio").copy()
    audio[120] = np.nan
    found = find_duplicates(replace(doubled, audio=audio))
    assert 120 not in found.right
    assert (found.searched, found.size) == (124, 125)


def test_what_cannot_be_compared_is_refused(doubled: Collection) -> None:
    with pytest.raises(UserError, match="no text embeddings"):
        find_duplicates(doubled, kind="text")
    with pytest.raises(UserError, match="threshold is 2"):
        find_duplicates(doubled, threshold=2)
    few = replace(doubled, audio=np.full_like(doubled.embedding("audio"), np.nan))
    with pytest.raises(UserError, match="has 0 sounds with audio embeddings"):
        find_duplicates(few)


def test_a_stretch_of_a_sound_correlates_fully_at_any_gain_and_polarity() -> None:
    sound = noise(2)
    assert correlation(sound, -0.3 * sound[5_000:20_000]) == pytest.approx(1)
    assert correlation(sound[5_000:20_000], sound) == pytest.approx(1)


def test_noise_upon_a_copy_lowers_its_correlation_as_it_must() -> None:
    sound = noise()
    assert correlation(sound, sound + noise(seed=1)) == pytest.approx(1 / np.sqrt(2), abs=0.02)


def test_other_sounds_and_silence_do_not_correlate() -> None:
    assert correlation(noise(), noise(seed=1)) < 0.1
    assert correlation(noise(), np.zeros(800, np.float32)) == 0
    padded = np.concatenate([np.zeros(32_000, np.float32), noise()])
    assert correlation(padded, noise(0.5, seed=2)) < 0.1
    assert correlation(padded, noise()) == pytest.approx(1)


def test_copies_are_listed_below_the_threshold_too_where_waveforms_are_compared(
    doubled: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(self: Collection, row: int) -> tuple[np.ndarray, int]:
        if row == 1:
            raise UserError("no file")
        return noise(
            0.2, seed=row % 20 if row < 120 else 10 * (row - 120) % 20
        ), 16_000  # 120 + i repeats the sound 10 i

    monkeypatch.setattr(Collection, "load_audio", load)
    near, found = find_duplicates(doubled, threshold=1), find_duplicates(doubled, threshold=1, compare_waveforms=True)
    assert len(near) == 0
    assert found.correlation is not None
    assert (found.correlation >= COPY).all()
    assert {(10 * i, 120 + i) for i in range(5)} <= set(zip(found.left, found.right, strict=True))
    assert 1 not in found.left


def test_groups_are_connected_sounds(doubled: Collection) -> None:
    groups = pairs(doubled, (0, 2), (2, 5), (7, 8)).groups()
    assert groups[[0, 2, 5, 7, 8]].tolist() == [0, 0, 0, 1, 1]
    assert (np.delete(groups, [0, 2, 5, 7, 8]) == -1).all()


def test_the_table_names_what_a_pair_shares_and_whether_it_lies_across_folds(doubled: Collection) -> None:
    folds = np.arange(len(doubled)) % 2
    table = pairs(doubled, (0, 4), (0, 1), (3, 25)).table(doubled.sounds, folds)
    assert table["same_uploader"].tolist() == [True, False, False]
    assert table["same_class"].tolist() == [True, True, False]
    assert table["across_folds"].tolist() == [False, True, False]
    assert "same_recording" not in table


def test_folds_grouped_by_the_marked_column_keep_a_pair_in_the_same_fold(doubled: Collection, tmp_path: Path) -> None:
    found = find_duplicates(doubled)
    mark_groups(doubled, found).save(tmp_path / "marked")
    marked = load_collection(tmp_path / "marked")
    assert marked.hash == doubled.hash
    assert len(set(group_values(marked.sounds, near_duplicates.GROUP_COLUMN))) == (found.groups() < 0).sum() + (
        found.groups().max() + 1
    )
    folds = choose_folds(marked, group=near_duplicates.GROUP_COLUMN).assignment
    assert (folds[found.left] == folds[found.right]).all()
