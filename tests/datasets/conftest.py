"""What the tests of sources share: sound files, and the table of three sounds of BSD10k."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import soundfile

from tests.fakes import tone


def wav(path: Path, seconds: float = 0.1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(300, seconds), 8_000)


ROWS = pd.DataFrame(
    {
        "sound_id": [15, 21, 26],
        "class": ["fx-o", "m-sp", "ss-n"],
        "class_idx": [401, 101, 501],
        "class_top": ["fx", "m", "ss"],
        "confidence": [4, 5, 1],
        "title": ["Glass", "Drums", "Forest"],
        "tags": ["glass,hit", "loop", None],
        "description": ["A glass", None, None],
        "uploader": ["Anton", "Berta", "Anton"],
        "license": ["CC0", "CC BY", "CC0"],
    }
)
