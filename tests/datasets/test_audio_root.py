from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bstviz.datasets import table
from bstviz.datasets.audio_root import item_of, relocated
from bstviz.datasets.collection import FREESOUND_ROOT, SYNTH_ROOT, Collection, load_collection
from bstviz.encoders.base import EncoderInfo
from bstviz.errors import UserError
from tests.fakes import small_collection, write_tones


@pytest.fixture
def moved(tmp_path: Path) -> Collection:
    """A collection of 24 tones, whose folder has gone from ``audio`` to ``disk``."""
    write_tones(tmp_path / "audio").to_csv(tmp_path / "tones.csv", index=False)
    made = table.load(tmp_path / "tones.csv", audio_folder=tmp_path / "audio")
    embedded = replace(made, audio=np.ones((24, 2), np.float32), audio_encoder=EncoderInfo("fake-audio", "1", 2))
    (tmp_path / "audio").rename(tmp_path / "disk")
    return load_collection(embedded.save(tmp_path / "tones"))


def test_sounds_are_found_in_the_new_folder_and_the_identity_stays(moved: Collection, tmp_path: Path) -> None:
    (tmp_path / "disk" / "m-m_2.wav").unlink()
    found = relocated(moved, tmp_path / "disk")
    assert found.files == 24
    assert list(found.missing) == ["m-m_2"]
    saved = load_collection(found.collection.save(tmp_path / "tones"))
    assert saved.hash == moved.hash
    assert saved.audio_root == str(tmp_path / "disk")
    assert len(saved.load_audio(0)[0]) == 2_000


def test_a_folder_that_holds_none_of_the_sounds_is_refused(moved: Collection, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    with pytest.raises(UserError, match=r"None of the 24 sounds .* m-sp_0.wav for one.*They were in .*audio"):
        relocated(moved, tmp_path / "bare")
    with pytest.raises(UserError, match="There is no folder"):
        relocated(moved, tmp_path / "nowhere")
    for root in (SYNTH_ROOT, FREESOUND_ROOT, None):
        with pytest.raises(UserError, match="names no audio files"):
            relocated(replace(small_collection(), audio_root=root), tmp_path / "disk")


def test_paths_that_lead_out_of_the_folder_are_not_there(moved: Collection, tmp_path: Path) -> None:
    paths = moved.sounds["path"].copy()
    paths.iloc[:2] = ["../m-sp_0.wav", "link.wav"]
    (tmp_path / "m-sp_0.wav").write_bytes((tmp_path / "disk" / "m-sp_0.wav").read_bytes())
    (tmp_path / "disk" / "link.wav").symlink_to(tmp_path / "m-sp_0.wav")
    out = replace(moved, sounds=moved.sounds.assign(path=paths))
    found = relocated(out, tmp_path / "disk")
    items = [item_of(found.collection, row) for row in range(3)]
    assert [bool(item.source) for item in items] == [False, False, True]
    assert list(relocated(replace(out, follow_links=True), tmp_path / "disk").missing) == ["m-sp_0"]
    assert list(found.missing) == ["m-sp_0", "m-sp_1"]
