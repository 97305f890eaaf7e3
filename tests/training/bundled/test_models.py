from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets import demo
from bstviz.datasets.collection import Collection
from bstviz.datasets.extra import concatenate
from bstviz.inference.names import words_of_name
from bstviz.inference.pool import TextModel
from bstviz.models.run import load_run
from bstviz.training.bundled.models import (
    held_out_folds,
    make_collection,
    titled,
    train_bundled_text,
    usable,
)
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, quick, small_collection


def licensed(*licenses: str | None) -> Collection:
    base = small_collection(per_class=1)
    return replace(base, sounds=base.sounds.assign(license=list(licenses)))


def test_sounds_of_no_or_a_non_commercial_licence_are_left_out() -> None:
    collection = licensed(
        "CC0", "CC BY-NC 3.0 (ESC-50)", None, "no licence stated", "GPL-2+ / CC BY-SA", "CC BY-NC-SA 4.0"
    )
    freesound = licensed(
        "http://creativecommons.org/publicdomain/zero/1.0/",
        "https://creativecommons.org/licenses/by-nc/4.0/",
        "http://creativecommons.org/licenses/sampling+/1.0/",
        "https://creativecommons.org/licenses/by/4.0/",
        None,
        "http://creativecommons.org/licenses/by-nc/3.0/",
    )
    assert usable(freesound).sounds["sound_id"].tolist() == freesound.sounds["sound_id"].iloc[[0, 3]].tolist()
    kept = usable(collection)
    assert kept.sounds["license"].tolist() == ["CC0", "GPL-2+ / CC BY-SA"]
    np.testing.assert_array_equal(kept.embedding("audio"), collection.embedding("audio")[[0, 4]])
    np.testing.assert_array_equal(kept.embedding("text"), collection.embedding("text")[[0, 4]])


def test_the_demo_is_embedded_anew_by_another_encoder_and_else_read_back(
    tmp_path: Path, encoders: tuple[FakeAudioEncoder, FakeTextEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = demo.load()
    few = replace(few, sounds=few.sounds.iloc[:3].reset_index(drop=True))
    few.save(tmp_path / "demo")
    monkeypatch.setattr("bstviz.training.bundled.models.AUDIO_ENCODER", "fake-audio")
    monkeypatch.setattr("bstviz.training.bundled.models.TEXT_ENCODER", "fake-text")
    made = make_collection(tmp_path / "demo")
    assert (made.audio_encoder, encoders[0].embedded, encoders[1].embedded) == (encoders[0].info, 3, 3)
    assert make_collection(tmp_path / "demo").hash == made.hash
    replace(made, audio_encoder=replace(encoders[0].info, id="another")).save(tmp_path / "demo")
    assert make_collection(tmp_path / "demo").audio_encoder == encoders[0].info
    assert (encoders[0].embedded, encoders[1].embedded) == (6, 3)


def test_recordings_are_held_out_by_where_they_come_from_and_the_demo_never() -> None:
    base, other, plain = (
        small_collection(seed=seed, name=name) for seed, name in enumerate(["demo", "other", "plain"])
    )
    base = replace(base, sounds=base.sounds.assign(sound_id="d" + base.sounds["sound_id"]))
    named = replace(other, sounds=other.sounds.assign(collection=[f"c{i % 7}" for i in range(len(other))]))
    everything = concatenate(base, [named, plain])
    recorded = np.arange(len(everything)) >= len(base)
    folds = held_out_folds(everything, recorded)
    assert (folds.assignment[~recorded] == -1).all()
    assert (folds.assignment[recorded] >= 0).all()
    by_place = everything.sounds[recorded].assign(fold=folds.assignment[recorded]).groupby("collection")["fold"]
    assert (by_place.nunique() == 1).all()
    assert set(by_place.groups) == {f"c{i}" for i in range(7)} | {"plain"}
    assert held_out_folds(base, np.zeros(len(base), bool)) is None


def test_the_text_model_learns_from_words_of_titles_and_keeps_none(
    tmp_path: Path, encoders: tuple[FakeAudioEncoder, FakeTextEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"fx-a": "barking dog", "fx-v": "passing car", "ss-n": "forest birds"}
    rows = [
        (f"{code}{i}", code, f"{title}_{i:02}.wav" if i % 10 else f"{i:04}.wav", f"user{i % 12}", "CC0")
        for code, title in words.items()
        for i in range(40)
    ]
    table = pd.DataFrame(rows, columns=["sound_id", "class", "title", "uploader", "license"])
    table.loc[3, "license"] = "https://creativecommons.org/licenses/by-nc/4.0/"
    table.to_csv(tmp_path / "titles.csv", index=False)
    monkeypatch.setattr("bstviz.training.bundled.models.TEXT_ENCODER", "fake-text")
    monkeypatch.setattr("bstviz.training.bundled.models.recipe", lambda name, **changes: quick(**changes))
    collection = titled(tmp_path / "titles.csv")
    assert len(collection) == 3 * 36 - 1
    run = load_run(train_bundled_text(tmp_path / "titles.csv", tmp_path))
    tested = table.set_index("sound_id").loc[run.sounds["sound_id"]]
    assert 0 < len(tested) < 40
    assert set(run.sounds["split"]) == {"test"}
    assert set(run.encoders) == {"text"}
    assert run.held_out_gain == pytest.approx(np.log(3), abs=0.15)
    for file in (tmp_path / "text").iterdir():
        assert b"barking" not in file.read_bytes()
    found = TextModel(run).predict([words_of_name("Dog-barking 7.flac"), "forest birds"])
    assert [run.taxonomy.codes[i] for i in found.argmax(axis=1)] == ["fx-a", "ss-n"]
