"""Libraries of sounds: hear each, embed it, label it; bad files are named with the reason and never end the work.

:class:`Embedder` and :class:`Labeller` are the workers that :func:`bstviz.parts.in_parts` runs, here or by Ray.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz import audio, novelty, storage
from bstviz.classify import load_classifier
from bstviz.collection import SYNTH_ROOT
from bstviz.datasets import folder as bare_folder
from bstviz.encoders.base import load_audio_encoder
from bstviz.engine import LOCAL, Engine
from bstviz.errors import UserError
from bstviz.parts import Item, Track, in_parts, no_progress, read_ahead, stamp
from bstviz.predict import Embeddings
from bstviz.run import find_runs, load_run, run_identity

GROUP = 8  # sounds embedded at a time, while the next ones are read
BATCH_SOUNDS, BATCH_SECONDS = 32, 160.0  # sounds, or seconds of sound, that make a table
RUN_KEY = b"bstviz_run"


def hear(item: Item) -> audio.Sound:
    """The sound of an item; UserError where there is none."""
    if item.source.startswith(SYNTH_ROOT):
        from bstviz import synth

        samples = synth.render(item.source.removeprefix(SYNTH_ROOT))
        return audio.Sound(samples, synth.SAMPLE_RATE, len(samples) / synth.SAMPLE_RATE, 1, "synthesised")
    if not item.source:
        raise UserError(f"Sound {item.id!r} has no audio file.")
    return audio.decode(item.source, name=Path(item.source).name)


@dataclass(frozen=True, eq=False)
class _Heard:
    item: Item
    samples: np.ndarray | None
    seconds: float
    notes: str
    problem: str | None


class Embedder:
    """Embeds sounds: tables of id, fingerprint, seconds, notes, problem and ``embedding``, (d,) float32 or None."""

    def __init__(self, encoder_id: str, *, device: str = "cpu") -> None:
        self.encoder = load_audio_encoder(encoder_id, device=device)

    def __call__(self, items: Iterable[Item]) -> Iterator[pd.DataFrame]:
        rows: list[_Heard] = []
        vectors: list[np.ndarray | None] = []
        for group in _groups(read_ahead(self._hear, items)):
            good = [heard.samples for heard in group if heard.samples is not None]
            made = iter(self.encoder.embed(good) if good else ())
            vectors += [None if heard.samples is None else next(made) for heard in group]
            rows += [replace(heard, samples=None) for heard in group]
            if len(rows) >= BATCH_SOUNDS or sum(heard.seconds for heard in rows if not heard.problem) >= BATCH_SECONDS:
                yield _table(rows, vectors)
                rows, vectors = [], []
        if rows:
            yield _table(rows, vectors)

    def _hear(self, item: Item) -> _Heard:
        try:
            sound = hear(item)
        except UserError as error:
            return _Heard(item, None, float("nan"), "", str(error))
        except (MemoryError, OSError) as error:
            return _Heard(item, None, float("nan"), "", f"{item.source} could not be read: {error}")
        return _Heard(item, sound.at(self.encoder.rate), sound.seconds, " ".join(sound.notes), None)


def _groups(heard: Iterable[_Heard]) -> Iterator[list[_Heard]]:
    """Groups of about the same work: some short sounds or a single long one."""
    group: list[_Heard] = []
    seconds = 0.0
    for one in heard:
        group.append(one)
        seconds += one.seconds if one.samples is not None else 0.0
        if len(group) == min(GROUP, BATCH_SOUNDS) or seconds >= BATCH_SECONDS / 4:
            yield group
            group, seconds = [], 0.0
    if group:
        yield group


def _table(rows: list[_Heard], vectors: list[np.ndarray | None]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [heard.item.id for heard in rows],
            "fingerprint": [heard.item.stamp for heard in rows],
            "seconds": np.array([heard.seconds for heard in rows], np.float32),
            "notes": [heard.notes for heard in rows],
            "problem": pd.Series([heard.problem for heard in rows], dtype="str"),
            "embedding": vectors,
        }
    )


class Labeller:
    """Labels sounds by audio-only runs that answer together: an :class:`Embedder`'s tables with answers in place of embeddings.

    Columns: id, fingerprint, seconds, notes, problem, ``top`` and ``top_probability`` (the summed mass of the best
    top-level class), ``second`` and ``second_probability``, ``novelty`` (see :mod:`bstviz.novelty`), ``p_<class>`` for
    every class.
    """

    def __init__(self, run_folders: Sequence[Path], *, device: str = "cpu") -> None:
        self.classifier = load_classifier(*run_folders, device=device)
        self.run = self.classifier.run
        if tuple(self.run.encoders) != ("audio",):
            raise UserError(f"Run {self.run.id} needs text; sounds of a folder have none: take an audio-only run.")
        self.embedder = Embedder(self.run.encoders["audio"].id, device=device)

    def __call__(self, items: Iterable[Item]) -> Iterator[pd.DataFrame]:
        for table in self.embedder(items):
            yield self.label(table)

    def label(self, table: pd.DataFrame) -> pd.DataFrame:
        """An embedder's table with answers in place of embeddings."""
        taxonomy, n = self.run.taxonomy, len(table)
        good = table["problem"].isna().to_numpy()
        probabilities = np.full((n, len(taxonomy.codes)), np.nan, np.float32)
        unusual = np.full(n, np.nan, np.float32)
        top, second = (np.full(n, None, object) for _ in range(2))
        if good.any():
            vectors = np.stack(table["embedding"][good].tolist())
            answer = self.classifier.predict(Embeddings(vectors, self.embedder.encoder.info), None)
            probabilities[good] = answer.probabilities
            unusual[good] = novelty.novelty(answer.latent, self.run, self.classifier.usual_distances)
            top[good] = np.array(taxonomy.top_codes, object)[taxonomy.top_mass(answer.probabilities).argmax(axis=1)]
            second[good] = np.array(taxonomy.codes, object)[answer.probabilities.argmax(axis=1)]
        answers = {
            "top": pd.Series(top, dtype="str"),
            "top_probability": taxonomy.top_mass(probabilities).max(axis=1),
            "second": pd.Series(second, dtype="str"),
            "second_probability": probabilities.max(axis=1),
            "novelty": unusual,
            **{f"p_{code}": probabilities[:, i] for i, code in enumerate(taxonomy.codes)},
        }
        return table.drop(columns="embedding").assign(**answers)


def label_folder(
    folder: str | Path,
    out: str | Path,
    run_folders: Sequence[Path],
    *,
    engine: Engine = LOCAL,
    device: str = "cpu",
    track: Track = no_progress,
) -> pd.DataFrame:
    """Label every sound under a folder and write one table; run again, it takes only what is new or has changed.

    Args:
        folder: The library; it is not changed.
        out: Parquet file to write. While the work goes on its parts lie in a hidden folder beside it.
        run_folders: Audio-only runs, which answer together.
        engine: Where the work is done.
        device: Torch device.
        track: Shows progress.

    Returns:
        The table as written, one row per file in path order: ``file`` (relative path), and the columns of :class:`Labeller`.

    Raises:
        UserError: The folder holds no sound, the run needs text, or ``out`` is something else than such a table.
    """
    root, out = Path(folder).resolve(), Path(out)
    run_folders = [path.resolve() for given in run_folders for path in find_runs(given)]
    items = [Item(path, str(root / path), stamp(root / path)) for path in bare_folder.find(root)]
    run_id = run_identity(*(load_run(path) for path in run_folders))
    store = out.parent / f".{out.name}.parts" / run_id
    _check_table(out)
    storage.recover(out)
    earlier = store / "earlier.parquet"  # an earlier call's results are a part like any other
    if out.is_file() and not earlier.is_file() and _labelled_by(out) == run_id:
        store.mkdir(parents=True, exist_ok=True)
        storage.write_file(earlier, _parquet(pd.read_parquet(out).rename(columns={"file": "id"}), run_id))
    make = partial(Labeller, run_folders, device=device)
    table = in_parts(make, items, store, engine=engine, track=track).rename(columns={"id": "file"})
    storage.write_file(out, _parquet(table, run_id))
    shutil.rmtree(store.parent, ignore_errors=True)
    return table


def _parquet(table: pd.DataFrame, run_id: str) -> bytes:
    """Bytes of a parquet file that names the run behind its labels."""
    import pyarrow as pa
    from pyarrow import parquet

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    buffer = io.BytesIO()
    parquet.write_table(arrow.replace_schema_metadata({**arrow.schema.metadata, RUN_KEY: run_id.encode()}), buffer)
    return buffer.getvalue()


def _labelled_by(file: Path) -> str:
    from pyarrow import parquet

    metadata: dict[bytes, bytes] = parquet.read_schema(file).metadata or {}
    return metadata.get(RUN_KEY, b"").decode()


def _check_table(out: Path) -> None:
    if out.suffix != ".parquet":
        raise UserError(f"--out is {out}; labels are written as a .parquet file, e.g. labels.parquet.")
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        return
    try:
        known = bool(_labelled_by(out))
    except (OSError, ValueError):
        known = False
    if not known:
        raise UserError(f"{out} exists and holds no labels of bstviz; choose another --out.")
