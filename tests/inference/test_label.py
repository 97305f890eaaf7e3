from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import Table, parquet

from bstviz.audio.decode import decode
from bstviz.audio.sound import Sound
from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import bst
from bstviz.errors import AwayError, UserError
from bstviz.inference import embed, pool
from bstviz.inference.classify import Classifier
from bstviz.inference.embed import Embedder
from bstviz.inference.label import Labeller, label_folder
from bstviz.inference.pool import TextModel
from bstviz.jobs.resumable import Item
from bstviz.models.run import Run
from bstviz.training.train import train_fold
from tests import anomalous_sounds
from tests.anomalous_sounds import sndfile
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, quick, stratified, tone, write_tones

Fakes = tuple[FakeAudioEncoder, FakeTextEncoder]


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder of 24 tones, one in a subfolder, a broken one and a silent one."""
    folder = tmp_path / "sounds"
    write_tones(folder)
    (folder / "deep").mkdir()
    (folder / "fx-a_0.wav").rename(folder / "deep" / "fx-a_0.wav")
    (folder / "broken.wav").write_text("no sound")
    (folder / "silent.wav").write_bytes(sndfile(np.zeros(8_000, np.float32), 8_000))
    return folder


def folder_of(run: Run) -> list[Path]:
    assert run.folder is not None
    return [run.folder]


def test_labels_are_the_classifiers_answers(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    run = runs["audio"]
    table = label_folder(sounds, tmp_path / "labels.parquet", folder_of(run)).set_index("file")
    assert len(table) == 26
    assert table.index.is_monotonic_increasing
    classifier = Classifier(run)
    for file in ("deep/fx-a_0.wav", "m-sp_2.wav"):
        row, answer = table.loc[file], classifier.classify(sounds / file)
        assert (row["top"], row["second"]) == (answer.top[0].code, answer.second[0].code)
        assert row["top_probability"] == pytest.approx(answer.top[0].probability, abs=1e-5)
        assert row["second_probability"] == pytest.approx(answer.second[0].probability, abs=1e-5)
        assert row["novelty"] == pytest.approx(answer.novelty, abs=0.05)
        assert sum(row[f"p_{code}"] for code in run.taxonomy.codes) == pytest.approx(1, abs=1e-5)
        assert row["seconds"] == pytest.approx(0.25)


def test_runs_label_together_by_their_mean(
    sounds: Path, collection: Collection, encoders: Fakes, tmp_path: Path
) -> None:
    configs = [quick(epochs=3, loss=loss) for loss in ("hierarchical", "flat")]
    trained = [train_fold(collection, stratified(collection), 0, config) for config in configs]
    folders = [run.save(tmp_path / run.id) for run in trained]
    alone = [
        label_folder(sounds, tmp_path / f"{i}.parquet", [folder]).filter(regex="^p_")
        for i, folder in enumerate(folders)
    ]
    both = label_folder(sounds, tmp_path / "both.parquet", folders)
    mean = (alone[0] + alone[1]) / 2
    np.testing.assert_allclose(both.filter(regex="^p_"), mean, atol=1e-5)
    good = both["problem"].isna()
    taxonomy = collection.taxonomy
    best = taxonomy.top_down(mean[good].to_numpy(np.float32))
    assert both.loc[good, "second"].tolist() == [taxonomy.codes[i] for i in best]


def test_bad_files_are_listed_with_reasons_and_end_nothing(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    table = label_folder(sounds, tmp_path / "labels.parquet", folder_of(runs["audio"])).set_index("file")
    bad = table[table["problem"].notna()]
    assert sorted(bad.index) == ["broken.wav", "silent.wav"]
    assert bad.loc["broken.wav", "problem"].startswith("broken.wav could not be decoded")
    assert bad["second"].isna().all()
    assert bad["second_probability"].isna().all()


def test_run_again_only_what_is_new_or_changed_is_decoded(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    out, run = tmp_path / "labels.parquet", folder_of(runs["audio"])
    label_folder(sounds, out, run)
    before = encoders[0].embedded
    (sounds / "m-m_0.wav").unlink()
    (sounds / "new.wav").write_bytes(sndfile(tone(700), 8_000))
    (sounds / "m-sp_1.wav").write_bytes(sndfile(tone(2_000, 0.5), 8_000))
    table = label_folder(sounds, out, run)
    assert encoders[0].embedded - before == 2
    assert {"new.wav", "m-sp_1.wav"} <= set(table["file"])
    assert "m-m_0.wav" not in set(table["file"])
    pd.testing.assert_frame_equal(table, pd.read_parquet(out))
    assert sorted(f.name for f in tmp_path.iterdir()) == ["labels.parquet", "sounds"]


def test_no_label_lies_outside_its_top_level_class(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    out = tmp_path / "labels.parquet"
    table = label_folder(sounds, out, folder_of(runs["audio"])).dropna(subset=["second"])
    assert table["top"].tolist() == [runs["audio"].taxonomy.parent_of(code) for code in table["second"]]
    assert parquet.read_schema(out).metadata[b"bstviz_decoding"] == b"top_down"


def test_labels_of_before_there_were_two_decodings_are_decoded_anew_without_listening_again(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    out, run = tmp_path / "labels.parquet", folder_of(runs["audio"])
    label_folder(sounds, out, run)
    probabilities = {f"p_{code}": 0.0 for code in bst().codes} | {"p_m-sp": 0.4, "p_fx-a": 0.35, "p_fx-o": 0.25}
    stored = parquet.read_table(out)
    old = stored.to_pandas()
    good = old["problem"].isna()
    old.loc[good, ["top", "second"]] = ["fx", "m-sp"]
    for column, value in {**probabilities, "second_probability": 0.4}.items():
        old.loc[good, column] = np.float32(value)
    marks = {k: v for k, v in stored.schema.metadata.items() if k != b"bstviz_decoding"}
    parquet.write_table(Table.from_pandas(old, preserve_index=False).replace_schema_metadata(marks), out)
    before = encoders[0].embedded
    table = label_folder(sounds, out, run)
    assert encoders[0].embedded == before
    good = table["problem"].isna()
    assert set(table.loc[good, "top"]) == {"fx"}
    assert set(table.loc[good, "second"]) == {"fx-a"}
    np.testing.assert_allclose(table.loc[good, "second_probability"], 0.35, rtol=1e-6)
    np.testing.assert_allclose(table.loc[good, "top_probability"], 0.6, rtol=1e-6)
    assert table.loc[~good, ["top", "second", "top_probability"]].isna().all(axis=None)


def test_labels_of_another_run_are_not_taken_over(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    out = tmp_path / "labels.parquet"
    label_folder(sounds, out, folder_of(runs["audio"]))
    other = replace(runs["audio"], split_kind="others").save(tmp_path / "other")
    before = encoders[0].embedded
    label_folder(sounds, out, [other])
    assert encoders[0].embedded - before == 24


def test_words_of_names_are_pooled_as_in_a_single_answer_and_codes_change_nothing(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs["text"].save(tmp_path / "assets" / "text")
    monkeypatch.setattr(pool, "assets", lambda: tmp_path / "assets")
    (sounds / "m-m_0.wav").rename(sounds / "Title_Some tags 3.wav")
    run = folder_of(runs["audio"])
    alone = label_folder(sounds, tmp_path / "alone.parquet", run).set_index("file")
    table = label_folder(sounds, tmp_path / "labels.parquet", run, names=True).set_index("file")
    named = table["words"].notna()
    assert table.index[named].tolist() == ["Title_Some tags 3.wav"]
    pd.testing.assert_frame_equal(table.loc[~named, alone.columns], alone[~named])
    row, classifier = table[named].iloc[0], Classifier(runs["audio"])
    answer = TextModel(runs["text"]).join(classifier.classify(sounds / row.name), "title some tags", [runs["audio"]])
    assert answer.parts is not None
    assert (row["words"], row["second"]) == ("title some tags", answer.second[0].code)
    for column, ranked in (("audio", answer.parts.audio), ("words", answer.parts.by_words)):
        assert row[f"{column}_second"] == ranked.second[0].code
        assert row[f"{column}_second_probability"] == pytest.approx(ranked.second[0].probability, abs=1e-5)
    assert row["second_probability"] == pytest.approx(answer.second[0].probability, abs=1e-5)
    before = encoders[0].embedded
    label_folder(sounds, tmp_path / "labels.parquet", run, names=True)
    assert encoders[0].embedded == before


def test_the_models_own_sounds_get_their_stored_answers(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    run = runs["audio"]
    content = [decode(sounds / "fx-a_1.wav").content, *[None] * (len(run.sounds) - 1)]
    own = replace(run, sounds=run.sounds.assign(content=pd.Series(content, dtype="str"))).save(tmp_path / "own")
    table = label_folder(sounds, tmp_path / "labels.parquet", [own]).set_index("file")
    row = table.loc["fx-a_1.wav"]
    assert table.index[table["own"].notna()].tolist() == ["fx-a_1.wav"]
    assert (row["own"], row["second"]) == (run.sounds["sound_id"][0], run.sounds["y_pred"][0])
    np.testing.assert_array_equal(row[[f"p_{c}" for c in bst().codes]].to_numpy(np.float32), run.probabilities[0])
    assert "its stored answer is shown" in row["notes"]


def test_the_anomalous_corpus_is_labelled_file_by_file(runs: dict[str, Run], encoders: Fakes, tmp_path: Path) -> None:
    corpus = [case for case in anomalous_sounds.corpus() if "." in case.name]
    assert len(corpus) >= 300
    (tmp_path / "odd").mkdir()
    for case in corpus:
        (tmp_path / "odd" / case.name).write_bytes(case.data)
    table = label_folder(tmp_path / "odd", tmp_path / "labels.parquet", folder_of(runs["audio"])).set_index("file")
    assert len(table) == len(corpus)
    for case in corpus:
        row = table.loc[case.name]
        assert pd.notna(row["problem"]) == bool(case.refused), case.name
        if case.refused:
            assert case.refused in row["problem"]
        else:
            assert case.remark in row["notes"]
            assert 0 < row["second_probability"] <= 1


@pytest.mark.long
def test_a_library_of_five_thousand_files_is_labelled_and_grows(
    runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    data = [sndfile(tone(300 + 10 * i), 8_000) for i in range(50)]
    for i in range(5_000):
        folder = tmp_path / "library" / f"{i // 100:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i % 100:02d}.wav").write_bytes(data[i % 50])
    out = tmp_path / "labels.parquet"
    table = label_folder(tmp_path / "library", out, folder_of(runs["audio"]))
    assert len(table) == encoders[0].embedded == 5_000
    assert table["problem"].isna().all()
    assert table.groupby(np.arange(5_000) % 50)["second"].nunique().eq(1).all()
    (tmp_path / "library" / "new.wav").write_bytes(data[0])
    assert len(label_folder(tmp_path / "library", out, folder_of(runs["audio"]))) == 5_001
    assert encoders[0].embedded == 5_001


def test_what_is_odd_has_a_row_with_its_reason_and_the_rest_is_labelled_the_same_again(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    (sounds / "dangling.wav").symlink_to("/nowhere/else.wav")
    (sounds / "far").symlink_to(tmp_path)
    (sounds / "m-m_1.wav").rename(os.fsdecode(os.fsencode(sounds) + b"/T\xfcr.wav"))
    out, run = tmp_path / "labels.parquet", folder_of(runs["audio"])
    table = label_folder(sounds, out, run)
    assert len(table) == 28
    problems = table.set_index("file")["problem"].dropna()
    assert sorted(problems.index) == ["broken.wav", "dangling.wav", "far", "silent.wav"]
    assert "leads nowhere" in problems["dangling.wav"]
    assert "--follow-links" in problems["far"]
    assert table.set_index("file").loc[r"T\xfcr.wav", "second"] in bst().codes
    pd.testing.assert_frame_equal(table, pd.read_parquet(out))
    before = encoders[0].embedded
    pd.testing.assert_frame_equal(label_folder(sounds, out, run), table)
    assert encoders[0].embedded == before


def test_labels_below_a_link_whose_drive_is_away_stay(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path
) -> None:
    out, run = tmp_path / "labels.parquet", folder_of(runs["audio"])
    write_tones(tmp_path / "drive", per_class=1)
    (sounds / "pack").symlink_to(tmp_path / "drive")
    table = label_folder(sounds, out, run, follow_links=True)
    assert len(table) == 32
    before = encoders[0].embedded
    (tmp_path / "drive").rename(tmp_path / "away")
    without = label_folder(sounds, out, run, follow_links=True).set_index("file")
    assert "leads nowhere" in without.loc["pack", "problem"]
    pd.testing.assert_frame_equal(without.drop("pack"), table.set_index("file"), check_dtype=False)
    (tmp_path / "away").rename(tmp_path / "drive")
    pd.testing.assert_frame_equal(label_folder(sounds, out, run, follow_links=True), table)
    assert encoders[0].embedded == before


def test_labels_of_sounds_that_are_away_are_not_given_up(
    sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, run = tmp_path / "labels.parquet", folder_of(runs["audio"])
    labelled = label_folder(sounds, out, run)
    sounds.rename(tmp_path / "elsewhere")
    sounds.mkdir()
    (sounds / "left_behind.wav").write_bytes(sndfile(tone(700), 8_000))
    with pytest.raises(UserError, match=r"24 of the 24 sounds .* are not in .*sounds now"):
        label_folder(sounds, out, run)

    def blind(item: Item) -> Sound:
        raise AwayError(f"{item.id} does not exist or is not a file.")

    monkeypatch.setattr(embed, "load_sound", blind)
    with pytest.raises(UserError, match=r"could not be read where they are labelled: .*all machines"):
        label_folder(tmp_path / "elsewhere", tmp_path / "others.parquet", run)
    assert not (tmp_path / "others.parquet").exists()
    pd.testing.assert_frame_equal(pd.read_parquet(out), labelled)


def test_wrong_wishes_are_refused(sounds: Path, runs: dict[str, Run], encoders: Fakes, tmp_path: Path) -> None:
    run = folder_of(runs["audio"])
    (tmp_path / "mine.parquet").write_text("mine")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    (tmp_path / "bare").mkdir()
    for arguments, message in (
        ((tmp_path / "nowhere", tmp_path / "l.parquet", run), "There is no folder"),
        ((tmp_path / "bare", tmp_path / "l.parquet", run), "holds no audio file"),
        ((sounds, tmp_path / "labels.csv", run), r"written as a \.parquet"),
        ((sounds, tmp_path / "mine.parquet", run), "is not a table of labels"),
        ((sounds, tmp_path / "other.parquet", run), "is not a table of labels"),
        ((sounds, tmp_path / "l.parquet", folder_of(runs["both"])), "choose an audio model"),
    ):
        with pytest.raises(UserError, match=message):
            label_folder(*arguments)
    assert (tmp_path / "mine.parquet").read_text() == "mine"


def test_batches_are_of_about_the_same_work(encoders: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "BATCH_SECONDS", 1.0)
    monkeypatch.setattr(embed, "BATCH_SOUNDS", 5)
    monkeypatch.setattr(embed, "GROUP", 1)
    lengths = [0.1] * 7 + [0.9, 0.9, 0.9]
    items = []
    for i, seconds in enumerate(lengths):
        (tmp_path / f"{i}.wav").write_bytes(sndfile(tone(400, seconds), 8_000))
        items.append(Item(str(i), str(tmp_path / f"{i}.wav"), ""))
    tables = list(Embedder("fake-audio")(items))
    assert [len(table) for table in tables] == [5, 3, 2]
    vectors = np.stack(pd.concat(tables)["embedding"].tolist())
    np.testing.assert_allclose(vectors[7], FakeAudioEncoder().embed([tone(400, 0.9)])[0], atol=1e-2)


def test_a_labeller_survives_a_batch_of_bad_files_only(runs: dict[str, Run], encoders: Fakes, tmp_path: Path) -> None:
    (table,) = Labeller(folder_of(runs["audio"]))([Item("a", str(tmp_path / "nowhere.wav"), ""), Item("b", "", "")])
    assert table["problem"].tolist() == ["nowhere.wav does not exist or is not a file.", "Sound 'b' has no audio file."]
