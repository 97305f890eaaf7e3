from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from bstviz.audio.archive import Limits, read_sounds, unpack
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
    assert read_sounds(data, "z.zip").sounds == [("a.flac", WAV), ("b/two.wav", WAV)]


def test_a_damaged_sound_in_an_archive_is_named_and_the_others_are_read() -> None:
    data = bytearray(zipped({"a.wav": WAV, "b.wav": WAV}, zipfile.ZIP_STORED))
    data[100] ^= 0xFF
    unpacked = read_sounds(bytes(data), "z.zip")
    assert unpacked.sounds == [("b.wav", WAV)]
    assert "a.wav in z.zip is damaged" in unpacked.damaged["a.wav"]


@pytest.mark.parametrize("path", ["../out.wav", "a/../../out.wav", "/etc/out.wav", "C:/out.wav", "..\\out.wav"])
def test_paths_that_lead_out_are_refused(path: str, tmp_path: Path) -> None:
    data = zipped({"good.wav": WAV, path: WAV})
    with pytest.raises(UserError, match="leads out of the archive"):
        read_sounds(data, "z.zip")
    (tmp_path / "z.zip").write_bytes(data)
    with pytest.raises(UserError, match="leads out of the archive"):
        unpack(tmp_path / "z.zip", tmp_path / "in")
    assert not (tmp_path / "in").exists()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["z.zip"]


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match="is a link"):
        read_sounds(buffer.getvalue(), "z.zip")


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
        read_sounds(bomb, "z.zip")
    with pytest.raises(UserError, match="would unpack to"):
        read_sounds(zipped({"a.wav": WAV * 100}), "z.zip", limits=Limits(10, 1_000))
    with pytest.raises(UserError, match="3 files; at most 2"):
        read_sounds(zipped({f"{i}.wav": WAV for i in range(3)}), "z.zip", limits=Limits(2, 10**9))


def test_what_is_no_archive_or_damaged_gets_a_sentence(tmp_path: Path) -> None:
    good = zipped({"a.wav": WAV})
    damaged = good[:60] + b"\xff" * 40 + good[100:]
    for data, message in (
        (b"PK no", "could not be read as a zip"),
        (damaged, r"a\.wav in z\.zip is damaged"),
        (zipped({"a.txt": b""}), "holds no sound"),
    ):
        with pytest.raises(UserError, match=message):
            read_sounds(data, "z.zip")
    (tmp_path / "z.zip").write_bytes(damaged)
    with pytest.raises(UserError, match="could not be unpacked"):
        unpack(tmp_path / "z.zip", tmp_path / "in")


def test_unpacking_keeps_the_folders_and_tells_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "z.zip").write_bytes(zipped({"BSD/audio/1.wav": WAV, "BSD/metadata/m.csv": b"a"}))
    reported: list[int] = []
    unpack(tmp_path / "z.zip", tmp_path / "in", on_bytes=reported.append)
    assert (tmp_path / "in" / "BSD" / "audio" / "1.wav").read_bytes() == WAV
    assert sum(reported) == len(WAV) + 1
