from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bstviz.audio import playback
from bstviz.datasets import demo, table
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.taxonomy import bst
from bstviz.encoders import registry
from bstviz.encoders.base import Embeddings, EncoderInfo
from bstviz.errors import UserError
from bstviz.inference import classify
from bstviz.inference.classify import Classifier, embed_sounds, embed_texts, load_classifier, ranked
from bstviz.inference.embed import embed_collection
from bstviz.models.predict import Prediction, predict
from bstviz.models.run import Run
from bstviz.training.train import train_fold, train_folds
from tests.fakes import RATE, FakeAudioEncoder, FakeTextEncoder, quick, stratified, tone, write_tones

Fakes = tuple[FakeAudioEncoder, FakeTextEncoder]


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> tuple[Collection, dict[str, Run]]:
    """Tones on disk, embedded, and an audio and a joint run trained on them."""
    folder = tmp_path_factory.mktemp("tones")
    write_tones(folder / "audio", per_class=8).to_csv(folder / "tones.csv", index=False)
    table.load(folder / "tones.csv", audio_folder=folder / "audio").save(folder / "tones")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.ENCODERS, ("audio", "fake-audio"), lambda device: FakeAudioEncoder())
        patch.setitem(registry.ENCODERS, ("text", "fake-text"), lambda device: FakeTextEncoder())
        embed_collection(folder / "tones", audio_encoder="fake-audio", text_encoder="fake-text", text_fields=("title",))
    collection = load_collection(folder / "tones")
    folds = stratified(collection)
    config = quick(loss="flat")
    return collection, {m: train_fold(collection, folds, 0, replace(config, modality=m)) for m in ("audio", "both")}


def test_classes_of_both_levels_are_ranked() -> None:
    probabilities = np.full((1, 23), 0.01, np.float32)
    probabilities[0, bst().codes.index("fx-a")] = 0.4
    probabilities[0, bst().codes.index("m-sp")] = 0.2
    probabilities[0, bst().codes.index("m-si")] = 0.19
    answer = ranked(bst(), Prediction(np.zeros((1, 64)), probabilities, np.ones((1, 2))))
    assert [r.code for r in answer.second[:3]] == ["fx-a", "m-sp", "m-si"]
    assert answer.second[0].probability == pytest.approx(0.4)
    assert [r.code for r in answer.top[:2]] == ["fx", "m"]
    assert answer.top[0].probability == pytest.approx(0.4 + 7 * 0.01)
    assert answer.top[1].probability == pytest.approx(0.4)
    assert (len(answer.second), len(answer.top)) == (23, 5)


def test_no_answer_is_a_class_outside_the_top_level_class_that_is_shown() -> None:
    many = np.random.default_rng(0).dirichlet(np.full(23, 0.3), 200).astype(np.float32)
    apart = 0
    for probabilities in many:
        answer = ranked(bst(), Prediction(np.zeros((1, 64)), probabilities[None], np.ones((1, 2))))
        assert bst().parent_of(answer.second[0].code) == answer.top[0].code
        assert sorted(r.code for r in answer.second) == sorted(bst().codes)
        others = [r.probability for r in answer.second[1:]]
        assert others == sorted(others, reverse=True)
        apart += bst().codes[int(probabilities.argmax())] != answer.second[0].code
    assert apart


def test_a_file_of_the_collection_gets_the_stored_answer_whatever_it_is_called_and_kept_in(
    tones: tuple[Collection, dict[str, Run]], encoders: Fakes, tmp_path: Path
) -> None:
    collection, runs = tones
    run = runs["audio"]
    for row in (0, 20, 47):
        path = collection.path(row)
        assert path is not None
        soundfile.write(tmp_path / f"other{row}.flac", *soundfile.read(path), subtype="PCM_24")
        for file in (path, tmp_path / f"other{row}.flac"):
            answer = Classifier(run).classify(file)
            np.testing.assert_array_equal(answer.prediction.probabilities[0], run.probabilities[row])
            assert answer.second[0].code == run.sounds["y_pred"][row]
            assert (answer.own, answer.decoding) == (run.sounds["sound_id"][row], "argmax")
            used = "trained" if run.learned[row] else "tested"
            assert f"It is sound {answer.own} of tones, on which the model was {used}" in answer.notes[-1]


def test_a_stored_answer_names_the_parent_of_its_class_first() -> None:
    probabilities = np.full((1, 23), 0.01, np.float32)
    probabilities[0, [bst().codes.index(code) for code in ("fx-a", "m-sp", "m-si")]] = 0.3, 0.25, 0.24
    prediction = Prediction(np.zeros((1, 64)), probabilities, np.ones((1, 2)))
    assert [ranked(bst(), prediction).second[0].code, ranked(bst(), prediction).top[0].code] == ["m-sp", "m"]
    stored = ranked(bst(), prediction, decoding="argmax")
    assert [stored.second[0].code, stored.top[0].code, stored.top[1].code] == ["fx-a", "fx", "m"]


def test_a_stored_answer_is_given_only_where_all_runs_have_one_and_take_sound_alone(
    tones: tuple[Collection, dict[str, Run]],
) -> None:
    run = tones[1]["audio"]
    content = run.sounds["content"][3]
    without = replace(run, sounds=run.sounds.drop(columns="content"))
    assert Classifier(run, others=[run]).stored(content) is not None
    assert Classifier(run, others=[without]).stored(content) is None
    assert Classifier(replace(run, answered_by="another")).stored(content) is None
    assert Classifier(tones[1]["both"]).stored(content) is None
    assert Classifier(run).stored("0" * 32) is None


def demo_and_run(count: int, folder: Path) -> tuple[Collection, Run]:
    """A part of the demo, embedded by the fake encoder, and a run with retrieval that was trained on it."""
    whole = demo.load()
    rows = np.linspace(0, len(whole) - 1, count).astype(int)
    replace(whole, sounds=whole.sounds.iloc[rows].reset_index(drop=True)).save(folder / "demo")
    embed_collection(folder / "demo", audio_encoder="fake-audio", text_encoder=None)
    collection = load_collection(folder / "demo")
    return collection, train_fold(collection, stratified(collection, 2), 0, quick(epochs=3, retrieval=True))


def check_dropped_as_served(collection: Collection, run: Run) -> None:
    """The WAV that a page serves of each sound gets exactly what the run's card shows of it."""
    classifier = Classifier(run)
    for row, sound_id in enumerate(collection.sounds["sound_id"]):
        answer = classifier.classify(playback.to_wav(*collection.load_audio(row)), name="some name.wav")
        np.testing.assert_array_equal(answer.prediction.probabilities[0], run.probabilities[row])
        assert (answer.own, answer.second[0].code) == (sound_id, run.sounds["y_pred"][row])
        assert answer.second[0].probability == run.confidence[row]


def test_a_demo_sound_dropped_as_the_wav_that_a_page_serves_gets_its_cards_answer(
    encoders: Fakes, tmp_path: Path
) -> None:
    check_dropped_as_served(*demo_and_run(40, tmp_path))


@pytest.mark.long
def test_every_demo_sound_dropped_as_the_wav_that_a_page_serves_gets_its_cards_answer(
    encoders: Fakes, tmp_path: Path
) -> None:
    check_dropped_as_served(*demo_and_run(len(demo.load()), tmp_path))


def test_a_new_sound_of_known_pitch_is_recognised(
    tones: tuple[Collection, dict[str, Run]], encoders: Fakes, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "new.wav", tone(300 + 550 * 3 + 20, 0.3), 8_000)
    assert Classifier(tones[1]["audio"]).classify(tmp_path / "new.wav").second[0].code == "fx-a"


def test_bytes_and_other_rates_give_nearly_the_same_answer(
    tones: tuple[Collection, dict[str, Run]], encoders: Fakes, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1_400, 0.25, 8_000), 8_000)
    soundfile.write(tmp_path / "b.flac", tone(1_400, 0.25, 32_000), 32_000)
    classifier = Classifier(tones[1]["audio"])
    low = classifier.classify((tmp_path / "a.wav").read_bytes(), name="a.wav")
    high = classifier.classify(tmp_path / "b.flac")
    assert low.second[0].code == high.second[0].code
    np.testing.assert_allclose(low.prediction.probabilities, high.prediction.probabilities, atol=0.05)


def test_a_joint_run_wants_words(tones: tuple[Collection, dict[str, Run]], encoders: Fakes) -> None:
    collection, runs = tones
    path = collection.path(0)
    assert path is not None
    classifier = Classifier(runs["both"])
    with pytest.raises(UserError, match="give a title or tags, or choose an audio model"):
        classifier.classify(path, text="  ")
    answer = classifier.classify(path, text=collection.texts(("title",))[0])
    np.testing.assert_allclose(answer.prediction.probabilities[0], runs["both"].probabilities[0], atol=1e-5)


def test_a_text_model_takes_no_sounds_and_an_audio_model_no_words(
    tones: tuple[Collection, dict[str, Run]], runs: dict[str, Run], encoders: Fakes
) -> None:
    path = tones[0].path(0)
    assert path is not None
    with pytest.raises(UserError, match="takes no sounds: choose an audio model"):
        Classifier(runs["text"]).classify(path, text="a dog")
    with pytest.raises(UserError, match="takes no words: choose a text model"):
        Classifier(runs["audio"]).embed_text("a dog")


def test_a_sound_that_cannot_be_read_is_named(
    tones: tuple[Collection, dict[str, Run]], encoders: Fakes, tmp_path: Path
) -> None:
    (tmp_path / "notes.wav").write_text("no sound")
    with pytest.raises(UserError, match=r"notes\.wav could not be decoded"):
        Classifier(tones[1]["audio"]).classify(tmp_path / "notes.wav")
    with pytest.raises(UserError, match="drop is empty"):
        Classifier(tones[1]["audio"]).classify(b"", name="drop")


def test_an_installed_encoder_of_another_revision_is_refused(
    tones: tuple[Collection, dict[str, Run]], encoders: Fakes, tmp_path: Path
) -> None:
    encoders[0].info = EncoderInfo("fake-audio", "2", 16)
    soundfile.write(tmp_path / "a.wav", tone(500), 8_000)
    with pytest.raises(UserError, match="not interchangeable"):
        Classifier(tones[1]["audio"]).classify(tmp_path / "a.wav")


def test_classifiers_share_one_encoder(
    tones: tuple[Collection, dict[str, Run]], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def factory(device: str) -> FakeAudioEncoder:
        loaded.append(device)
        return FakeAudioEncoder()

    monkeypatch.setitem(registry.ENCODERS, ("audio", "fake-audio"), factory)
    classify._audio_encoder.cache_clear()
    for run in tones[1].values():
        Classifier(run).embed_audio(tone(500), 8_000)
    assert loaded == ["cpu"]
    classify._audio_encoder.cache_clear()


def test_the_folds_of_a_setting_answer_together(collection: Collection, tmp_path: Path) -> None:
    first, second = train_folds(collection, stratified(collection), [0, 1], quick(epochs=3))
    for run in (first, second):
        run.save(tmp_path / "x" / run.id)
    sound = Embeddings(collection.embedding("audio")[:1], first.encoders["audio"])
    expected = [predict(run, audio=sound).probabilities[0] for run in (first, second)]
    together = load_classifier(tmp_path / "x").answer(sound, None).prediction
    np.testing.assert_allclose(together.probabilities[0], np.mean(expected, axis=0), atol=1e-6)
    np.testing.assert_allclose(together.latent, predict(first, audio=sound).latent, atol=1e-6)
    alone = load_classifier(tmp_path / "x" / second.id).answer(sound, None).prediction
    np.testing.assert_allclose(alone.probabilities[0], expected[1], atol=1e-6)


def test_runs_of_different_embeddings_do_not_answer_together(runs: dict[str, Run]) -> None:
    with pytest.raises(UserError, match="cannot predict together"):
        Classifier(runs["audio"], others=[runs["text"]])


def test_work_that_embeds_reports_before_each_sound_and_text(encoders: Fakes) -> None:
    audio, text = encoders
    told: list[float] = []

    def report(share: float, words: str = "") -> None:
        told.append(share)

    sounds = [tone(pitch) for pitch in (300, 400)]
    found = embed_sounds(audio.info, sounds, RATE, report=report)
    np.testing.assert_array_equal(found.values, embed_sounds(audio.info, sounds, RATE).values)
    embed_texts(text.info, ["rain"], report=report)
    assert told == [0.0, 0.5, 0.0]
