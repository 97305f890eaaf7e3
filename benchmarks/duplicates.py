"""Near-duplicates planted among real sounds: how many are found, and what else is.

``python -m benchmarks.duplicates COLLECTION`` takes an embedded collection with audio files, alters sounds of it drawn
at random, embeds them with the collection's own encoder, and looks for near-duplicates in both together. Each draw
plants equal numbers of

- gain: 6 to 12 dB up or down,
- crop: a stretch of 80 to 90 %,
- ogg, mp3: written and read again,
- all: gain, a crop, clipping at full scale, then OGG or MP3.

Printed for each draw: how many planted sounds are paired with what they were made from, by alteration, by embeddings
alone and by waveform, and what plain cosine would have found; then the pairs among the collection's own sounds by what
they are, by the column ``recording`` and by the correlation of their waveforms, and with ``--list`` those that
are neither of one recording nor copies.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from bstviz.datasets.collection import Collection, load_collection
from bstviz.inference.embed import Embedder
from bstviz.jobs.resumable import Item
from bstviz.latent.near_duplicates import COPY, Duplicates, find_duplicates, usual_threshold
from bstviz.latent.neighbours import unit

ALTERATIONS = ("gain", "crop", "ogg", "mp3", "all")


def altered(samples: np.ndarray, how: str, rng: np.random.Generator) -> np.ndarray:
    """What gain and crop do to a sound, before it is written."""
    if how in ("gain", "all"):
        samples = samples * 10 ** (rng.choice([-1, 1]) * rng.uniform(6, 12) / 20)
    if how in ("crop", "all"):
        kept = round(len(samples) * rng.uniform(0.8, 0.9))
        start = rng.integers(0, len(samples) - kept + 1)
        samples = samples[start : start + kept]
    return samples


def write(file: Path, samples: np.ndarray, rate: int) -> None:
    """Write a sound; WAV keeps what is above full scale, OGG and MP3 clip it and lose what they lose."""
    if file.suffix == ".wav":
        soundfile.write(file, samples, rate, subtype="FLOAT")
    else:
        soundfile.write(file, np.clip(samples, -1, 1), rate, format=file.suffix[1:].upper(), compression_level=0.8)


def plant(
    collection: Collection, count: int, seed: int, folder: Path, embedder: Embedder
) -> tuple[Collection, np.ndarray]:
    """The collection with ``count`` altered sounds at its end, and the rows (count,) they were made from."""
    rng = np.random.default_rng(seed)
    with_audio = [int(row) for row in np.flatnonzero(collection.usable(["audio"])) if collection.has_audio(int(row))]
    rows = rng.choice(with_audio, count, replace=False)
    files = []
    for number, row in enumerate(rows):
        how = ALTERATIONS[number % len(ALTERATIONS)]
        kind = how if how in ("ogg", "mp3") else ("wav", "ogg", "mp3")[int(rng.integers(1, 3)) if how == "all" else 0]
        samples, rate = collection.load_audio(int(row))
        file = folder / f"planted-{number}-{how}.{kind}"
        write(file, altered(samples, how, rng), rate)
        files.append(file)
    table = pd.concat(embedder([Item(file.stem, str(file), "") for file in files]), ignore_index=True)
    assert not table["problem"].notna().any(), table["problem"].dropna().tolist()
    planted = collection.sounds.iloc[rows].assign(sound_id=[f.stem for f in files], path=[str(f) for f in files])
    sounds = pd.concat([collection.sounds, planted], ignore_index=True)
    audio = np.vstack([collection.embedding("audio"), np.stack(table["embedding"].tolist())])
    return replace(collection, sounds=sounds, audio=audio, text=None, text_encoder=None, further_texts=()), rows


def recall(found: Duplicates, rows: np.ndarray) -> np.ndarray:
    """Whether each planted sound is paired with the row it was made from, (count,) bool."""
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    first = found.size - len(rows)
    return np.array([(int(row), first + i) in pairs for i, row in enumerate(rows)])


def plain_recall(audio: np.ndarray, rows: np.ndarray) -> tuple[float, int]:
    """The same by cosine of the embeddings as they are, at the same rule's threshold; and other pairs."""
    vectors = unit(audio)
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -1)
    threshold = usual_threshold(similarity.max(axis=1))
    own = len(audio) - len(rows)
    hit = similarity[own + np.arange(len(rows)), rows] >= threshold
    return float(hit.mean()), int(np.triu(similarity[:own, :own] >= threshold).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection", type=Path, help="embedded, with audio files and a column recording")
    parser.add_argument("--count", type=int, default=50, help="sounds planted per draw")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument(
        "--list", action="store_true", help="list the pairs that are neither of one recording nor copies"
    )
    options = parser.parse_args()
    collection = load_collection(options.collection)
    embedder = Embedder(str(collection.audio_encoder.id))  # type: ignore[union-attr]
    how = np.array([ALTERATIONS[i % len(ALTERATIONS)] for i in range(options.count)])
    hits, copy_hits = [], []
    for seed in range(options.draws):
        with tempfile.TemporaryDirectory() as folder:
            both, rows = plant(collection, options.count, seed, Path(folder), embedder)
            found = find_duplicates(both, compare_waveforms=True)
        own = found.size - len(rows)
        planted = int((found.right >= own).sum())
        hit, copy, near = recall(found, rows), recall(found.copies, rows), recall(find_duplicates(both), rows)
        hits.append(hit)
        copy_hits.append(copy)
        parts = ", ".join(f"{kind} {hit[how == kind].sum()}/{(how == kind).sum()}" for kind in ALTERATIONS)
        plain, others = plain_recall(both.embedding("audio"), rows)
        print(
            f"draw {seed}: {hit.sum()} of {len(rows)} found ({parts}), {near.sum()} at similarity >= "
            f"{found.threshold:.3f} and {copy.sum()} as copies; {planted - hit.sum()} other pairs have a planted sound "
            f"and {len(found) - planted} have none"
        )
        print(f"        plain cosine, same threshold rule: {100 * plain:.0f} %, {others} other pairs", flush=True)
    total = np.concatenate(hits)
    print(
        f"recall {100 * total.mean():.1f} % over {len(total)} planted, {100 * np.concatenate(copy_hits).mean():.1f} % "
        "found as copies"
    )

    found = find_duplicates(collection, compare_waveforms=True)
    table = found.table(collection.sounds)
    same, copy = table["same_recording"], table["correlation"] >= COPY
    rest = table[~same & ~copy]
    print(f"\n{collection.name} alone: {len(table)} pairs at similarity >= {found.threshold:.3f}, or copies")
    print(f"  {int(same.sum())} cuts of one recording, of which {int((same & copy).sum())} overlap")
    print(f"  {int((~same & copy).sum())} copies under two names (waveforms correlate >= {COPY})")
    print(
        f"  {len(rest)} other pairs: {int(rest['same_uploader'].sum())} of one source, {int(rest['same_class'].sum())} "
        "of one class"
    )
    print(
        f"  one recording or copies: {100 * (same | copy).mean():.0f} % of all; the {int(copy.sum())} copies alone are "
        "what comparing waveforms keeps"
    )
    if options.list:
        print(rest.drop(columns=["same_recording"]).to_string(index=False, float_format="%.3f", max_colwidth=40))


if __name__ == "__main__":
    main()
