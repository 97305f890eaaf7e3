"""What is kept is what was made, as long as all that it follows from is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bstviz import paths
from bstviz.review import cached as module
from bstviz.review.cached import cached_arrays

EXPECTED = {"votes": ("float32", 2)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(paths.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(module, "LEAST_ROWS", 3)
    return tmp_path / module.KEPT_FOLDER


def votes(value: float, *follows_from: str, rows: int = 3) -> np.ndarray:
    def make() -> dict[str, np.ndarray]:
        return {"votes": np.full((rows, 2), value, np.float32)}

    return cached_arrays("votes", follows_from, make, rows=rows, expected=EXPECTED)["votes"]


def test_what_follows_from_the_same_is_made_once() -> None:
    assert votes(1, "a", "b").tolist() == votes(2, "a", "b").tolist() == [[1, 1]] * 3
    assert votes(3, "ab", "")[0, 0] == 3
    assert votes(4, "a", "c")[0, 0] == 4


def test_what_is_made_in_no_time_is_not_kept(folder: Path) -> None:
    assert [votes(value, "a", rows=2)[0, 0] for value in (1, 2)] == [1, 2]
    assert not folder.exists()


def test_a_damaged_file_is_made_again(folder: Path) -> None:
    votes(1, "a")
    (file,) = folder.glob("*.safetensors")
    file.write_bytes(b"no tensors")
    assert votes(2, "a")[0, 0] == votes(3, "a")[0, 0] == 2


def test_a_file_with_one_other_byte_is_made_again(folder: Path) -> None:
    votes(1, "a")
    (file,) = folder.glob("*.safetensors")
    whole = file.read_bytes()
    for place in range(8 + int.from_bytes(whole[:8], "little"), len(whole)):
        data = bytearray(whole)
        data[place] ^= 64
        file.write_bytes(data)
        assert (votes(2, "a") == 2).all()


def test_a_folder_that_cannot_be_written_keeps_nothing(folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way")
    assert [votes(value, "a")[0, 0] for value in (1, 2)] == [1, 2]


def test_what_was_used_last_stays_within_the_bytes_allowed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    votes(1, "a")
    (file,) = folder.glob("*.safetensors")
    monkeypatch.setattr(module, "KEPT_BYTES", int(2.5 * file.stat().st_size))
    for name in "bcd":
        votes(2, name)
    assert len(list(folder.glob("*.safetensors"))) == 2
    assert votes(3, "d")[0, 0] == 2


def test_what_is_kept_is_read_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    votes(1, "a")

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(module.os, "utime", refused)
    assert votes(2, "a")[0, 0] == 1
