"""Chained OGG files: several recordings, one behind the other in one file, as web radios and recorders that pause make
them. libsndfile reads the first of them only; here each is read by itself, and they are joined in time.

Source: RFC 3533, section 4 (a link begins with pages that are marked as the beginning of a stream).
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import BinaryIO

import numpy as np

from bstviz.audio.repair import Mix, Ranges, mix_down

PAGE, HEADER, BEGINS = b"OggS", 27, 2  # a page's first bytes, the size of its header, and its mark of a beginning
Opening = Callable[[], BinaryIO]
"""Opens a file anew, from its beginning and with a position of its own."""


class BytesFile(io.BytesIO):
    """Bytes as a file for libsndfile, which seeks before the beginning of damaged ones."""

    def seek(self, offset: int, whence: int = 0) -> int:
        return super().seek(max(offset, 0) if whence == os.SEEK_SET else offset, whence)


@dataclass(frozen=True)
class _Link:
    """A recording of a chain: its bytes in the file, its rate in Hz, its length in frames of that, and what it is."""

    start: int
    stop: int
    rate: int
    frames: int
    channels: int
    kind: str


def decode_chained(opening: Opening, shown: str) -> Mix | None:
    """Decode a chained OGG file at the rate and with the channels of its first link; None for every other file."""
    with opening() as file:
        places = _places(file)
        links = _links(file, places)
        if not links:
            return None
        rate, channels, kind = links[0].rate, links[0].channels, links[0].kind
        ends = np.cumsum([round(link.frames * rate / link.rate) for link in links]).tolist()

        def blocks(ranges: Ranges) -> Iterator[np.ndarray]:
            for start, stop in ranges:
                for link, begin, end in zip(links, [0, *ends], ends, strict=False):
                    first, last = max(start, begin), min(stop, end)
                    if first < last:
                        samples = _read(_part(file, link.start, link.stop), first - begin, last - begin, rate)
                        yield samples if samples.shape[1] == channels else _spread(samples, channels)

        mix = mix_down(blocks, ends[-1], rate, channels, kind, shown)
        return mix and replace(mix, cut=mix.cut or len(links) < len(places))


def chained_seconds(opening: Opening) -> float | None:
    """Length of a chained OGG file in seconds, all its links together; None for every other file."""
    with opening() as file:
        links = _links(file, _places(file))
    return sum(link.frames / link.rate for link in links) if links else None


def _links(file: BinaryIO, places: list[tuple[int, int]]) -> list[_Link]:
    """The recordings of a chain that can be read; none where the file is no chain."""
    import soundfile

    links = []
    for start, stop in places if len(places) > 1 else ():
        try:
            with soundfile.SoundFile(_part(file, start, stop)) as link:
                links.append(_Link(start, stop, link.samplerate, link.frames, link.channels, link.format))
        except (soundfile.LibsndfileError, RuntimeError, ValueError):
            continue  # damaged, or of a codec that libsndfile does not know
    return links


def _places(file: BinaryIO) -> list[tuple[int, int]]:
    """First byte of every link and the one behind its last; none where the file is no OGG file."""
    begins: list[int] = []
    position, beginning = 0, False
    while True:
        file.seek(position)
        header = file.read(HEADER)
        if len(header) < HEADER or header[:4] != PAGE:
            break
        if header[5] & BEGINS and not beginning:
            begins.append(position)
        beginning = bool(header[5] & BEGINS)
        position += HEADER + header[26] + sum(file.read(header[26]))
    end = file.seek(0, os.SEEK_END)
    return list(pairwise([*begins, end]))


def _part(file: BinaryIO, start: int, stop: int) -> BytesFile:
    file.seek(start)
    return BytesFile(file.read(stop - start))


def _read(link: BytesFile, start: int, stop: int, rate: int) -> np.ndarray:
    """Samples (stop - start, channels) float32 of a link at ``rate`` Hz."""
    import soundfile
    import soxr

    with soundfile.SoundFile(link) as file:
        scale = file.samplerate / rate
        file.seek(round(start * scale))
        samples = file.read(round((stop - start) * scale), dtype="float32", always_2d=True)
        if file.samplerate != rate:
            samples = soxr.resample(samples, file.samplerate, rate)[: stop - start]
        return np.asarray(samples, np.float32)


def _spread(samples: np.ndarray, channels: int) -> np.ndarray:
    """The mean of a link's channels in each channel of the first one."""
    return np.repeat(samples.mean(axis=1, keepdims=True), channels, axis=1)
