from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.taxonomy import load_taxonomy
from bstviz.encoders.base import Embeddings
from bstviz.errors import UserError
from bstviz.inference import pool
from bstviz.inference.explore import library_home, open_library, run_inference
from bstviz.models.predict import predict
from bstviz.models.run import Run, load_run
from tests.anomalous_sounds import sndfile
from tests.fakes import CODES, FakeAudioEncoder, FakeTextEncoder, small_collection, tone, write_tones

Fakes = tuple[FakeAudioEncoder, FakeTextEncoder]


def folder_of(run: Run) -> Path:
    assert run.folder is not None
    return run.folder


@pytest.mark.parametrize("modality", ["audio", "text", "both"])
def test_an_inference_only_run_holds_the_runs_predictions_for_the_other_collection(
    runs: dict[str, Run], tmp_path: Path, modality: str
) -> None:
    other = load_collection(small_collection(seed=3, name="other").save(tmp_path / "other"))
    run = runs[modality]
    inferred = load_run(run_inference(run, other).save(tmp_path / "runs" / "applied"))
    kinds = {"audio": (other.audio, other.audio_encoder), "text": (other.text, other.text_encoder)}
    given = {k: Embeddings(*kinds[k]) for k in run.encoders}  # type: ignore[arg-type]
    answer = predict(run, **given)  # type: ignore[arg-type]
    np.testing.assert_allclose(inferred.latents, answer.latent, atol=1e-6)
    np.testing.assert_allclose(inferred.probabilities, answer.probabilities, atol=1e-6)
    np.testing.assert_allclose(
        inferred.projections[["pca_x", "pca_y", "pca_z"]], inferred.pca.transform(answer.latent), atol=1e-5
    )
    assert inferred.collection.name == "other"
    assert inferred.load_collection().hash == other.hash
    assert inferred.answered_by
    assert run.answered_by is None
    assert inferred.history == {}
    assert set(inferred.sounds["split"]) == {"test"}
    most_probable = inferred.taxonomy.argmax(inferred.probabilities)
    assert inferred.metrics["second_accuracy"] == pytest.approx((inferred.y_true == most_probable).mean())
    np.testing.assert_array_equal(inferred.y_pred, inferred.taxonomy.top_down(inferred.probabilities))
    assert (inferred.decoding, run.decoding) == ("top_down", "argmax")


def test_of_another_collection_s_texts_the_run_s_own_is_taken(runs: dict[str, Run], tmp_path: Path) -> None:
    """The run was trained on the first text of its collection; of the other one that is the second."""
    other = small_collection(seed=3, name="other")
    first = other.text_encoder
    assert first is not None
    described = Embeddings(other.embedding("text")[::-1].copy(), replace(first, fields=("description",)))
    turned = replace(other, text=described.values, text_encoder=described.encoder)
    turned = load_collection(turned.having_text(Embeddings(other.embedding("text"), first)).save(tmp_path / "other"))
    inferred = load_run(run_inference(runs["text"], turned).save(tmp_path / "inferred"))
    np.testing.assert_array_equal(inferred.probabilities, run_inference(runs["text"], other).probabilities)
    assert inferred.collection.text_hash == turned.with_text("title+tags").text_hash
    inferred.check_collection(turned)
    with pytest.raises(UserError, match=r"'title\+tags'; there are description"):
        run_inference(runs["text"], replace(turned, further_texts=()))


def test_unlabelled_sounds_are_answered_and_not_judged(runs: dict[str, Run], tmp_path: Path) -> None:
    other = small_collection(seed=3)
    other.sounds["class"] = None
    other.sounds.loc[:4, "class"] = "fx-a"
    inferred = run_inference(runs["audio"], other)
    assert inferred.sounds["split"].value_counts().to_dict() == {"unused": 43, "test": 5}
    other.sounds["class"] = None
    assert run_inference(runs["audio"], replace(other)).metrics == {}


def test_sounds_without_embedding_are_left_out(runs: dict[str, Run]) -> None:
    other = small_collection(seed=3)
    assert other.audio is not None
    other.audio[:46] = np.nan
    assert run_inference(runs["audio"], other).sounds["sound_id"].tolist() == ["s046", "s047"]
    other.audio[46] = np.nan
    with pytest.raises(UserError, match="1 sound of 'small' has an embedding"):
        run_inference(runs["audio"], other)


def test_another_taxonomy_or_encoder_is_refused(runs: dict[str, Run], tmp_path: Path) -> None:
    (tmp_path / "birds.csv").write_text("code,parent,name\nb,,Birds\nb-o,b,Owl\nb-r,b,Robin\n")
    other: Collection = small_collection(seed=3)
    other.sounds["class"] = None
    with pytest.raises(UserError, match="taxonomy 'birds'"):
        run_inference(runs["audio"], replace(other, taxonomy=load_taxonomy(tmp_path / "birds.csv")))
    assert other.audio_encoder
    newer = replace(other, audio_encoder=replace(other.audio_encoder, revision="9"))
    with pytest.raises(UserError, match="not interchangeable"):
        run_inference(runs["audio"], newer)


@pytest.mark.slow
def test_a_bare_folder_becomes_a_collection_with_an_inference_only_run(
    runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    write_tones(tmp_path / "sounds")
    library = open_library(tmp_path / "sounds", [folder_of(runs["audio"])], home=tmp_path / "home")
    assert len(load_collection(library.collection)) == 24
    inferred = load_run(library.runs / runs["audio"].id)
    assert len(inferred.sounds) == 24
    assert inferred.load_collection().load_audio(0)[1] == 8_000
    assert {"umap2_x", "umap3_z"} <= set(inferred.projections)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["home", "sounds"]


@pytest.mark.slow
def test_opened_again_a_library_takes_only_what_is_new(runs: dict[str, Run], encoders: Fakes, tmp_path: Path) -> None:
    sounds, run, home = tmp_path / "sounds", folder_of(runs["audio"]), tmp_path / "home"
    write_tones(sounds)
    open_library(sounds, [run], home=home)
    modified = (home / "runs" / runs["audio"].id / "run.json").stat().st_mtime_ns
    assert encoders[0].embedded == 24
    open_library(sounds, [run], home=home)
    assert encoders[0].embedded == 24
    assert (home / "runs" / runs["audio"].id / "run.json").stat().st_mtime_ns == modified
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


@pytest.mark.slow
def test_a_library_of_before_there_were_two_decodings_is_decoded_anew(
    runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    sounds, run, home = tmp_path / "sounds", folder_of(runs["audio"]), tmp_path / "home"
    write_tones(sounds, per_class=1)
    library = open_library(sounds, [run], home=home)
    folder = library.runs / runs["audio"].id
    made = load_run(folder)
    replace(made, sounds=made.sounds.assign(y_pred="ss-n"), decoding="argmax").save(folder)
    header = json.loads((folder / "run.json").read_text())
    del header["decoding"]
    (folder / "run.json").write_text(json.dumps(header))
    assert load_run(folder).decoding == "argmax"
    open_library(sounds, [run], home=home)
    again = load_run(folder)
    assert again.decoding == "top_down"
    np.testing.assert_array_equal(again.y_pred, made.y_pred)
    np.testing.assert_array_equal(again.latents, made.latents)
    assert encoders[0].embedded == len(made.sounds)


def test_a_library_of_too_few_good_sounds_says_why(runs: dict[str, Run], encoders: Fakes, tmp_path: Path) -> None:
    sounds, run = tmp_path / "sounds", folder_of(runs["audio"])
    sounds.mkdir()
    (sounds / "one.wav").write_bytes(sndfile(tone(500), 8_000))
    with pytest.raises(
        UserError, match=r"1 of 1 sounds in .* at least 2\. Add sounds, or ask about one: bstviz classify"
    ):
        open_library(sounds, [run], home=tmp_path / "home")
    (sounds / "one.wav").write_text("no sound at all")
    (sounds / "two.wav").symlink_to("nowhere.wav")
    with pytest.raises(
        UserError, match=r"0 of 1 sounds .*\n  two\.wav: .*leads nowhere.*\n  one\.wav: .*not be decoded"
    ):
        open_library(sounds, [run], home=tmp_path / "home")


def test_sounds_below_a_link_whose_drive_is_away_stay_in_the_library(
    runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    sounds, run, home = tmp_path / "sounds", folder_of(runs["audio"]), tmp_path / "home"
    write_tones(sounds, CODES[:2], per_class=1)
    write_tones(tmp_path / "drive", CODES[2:4], per_class=1)
    (sounds / "pack").symlink_to(tmp_path / "drive")
    whole = open_library(sounds, [run], home=home, follow_links=True).report.collection
    (tmp_path / "drive").rename(tmp_path / "away")
    library = open_library(sounds, [run], home=home, follow_links=True)
    assert list(library.problems) == ["pack"]
    assert library.report.collection.hash == whole.hash
    pd.testing.assert_frame_equal(library.report.collection.sounds, whole.sounds)
    (tmp_path / "away").rename(tmp_path / "drive")
    assert open_library(sounds, [run], home=home, follow_links=True).problems == {}
    assert encoders[0].embedded == 4


def test_a_library_that_is_away_is_not_made_anew(runs: dict[str, Run], encoders: Fakes, tmp_path: Path) -> None:
    sounds, run, home = tmp_path / "sounds", folder_of(runs["audio"]), tmp_path / "home"
    write_tones(sounds, CODES[:4], per_class=1)
    (sounds / "dangling.wav").symlink_to("nowhere.wav")
    library = open_library(sounds, [run], home=home)
    assert list(library.problems) == ["dangling.wav"]
    sounds.rename(tmp_path / "elsewhere")
    write_tones(sounds, ["fx-el"], per_class=1)
    with pytest.raises(UserError, match="4 of 4 sounds that were explored"):
        open_library(sounds, [run], home=home)
    assert len(load_collection(home / "collection")) == 4


def test_a_folder_is_not_answered_by_runs_that_read(runs: dict[str, Run], encoders: Fakes, tmp_path: Path) -> None:
    write_tones(tmp_path / "sounds", per_class=1)
    with pytest.raises(UserError, match="audio models of one encoder"):
        open_library(tmp_path / "sounds", [folder_of(runs["audio"]), folder_of(runs["both"])], home=tmp_path / "home")


def test_each_folder_has_a_place_of_its_own_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSTVIZ_CACHE", str(tmp_path / "cache"))
    homes = {library_home(tmp_path / a / "sounds") for a in "ab"}
    assert len(homes) == 2
    assert all(home.is_relative_to(tmp_path / "cache") and home.name.startswith("sounds-") for home in homes)


def test_a_librarys_runs_pool_audio_and_the_words_of_its_names(
    runs: dict[str, Run], encoders: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs["text"].save(tmp_path / "assets" / "text")
    monkeypatch.setattr(pool, "assets", lambda: tmp_path / "assets")
    (tmp_path / "sounds").mkdir()
    for name, pitch in (("0001.wav", 500), ("title some tags.wav", 900), ("0003.wav", 1_500)):
        (tmp_path / "sounds" / name).write_bytes(sndfile(tone(pitch), 8_000))
    made = {}
    for names in (False, True, False):
        library = open_library(tmp_path / "sounds", [folder_of(runs["audio"])], home=tmp_path / "home", names=names)
        made[names] = load_run(library.runs / runs["audio"].id)
    assert made[True].sounds["sound_id"].tolist() == ["0001.wav", "0003.wav", "title some tags.wav"]
    read = pool.TextModel(runs["text"]).predict(["", "", "title some tags"])
    weight = pool.TextModel(runs["text"]).weight([runs["audio"]])
    expected = pool.pooled(made[False].probabilities, read, weight)
    np.testing.assert_allclose(made[True].probabilities, expected, atol=1e-6)
    np.testing.assert_array_equal(made[True].probabilities[:2], made[False].probabilities[:2])
    assert made[True].answered_by != made[False].answered_by
