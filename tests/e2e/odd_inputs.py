"""Inputs that people really have, made anew: tables as other systems write them, sounds that browsers refuse or whose
names belie them, columns that break pages.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tests.anomalous_sounds import ffmpeg, sndfile
from tests.audio.test_playback import wav_of_24_bits_in_32
from tests.fakes import CODES, tone

RATE = 16_000
PER_CLASS = 3
COUNT = PER_CLASS * len(CODES)
"""Sounds of a table: the classes in turn, :data:`PER_CLASS` of each."""
NAMES = dict(
    zip(
        CODES,
        ("Solo percussion", "Multiple instruments", "Percussion", "Animals", "Vehicles", "Nature"),
        strict=True,
    )
)
"""Names of the classes, where these are tables of names."""


TABLES = ("semicolons", "tabs", "western", "header", "names", "blanks", "twice", "foreign", "zeros", "words")


@dataclass(frozen=True)
class Table:
    """A table of :data:`COUNT` sounds in one class after the other.

    Attributes:
        data: Its bytes.
        said: What the import says of it.
        sound: Id of a sound of the first class, whose card is opened.
        title: What stands above that card.
        sounds: Whether its audio is there.
    """

    data: bytes
    said: tuple[str, ...]
    sound: str = "s0"
    title: str = "sound 0"
    sounds: bool = False


def codes() -> list[str]:
    return [code for code in CODES for _ in range(PER_CLASS)]


def lines(header: str, row: Callable[[int, str], str], *, end: str = "\r\n") -> str:
    return end.join([header, *(row(i, code) for i, code in enumerate(codes()))]) + end


def tables(audio: Path) -> dict[str, Table]:
    """The :data:`TABLES`, by what is odd about them; the sounds of those that have some are written into ``audio``."""
    plain = lines("sound_id,class,title", lambda i, code: f"s{i},{code},sound {i}")
    named = lines("sound_id,Category,title", lambda i, code: f"s{i},{_written(i, NAMES[code], code)},sound {i}")
    blank = plain.replace("s1,", "\r\n,,\r\ns1,", 1) + ",,\r\n" * 2
    twice = lines("path,class", lambda i, code: f"{'ab'[i % 2]}/take{i // 2}.wav,{code}")
    foreign = [f"Sub Dir/Dög {i}.WAV" for i in range(COUNT)]
    for i in range(COUNT):
        data = sndfile(tone(300 + 40 * i, 0.3, RATE), RATE)
        for path in (
            f"{'ab'[i % 2]}/take{i // 2}.wav",
            unicodedata.normalize("NFD" if i % 2 else "NFC", foreign[i]),
            f"{i:04d}.wav",
        ):
            (audio / path).parent.mkdir(parents=True, exist_ok=True)
            (audio / path).write_bytes(data)

    before = ("", " ", "D:\\Old\\")

    def abroad(i: int, code: str) -> str:
        path = unicodedata.normalize("NFC" if i % 2 else "NFD", foreign[i]).replace("/", "\\")
        return f"{before[i % 3]}{path},{code}"

    words = ("NA", "None", "N/A", "null", "True", "007")
    return {
        "semicolons": Table(plain.replace(",", ";").encode(), ("separated by semicolons",)),
        "tabs": Table(plain.replace(",", "\t").encode("utf-16"), ("in UTF-16", "separated by tabs")),
        "western": Table(plain.replace(",sound ", ",Tür – ").encode("cp1252"), ("Windows-1252",), title="Tür – 0"),
        "header": Table(plain.replace("sound_id,class", " Sound ID , CLASS", 1).encode(), ("as sound_id",)),
        "names": Table(
            named.encode(), ("Classes are those of column 'category'", f"Classes of {COUNT} sounds were mapped")
        ),
        "blanks": Table(blank.encode(), ("4 blank rows",)),
        "twice": Table(twice.encode(), ("ids are paths",), "a/take0.wav", "a/take0.wav", sounds=True),
        "foreign": Table(
            lines("path,class", abroad).encode(),
            ("found under another spelling",),
            "Dög 1",
            "Dög 1",
            sounds=True,
        ),
        "zeros": Table(
            lines("path,class,uploader", lambda i, code: f"{i:04d}.wav,{code},{['007', '0070', '12'][i % 3]}").encode(),
            (f"{COUNT} sounds, {COUNT} with a class",),
            "0000",
            "0000",
            sounds=True,
        ),
        "words": Table(
            lines("sound_id,class,title,uploader", lambda i, c: f"s{i},{c},{words[i % 6]},{words[-i % 6]}").encode(),
            (f"{COUNT} sounds, {COUNT} with a class",),
            title="NA",
        ),
    }


def _written(i: int, name: str, code: str) -> str:
    """A class as one person after the other writes it."""
    return (name, name.upper(), f" {name.lower()} ", code.replace("-", "_"))[i % 4]


def odd_sounds() -> dict[str, tuple[bytes, float]]:
    """Bytes of sound files by name, and how long each is in seconds."""
    wave = tone(440, 1, RATE)
    loud = np.random.default_rng(0).normal(0, 0.3, 5 * RATE).astype(np.float32)
    vbr = ffmpeg(np.concatenate([loud, 0.1 * tone(440, 55, RATE)])[:, None], RATE, "aac", "adts", quality=1)
    plain = sndfile(wave, RATE)

    def stating(length: int) -> bytes:
        return plain[:40] + length.to_bytes(4, "little") + plain[44:]

    return {
        "noise_then_quiet.aac": (vbr, 60),
        "float_over.wav": (sndfile(2.4 * wave, RATE, "WAV", "FLOAT"), 1),
        "ima_adpcm.wav": (sndfile(wave, RATE, "WAV", "IMA_ADPCM"), 1),
        "aiff_named.wav": (sndfile(wave, RATE, "AIFF"), 1),
        "flac_named.mp3": (sndfile(wave, RATE, "FLAC"), 1),
        "w64.w64": (sndfile(wave, RATE, "W64"), 1),
        "caf.caf": (sndfile(wave, RATE, "CAF", "PCM_24"), 1),
        "float64.wav": (sndfile(wave, RATE, "WAV", "DOUBLE"), 1),
        "24_in_32.wav": (wav_of_24_bits_in_32(), 0.5),
        "streamed.wav": (stating(2**32 - 1), 1),
        "never_written.wav": (stating(0), 1),
        "piped.wav": (stating(2**31 - 4_096), 1),
        "chained.ogg": (sndfile(wave, RATE, "OGG") * 3, 3),
        "joined.mp3": (sndfile(wave, RATE, "MP3") * 2, 2),
        "lossless.m4a": (ffmpeg(wave[:, None], RATE, "alac", "mp4"), 1),
        "phone.amr.m4a": (ffmpeg(wave[:, None], RATE, "aac", "mp4"), 1),
        "eight.wav": (sndfile(np.repeat(wave[:, None], 8, axis=1), RATE), 1),
        "many.wav": (sndfile(np.repeat(wave[:, None], 12, axis=1), RATE), 1),
    }


def odd_table(files: Sequence[str], vectors: np.ndarray) -> pd.DataFrame:
    """A table whose columns break pages, of sounds in one class after the other; ``emb`` are its vectors."""
    n = len(files)
    at = np.arange(n)
    table = pd.DataFrame(
        {
            "path": files,
            "class": [CODES[i * len(CODES) // n] for i in at],
            "confidence": 1 + at % 5,
            "title": [f"<b>{i}</b> [link](http://example.org) 🐶" for i in at],
            "tags": [["dog", "bark"], ["rain"], None] * (n // 3),
            "emb": list(vectors[:n]),
            "meta": [{"a": int(i)} for i in at],
            "boxes": [[1.0, 2.0]] * n,
            "score": np.where(at % 7 == 0, np.inf, at / 3),
            "all_inf": np.where(at % 2 == 0, np.inf, -np.inf),
            "huge": 1e300 * at,
            "year": 1975 + at,
            "split": np.where(at % 3 == 0, "dev", "eval"),
            "certainty": np.where(at % 3 == 0, "mine", "theirs"),
            "content": np.where(at % 2 == 0, "music", "speech"),
            "top": np.where(at % 2 == 0, "a", "b"),
            "y_pred": "mine",
            "when": pd.to_datetime("2020-01-01") + pd.to_timedelta(at, unit="D"),
            "long": pd.to_timedelta(at, unit="s"),
            "loop": pd.array([True, None, False] * (n // 3), dtype="boolean"),
            "kind": pd.Categorical(["none", "all others (2)", None] * (n // 3)),
            "=1+1": [f"=cmd|{i}" for i in at],
        }
    )
    table["p_fx-a"] = 0.5 + at % 2
    return table


def odd_library(root: Path) -> tuple[set[str], set[str]]:
    """Write a folder of sounds with a fault of each kind; the ids of its good sounds, and what is to be named."""
    good = ("plain.wav", "new\nline 🐶.wav", "[b](x) <i>.wav", "=1+1.wav", "Kick/01.wav", "kick/01.wav")
    for i, name in enumerate(good):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(sndfile(tone(250 + 50 * i, 0.3, RATE), RATE))
    (root / "made.wav").write_bytes(sndfile(tone(700, 0.3, RATE), RATE))
    (root / "made.wav").rename(os.fsdecode(os.fsencode(root) + b"/T\xfcr.wav"))
    (root / "empty.wav").write_bytes(b"")
    (root / "text.wav").write_text("no sound at all")
    (root / "._plain.wav").write_bytes(b"\0\5\x16\7" + bytes(60))
    outside = root.with_name("outside")
    outside.mkdir()
    (outside / "far.wav").write_bytes(sndfile(tone(800, 0.3, RATE), RATE))
    links = {"dangling.wav": "/nowhere/else.wav", "loop.wav": "loop.wav", "again": ".", "pack": str(outside)}
    for name, target in links.items():
        (root / name).symlink_to(target)
    return {*(name.replace("\n", r"\x0a") for name in good), r"T\xfcr.wav"}, {"empty.wav", "text.wav", *links}


def bsd_layout(root: Path, vectors: np.ndarray) -> None:
    """Write the official layout with these vectors (N, 512) of sounds in one class after the other, but for one that
    is infinite and one that is partly missing.
    """
    features = root / "features" / "clap_audio_embeddings"
    features.mkdir(parents=True)
    n = len(vectors)
    table = pd.DataFrame(
        {"sound_id": range(1000, 1000 + n), "class": [CODES[i * len(CODES) // n] for i in range(n)], "title": "sound"}
    )
    table.to_csv(root / "BSD10k_metadata.csv", index=False)
    for i, vector in enumerate(vectors):
        own = vector.astype(np.float16 if i == 1 else np.float32)
        own[3] = {1: np.inf, 2: np.nan}.get(i, own[3])
        np.save(features / f"{1000 + i}.npy", own)
