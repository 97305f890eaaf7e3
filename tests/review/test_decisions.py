"""The record of decisions: nothing lost, nobody overwritten, the collection left as it was."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pandas as pd
import pytest

from bstviz import paths, storage
from bstviz.datasets.collection import Collection, load_collection
from bstviz.errors import UserError
from bstviz.models.run_info import CollectionRef
from bstviz.review.acts import decide, undo
from bstviz.review.applied import BEFORE, apply_decisions, table
from bstviz.review.decisions import read_record
from bstviz.review.record_files import of_other_versions, record_file
from bstviz.review.retraining.versions import find_versions, versions_folder
from tests.fakes import small_collection

HASH = "f" * 64


def say(file: Path, sound: str, new: str | None, *, by: str = "ann", over: tuple[str, ...] = ()):
    return decide(file, HASH, sound_id=sound, old="fx-a", new=new, why="played it", by=by, over=over)


def test_decisions_are_read_back_in_order(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    made = [say(file, "a", "fx-v"), say(file, "b", "fx-a"), say(file, "c", None)]
    record = read_record(file, HASH)
    assert record.decisions == tuple(made)
    assert [d.verdict for d in record.decisions] == ["changed to fx-v", "kept", "unsure"]
    assert record.damaged == 0


def test_a_name_stays_with_the_decision_and_records_without_names_are_read(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    made = decide(file, HASH, sound_id="a", old="fx-a", new="fx-v", why="", by="0123", name="Ada <b>")
    older = {k: v for k, v in json.loads(file.read_text()).items() if k != "name"} | {"id": "older"}
    with file.open("a") as out:
        out.write(json.dumps(older) + "\n")
    record = read_record(file, HASH)
    assert [d.name for d in record.decisions] == ["Ada <b>", None]
    assert record.decisions[0] == made
    assert table(record)["name"].fillna("").tolist() == ["Ada <b>", ""]
    for name in ("", "a\nb", "x" * 101):
        with pytest.raises(UserError, match="name"):
            decide(file, HASH, sound_id="a", old="fx-a", new="fx-v", why="", by="0123", name=name)


def test_a_torn_line_costs_that_line_only(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    say(file, "a", "fx-v")
    whole = file.read_bytes()
    say(file, "b", "fx-v")
    for cut in (len(whole) + 1, len(whole) + 60, len(file.read_bytes()) - 2):
        torn = tmp_path / f"torn-{cut}.jsonl"
        torn.write_bytes(file.read_bytes()[:cut])
        assert [d.sound_id for d in read_record(torn, HASH).decisions] == ["a"]
        say(torn, "c", "ss-n")
        record = read_record(torn, HASH)
        assert [d.sound_id for d in record.decisions] == ["a", "c"]
        assert record.damaged == 1


def test_undo_brings_back_what_was_decided_before(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    first = say(file, "a", "fx-v")
    second = say(file, "a", "fx-a", over=(first.id,))
    assert read_record(file, HASH).agreed["a"] == second
    undo(file, HASH, second, by="ann")
    assert read_record(file, HASH).agreed["a"] == first
    undo(file, HASH, first, by="ann")
    assert read_record(file, HASH).standing == {}
    assert len(file.read_text().splitlines()) == 4


def test_people_who_did_not_see_each_other_both_stand(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    ann, bob = say(file, "a", "fx-v"), say(file, "a", "ss-n", by="bob")
    say(file, "b", "fx-v")
    say(file, "b", "fx-v", by="bob")
    record = read_record(file, HASH)
    assert record.disputed == ["a"]
    assert record.agreed.keys() == {"b"}
    assert record.last_by("ann").sound_id == "b"
    settled = say(file, "a", "fx-v", over=(ann.id, bob.id))
    assert read_record(file, HASH).agreed["a"] == settled


def _many(file: Path, who: str, count: int) -> None:
    for i in range(count):
        say(file, f"{who}{i}", "fx-v", by=who)


def test_two_processes_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    file, count = tmp_path / "new" / "review.jsonl", 40
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_many, args=(file, who, count)) for who in ("ann", "bob")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    record = read_record(file, HASH)
    assert record.damaged == 0
    for who in ("ann", "bob"):
        assert [d.sound_id for d in record.decisions if d.by == who] == [f"{who}{i}" for i in range(count)]


def _write_and_report(file: Path, who: str, pipe: Connection) -> None:
    for i in range(10_000):
        pipe.send(say(file, f"{who}{i}", "fx-v", by=who).id)


def test_what_was_saved_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    file, reported = tmp_path / "review.jsonl", []
    context = multiprocessing.get_context("fork")
    for turn in range(6):
        receiver, sender = context.Pipe(duplex=False)
        writer = context.Process(target=_write_and_report, args=(file, f"w{turn}-", sender))
        writer.start()
        sender.close()
        reported += [receiver.recv() for _ in range(3)]
        time.sleep(0.003 * turn)
        writer.kill()
        writer.join()
        while receiver.poll():
            try:
                reported.append(receiver.recv())
            except EOFError:
                break
    record = read_record(file, HASH)
    assert set(reported) <= {d.id for d in record.decisions}
    assert 0 <= len(record.decisions) - len(reported) <= 6  # a kill may come between the saving and the telling


def test_a_reader_waits_for_a_line_that_is_on_its_way(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    say(file, "a", "fx-v")
    line = file.read_bytes()
    half, begun = len(line) // 2, threading.Event()

    def write() -> None:
        with storage.locked(file):
            file.write_bytes(line[:half])
            begun.set()
            time.sleep(0.2)
            file.write_bytes(line)

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait()
    record = read_record(file, HASH)
    writer.join()
    assert (len(record.decisions), record.damaged) == (1, 0)
    assert list(tmp_path.iterdir()) == [file]


def test_decisions_on_another_version_or_of_a_later_format_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    say(file, "a", "fx-v")
    with pytest.raises(UserError, match="another version of the collection"):
        read_record(file, "0" * 64)
    entry = json.loads(file.read_text())
    file.write_text(json.dumps({**entry, "format_version": 2}) + "\n")
    with pytest.raises(UserError, match="format version 2"):
        read_record(file, HASH)


def test_a_record_lies_beside_the_experiment_or_where_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = CollectionRef("My Sounds!", HASH, None)
    name = f"review-my-sounds-{HASH[:12]}.jsonl"
    monkeypatch.setenv("BSTVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(paths.REVIEWS_VARIABLE, raising=False)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    assert record_file(about, [tmp_path]) == tmp_path / name
    assert record_file(about, [tmp_path / "run"]) == tmp_path / name
    assert record_file(about, [paths.assets() / "runs"]) == tmp_path / "cache" / "reviews" / name
    monkeypatch.setenv(paths.REVIEWS_VARIABLE, str(tmp_path / "chosen"))
    assert record_file(about, [tmp_path]) == tmp_path / "chosen" / name


def test_the_record_of_a_version_is_the_one_that_the_app_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(paths.REVIEWS_VARIABLE, raising=False)
    about, newer = CollectionRef("a", HASH, None), CollectionRef("a", "e" * 64, None)
    version = versions_folder(about, [tmp_path]) / "version-1"
    run = version / "run"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    for given in (tmp_path, version, run):
        assert record_file(newer, [given]) == tmp_path / f"review-a-{'e' * 12}.jsonl"
    elsewhere = tmp_path / "mine" / "version-1"
    elsewhere.mkdir(parents=True)
    assert record_file(newer, [elsewhere]).parent == elsewhere


def test_a_collection_of_any_name_has_a_record_and_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(paths.REVIEWS_VARIABLE, raising=False)
    for name in ("音" * 1_000, "x" * 1_000, "ab" + "音" * 100):
        about = CollectionRef(name, HASH, None)
        file = record_file(about, [tmp_path])
        made = say(file, "a", "fx-v")
        assert read_record(file, HASH).decisions == (made,)
        assert find_versions(versions_folder(about, [tmp_path])) == []
        versions_folder(about, [tmp_path]).mkdir()
    longest = "y" * 223  # which had a record before names were cut
    assert record_file(CollectionRef(longest, HASH, None), [tmp_path]).name == f"review-{longest}-{HASH[:12]}.jsonl"


def test_decisions_on_other_versions_are_counted_where_the_folder_can_be_looked_into(tmp_path: Path) -> None:
    file, other = (tmp_path / f"review-a-{sign * 12}.jsonl" for sign in "01")
    say(other, "a", "fx-v")
    assert of_other_versions(file) == {other.name: 1}
    assert of_other_versions(tmp_path / ("n" * 300) / file.name) == {}


def test_where_nothing_can_be_written_a_decision_is_refused_aloud(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(UserError, match="could not be saved"):
        say(tmp_path / "taken" / "review.jsonl", "a", "fx-v")


@pytest.fixture
def original(tmp_path: Path) -> Collection:
    return load_collection(small_collection().save(tmp_path / "original"))


def hashes(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir()}


def decided(original: Collection, file: Path, changes: dict[str, str | None]) -> None:
    for sound, new in changes.items():
        old = original.sounds["class"].iat[original.row_of[sound]]
        decide(file, original.hash, sound_id=sound, old=old, new=new, why='played it, "twice"', by="ann")


def test_applying_makes_a_new_version_and_leaves_the_original_as_it_was(original: Collection, tmp_path: Path) -> None:
    assert original.folder is not None
    before, file = hashes(original.folder), tmp_path / "review.jsonl"
    decided(original, file, {"s000": "fx-v", "s001": "m-sp", "s002": None, "s047": "m-m"})
    record = read_record(file, original.hash)
    changed = load_collection(apply_decisions(original, record).save(tmp_path / "new"))
    assert hashes(original.folder) == before
    differ = original.sounds["class"] != changed.sounds["class"]
    assert original.sounds["sound_id"][differ].tolist() == ["s000", "s047"]
    assert changed.sounds["class"][differ].tolist() == ["fx-v", "m-m"]
    assert changed.sounds[BEFORE].dropna().tolist() == original.sounds["class"][differ].tolist()
    (revision,) = changed.revisions
    assert (revision.hash, revision.changed) == (original.hash, 2)
    assert changed.hash != original.hash
    assert (changed.audio == original.audio).all()
    again = tmp_path / "second.jsonl"
    decided(changed, again, {"s005": "ss-n"})
    second = apply_decisions(changed, read_record(again, changed.hash))
    assert [r.hash for r in second.revisions] == [original.hash, changed.hash]
    assert second.sounds[BEFORE].notna().sum() == 3


def test_disputed_sounds_keep_their_class(original: Collection, tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    decided(original, file, {"s000": "fx-v", "s009": "fx-v"})
    decided(original, file, {"s000": "ss-n"})
    changed = apply_decisions(original, read_record(file, original.hash))
    assert changed.sounds["class"].iat[0] == original.sounds["class"].iat[0]
    assert changed.sounds["class"].iat[9] == "fx-v"


def test_with_nothing_to_change_there_is_no_new_version(original: Collection, tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    decided(original, file, {"s001": "m-sp", "s002": None})
    with pytest.raises(UserError, match="No decision changes a class"):
        apply_decisions(original, read_record(file, original.hash))


def test_collections_saved_before_there_were_reviews_still_load(original: Collection) -> None:
    assert original.folder is not None
    header = json.loads((original.folder / "collection.json").read_text())
    del header["revisions"]
    (original.folder / "collection.json").write_text(json.dumps(header))
    assert load_collection(original.folder).revisions == ()


def test_the_table_reads_back_as_csv(original: Collection, tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    decided(original, file, {"s000": "fx-v", "s001": "m-sp", "s002": None})
    table(read_record(file, original.hash)).to_csv(tmp_path / "out.csv", index=False)
    rows = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert list(rows) == ["sound_id", "old", "new", "why", "when", "name", "confidence", "comment"]
    assert rows["new"].tolist() == ["fx-v", "m-sp", ""]
    assert rows["why"].tolist() == ['played it, "twice"'] * 3


def test_a_record_that_only_others_may_write_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "review.jsonl"
    say(file, "a", "fx-v")
    os.chmod(file, 0o444)  # noqa: PTH101
    assert len(read_record(file, HASH).decisions) == 1
