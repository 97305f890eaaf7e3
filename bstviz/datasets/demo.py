"""The demo collection: about 1,100 sounds over all 23 classes, synthesised by :mod:`bstviz.synth` when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bstviz.datasets.base import Source

if TYPE_CHECKING:
    from bstviz.datasets.collection import Collection

SOURCE = Source("demo", "bstviz demo", "", "CC0 1.0", "bstviz demo: sounds synthesised by bstviz.synth")


def load() -> Collection:
    """The demo collection without embeddings; durations are not known before a sound is made."""
    import pandas as pd

    from bstviz import synth
    from bstviz.datasets.collection import SYNTH_ROOT, Collection, sounds_table

    rows = pd.DataFrame(
        {
            "sound_id": s.sound_id,
            "class": s.label,
            "confidence": s.confidence,
            "title": s.title,
            "tags": ",".join(s.tags),
            "description": s.description,
            "uploader": "bstviz",
            "license": SOURCE.license,
        }
        for s in synth.catalogue()
    )
    return Collection(name=SOURCE.title, sounds=sounds_table(rows), audio_root=SYNTH_ROOT, license=SOURCE.license)
