from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.taxonomy import load_taxonomy
from bstviz.errors import UserError
from bstviz.inference.explore import apply_run, library_home, open_library
from bstviz.models.predict import Embeddings, predict
from bstviz.models.run import Run, load_run
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, small_collection, tone, write_tones
from tests.odd_sounds import sndfile

Fakes = tuple[FakeAudioEncoder, FakeTextEncoder]


def folder_of(run: Run) -> Path:
    assert run.folder is not None
    return run.folder


@pytest.mark.parametrize("modality", ["audio", "text", "both"])
def test_an_applied_run_holds_the_runs_answers_for_the_other_collection(
    runs: dict[str, Run], tmp_path: Path, modality: str
) -> None:
    other = load_collection(small_collection(seed=3, name="other").save(tmp_path / "other"))
    run = runs[modality]
    applied = load_run(apply_run(run, other).save(tmp_path / "runs" / "applied"))
    kinds = {"audio": (other.audio, other.audio_encoder), "text": (other.text, other.text_encoder)}
    given = {k: Embeddings(*kinds[k]) for k in run.encoders}  # type: ignore[arg-type]
    answer = predict(run, **given)  # type: ignore[arg-type]
    np.testing.assert_allclose(applied.latents, answer.latent, atol=1e-6)
    np.testing.assert_allclose(applied.probabilities, answer.probabilities, atol=1e-6)
    np.testing.assert_allclose(
        applied.projections[["pca_x", "pca_y", "pca_z"]], applied.pca.transform(answer.latent), atol=1e-5
    )
    assert applied.collection.name == "other"
    assert applied.load_collection().hash == other.hash
    assert applied.applied
    assert run.applied is None
    assert applied.history == {}
    assert set(applied.sounds["split"]) == {"test"}
    assert applied.metrics["second_accuracy"] == pytest.approx((applied.y_true == applied.y_pred).mean())


def test_unlabelled_sounds_are_answered_and_not_judged(runs: dict[str, Run], tmp_path: Path) -> None:
    other = small_collection(seed=3)
    other.sounds["class"] = None
    other.sounds.loc[:4, "class"] = "fx-a"
    applied = apply_run(runs["audio"], other)
    assert applied.sounds["split"].value_counts().to_dict() == {"unused": 43, "test": 5}
    other.sounds["class"] = None
    assert apply_run(runs["audio"], replace(other)).metrics == {}


def test_sounds_without_embedding_are_left_out(runs: dict[str, Run]) -> None:
    other = small_collection(seed=3)
    assert other.audio is not None
    other.audio[:46] = np.nan
    assert apply_run(runs["audio"], other).sounds["sound_id"].tolist() == ["s046", "s047"]
    other.audio[46] = np.nan
    with pytest.raises(UserError, match="1 sounds of 'small' have embeddings"):
        apply_run(runs["audio"], other)


def test_another_taxonomy_or_encoder_is_refused(runs: dict[str, Run], tmp_path: Path) -> None:
    (tmp_path / "birds.csv").write_text("code,parent,name\nb,,Birds\nb-o,b,Owl\nb-r,b,Robin\n")
    other: Collection = small_collection(seed=3)
    other.sounds["class"] = None
    with pytest.raises(UserError, match="taxonomy 'birds'"):
        apply_run(runs["audio"], replace(other, taxonomy=load_taxonomy(tmp_path / "birds.csv")))
    assert other.audio_encoder
    newer = replace(other, audio_encoder=replace(other.audio_encoder, revision="9"))
    with pytest.raises(UserError, match="not interchangeable"):
        apply_run(runs["audio"], newer)


@pytest.mark.slow
def test_a_bare_folder_becomes_a_collection_with_an_applied_run(
    runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    write_tones(tmp_path / "sounds")
    library = open_library(tmp_path / "sounds", [folder_of(runs["audio"])], home=tmp_path / "home")
    assert len(load_collection(library.collection)) == 24
    applied = load_run(library.runs / runs["audio"].id)
    assert len(applied.sounds) == 24
    assert applied.load_collection().load_audio(0)[1] == 8_000
    assert {"umap2_x", "umap3_z"} <= set(applied.projections)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["home", "sounds"]


@pytest.mark.slow
def test_opened_again_a_library_takes_only_what_is_new(runs: dict[str, Run], encoders: Fakes, tmp_path: Path) -> None:
    sounds, run, home = tmp_path / "sounds", folder_of(runs["audio"]), tmp_path / "home"
    write_tones(sounds)
    open_library(sounds, [run], home=home)
    stamp = (home / "runs" / runs["audio"].id / "run.json").stat().st_mtime_ns
    assert encoders[0].embedded == 24
    open_library(sounds, [run], home=home)
    assert encoders[0].embedded == 24
    assert (home / "runs" / runs["audio"].id / "run.json").stat().st_mtime_ns == stamp
    (sounds / "new.wav").write_bytes(sndfile(tone(900), 8_000))
    (sounds / "m-sp_0.wav").write_bytes(sndfile(tone(3_000), 8_000))
    os.utime(sounds / "m-sp_0.wav", ns=(1, 1))
    (sounds / "m-sp_1.wav").unlink()
    library = open_library(sounds, [run], home=home)
    assert encoders[0].embedded == 26
    assert len(library.report.collection) == 24
    row = library.report.collection.row_of["m-sp_0.wav"]
    np.testing.assert_allclose(
        library.report.collection.embedding("audio")[row], FakeAudioEncoder().embed([tone(3_000)])[0], rtol=1e-2
    )
    assert len(load_run(library.runs / runs["audio"].id).sounds) == 24


def test_a_folder_is_not_answered_by_runs_that_read(runs: dict[str, Run], encoders: Fakes, tmp_path: Path) -> None:
    write_tones(tmp_path / "sounds", per_class=1)
    with pytest.raises(UserError, match="audio-only runs"):
        open_library(tmp_path / "sounds", [folder_of(runs["audio"]), folder_of(runs["both"])], home=tmp_path / "home")


def test_each_folder_has_a_place_of_its_own_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSTVIZ_CACHE", str(tmp_path / "cache"))
    homes = {library_home(tmp_path / a / "sounds") for a in "ab"}
    assert len(homes) == 2
    assert all(home.is_relative_to(tmp_path / "cache") and home.name.startswith("sounds-") for home in homes)
