"""Damaged files of every format: each is a sound or a sentence, none ends a batch and none takes for ever."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from bstviz.audio import archive, decode
from bstviz.errors import AwayError, UserError
from tests.anomalous_sounds import ffmpeg, sndfile, tone

RATE = 16_000
LIBSNDFILE = {
    "wav": ("WAV", "PCM_16"),
    "wav-u8": ("WAV", "PCM_U8"),
    "wav-24": ("WAV", "PCM_24"),
    "wav-float": ("WAV", "FLOAT"),
    "wav-double": ("WAV", "DOUBLE"),
    "wav-ima": ("WAV", "IMA_ADPCM"),
    "wav-ms": ("WAV", "MS_ADPCM"),
    "wav-gsm": ("WAV", "GSM610"),
    "wav-ulaw": ("WAV", "ULAW"),
    "wavex": ("WAVEX", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "PCM_16"),
    "aifc": ("AIFF", "ULAW"),
    "caf": ("CAF", "PCM_16"),
    "caf-alac": ("CAF", "ALAC_16"),
    "au": ("AU", "PCM_16"),
}
FFMPEG = {
    "m4a": ("aac", "mp4"),
    "m4a-lossless": ("alac", "mp4"),
    "aac": ("aac", "adts"),
    "wma": ("wmav2", "asf"),
    "amr": ("amr_nb", "amr"),
    "mov": ("pcm_s16le", "mov"),
    "webm": ("libopus", "webm"),
    "mka": ("ac3", "matroska"),
}
RATES = {"amr": 8_000, "webm": 48_000, "opus": 48_000, "mka": 48_000, "wma": 44_100}
KINDS = [*LIBSNDFILE, *FFMPEG]
EDGES = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
MUTATIONS = 2_000
HEAD = 256  # bytes


@cache
def whole(kind: str) -> bytes:
    """A tone in a format."""
    rate = RATES.get(kind, RATE)
    if kind in FFMPEG:
        codec, container = FFMPEG[kind]
        return ffmpeg(tone(rate), rate, codec, container, bit_rate=64_000 if codec == "wmav2" else None)
    return sndfile(tone(rate), rate, *LIBSNDFILE[kind])


def mutated(data: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A file with bits, bytes or fields changed, mostly of its head; cut off; with parts lost, doubled or others."""
    out = bytearray(data)

    def place(size: int = 1) -> int:
        reach = min(len(out), HEAD) if rng.random() < 0.7 else len(out)
        return int(rng.integers(max(reach - size, 1)))

    def bits() -> None:
        for _ in range(int(rng.integers(1, 9))):
            out[place()] ^= 1 << int(rng.integers(8))

    def two_bytes() -> None:
        for _ in range(2):
            out[place()] = int(rng.integers(256))

    def fields() -> None:
        for _ in range(int(rng.integers(1, 4))):
            size = int(rng.choice([2, 4, 8]))
            value = int(rng.choice(EDGES)) if rng.random() < 0.7 else int(rng.integers(2**32))
            at = place(size) & ~1
            out[at : at + size] = (value % 2 ** (8 * size)).to_bytes(size, "little" if rng.random() < 0.5 else "big")

    def cut() -> None:
        del out[int(rng.integers(len(out))) :]

    def lost() -> None:
        at = place()
        del out[at : at + int(rng.integers(1, 64))]

    def doubled() -> None:
        at, size = place(), int(rng.integers(1, 400))
        out[at:at] = out[at : at + size] * int(rng.integers(1, 20))

    def spliced() -> None:
        at = place()
        out[at:] = other[int(rng.integers(len(other))) :]

    ways: list[Callable[[], None]] = [bits, two_bytes, fields, fields, cut, lost, doubled, spliced]
    for _ in range(int(rng.integers(1, 4))):
        if out:
            ways[int(rng.integers(len(ways)))]()
    return bytes(out)


def outcome(data: bytes, name: str) -> str:
    """What becomes of a file: a sound, a refusal, or that it ended its decoder; anything else fails."""
    try:
        sound = decode.decode(data, name=name)
    except AwayError as error:
        raise AssertionError(f"the clock ran out: {error}") from None
    except UserError as error:
        sentence = str(error)
        assert sentence.startswith(name), sentence
        assert "processor time" not in sentence, sentence
        return "ended" if "ends the decoder" in sentence or "of memory" in sentence else "refused"
    assert len(sound.samples) and np.isfinite(sound.samples).all()
    return "sound"


def fuzzed(kind: str, count: int) -> Counter[str]:
    rng = np.random.default_rng([KINDS.index(kind), 18])
    found: Counter[str] = Counter()
    for number in range(count):
        data = mutated(whole(kind), whole(KINDS[int(rng.integers(len(KINDS)))]), rng)
        found[outcome(data, f"{kind}-{number}")] += 1
        if number % 10 == 0:
            decode.coding(data)
    return found


def test_damaged_files_of_every_format_are_sounds_or_refused() -> None:
    for kind in KINDS:
        assert outcome(whole(kind), kind) == "sound"
        assert fuzzed(kind, -(-200 // len(KINDS)))["ended"] == 0


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_however_files_of_a_format_are_damaged_they_are_sounds_or_refused(kind: str) -> None:
    found = fuzzed(kind, MUTATIONS)
    print(kind, dict(found))
    assert found.total() == MUTATIONS
    assert found["ended"] <= MUTATIONS / 200


def packed(rng: np.random.Generator) -> bytes:
    buffer = io.BytesIO()
    ways = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(buffer, "w", ways[int(rng.integers(len(ways)))]) as out:
        for kind in ("wav", "flac"):
            out.writestr(f"in/{kind}.{kind}", whole(kind))
        out.writestr("notes.txt", b"no sound")
    return buffer.getvalue()


def unpacked(count: int) -> Counter[str]:
    rng = np.random.default_rng(19)
    found: Counter[str] = Counter()
    for _ in range(count):
        data = packed(rng)
        # the directory at the end says what there is, and where
        data = mutated(data[::-1], packed(rng), rng)[::-1] if rng.random() < 0.5 else mutated(data, packed(rng), rng)
        try:
            listing = archive.list_sounds(data, "z.zip")
        except UserError as error:
            assert "z.zip" in str(error)
            found["refused"] += 1
            continue
        for path in listing.sounds:
            archive.read_sound(data, path)
        found["read"] += 1
    return found


@pytest.mark.parametrize("count", [200, pytest.param(MUTATIONS, marks=pytest.mark.long)])
def test_damaged_archives_are_read_as_far_as_they_go_or_refused(count: int) -> None:
    found = unpacked(count)
    assert found.total() == count
    assert min(found["read"], found["refused"]) > count / 10
