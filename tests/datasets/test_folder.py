from __future__ import annotations

from pathlib import Path

import pytest

from bstviz.datasets import folder
from bstviz.errors import UserError
from tests.datasets.conftest import wav


def test_a_bare_folder_is_read_with_its_subfolders(tmp_path: Path) -> None:
    wav(tmp_path / "top_sound.wav")
    wav(tmp_path / "rain" / "roof" / "Heavy_rain  2.WAV".replace("WAV", "wav"), 0.2)
    (tmp_path / "rain" / "notes.txt").write_text("no sound")
    collection = folder.load(tmp_path)
    assert collection.sounds["sound_id"].tolist() == ["rain/roof/Heavy_rain  2.wav", "top_sound.wav"]
    assert collection.sounds["title"].tolist() == ["Heavy rain 2", "top sound"]
    assert collection.sounds["tags"][0] == "rain,roof"
    assert collection.sounds["tags"].isna().tolist() == [False, True]
    assert (collection.labels == -1).all()
    assert collection.name == tmp_path.name
    assert len(collection.load_audio(0)[0]) == 1_600


def test_a_folder_without_sounds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no audio file"):
        folder.load(tmp_path)
    with pytest.raises(UserError, match="There is no folder"):
        folder.load(tmp_path / "nowhere")
