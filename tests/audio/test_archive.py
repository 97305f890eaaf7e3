from __future__ import annotations

import hashlib
import io
import stat
import sys
import zipfile
from pathlib import Path

import pytest

from bstviz.audio.archive import Limits, list_sounds, read_sound, unpack
from bstviz.errors import UserError
from tests.anomalous_sounds import sndfile
from tests.fakes import tone


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


WAV = sndfile(tone(400), 8_000)


def test_sounds_are_read_in_path_order_and_the_rest_is_passed_over() -> None:
    data = zipped(
        {"b/two.wav": WAV, "a.flac": WAV, "notes.txt": b"x", "__MACOSX/._a.wav": b"x", ".hidden/c.wav": b"x", "d/": b""}
    )
    digest = hashlib.sha256(WAV).hexdigest()
    assert list(list_sounds(data, "z.zip").sounds.items()) == [("a.flac", digest), ("b/two.wav", digest)]
    assert read_sound(data, "b/two.wav") == WAV


def test_a_damaged_sound_in_an_archive_is_named_and_the_others_are_read() -> None:
    data = bytearray(zipped({"a.wav": WAV, "b.wav": WAV}, zipfile.ZIP_STORED))
    data[100] ^= 0xFF
    listing = list_sounds(bytes(data), "z.zip")
    assert list(listing.sounds) == ["b.wav"]
    assert "a.wav in z.zip is damaged" in listing.damaged["a.wav"]


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_would_be_unpacked_without_bound_is_refused(compression: int, tmp_path: Path) -> None:
    data = zipped({"a.wav": WAV}, compression)
    with pytest.raises(UserError, match=r"'a\.wav' is compressed in a way"):
        list_sounds(data, "z.zip")
    (tmp_path / "z.zip").write_bytes(data)
    with pytest.raises(UserError, match="Pack it again"):
        unpack(tmp_path / "z.zip", tmp_path / "in")


OUTSIDE = [
    "..",
    "../out.wav",
    "a/../../out.wav",
    "/etc/out.wav",
    "//server/share/out.wav",
    "C:/out.wav",
    "c:out.wav",
    "..\\out.wav",
    "\\out.wav",
    "\\\\server\\share\\out.wav",
    "C:\\out.wav",
]


REFUSED = [
    *((path, "leads out of the archive") for path in OUTSIDE),
    *((p, "names no file") for p in (".", "./.", ".\\")),
]


@pytest.mark.parametrize(("path", "why"), REFUSED)
def test_paths_that_lead_out_or_name_nothing_are_refused(path: str, why: str, tmp_path: Path) -> None:
    data = zipped({"good.wav": WAV, path: WAV})
    with pytest.raises(UserError, match=why):
        list_sounds(data, "z.zip")
    (tmp_path / "z.zip").write_bytes(data)
    with pytest.raises(UserError, match=why):
        unpack(tmp_path / "z.zip", tmp_path / "in")
    assert not (tmp_path / "in").exists()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["z.zip"]


def test_a_name_may_be_a_time_of_day_and_a_path_of_windows(tmp_path: Path) -> None:
    names = {"14:26:11.wav": "14:26:11.wav", "./a.wav": "a.wav", "Drums\\kick.wav": "Drums/kick.wav"}
    data = zipped(dict.fromkeys(names, WAV))
    assert set(list_sounds(data, "z.zip").sounds) == set(names)
    if sys.platform != "win32":
        (tmp_path / "z.zip").write_bytes(data)
        unpack(tmp_path / "z.zip", tmp_path / "in")
        found = {file.relative_to(tmp_path / "in").as_posix() for file in (tmp_path / "in").rglob("*.wav")}
        assert found == set(names.values())


def test_what_the_disk_does_not_take_gets_a_sentence(tmp_path: Path) -> None:
    for number, names in enumerate((["a" * 300 + ".wav"], ["a.wav", "a.wav/b.wav"])):
        (tmp_path / "z.zip").write_bytes(zipped(dict.fromkeys(names, WAV)))
        with pytest.raises(UserError, match=r"z\.zip could not be unpacked into"):
            unpack(tmp_path / "z.zip", tmp_path / f"in{number}")


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match="is a link"):
        list_sounds(buffer.getvalue(), "z.zip")


def test_a_link_that_is_there_already_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "audio").symlink_to(tmp_path / "out")
    (tmp_path / "z.zip").write_bytes(zipped({"audio/a.wav": WAV}))
    with pytest.raises(UserError, match="leads out of"):
        unpack(tmp_path / "z.zip", tmp_path / "in")
    assert not list((tmp_path / "out").iterdir())


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zipped({"zeros.wav": bytes(60 * 2**20)})
    assert len(bomb) < 100_000
    with pytest.raises(UserError, match="times its size"):
        list_sounds(bomb, "z.zip")
    with pytest.raises(UserError, match="would unpack to"):
        list_sounds(zipped({"a.wav": WAV * 100}), "z.zip", limits=Limits(10, 1_000))
    with pytest.raises(UserError, match="3 files; at most 2"):
        list_sounds(zipped({f"{i}.wav": WAV for i in range(3)}), "z.zip", limits=Limits(2, 10**9))


def test_what_is_no_archive_or_damaged_gets_a_sentence(tmp_path: Path) -> None:
    good = zipped({"a.wav": WAV})
    damaged = good[:60] + b"\xff" * 40 + good[100:]
    for data, message in (
        (b"PK no", "could not be read as a zip"),
        (damaged, r"a\.wav in z\.zip is damaged"),
        (zipped({"a.txt": b""}), "holds no sound"),
    ):
        with pytest.raises(UserError, match=message):
            list_sounds(data, "z.zip")
    (tmp_path / "z.zip").write_bytes(damaged)
    with pytest.raises(UserError, match="could not be unpacked"):
        unpack(tmp_path / "z.zip", tmp_path / "in")


def test_unpacking_keeps_the_folders_and_tells_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "z.zip").write_bytes(zipped({"BSD/audio/1.wav": WAV, "BSD/metadata/m.csv": b"a"}))
    reported: list[int] = []
    unpack(tmp_path / "z.zip", tmp_path / "in", on_bytes=reported.append)
    assert (tmp_path / "in" / "BSD" / "audio" / "1.wav").read_bytes() == WAV
    assert sum(reported) == len(WAV) + 1
