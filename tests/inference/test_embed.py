from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.audio.sound import Sound
from bstviz.datasets import table
from bstviz.datasets.collection import load_collection
from bstviz.encoders import registry
from bstviz.encoders.base import Preprocessing
from bstviz.errors import AwayError, UserError
from bstviz.inference import embed
from bstviz.inference.embed import EmbedReport, embed_collection
from bstviz.jobs.resumable import Item
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, small_collection, write_tones

Fakes = tuple[FakeAudioEncoder, FakeTextEncoder]


class StoppedError(Exception):
    """Stands for a process that is killed."""


class Interrupted(FakeAudioEncoder):
    """Gives up when it has embedded ``after`` sounds."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def embed(self, sounds: Sequence[np.ndarray]) -> np.ndarray:
        if self.embedded >= self.after:
            raise StoppedError
        return super().embed(sounds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An imported collection of 24 tones, without embeddings."""
    write_tones(tmp_path / "audio").to_csv(tmp_path / "tones.csv", index=False)
    return table.load(tmp_path / "tones.csv", audio_folder=tmp_path / "audio").save(tmp_path / "tones")


def fake_embed(folder: Path, **changes: object) -> EmbedReport:
    settings = {"audio_encoder": "fake-audio", "text_encoder": "fake-text", "text_fields": ("title", "tags")}
    return embed_collection(folder, **{**settings, **changes})  # type: ignore[arg-type]


def test_rows_are_the_encoders_answers_in_table_order(folder: Path, encoders: Fakes) -> None:
    done = fake_embed(folder).collection
    for row in (0, 7, 23):
        samples, rate = done.load_audio(row)
        assert rate == FakeAudioEncoder.rate
        np.testing.assert_array_equal(done.embedding("audio")[row], FakeAudioEncoder().embed([samples])[0])
        words = done.texts(("title", "tags"))[row]
        np.testing.assert_array_equal(done.embedding("text")[row], FakeTextEncoder().embed([words])[0])


def test_the_collection_records_encoders_and_fields_and_is_saved(folder: Path, encoders: Fakes) -> None:
    report = fake_embed(folder)
    saved = load_collection(folder)
    assert saved.hash == report.collection.hash
    assert str(saved.audio_encoder) == "fake-audio 1, 16-d"
    assert str(saved.text_encoder) == "fake-text 1 (title + tags), 12-d"
    assert report.without_audio == {}
    assert report.without_text == 0
    assert sorted(f.name for f in folder.parent.iterdir()) == ["audio", "tones", "tones.csv"]


def test_other_fields_are_embedded_beside_the_first_and_the_same_ones_anew(folder: Path, encoders: Fakes) -> None:
    first = fake_embed(folder).collection
    both = fake_embed(folder, audio_encoder=None, text_fields=("title", "class")).collection
    assert list(both.text_configurations) == ["title+tags", "title+class"]
    assert both.hash == first.hash
    np.testing.assert_array_equal(both.embedding("text"), first.embedding("text"))
    words = both.texts(("title", "class"))
    np.testing.assert_array_equal(both.with_text("title+class").embedding("text"), FakeTextEncoder().embed(words))
    again = fake_embed(folder)
    assert list(again.collection.text_configurations) == ["title+tags", "title+class"]
    assert again.replaced == ()


def test_the_cut_and_the_way_words_are_joined_are_chosen_recorded_and_done(folder: Path, encoders: Fakes) -> None:
    done = fake_embed(folder, preprocessing=Preprocessing(0.1), text_template="{tags} | {title}").collection
    saved = load_collection(folder)
    assert saved.audio_encoder is not None and saved.text_encoder is not None
    assert saved.audio_encoder.preprocessing == Preprocessing(0.1)
    assert (saved.text_encoder.fields, saved.text_encoder.template) == (("tags", "title"), "{tags} | {title}")
    samples, _ = done.load_audio(0)
    np.testing.assert_array_equal(done.embedding("audio")[0], FakeAudioEncoder().embed([samples[:800]])[0])
    joined = FakeTextEncoder().embed([str(done.sounds["title"].iat[0])])[0]  # there are no tags
    np.testing.assert_array_equal(done.embedding("text")[0], joined)


def test_embeddings_that_give_way_to_another_encoder_s_are_reported(
    folder: Path, encoders: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_embed(folder)
    monkeypatch.setitem(registry.ENCODERS, ("text", "fake-text"), lambda device: FakeTextEncoder("2"))
    assert [str(info) for info in fake_embed(folder).replaced] == ["fake-text 1 (title + tags), 12-d"]


def test_a_stopped_run_goes_on_and_does_nothing_twice(
    folder: Path, encoders: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "BATCH_SOUNDS", 4)
    first = Interrupted(after=12)
    monkeypatch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: first)
    with pytest.raises(StoppedError):
        fake_embed(folder)
    assert first.embedded == 12
    assert load_collection(folder).audio is None

    audio, text = encoders
    monkeypatch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: audio)
    resumed = fake_embed(folder).collection
    assert audio.embedded == 12
    assert text.embedded == 24
    np.testing.assert_array_equal(resumed.embedding("audio"), fake_embed(folder).collection.embedding("audio"))


def test_chunks_of_another_encoder_revision_are_not_taken_over(
    folder: Path, encoders: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "BATCH_SOUNDS", 4)
    monkeypatch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: Interrupted(after=12))
    with pytest.raises(StoppedError):
        fake_embed(folder)
    newer = FakeAudioEncoder(revision="2")
    monkeypatch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: newer)
    fake_embed(folder)
    assert newer.embedded == 24


def test_progress_counts_what_was_done_before(folder: Path, encoders: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, int]] = []

    def track(items: Iterable, *, total: int, description: str, completed: int = 0) -> Iterator:
        seen.append((description, total, completed))
        steps = 0
        for item in items:
            yield item
            steps += 1
        assert completed + steps == total

    monkeypatch.setattr(embed, "BATCH_SOUNDS", 4)
    monkeypatch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: Interrupted(after=8))
    with pytest.raises(StoppedError):
        fake_embed(folder, track=track)
    monkeypatch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: encoders[0])
    fake_embed(folder, track=track)
    assert seen == [("Sounds", 24, 0), ("Sounds", 24, 8), ("Text", 24, 0)]


def test_bad_files_give_nan_rows_and_reasons(folder: Path, encoders: Fakes) -> None:
    audio = folder.parent / "audio"
    (audio / "m-sp_1.wav").write_text("no sound")
    (audio / "m-m_2.wav").unlink()
    report = fake_embed(folder)
    assert set(report.without_audio) == {"m-sp_1", "m-m_2"}
    assert "could not be decoded" in report.without_audio["m-sp_1"]
    assert "does not exist" in report.without_audio["m-m_2"]
    ids = report.collection.sounds["sound_id"]
    assert set(ids[np.isnan(report.collection.embedding("audio")).all(axis=1)]) == {"m-sp_1", "m-m_2"}
    assert np.isfinite(report.collection.embedding("text")).all()


def test_a_collection_of_bad_files_only_still_ends(folder: Path, encoders: Fakes) -> None:
    for file in (folder.parent / "audio").iterdir():
        file.write_text("no sound")
    report = fake_embed(folder)
    assert len(report.without_audio) == 24
    assert np.isnan(report.collection.embedding("audio")).all()


def test_sounds_that_cannot_be_found_keep_the_embedding_that_they_had(folder: Path, encoders: Fakes) -> None:
    before = fake_embed(folder).collection
    audio, row = folder.parent / "audio", before.row_of["m-m_2"]
    (audio / "m-m_2.wav").rename(folder.parent / "m-m_2.wav")
    report = fake_embed(folder)
    assert "does not exist" in report.without_audio["m-m_2"]
    assert report.kept == 1
    np.testing.assert_array_equal(report.collection.embedding("audio"), before.embedding("audio"))
    assert report.collection.sounds["content"][row] == before.sounds["content"][row]
    assert report.collection.hash == before.hash
    (folder.parent / "m-m_2.wav").rename(audio / "m-m_2.wav")
    assert fake_embed(folder).without_audio == {}


@pytest.mark.parametrize("gone", [24, 22])
def test_nothing_is_embedded_while_the_folder_or_nearly_all_sounds_are_away(
    folder: Path, encoders: Fakes, gone: int
) -> None:
    before, embedded = fake_embed(folder).collection, encoders[0].embedded
    audio = folder.parent / "audio"
    if gone == 24:
        audio.rename(folder.parent / "elsewhere")
    else:
        for file in sorted(audio.iterdir())[:gone]:
            file.unlink()
    message = "audio folder .* is away" if gone == 24 else "22 of 24 sounds cannot be read"
    with pytest.raises(UserError, match=message) as caught:
        fake_embed(folder)
    assert f"bstviz relocate {folder}" in str(caught.value)
    assert encoders[0].embedded == embedded
    np.testing.assert_array_equal(load_collection(folder).embedding("audio"), before.embedding("audio"))


def test_another_encoder_takes_no_embedding_from_a_sound_that_is_away(
    folder: Path, encoders: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fake_embed(folder).collection
    (folder.parent / "audio" / "m-m_2.wav").unlink()
    newer = FakeAudioEncoder(revision="2")
    monkeypatch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: newer)
    said = r"1 sounds, 'm-m_2' for one, have embeddings of fake-audio 1.*bstviz embed .* --drop-missing"
    with pytest.raises(UserError, match=said):
        fake_embed(folder)
    assert load_collection(folder).hash == before.hash
    report = fake_embed(folder, drop_missing=True)
    assert (report.kept, [str(info) for info in report.replaced]) == (0, ["fake-audio 1, 16-d"])
    assert np.flatnonzero(~report.collection.usable(["audio"])).tolist() == [before.row_of["m-m_2"]]


def test_whatever_happens_to_one_sound_the_others_are_embedded(
    folder: Path, encoders: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One vanishes between the list and its turn, one cannot be read, one makes a decoder fail as nobody foresaw."""
    fake_embed(folder)
    load = embed.load_sound

    def strange(item: Item) -> Sound:
        faults = {"m-m_2": FileNotFoundError(2, "gone"), "fx-a_1": PermissionError(13, "Permission denied")}
        if item.id == "m-sp_1":
            raise AttributeError("'AudioStream' object has no attribute 'rate'")
        if item.id in faults:
            raise faults[item.id]
        return load(item)

    monkeypatch.setattr(embed, "load_sound", strange)
    report = fake_embed(folder)
    assert set(report.without_audio) == {"m-m_2", "fx-a_1", "m-sp_1"}
    assert "has no attribute 'rate'" in report.without_audio["m-sp_1"]
    assert "Permission denied" in report.without_audio["fx-a_1"]
    assert report.kept == 2
    usable = report.collection.usable(["audio"])
    assert np.flatnonzero(~usable).tolist() == [report.collection.row_of["m-sp_1"]]


def test_workers_that_do_not_see_the_sounds_change_nothing(
    folder: Path, encoders: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fake_embed(folder).collection

    def blind(item: Item) -> Sound:
        raise AwayError(f"{item.id} does not exist or is not a file.")

    with monkeypatch.context() as patch:
        patch.setattr(embed, "load_sound", blind)
        with pytest.raises(UserError, match=r"24 of 24 sounds cannot be read .* all machines of a cluster"):
            fake_embed(folder)
    assert load_collection(folder).hash == before.hash
    assert fake_embed(folder).without_audio == {}


def test_lengths_in_the_table_become_what_was_decoded(folder: Path, encoders: Fakes) -> None:
    collection = load_collection(folder)
    collection.sounds.loc[3, "duration"] = 9.0
    collection.sounds.loc[4, "duration"] = np.nan
    collection.save(folder)
    report = fake_embed(folder)
    assert report.corrected == 1
    np.testing.assert_allclose(report.collection.sounds["duration"], 0.25)


def test_sounds_without_words_are_counted_and_have_no_text_embedding(folder: Path, encoders: Fakes) -> None:
    collection = load_collection(folder)
    collection.sounds.loc[[2, 3], "title"] = None
    collection.save(folder)
    report = fake_embed(folder)
    assert report.without_text == 2
    assert np.flatnonzero(np.isnan(report.collection.embedding("text")).all(axis=1)).tolist() == [2, 3]
    assert np.isnan(report.collection.embedding("text")).any(axis=1).sum() == 2


def test_no_text_embedding_is_made_where_there_are_no_words_at_all(folder: Path, encoders: Fakes) -> None:
    collection = load_collection(folder)
    collection.sounds["title"] = None
    collection.save(folder)
    report = fake_embed(folder)
    assert report.without_text == 24
    assert report.collection.text is None


def test_a_kind_can_be_left_out_and_stays_as_it_was(folder: Path, encoders: Fakes) -> None:
    only_text = fake_embed(folder, audio_encoder=None).collection
    assert only_text.audio is None
    both = fake_embed(folder, text_encoder=None).collection
    np.testing.assert_array_equal(both.embedding("text"), only_text.embedding("text"))
    assert encoders[1].embedded == 24


def test_a_collection_without_audio_files_gets_words_only(tmp_path: Path, encoders: Fakes) -> None:
    bare = replace(small_collection(), audio=None, audio_encoder=None, text=None, text_encoder=None)
    done = fake_embed(bare.save(tmp_path / "c")).collection
    assert done.audio is None
    assert done.embedding("text").shape == (48, 12)


def test_wrong_wishes_are_refused(folder: Path, encoders: Fakes, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Column 'mood' is not in"):
        fake_embed(folder, text_fields=("title", "mood"))
    with pytest.raises(UserError, match="no audio encoder 'nothing'"):
        fake_embed(folder, audio_encoder="nothing")
    with pytest.raises(UserError, match="is not a collection"):
        fake_embed(tmp_path)
