from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from bstviz import storage, stored
from bstviz.datasets.collection import load_collection
from bstviz.errors import AwayError, UserError
from tests.fakes import small_collection


def write_version(folder: Path, content: str) -> None:
    with storage.replaced_folder(folder) as fresh:
        (fresh / "a.txt").write_text(content)
        (fresh / "b.txt").write_text(content)
        storage.write_header(fresh, "head.json", {"format_version": 1, "content": content})


def read(folder: Path) -> dict:
    return storage.read_folder(
        folder, lambda place: storage.read_header(place, "head.json", "thing", (1,), "Make it again.")
    )


def test_a_folder_is_replaced_as_a_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_version(tmp_path / "thing", "one")
    (tmp_path / "thing" / "stray.txt").touch()
    write_version(tmp_path / "thing", "two")
    assert (tmp_path / "thing" / "a.txt").read_text() == "two"
    assert sorted(f.name for f in (tmp_path / "thing").iterdir()) == ["a.txt", "b.txt", "head.json"]
    assert [f.name for f in tmp_path.iterdir()] == ["thing"]


def test_an_exception_while_writing_leaves_the_old_folder(tmp_path: Path) -> None:
    write_version(tmp_path / "thing", "one")
    with pytest.raises(RuntimeError), storage.replaced_folder(tmp_path / "thing") as fresh:
        (fresh / "a.txt").write_text("two")
        raise RuntimeError
    assert read(tmp_path / "thing")["content"] == "one"
    assert [f.name for f in tmp_path.iterdir()] == ["thing"]


KILLED_AT = """
import os, signal, sys
from pathlib import Path
from bstviz import storage, stored

folder, moment = Path(sys.argv[1]), int(sys.argv[2])
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
renames, rename = [], Path.rename

def counted(self, target):
    if len(renames) == moment:
        die()
    renames.append(target)
    return rename(self, target)

Path.rename = counted
storage.shutil.rmtree = (lambda path, ignore_errors: die() if str(path).endswith(".old") else None)
with storage.replaced_folder(folder) as fresh:
    (fresh / "a.txt").write_text("two")
    (fresh / "b.txt").write_text("two")
    storage.write_header(fresh, "head.json", {"format_version": 1, "content": "two"})
"""


@pytest.mark.parametrize(("moment", "expected"), [(0, "one"), (1, "one"), (2, "two")])
def test_a_killed_write_leaves_the_old_folder_or_the_new_one(tmp_path: Path, moment: int, expected: str) -> None:
    """Killed before the first rename, between the two, and before the old folder is removed."""
    folder = tmp_path / "thing"
    write_version(folder, "one")
    done = subprocess.run([sys.executable, "-c", KILLED_AT, str(folder), str(moment)], check=False)
    assert done.returncode == -signal.SIGKILL
    before = sorted(f.name for f in tmp_path.iterdir())
    assert read(folder)["content"] == expected
    place = storage.located(folder)
    assert (place / "a.txt").read_text() == (place / "b.txt").read_text() == expected
    assert sorted(f.name for f in tmp_path.iterdir()) == before  # a reader repairs nothing
    storage.recover(folder)
    assert read(folder)["content"] == (folder / "a.txt").read_text() == expected
    assert [f.name for f in tmp_path.iterdir()] == ["thing"]


def test_a_reader_between_the_two_renames_finds_the_old_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "thing"
    write_version(folder, "one")
    seen = []
    rename = Path.rename

    def watched(self: Path, target: Path) -> Path:
        done = rename(self, target)
        if Path(target).name == ".thing.old":
            seen.extend([read(folder)["content"], storage.folders_in(tmp_path)])
        return done

    monkeypatch.setattr(Path, "rename", watched)
    write_version(folder, "two")
    assert seen == ["one", [folder]]
    assert read(folder)["content"] == "two"


def test_what_is_read_is_of_one_version_though_it_is_replaced_meanwhile(tmp_path: Path) -> None:
    folder = tmp_path / "thing"
    write_version(folder, "one")
    turns = iter(("two", "three"))

    def slowly(place: Path) -> tuple[str, str]:
        first = (place / "a.txt").read_text()
        if content := next(turns, None):
            write_version(folder, content)
        return first, (place / "b.txt").read_text()

    assert storage.read_folder(folder, slowly) == ("three", "three")


def test_what_cannot_be_read_is_not_tried_again(tmp_path: Path) -> None:
    tries = []

    def fail(place: Path) -> None:
        tries.append(place)
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        storage.read_folder(tmp_path, fail)
    assert tries == [tmp_path]


WRITES = """
import sys, time
from pathlib import Path
from bstviz import storage, stored

folder, who = Path(sys.argv[1]), sys.argv[2]
for turn in range(20):
    with storage.replaced_folder(folder) as fresh:
        (fresh / "a.txt").write_text(f"{who}{turn}")
        time.sleep(0.002)
        (fresh / "b.txt").write_text(f"{who}{turn}")
        storage.write_header(fresh, "head.json", {"format_version": 1, "content": f"{who}{turn}"})
"""


READS = """
import sys
from pathlib import Path
from bstviz import storage

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate"}

def refuse(event, arguments):
    writes = event == "open" and set(str(arguments[1])) & set("wax+")
    if event in CHANGES or writes:
        raise PermissionError(f"a reader changes something: {event} {arguments}")

sys.addaudithook(refuse)
folder, until = Path(sys.argv[1]), Path(sys.argv[2])
count = 0
while not until.exists():
    def read(place):
        head = storage.read_header(place, "head.json", "thing", (1,), "Make it again.")
        return head["content"], (place / "a.txt").read_text(), (place / "b.txt").read_text()
    head, a, b = storage.read_folder(folder, read)
    assert head == a == b, (head, a, b)
    count += 1
print(count)
"""


def test_one_writer_and_readers_that_change_nothing_never_fail(tmp_path: Path) -> None:
    folder, until = tmp_path / "in" / "thing", tmp_path / "until"
    write_version(folder, "zero")
    readers = [
        subprocess.Popen([sys.executable, "-c", READS, str(folder), str(until)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for turn in range(150):
        write_version(folder, str(turn))
    until.touch()
    counts = [int(reader.communicate(timeout=120)[0]) for reader in readers]
    assert [reader.returncode for reader in readers] == [0, 0]
    assert min(counts) > 0
    assert [f.name for f in folder.parent.iterdir()] == ["thing"]


def test_a_full_disk_is_a_sentence_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_version(tmp_path / "thing", "one")
    storage.write_file(tmp_path / "f", b"one")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/hidden")

    monkeypatch.setattr(storage, "flush", full)  # by now half of it is written
    with pytest.raises(UserError, match=r"thing could not be written\. The disk is full") as caught:
        write_version(tmp_path / "thing", "two")
    assert "hidden" not in str(caught.value)
    with pytest.raises(UserError, match=r"f could not be written\. The disk is full"):
        storage.write_file(tmp_path / "f", b"two")
    assert read(tmp_path / "thing")["content"] == "one"
    assert (tmp_path / "f").read_bytes() == b"one"
    assert sorted(f.name for f in tmp_path.iterdir()) == ["f", "thing"]


LIMITED = """
import resource, sys
from pathlib import Path
from tests.fakes import small_collection

made = small_collection(seed=2)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    made.save(Path(sys.argv[1]))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes")
@pytest.mark.parametrize("limit", [100, 4_000])
def test_a_collection_that_cannot_be_written_stays_as_it_was(tmp_path: Path, limit: int) -> None:
    """At once, and further on: the table, the arrays and the header are written by three libraries."""
    before = small_collection(seed=1)
    before.save(tmp_path / "mine")
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "mine"), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"UserError {tmp_path / 'mine'} could not be written. A file is larger than allowed")
    assert load_collection(tmp_path / "mine").hash == before.hash
    assert [f.name for f in tmp_path.iterdir()] == ["mine"]


def test_of_other_names_only_what_killed_writers_left_in_an_own_folder_goes(tmp_path: Path) -> None:
    for name in (".killed.new", ".alive.new", ".strange.new", ".back.old", ".gone.old"):
        (tmp_path / name).mkdir()
    for name in ("killed", "back", "gone"):
        (tmp_path / f".{name}.lock").touch()
    (tmp_path / ".other-program.lock").touch()
    (tmp_path / "gone").mkdir()
    with storage.locked(tmp_path / "alive"):
        storage.sweep(tmp_path)
        left = sorted(f.name for f in tmp_path.iterdir())
    assert left == [".alive.lock", ".alive.new", ".other-program.lock", ".strange.new", "back", "gone"]


def test_what_other_programs_keep_beside_stays(tmp_path: Path) -> None:
    for role in ("lock", "new", "old"):
        (tmp_path / f".gitconfig.{role}").touch()
    before = {f.name for f in tmp_path.iterdir()}
    storage.write_file(tmp_path / "f", b"one")
    write_version(tmp_path / "thing", "one")
    assert {f.name for f in tmp_path.iterdir()} == before | {"f", "thing"}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
def test_a_link_and_a_pipe_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to("in/f")
    for content in (b"one", b"two"):
        storage.write_file(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "in" / "f").read_bytes() == content
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE)
    storage.write_file(tmp_path / "pipe", b"three")
    assert reader.communicate(timeout=30)[0] == b"three"
    assert (tmp_path / "pipe").is_fifo()
    code = "from pathlib import Path; from bstviz import storage; storage.write_file(Path('/dev/stdout'), b'four')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"four"
    with (tmp_path / "log").open("wb") as log:
        log.write(b"before ")
        log.flush()
        subprocess.run([sys.executable, "-c", code], stdout=log, check=True)
    assert (tmp_path / "log").read_bytes() == b"before four"


def test_a_missing_folder_with_a_killed_writers_lock_is_missing_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "LOCK_ALONE", 0.1)
    (tmp_path / ".thing.lock").touch()
    (tmp_path / ".thing.new").mkdir()
    with pytest.raises(UserError, match="thing is not a thing"):
        read(tmp_path / "thing")


def test_a_file_that_is_read_while_a_folder_is_written_is_not_what_could_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), storage.replaced_folder(tmp_path / "thing"):
        (tmp_path / "source").read_bytes()
    with (
        pytest.raises(UserError, match="thing could not be written"),
        storage.replaced_folder(tmp_path / "thing") as fresh,
    ):
        (fresh / "in" / "f").write_bytes(b"")
    assert list(tmp_path.iterdir()) == []


def test_two_writers_take_turns_and_readers_always_find_a_whole_version(tmp_path: Path) -> None:
    folder = tmp_path / "thing"
    write_version(folder, "zero")
    writers = [subprocess.Popen([sys.executable, "-c", WRITES, str(folder), who]) for who in ("ann", "bob")]
    while any(writer.poll() is None for writer in writers):
        assert read(folder)["content"]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [f.name for f in tmp_path.iterdir()] == ["thing"]


@pytest.mark.parametrize("name", [".thing.new", ".thing.new-4711"])
def test_what_a_killed_writer_left_is_deleted_by_the_next_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "a.txt").touch()
    (tmp_path / ".thing.lock").touch()
    (tmp_path / ".thing.new-notes").mkdir()  # of another folder
    write_version(tmp_path / "thing", "one")
    assert sorted(f.name for f in tmp_path.iterdir()) == [".thing.new-notes", "thing"]


def test_whoever_waits_too_long_for_another_writer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "PATIENCE", 0.05)
    with storage.locked(tmp_path / "f"), pytest.raises(UserError, match=r"f has been locked by another process"):
        storage.write_file(tmp_path / "f", b"one")


def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    with storage.replaced_folder(tmp_path / "thing") as fresh:
        (fresh / "a.txt").write_text("one")
        (fresh / "a.txt").chmod(0o600)
    (tmp_path / "other.txt").touch()
    assert (tmp_path / "thing" / "a.txt").stat().st_mode == (tmp_path / "other.txt").stat().st_mode
    assert [f.name for f in (tmp_path / "thing").iterdir()] == ["a.txt"]


def test_write_file_replaces_and_leaves_no_sibling(tmp_path: Path) -> None:
    storage.write_file(tmp_path / "f", b"one")
    storage.write_file(tmp_path / "f", b"two")
    assert (tmp_path / "f").read_bytes() == b"two"
    assert [f.name for f in tmp_path.iterdir()] == ["f"]


def test_a_file_that_was_not_written_after_all_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("one")
    with storage.replaced_file(tmp_path / "f") as fresh:
        fresh.write_text("two")
        fresh.unlink()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("f", "one")]


@pytest.mark.parametrize("replaced", [storage.replaced_folder, storage.replaced_file])
def test_an_error_keeps_its_kind_and_its_cause_and_names_no_hidden_sibling(
    tmp_path: Path, replaced: Callable[[Path], AbstractContextManager[Path]]
) -> None:
    first: list[AwayError] = []
    with pytest.raises(AwayError) as caught, replaced(tmp_path / "thing") as fresh:
        first.append(AwayError(f"{fresh} is away"))
        raise first[0]
    assert str(caught.value) == f"{tmp_path / 'thing'} is away"
    assert caught.value.__cause__ is first[0]
    assert not list(tmp_path.iterdir())


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert storage.sha256(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()


def test_the_header_carries_the_hash_of_every_sibling(tmp_path: Path) -> None:
    write_version(tmp_path / "thing", "one")
    files = json.loads((tmp_path / "thing" / "head.json").read_text())["files"]
    assert files == dict.fromkeys(("a.txt", "b.txt"), hashlib.sha256(b"one").hexdigest())


def test_every_damage_is_named_with_the_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "thing"

    def refuses(message: str) -> None:
        with pytest.raises(UserError, match=message) as caught:
            read(folder)
        assert "Make it again." in str(caught.value)
        write_version(folder, "one")

    write_version(folder, "one")
    (folder / "a.txt").write_text("changed")
    refuses(r"a\.txt was changed")
    (folder / "b.txt").unlink()
    refuses(r"lacks b\.txt")
    (folder / "head.json").write_text('{"format_version": 0}')
    refuses("version 0; this bstviz reads version 1")
    for broken in (b'{"format_ver', b"\xff\xff"):
        (folder / "head.json").write_bytes(broken)
        refuses("not valid JSON|not UTF-8")
    (folder / "head.json").write_text("[]")
    refuses("allowed is an object")


def test_a_folder_without_header_is_no_thing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="is not a thing"):
            read(folder)


def test_a_mapped_tensor_is_that_of_the_file_and_read_only(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    tensor = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    save_file({"other": np.arange(3), "latents": tensor}, tmp_path / "t.safetensors")
    mapped = stored.map_tensor(tmp_path / "t.safetensors", "latents")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, tensor)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 0
    with pytest.raises(UserError, match="no float32 tensor 'other'"):
        stored.map_tensor(tmp_path / "t.safetensors", "other")
