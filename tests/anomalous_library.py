"""A library with every fault that folders of sounds have, mixed among good files, made anew."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests import anomalous_sounds
from tests.anomalous_sounds import ffmpeg, sndfile
from tests.fakes import RATE, tone

ODD_NAMES = (
    "emoji 🐶.wav",
    "quote \"double\" 'single'.wav",
    "new\nline.wav",
    "tab\tname.wav",
    "-rf.wav",
    "=1+1.wav",
    "[bold]rich[/bold].wav",
    "comma, semi;colon.wav",
    "100%25 #1?.wav",
    "trailing space .wav",
    "CAPS.WAV",
    "a" * 240 + ".wav",
    "back\\slash.wav",
    "日本語.wav",
    "$HOME.wav",
    "bundle.wav/inner.wav",
    "Drums/Kick/01.wav",
    "Drums/Snare/01.wav",
    "drums/kick/01.wav",
)


@dataclass(frozen=True)
class Faulty:
    """What a library holds: relative paths of good sounds, and of what is to be named as bad."""

    good: frozenset[str]
    bad: frozenset[str]


def make_library(root: Path, *, files: int) -> Faulty:
    """Write a library of so many sound files, and of links and folders beside them."""
    good, bad = set(), set()

    def put(name: str, data: bytes, group: set[str]) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        group.add(name.replace("\n", r"\x0a").replace("\t", r"\x09"))  # as ids and messages write them

    for case in anomalous_sounds.corpus():
        if Path(case.name).suffix:  # one without is no sound file by its name
            put(f"corpus/{case.name}", case.data, bad if case.refused else good)
    for number, name in enumerate(ODD_NAMES):
        put(f"names/{name}", sndfile(tone(200 + 5 * number, 0.1), RATE), good)
    strange = ffmpeg(tone(440)[:, None], RATE, "pcm_s16le", "matroska").replace(b"A_PCM/INT/LIT", b"X" * 13)
    put("unknown_codec.mka", strange, bad)
    put("radio.ogg", sndfile(tone(300), RATE, "OGG") + sndfile(tone(600), RATE, "OGG"), good)
    put("twice.wav", sndfile(2 * tone(500), RATE, "WAV", "FLOAT"), good)
    for name in ("._a.wav", "__MACOSX/._b.wav", "__MACOSX/c.wav", ".hidden/d.wav"):
        put(name, b"\0\5\x16\7" + bytes(80), set())
    (root / "latin").mkdir()
    latin = os.fsencode(root / "latin") + b"/T\xfcr.wav"
    Path(os.fsdecode(latin)).write_bytes(sndfile(tone(444, 0.1), RATE))
    good.add(r"latin/T\xfcr.wav")
    outside = root.with_name("outside")
    outside.mkdir()
    (outside / "far.wav").write_bytes(sndfile(tone(333, 0.1), RATE))
    os.mkfifo(root / "pipe.wav")
    for link, target, group in (
        ("dangling.wav", "/nowhere/else.wav", bad),
        ("pack", "/nowhere/pack", bad),
        ("self.wav", "self.wav", bad),
        ("names/up", "..", bad),
        ("pool", str(outside), bad),
        ("far.wav", str(outside / "far.wav"), bad),
        ("same.ogg", "radio.ogg", good),
    ):
        (root / link).symlink_to(target)
        group.add(link)
    bad.add("pipe.wav")
    for number in range(files - len(good) - len(bad)):
        put(f"tones/{number % 7}/{number:04d}.wav", sndfile(tone(200 + number, 0.1), RATE), good)
    return Faulty(frozenset(good), frozenset(bad))


def samples_key(samples: np.ndarray) -> str:
    """What tells the samples that an encoder is given from others."""
    return f"{len(samples)} {float(np.abs(samples).sum()):.6g} {float(np.square(samples).sum()):.6g}"
