from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from bstviz.cli import web
from bstviz.datasets.collection import load_collection
from bstviz.datasets.taxonomy import bst
from bstviz.inference import pool
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import Run, load_run
from tests.cli.conftest import Fakes, invoke
from tests.fakes import tone, write_tones


def test_classify_as_json(place: Path, encoders: Fakes, tmp_path: Path) -> None:
    run, good, bad = find_runs(place / "flat")[0], tmp_path / "0001.wav", place / "tones.csv"
    soundfile.write(good, tone(1_234), 8_000)
    result = invoke("classify", good, bad, "--run", run, "--json")
    assert result.exit_code == 1
    answered, failed = json.loads(result.stdout)
    keys = ("file", "run", "encoder", "via", "decoding", "top", "second", "novelty", "notes", "own", "audio", "words")
    assert set(answered) == set(keys)
    assert (answered["own"], answered["audio"], answered["words"]) == (None, None, None)
    assert 0 <= answered["novelty"] <= 1
    assert answered["notes"] == []
    assert answered["file"] == str(good)
    assert answered["run"] == str(run)
    assert answered["encoder"] == "fake-audio 1"
    assert answered["decoding"] == "top_down"
    assert bst().parent_of(answered["second"][0]["class"]) == answered["top"][0]["class"]
    for level, count in (("top", 5), ("second", 23)):
        assert [set(entry) for entry in answered[level]] == [{"class", "probability"}] * count
        values = [entry["probability"] for entry in answered[level]]
        assert values[1:] == sorted(values[1:], reverse=True)
        assert sum(values) == pytest.approx(1, abs=1e-5)
    assert set(failed) == {"file", "run", "encoder", "via", "error"}
    assert "could not be decoded" in failed["error"]


def test_classify_for_people(place: Path, encoders: Fakes) -> None:
    run = find_runs(place / "flat")[0]
    printed = invoke("classify", place / "audio" / "fx-a_0.wav", "--run", run, "--best", 2).stdout
    second = next(line for line in printed.splitlines() if "second:" in line)
    assert second.count("%") == 2
    assert "fx-a_0.wav" in printed
    assert "encoder fake-audio 1" in printed


@pytest.fixture
def beside(runs: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small text run in place of the bundled text model."""
    runs["text"].save(tmp_path / "assets" / "text")
    monkeypatch.setattr(pool, "assets", lambda: tmp_path / "assets")


def test_classify_pools_audio_and_the_words_of_names(
    place: Path, encoders: Fakes, beside: None, tmp_path: Path
) -> None:
    run, named, coded = find_runs(place / "flat")[0], tmp_path / "DogBarking_02.wav", tmp_path / "ZOOM0012.WAV"
    for file in (named, coded):
        soundfile.write(file, tone(1_234), 8_000)
    pooled, same = json.loads(invoke("classify", named, coded, "--run", run, "--json").stdout)
    alone, _ = json.loads(invoke("classify", named, coded, "--run", run, "--no-names", "--json").stdout)
    assert pooled["words"]["text"] == "dog barking"
    assert 0 < pooled["words"]["weight"] < 1
    assert pooled["audio"]["second"] == alone["second"] == same["second"]
    assert pooled["second"] != alone["second"]
    assert (alone["words"], same["words"], same["audio"]) == (None, None, None)
    (told,) = json.loads(invoke("classify", coded, "--run", run, "--text", "A dog", "--json").stdout)
    assert told["words"]["text"] == "A dog"
    printed = invoke("classify", named, "--run", run).stdout
    assert "by audio alone:" in printed
    assert "by the words 'dog barking' (weight" in printed


def test_label_pools_audio_and_the_words_of_names(place: Path, encoders: Fakes, beside: None, tmp_path: Path) -> None:
    run, sounds = find_runs(place / "flat")[0], tmp_path / "sounds"
    sounds.mkdir()
    for name in ("dog_barking.wav", "0001.wav"):
        soundfile.write(sounds / name, tone(1_234), 8_000)
    shown = invoke("label", sounds, "--out", tmp_path / "a.parquet", "--run", run).stderr
    assert "and, of 1, the words of their names" in " ".join(shown.split())
    invoke("label", sounds, "--out", tmp_path / "b.parquet", "--run", run, "--no-names")
    with_names, without = (pd.read_parquet(tmp_path / f"{x}.parquet").set_index("file") for x in "ab")
    assert with_names.loc["dog_barking.wav", "words"] == "dog barking"
    assert with_names.loc["dog_barking.wav", "audio_second"] == without.loc["dog_barking.wav", "second"]
    assert with_names["words"].isna().tolist() == [True, False]
    probabilities = [f"p_{code}" for code in bst().codes]
    pd.testing.assert_series_equal(with_names.loc["0001.wav", probabilities], without.loc["0001.wav", probabilities])
    assert (with_names.loc["dog_barking.wav", probabilities] != without.loc["dog_barking.wav", probabilities]).any()
    assert "words" not in without


def test_a_sound_of_the_runs_own_gets_its_stored_answer(place: Path, encoders: Fakes, beside: None) -> None:
    run = find_runs(place / "flat")[0]
    (entry,) = json.loads(invoke("classify", place / "audio" / "fx-a_0.wav", "--run", run, "--json").stdout)
    stored = load_run(run).sounds.set_index("sound_id").loc["fx-a_0"]
    assert (entry["own"], entry["decoding"], entry["second"][0]["class"]) == ("fx-a_0", "argmax", stored["y_pred"])
    assert "its stored answer is shown" in entry["notes"][0]


def test_classify_takes_words_for_an_audio_and_text_model(place: Path, encoders: Fakes) -> None:
    run, file = find_runs(place / "both")[0], place / "audio" / "fx-a_0.wav"
    (entry,) = json.loads(invoke("classify", file, "--run", run, "--text", "sound fx-a 0", "--json").stdout)
    assert entry["encoder"] == "fake-audio 1 + fake-text 1"
    assert len(entry["second"]) == 23
    (entry,) = json.loads(invoke("classify", file, "--run", run, "--json").stdout)
    assert "give a title or tags" in entry["error"]


def test_a_text_model_is_refused_wherever_sounds_are_asked_about(
    runs: dict[str, Run], refused: Callable[..., str], encoders: Fakes, tmp_path: Path
) -> None:
    run, file, said = ("--run", str(runs["text"].folder)), "{}/audio/fx-a_0.wav", "choose an audio model"
    assert f"takes no sounds: {said}" in refused("classify", file, *run)
    assert f"takes no sounds: {said}" in refused("classify", file, *run, "--text", "a dog")
    assert said in refused("label", "{}/audio", "--out", str(tmp_path / "labels.parquet"), *run)
    assert "takes audio models" in refused("explore", "{}/audio", "--home", str(tmp_path / "home"), *run)
    collection = str((runs["text"].folder or Path()) / str(runs["text"].collection.path))
    assert said in refused("search", collection, "--like", file, *run)


def test_classify_fails_where_no_sound_could_be_decoded(place: Path, encoders: Fakes) -> None:
    result = invoke("classify", place / "nowhere.wav", "--run", find_runs(place / "flat")[0], "--json")
    assert result.exit_code == 1
    assert "does not exist" in json.loads(result.stdout)[0]["error"]


def test_classify_notes_what_is_anomalous_about_a_sound(place: Path, encoders: Fakes, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "loud.wav", np.sign(tone(500)), 8_000)
    printed = invoke("classify", tmp_path / "loud.wav", "--run", find_runs(place / "flat")[0]).stdout
    assert "note: It is clipped" in printed
    assert "unusual:" in printed


@pytest.mark.parametrize("command", [("label",), ("classify", "--batch")], ids=["label", "its old name"])
def test_label_takes_a_folder_and_names_what_could_not_be_decoded(
    place: Path, encoders: Fakes, tmp_path: Path, command: tuple[str, ...]
) -> None:
    write_tones(tmp_path / "audio", per_class=2)
    (tmp_path / "audio" / "bad.wav").write_text("no sound")
    out, run = tmp_path / "labels.parquet", find_runs(place / "flat")[0]
    result = invoke(*command, tmp_path / "audio", "--out", out, "--run", run)
    printed = " ".join(result.stderr.split())
    assert result.exit_code == 1
    assert "12 of 13 sounds labelled" in printed
    assert "bad.wav could not be decoded" in printed
    assert ("is now label" in printed) == (command != ("label",))
    assert len(pd.read_parquet(out)) == 13


@pytest.mark.slow
def test_explore_makes_a_library_and_serves_it(
    place: Path, encoders: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(web, "serve_app", lambda *where, **_: seen.extend(where) or 0)
    run = find_runs(place / "flat")[0]
    assert invoke("explore", place / "audio", "--run", run, "--home", tmp_path / "home").exit_code == 0
    assert seen == [[tmp_path / "home" / "runs"], [tmp_path / "home" / "collection"]]
    assert len(load_run(tmp_path / "home" / "runs" / run.name).sounds) == 36
    assert (
        "next: bstviz app"
        in invoke("explore", place / "audio", "--run", run, "--home", tmp_path / "home", "--no-serve").stderr
    )


def test_names_that_are_not_utf_8_are_printed_readably(place: Path, encoders: Fakes, tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    file = Path(os.fsdecode(os.fsencode(tmp_path / "sounds") + b"/T\xfcr.wav"))
    soundfile.write(os.fsencode(file), tone(500), 8_000)
    run = find_runs(place / "flat")[0]
    assert r"T\xfcr.wav" in invoke("classify", file, "--run", run).stdout
    file.write_text("no sound")
    result = invoke("label", tmp_path / "sounds", "--out", tmp_path / "l.parquet", "--run", run)
    assert result.exit_code == 1
    assert r"T\xfcr.wav could not be decoded" in " ".join(result.stderr.split())


def test_search_lists_the_sounds_nearest_to_some_words(place: Path, encoders: Fakes) -> None:
    result = invoke("search", place / "tones", "sound fx-a 3", "--count", 2, "--json")
    answer = json.loads(result.stdout)
    assert answer["by"] == "text"
    assert [set(entry) for entry in answer["found"]] == [{"sound_id", "class", "title", "path", "score"}] * 2
    assert answer["found"][0]["score"] == pytest.approx(1, abs=1e-5)
    printed = invoke("search", place / "tones", "sound fx-a 3", "--count", 2).stdout
    assert "by text, fake-text 1" in printed
    assert f"1.000  {answer['found'][0]['sound_id']}" in printed


def test_search_takes_ids_and_files_to_be_like_and_unlike(place: Path, encoders: Fakes) -> None:
    run = find_runs(place / "flat")[0]
    by_id = ("search", place / "tones", "--like", "fx-a_0", "--unlike", "m-m_1", "--count", 3, "--json")
    for more in ((), ("--run", run)):
        answer = json.loads(invoke(*by_id, *more).stdout)
        assert {entry["class"] for entry in answer["found"]} == {"fx-a"}
        assert answer["by"] is None
    assert answer["space"].startswith("the latent space of ")
    file = place / "audio" / "fx-a_0.wav"
    (entry,) = json.loads(invoke("search", place / "tones", "--like", file, "--count", 1, "--json").stdout)["found"]
    assert (entry["sound_id"], entry["score"]) == ("fx-a_0", pytest.approx(1, abs=1e-5))
    assert "embeddings by fake-audio 1" in invoke("search", place / "tones", "--like", file).stdout


def test_square_brackets_in_names_are_printed_as_they_are(place: Path, encoders: Fakes, tmp_path: Path) -> None:
    file = tmp_path / "[red]loud[bold].wav"
    soundfile.write(file, tone(500), 8_000)
    assert "[red]loud[bold].wav" in invoke("classify", file, "--run", find_runs(place / "flat")[0]).stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("classify", "{}/audio/fx-a_0.wav", "--run", "{}/tones"), "holds no run"),
        (("classify",), "Give sound files"),
        (("classify", "--batch", "{}/audio"), "--batch takes a folder and --out"),
        (("label", "{}/audio"), "Missing option '--out'"),
        (("label", "{}/nowhere", "--out", "{}/l.parquet"), "There is no folder"),
        (("label", "{}/audio", "--out", "{}/l.csv"), "written as a .parquet"),
        (("label", "{}/audio", "--out", "{}/l.parquet", "--engine", "spark"), "known: local, ray"),
        (("explore", "{}/nowhere"), "There is no folder"),
        (("search", "{}/tones", " "), "query is empty"),
        (("search", "{}/tones", "dog", "--by", "smell"), "allowed are audio, text and substring"),
        (("search", "{}/tones", "--like", "nobody"), "neither the id of a sound"),
    ],
)
def test_bad_input_gives_a_sentence(refused: Callable[..., str], arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in refused(*arguments)


def test_check_encoder_tells_its_own_vectors_from_shuffled_ones(place: Path, encoders: Fakes, tmp_path: Path) -> None:
    printed = invoke("check-encoder", place / "tones", "--sounds", 5)
    assert printed.exit_code == 0
    assert printed.stdout.count("cosine 1.000 median, 1.000 worst") == 4  # audio and text: all, and the short ones
    collection = load_collection(place / "tones")
    shuffled = replace(collection, audio=np.roll(collection.embedding("audio"), 6, axis=0))
    result = invoke("check-encoder", shuffled.save(tmp_path / "shuffled"), "--by", "audio", "--json")
    assert result.exit_code == 1
    (found,) = json.loads(result.stdout)
    assert (found["kind"], found["verdict"]) == ("audio", "other rows")


def test_check_encoder_says_what_cannot_be_checked(place: Path, refused: Callable[..., str]) -> None:
    assert "There is no audio encoder 'fake-audio'" in refused("check-encoder", "{}/tones", "--by", "audio")
    assert "--by is 'both'" in refused("check-encoder", "{}/tones", "--by", "both")
