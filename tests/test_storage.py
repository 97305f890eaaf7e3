from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bstviz import storage
from bstviz.errors import UserError


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
from bstviz import storage

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


def test_write_file_replaces_and_leaves_no_sibling(tmp_path: Path) -> None:
    storage.write_file(tmp_path / "f", b"one")
    storage.write_file(tmp_path / "f", b"two")
    assert (tmp_path / "f").read_bytes() == b"two"
    assert [f.name for f in tmp_path.iterdir()] == ["f"]


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert storage.sha256(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()


def test_the_header_carries_the_hash_of_every_sibling(tmp_path: Path) -> None:
    write_version(tmp_path / "thing", "one")
    files = json.loads((tmp_path / "thing" / "head.json").read_text())["files"]
    assert files == dict.fromkeys(("a.txt", "b.txt"), hashlib.sha256(b"one").hexdigest())


def test_every_damage_is_named_with_the_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "thing"

    def refuses(said: str) -> None:
        with pytest.raises(UserError, match=said) as caught:
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
        refuses("not valid JSON")
    (folder / "head.json").write_text("[]")
    refuses("not the header of a thing")


def test_a_folder_without_header_is_no_thing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="is no thing"):
            read(folder)


def test_a_mapped_tensor_is_that_of_the_file_and_read_only(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    tensor = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    save_file({"other": np.arange(3), "latents": tensor}, tmp_path / "t.safetensors")
    mapped = storage.map_tensor(tmp_path / "t.safetensors", "latents")
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, tensor)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 0
    with pytest.raises(UserError, match="no float32 tensor 'other'"):
        storage.map_tensor(tmp_path / "t.safetensors", "other")
