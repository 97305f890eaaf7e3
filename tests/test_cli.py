from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from typer.testing import CliRunner, Result

from bstviz import __version__, cli, webapp
from bstviz.collection import load_collection
from bstviz.decisions import decide
from bstviz.encoders import base
from bstviz.errors import UserError
from bstviz.run import find_runs, load_run
from tests.fakes import FakeAudioEncoder, FakeTextEncoder, tone, write_tones

Fakes = tuple[FakeAudioEncoder, FakeTextEncoder]
COMMANDS = [
    "import bsd10k", "import bsd35k", "import table", "import folder", "embed", "train", "sweep", "report", "classify", "explore", "search", "fetch",
    "demo", "app", "review list", "review export", "review apply", "duplicates",
]  # fmt: skip
FAKES = ("--audio-encoder", "fake-audio", "--text-encoder", "fake-text")
QUICK = ("--folds", "2", "--epochs", "3", "--no-umap", "--jobs", "1")


def invoke(*arguments: object) -> Result:
    """One command in this process; exceptions pass, but for exits."""
    return CliRunner().invoke(cli.app, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the commands made one after the other: tones, collection and two experiments."""
    folder = tmp_path_factory.mktemp("cli")
    write_tones(folder / "audio", per_class=6).to_csv(folder / "tones.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(base.ENCODERS, ("audio", "fake-audio"), lambda device: FakeAudioEncoder())
        patch.setitem(base.ENCODERS, ("text", "fake-text"), lambda device: FakeTextEncoder())
        steps = [
            ("import", "table", folder / "tones.csv", "--audio", folder / "audio", "--out", folder / "tones"),
            ("embed", folder / "tones", *FAKES, "--text-fields", "title,tags"),
            ("train", folder / "tones", "--loss", "flat", *QUICK, "--out", folder / "flat"),
            ("train", folder / "tones", "--modality", "both", *QUICK, "--out", folder / "both"),
        ]
        for step in steps:
            result = invoke(*step)
            assert result.exit_code == 0, result.output
    return folder


def spoken_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a person reads when a command cannot be done; it ends with status 2 and without a traceback."""
    monkeypatch.setattr(sys, "argv", ["bstviz", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert "Traceback" not in said.out + said.err
    return " ".join(said.err.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command: str) -> None:
    result = invoke(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"bstviz {command}" in " ".join(result.output.replace("│", " ").split())


def test_every_command_is_tested_here() -> None:
    found = [c.name or c.callback.__name__ for c in cli.app.registered_commands if c.callback]
    found += [f"import {c.name}" for c in cli.imports.registered_commands]
    found += [f"review {c.name}" for c in cli.review.registered_commands]
    assert sorted(found) == sorted(COMMANDS)


def test_version() -> None:
    assert invoke("--version").output.strip() == f"bstviz {__version__}"


def test_import_and_embed_make_a_whole_collection(place: Path) -> None:
    collection = load_collection(place / "tones")
    assert len(collection) == 36
    assert collection.name == "tones"
    assert str(collection.audio_encoder) == "fake-audio 1, 16-d"
    assert str(collection.text_encoder) == "fake-text 1 (title + tags), 12-d"
    assert np.isfinite(collection.embedding("audio")).all()


def test_import_says_what_was_left_out_and_what_comes_next(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sound_id,class\n1,fx-a\n2,fx-other\n")
    result = invoke("import", "table", tmp_path / "t.csv", "--out", tmp_path / "c", "--name", "Mine")
    said = " ".join(result.stderr.split())
    assert "Mine: 2 sounds, 1 with a class" in said
    assert "'fx-other'" in said
    assert "next: bstviz embed" in said


def test_import_folder(place: Path, tmp_path: Path) -> None:
    assert invoke("import", "folder", place / "audio", "--out", tmp_path / "c").exit_code == 0
    assert len(load_collection(tmp_path / "c")) == 36


@pytest.mark.parametrize("version", ["bsd10k", "bsd35k"])
def test_import_of_an_official_layout(tmp_path: Path, version: str) -> None:
    (tmp_path / "BSD" / "metadata").mkdir(parents=True)
    table = pd.DataFrame({"sound_id": [15, 21], "class": ["fx-o", "m-sp"], "confidence": [4, 5]})
    table.to_csv(tmp_path / "BSD" / "metadata" / "metadata.csv", index=False)
    assert invoke("import", version, tmp_path / "BSD", "-o", tmp_path / "c").exit_code == 0
    assert load_collection(tmp_path / "c").sounds["sound_id"].tolist() == ["15", "21"]


def test_embed_names_the_sounds_that_could_not_be_decoded(tmp_path: Path, encoders: Fakes) -> None:
    write_tones(tmp_path / "audio", per_class=2)
    (tmp_path / "audio" / "fx-a_1.wav").write_text("no sound")
    invoke("import", "folder", tmp_path / "audio", "--out", tmp_path / "c")
    result = invoke("embed", tmp_path / "c", *FAKES)
    said = " ".join(result.stderr.split())
    assert result.exit_code == 0
    assert "1 sounds could not be decoded" in said
    assert "fx-a_1.wav" in said


def test_embed_leaves_a_kind_out(tmp_path: Path, encoders: Fakes) -> None:
    (tmp_path / "t.csv").write_text("sound_id,title\n1,a\n2,b\n")
    invoke("import", "table", tmp_path / "t.csv", "--out", tmp_path / "c")
    invoke("embed", tmp_path / "c", "--audio-encoder", "none", "--text-encoder", "fake-text", "--text-fields", "title")
    collection = load_collection(tmp_path / "c")
    assert collection.audio is None
    assert collection.text is not None


def test_train_makes_a_run_a_fold_with_the_settings_given(place: Path) -> None:
    runs = [load_run(path) for path in find_runs(place / "both")]
    assert [run.fold for run in runs] == [0, 1]
    assert {(run.train.loss, run.train.modality, run.train.epochs) for run in runs} == {("hierarchical", "both", 3)}
    assert {len(run.history["val_loss"]) for run in runs} == {3}
    assert runs[0].split_kind == "stratified 2-fold, seed 0"
    assert runs[0].load_collection().name == "tones"


def test_train_prints_the_same_table_as_report(place: Path) -> None:
    again = invoke("train", place / "tones", "--loss", "flat", *QUICK, "--out", place / "flat", "--json")
    report = invoke("report", place / "flat", "--json")
    assert json.loads(again.stdout) == json.loads(report.stdout)


def test_train_groups_by_a_column(place: Path, tmp_path: Path) -> None:
    invoke("train", place / "tones", "--group", "uploader", *QUICK, "--out", tmp_path / "x")
    run = load_run(find_runs(tmp_path / "x")[0])
    assert run.split_kind == "stratified 2-fold, seed 0, grouped by uploader"
    uploader = load_collection(place / "tones").sounds["uploader"]
    assert (run.sounds.groupby(uploader)["split"].nunique() == 1).all()


def test_duplicates_are_listed_written_and_marked(place: Path, tmp_path: Path) -> None:
    load_collection(place / "tones").save(tmp_path / "tones")
    said = invoke("duplicates", tmp_path / "tones", "--experiment", place / "flat", "--threshold", -1, "--out", tmp_path / "pairs.csv", "--mark")  # fmt: skip
    pairs = pd.read_csv(tmp_path / "pairs.csv")
    assert pairs["correlation"].between(0, 1).all()
    assert f"{len(pairs):,} near-duplicate pairs by audio" in said.stdout
    assert f"{pairs['parted'].sum():,} parted by the folds" in said.stdout
    assert "36 (100.0 %) have a near-duplicate in training" in said.stdout
    assert load_collection(tmp_path / "tones").sounds["duplicate_group"].notna().all()


def test_train_finds_the_datas_own_folds(place: Path, tmp_path: Path) -> None:
    collection = load_collection(place / "tones")
    collection.sounds["test_fold"] = np.arange(36) % 2
    collection.save(tmp_path / "c")
    invoke("train", tmp_path / "c", *QUICK, "--out", tmp_path / "x")
    for path in find_runs(tmp_path / "x"):
        run = load_run(path)
        assert run.split_kind == "the data's own, column test_fold"
        assert ((run.sounds["split"] == "test") == (np.arange(36) % 2 == run.fold)).all()


def test_report_as_json(place: Path) -> None:
    result = invoke("report", place / "flat", place / "both", "--json")
    rows = json.loads(result.stdout)["rows"]
    assert [(r["loss"], r["modality"], r["min_confidence"], r["folds"]) for r in rows] == [
        ("hierarchical", "both", 1, 2),
        ("flat", "audio", 1, 2),
    ]
    values = [load_run(path).metrics["second_accuracy"] for path in find_runs(place / "flat")]
    assert rows[1]["metrics"]["second_accuracy"] == pytest.approx({"mean": np.mean(values), "std": np.std(values)})
    assert {"top_accuracy", "second_top2_accuracy", "top_top2_accuracy", "hierarchical_f1"} <= set(rows[1]["metrics"])


def test_sweep_trains_a_grid_with_baselines_and_prints_it(place: Path, tmp_path: Path) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text('modalities = ["audio"]\nbaselines = ["knn"]\n')
    options = [*QUICK, "--preset", grid, "--out", tmp_path / "x"]
    result = invoke("sweep", place / "tones", *options, "--json")
    rows = json.loads(result.stdout)["rows"]
    assert [(r["model"], r["folds"]) for r in rows] == [("hierarchical", 2), ("flat", 2), ("knn", 2)]
    assert json.loads(invoke("report", tmp_path / "x", "--format", "json").stdout)["rows"] == rows
    assert invoke("report", tmp_path / "x", "--format", "csv").stdout.count("\n") == 4
    assert "| ≥ 1 | kNN (10, cosine) | audio |" in invoke("report", tmp_path / "x", "--format", "markdown").stdout


def test_sweep_says_what_is_left_out(place: Path, tmp_path: Path) -> None:
    collection = load_collection(place / "tones")
    replace(collection, audio=None, audio_encoder=None, audio_root=None).save(tmp_path / "c")
    grid = tmp_path / "grid.toml"
    grid.write_text('baselines = ["knn"]\n')
    options = [*QUICK, "--preset", grid, "--no-baselines", "--out", tmp_path / "x"]
    result = invoke("sweep", tmp_path / "c", *options)
    assert not (tmp_path / "x" / "baselines").exists()
    assert "left out: modality both: the collection has no audio embeddings" in " ".join(result.stderr.split())
    assert {load_run(path).train.modality for path in find_runs(tmp_path / "x")} == {"text"}


def test_report_for_people(place: Path) -> None:
    said = invoke("report", place / "flat", place / "both").stdout
    for words in ("tones · folds: stratified 2-fold", "Hierarchical F1", "Non-hierarchical", "36", "±", "fake-audio 1"):
        assert words in said


def test_classify_as_json(place: Path, encoders: Fakes) -> None:
    run, good, bad = find_runs(place / "flat")[0], place / "audio" / "fx-a_0.wav", place / "tones.csv"
    result = invoke("classify", good, bad, "--run", run, "--json")
    assert result.exit_code == 0
    answered, failed = json.loads(result.stdout)
    assert set(answered) == {"file", "run", "encoder", "top", "second", "novelty", "notes"}
    assert 0 <= answered["novelty"] <= 1
    assert answered["notes"] == []
    assert answered["file"] == str(good)
    assert answered["run"] == str(run)
    assert answered["encoder"] == "fake-audio 1"
    for level, count in (("top", 5), ("second", 23)):
        assert [set(entry) for entry in answered[level]] == [{"class", "probability"}] * count
        values = [entry["probability"] for entry in answered[level]]
        assert values == sorted(values, reverse=True)
        assert sum(values) == pytest.approx(1, abs=1e-5)
    assert set(failed) == {"file", "run", "encoder", "error"}
    assert "could not be decoded" in failed["error"]


def test_classify_for_people(place: Path, encoders: Fakes) -> None:
    run = find_runs(place / "flat")[0]
    said = invoke("classify", place / "audio" / "fx-a_0.wav", "--run", run, "--best", 2).stdout
    second = next(line for line in said.splitlines() if "second:" in line)
    assert second.count("%") == 2
    assert "fx-a_0.wav" in said
    assert "encoder fake-audio 1" in said


def test_classify_reads_words_too(place: Path, encoders: Fakes) -> None:
    run, file = find_runs(place / "both")[0], place / "audio" / "fx-a_0.wav"
    (entry,) = json.loads(invoke("classify", file, "--run", run, "--text", "sound fx-a 0", "--json").stdout)
    assert entry["encoder"] == "fake-audio 1 + fake-text 1"
    assert len(entry["second"]) == 23
    (entry,) = json.loads(invoke("classify", file, "--run", run, "--json").stdout)
    assert "give a title or tags" in entry["error"]


def test_classify_fails_where_no_sound_could_be_read(place: Path, encoders: Fakes) -> None:
    result = invoke("classify", place / "nowhere.wav", "--run", find_runs(place / "flat")[0], "--json")
    assert result.exit_code == 1
    assert "does not exist" in json.loads(result.stdout)[0]["error"]


def test_classify_says_what_is_odd_about_a_sound(place: Path, encoders: Fakes, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "loud.wav", np.sign(tone(500)), 8_000)
    said = invoke("classify", tmp_path / "loud.wav", "--run", find_runs(place / "flat")[0]).stdout
    assert "note: It is clipped" in said
    assert "unusual:" in said


def test_classify_labels_a_folder_and_names_what_could_not_be_read(
    place: Path, encoders: Fakes, tmp_path: Path
) -> None:
    write_tones(tmp_path / "audio", per_class=2)
    (tmp_path / "audio" / "bad.wav").write_text("no sound")
    out, run = tmp_path / "labels.parquet", find_runs(place / "flat")[0]
    result = invoke("classify", "--batch", tmp_path / "audio", "--out", out, "--run", run)
    said = " ".join(result.stderr.split())
    assert result.exit_code == 0
    assert "12 of 13 sounds labelled" in said
    assert "bad.wav could not be decoded" in said
    assert len(pd.read_parquet(out)) == 13


@pytest.mark.slow
def test_explore_makes_a_library_and_serves_it(
    place: Path, encoders: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(webapp, "serve", lambda *where, **_: seen.extend(where) or 0)
    run = find_runs(place / "flat")[0]
    assert invoke("explore", place / "audio", "--run", run, "--home", tmp_path / "home").exit_code == 0
    assert seen == [[tmp_path / "home" / "runs"], [tmp_path / "home" / "collection"]]
    assert len(load_run(tmp_path / "home" / "runs" / run.name).sounds) == 36
    assert (
        "next: bstviz app"
        in invoke("explore", place / "audio", "--run", run, "--home", tmp_path / "home", "--no-serve").stderr
    )


def test_search_lists_the_sounds_nearest_to_some_words(place: Path, encoders: Fakes) -> None:
    result = invoke("search", place / "tones", "sound fx-a 3", "--count", 2, "--json")
    answer = json.loads(result.stdout)
    assert answer["by"] == "text"
    assert [set(entry) for entry in answer["found"]] == [{"sound_id", "class", "title", "path", "similarity"}] * 2
    assert answer["found"][0]["similarity"] == pytest.approx(1, abs=1e-5)
    said = invoke("search", place / "tones", "sound fx-a 3", "--count", 2).stdout
    assert "nearest by text, fake-text 1" in said
    assert f"1.000  {answer['found'][0]['sound_id']}" in said


def test_square_brackets_in_names_are_printed_as_they_are(place: Path, encoders: Fakes) -> None:
    file = place / "[red]odd[bold].wav"
    soundfile.write(file, tone(500), 8_000)
    assert "[red]odd[bold].wav" in invoke("classify", file, "--run", find_runs(place / "flat")[0]).stdout


def test_app_hands_the_experiments_to_the_server(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def serve(experiments: list[Path], collections: list[Path], **options: object) -> int:
        seen.update(experiments=experiments, collections=collections, **options)
        return 0

    monkeypatch.setattr(webapp, "serve", serve)
    result = invoke(
        "app", "--experiment", place / "flat", "--experiment", place / "both", "--reviews", place, "--port", 9_999
    )
    assert result.exit_code == 0
    assert seen["experiments"] == [place / "flat", place / "both"]
    assert (seen["reviews"], seen["port"], seen["address"]) == (place, 9_999, "localhost")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("embed", "{}/nowhere"), "is no collection"),
        (("import", "table", "{}/nowhere.csv", "--out", "{}/new"), "There is no table at"),
        (("import", "table", "{}/tones.csv", "--out", "{}/flat"), "holds something that is no collection"),
        (("import", "table", "{}/tones.csv", "--out", "{}/tones.csv"), "holds something that is no collection"),
        (("import", "folder", "{}/nowhere", "--out", "{}/new"), "There is no folder"),
        (("import", "bsd10k", "{}/audio", "--out", "{}/new"), "no CSV at all"),
        (("train", "{}/tones", "--out", "{}/new", "--loss", "square"), "allowed are flat, hierarchical"),
        (("train", "{}/tones", "--out", "{}/new", "--preset", "fast"), "known: default, text, paper"),
        (("train", "{}/tones", "--out", "{}/new", "--group", "mood"), "no column 'mood'"),
        (("train", "{}/tones", "--out", "{}/new", "--fold-column", "mood"), "no column 'mood'"),
        (
            ("train", "{}/tones", "--out", "{}/new", "--fold-column", "title", "--group", "uploader"),
            "exclude each other",
        ),
        (("train", "{}/tones", "--out", "{}/new", "--folds", "50"), "50 folds need"),
        (("train", "{}/tones", "--out", "{}/flat", "--seed", "9"), "other settings"),
        (("report", "{}/tones"), "holds no run"),
        (("classify", "{}/audio/fx-a_0.wav", "--run", "{}/tones"), "holds no run"),
        (("classify",), "Give sound files, or --batch"),
        (("classify", "--batch", "{}/audio"), "--batch takes a folder and --out"),
        (("classify", "--batch", "{}/nowhere", "--out", "{}/l.parquet"), "There is no folder"),
        (("classify", "--batch", "{}/audio", "--out", "{}/l.csv"), "written as a .parquet"),
        (("classify", "--batch", "{}/audio", "--out", "{}/l.parquet", "--engine", "spark"), "known: local, ray"),
        (("explore", "{}/nowhere"), "There is no folder"),
        (("duplicates", "{}/tones", "--by", "smell"), "allowed are audio and text"),
        (("duplicates", "{}/tones", "--out", "{}/pairs.txt"), "must end in .csv or .parquet"),
        (("search", "{}/tones", " "), "query is empty"),
        (("search", "{}/tones", "dog", "--by", "smell"), "allowed are audio and text"),
        (("app", "--experiment", "{}/tones"), "holds no run"),
        (("embed", "{}/tones", "--audio-encoder", "clop"), "no audio encoder 'clop'"),
        (("train", "{}/tones"), "Missing option '--out'"),
        (("nonsense",), "No such command"),
    ],
)
def test_bad_input_gives_a_sentence_and_status_2(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    heard = spoken_error(monkeypatch, capsys, *(a.replace("{}", str(place)) for a in arguments))
    assert said in heard


def test_an_interrupted_command_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert "run the same command again" in capsys.readouterr().err


def test_doubtful_labels_are_listed_with_their_reasons(place: Path) -> None:
    (first, *rest) = json.loads(invoke("review", "list", place / "flat", "--count", "5", "--json").stdout)
    assert len(rest) == 4
    assert first["label"] != first["suggested"]
    assert first["support"] <= min(row["support"] for row in rest)
    assert "the flat model says" in first["why"]
    assert first["sound_id"] in invoke("review", "list", place / "flat", "--count", "1").stdout


def test_decisions_are_exported_and_make_a_new_version(place: Path, tmp_path: Path) -> None:
    original, record = load_collection(place / "tones"), tmp_path / "record.jsonl"
    sound, old = original.sounds["sound_id"].iat[0], original.sounds["class"].iat[0]
    decide(record, original.hash, sound_id=sound, old=old, new="ss-s", why="by ear", by="me")
    arguments = (place / "flat", "--decisions", record, "--out")
    assert "1 decision of" in invoke("review", "export", *arguments, tmp_path / "decisions.csv").stderr
    assert pd.read_csv(tmp_path / "decisions.csv")[["old", "new", "why"]].to_numpy().tolist() == [
        [old, "ss-s", "by ear"]
    ]
    assert "1 class changed by review" in invoke("review", "apply", *arguments, tmp_path / "new").stderr
    assert load_collection(tmp_path / "new").sounds["class"].iat[0] == "ss-s"
    assert load_collection(place / "tones").hash == original.hash
    with pytest.raises(UserError, match="is there already"):
        invoke("review", "apply", *arguments, place / "tones")
