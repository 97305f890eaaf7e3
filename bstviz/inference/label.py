"""Libraries of sounds: decode each, embed it, label it; bad files are named with the reason and never end the work.

:class:`Labeller` is the worker that :func:`bstviz.jobs.resumable.in_chunks` runs, here or by Ray.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz import migrations, storage, stored
from bstviz.datasets.audio_root import AWAY_SHARE
from bstviz.datasets.folder import Listing, list_sounds
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.encoders.base import Embeddings
from bstviz.errors import UserError
from bstviz.inference import novelty
from bstviz.inference.classify import DECODING, load_classifier
from bstviz.inference.embed import Embedder
from bstviz.inference.names import words_of_name
from bstviz.inference.pool import TextModel, pooled, text_model_beside
from bstviz.jobs.backend import LOCAL, Engine
from bstviz.jobs.resumable import Item, Track, fingerprint, in_chunks, no_progress
from bstviz.models.experiment_folder import find_runs
from bstviz.models.run import load_run, run_identity
from bstviz.paths import on_disk, readable

RUN_KEY, DECODING_KEY = b"bstviz_run", b"bstviz_decoding"


ANSWERS = ("top", "top_probability", "second", "second_probability")
PARTS = ("words", "audio_second", "audio_second_probability", "words_second", "words_second_probability")


class Labeller:
    """Labels sounds by audio models that predict together: an :class:`Embedder`'s tables with predictions in place of
    embeddings.

    Columns: id, fingerprint, seconds, notes, problem, the answers of :func:`answered`; with a text model ``words`` of
    the sound's name where it has some, and what audio and words each say (:data:`PARTS`); ``own``, the id of the
    models' own sound of the same content, whose stored answer this is, where it is not new; ``novelty`` (see
    :mod:`bstviz.inference.novelty`), ``p_<class>`` for every class.

    Args:
        run_folders: Of the audio models.
        names: Pool their predictions with those of the bundled text model by the words of the sounds' names, where it
            has the same classes.
        device: Torch device.
    """

    def __init__(self, run_folders: Sequence[Path], *, names: bool = False, device: str = "cpu") -> None:
        self.classifier = load_classifier(*run_folders, device=device)
        self.run = self.classifier.run
        if tuple(self.run.encoders) != ("audio",):
            raise UserError(f"Run {self.run.id} needs text, and sounds of a folder have none: choose an audio model.")
        audio = self.run.encoders["audio"]
        self.embedder = Embedder(audio.id, preprocessing=audio.preprocessing, device=device)
        self.text_model = text_model_beside(self.run, device=device) if names else None

    def __call__(self, items: Iterable[Item]) -> Iterator[pd.DataFrame]:
        for table in self.embedder(items):
            yield self.label(table)

    def label(self, table: pd.DataFrame) -> pd.DataFrame:
        """An embedder's table with predictions in place of embeddings."""
        taxonomy, n = self.run.taxonomy, len(table)
        good = np.flatnonzero(table["problem"].isna())
        probabilities = np.full((n, len(taxonomy.codes)), np.nan, np.float32)
        unusual = np.full(n, np.nan, np.float32)
        if len(good):
            vectors = np.stack(table["embedding"].iloc[good].tolist())
            answer = self.classifier.predict(Embeddings(vectors, self.embedder.encoder.info), None)
            probabilities[good] = answer.probabilities
            unusual[good] = novelty.novelty(answer.latent, self.run, self.classifier.usual_distances)
        notes, contents, own = table["notes"].tolist(), table["content"].tolist(), np.full(n, None, object)
        for row in good.tolist():
            stored = self.classifier.stored(contents[row])
            if stored is not None:
                probabilities[row], unusual[row] = stored.prediction.probabilities[0], stored.novelty
                notes[row], own[row] = " ".join(filter(None, (notes[row], *stored.notes))), stored.own
        parts: dict[str, pd.Series] = {}
        if self.text_model is not None:
            probabilities, parts = self._with_words(self.text_model, table["id"], probabilities, own)
        places = dict.fromkeys(ANSWERS)  # the answers' columns stand before the probabilities that they are made of
        columns = {f"p_{code}": probabilities[:, i] for i, code in enumerate(taxonomy.codes)}
        more = {**places, **parts, "own": pd.Series(own, dtype="str"), "novelty": unusual, **columns}
        return answered(table.drop(columns=["embedding", "content"]).assign(notes=notes, **more), taxonomy)

    def _with_words(
        self, text_model: TextModel, names: pd.Series, probabilities: np.ndarray, own: np.ndarray
    ) -> tuple[np.ndarray, dict[str, pd.Series]]:
        """Probabilities (n, C) pooled with the words of the sounds' names, and the columns of :data:`PARTS`.

        What could not be decoded, and stored answers, stay as they are.
        """
        taxonomy = self.run.taxonomy
        takes = np.isfinite(probabilities).all(axis=1) & pd.isna(own)
        words = [words_of_name(name) if taken else "" for name, taken in zip(names, takes, strict=True)]
        read = text_model.predict(words)
        worded = np.isfinite(read).all(axis=1)
        columns: list[pd.Series] = [pd.Series(words, dtype="str").where(worded)]
        for part in (probabilities, read):
            labels = taxonomy.top_down(np.nan_to_num(part))
            columns.append(pd.Series(np.array(taxonomy.codes)[labels], dtype="str").where(worded))
            columns.append(pd.Series(part[np.arange(len(part)), labels], dtype="float32").where(worded))
        weight = text_model.weight(self.classifier.runs)
        return pooled(probabilities, read, weight), dict(zip(PARTS, columns, strict=True))


def answered(table: pd.DataFrame, taxonomy: Taxonomy) -> pd.DataFrame:
    """A table of labels with its answers decoded from its probabilities, top-down.

    ``top`` and ``top_probability`` are the best top-level class and its summed mass, ``second`` and
    ``second_probability`` the best class within it; the stored answers of the models' ``own`` sounds are the most
    probable second-level class and its parent. Tables of before there were two decodings held the most probable
    second-level class, of whatever parent: theirs become what is answered today, and nothing else changes.
    """
    probabilities = table[[f"p_{code}" for code in taxonomy.codes]].to_numpy(np.float32)
    good = ~np.isnan(probabilities).any(axis=1)
    own = table["own"].notna().to_numpy() if "own" in table else np.zeros(len(table), bool)
    known = np.nan_to_num(probabilities)
    labels = np.where(own, taxonomy.argmax(known), taxonomy.top_down(known))
    top = np.array(taxonomy.top_codes)[taxonomy.parents[labels]]
    second = np.array(taxonomy.codes)[labels]
    rows = np.arange(len(table))
    return table.assign(
        top=pd.Series(top, table.index, dtype="str").where(good),
        top_probability=taxonomy.top_mass(probabilities)[rows, taxonomy.parents[labels]],
        second=pd.Series(second, table.index, dtype="str").where(good),
        second_probability=probabilities[rows, labels],
    )


def label_folder(
    folder: str | Path,
    out: str | Path,
    run_folders: Sequence[Path],
    *,
    names: bool = False,
    follow_links: bool = False,
    engine: Engine = LOCAL,
    device: str = "cpu",
    track: Track = no_progress,
) -> pd.DataFrame:
    """Label every sound under a folder and write one table; run again, it takes only what is new or has changed.

    Args:
        folder: The library; it is not changed.
        out: Parquet file to write. While the work goes on its chunks lie in a hidden folder beside it.
        run_folders: Audio models, which predict together.
        names: Pool their predictions with those by the words of the files' names; see :class:`Labeller`.
        follow_links: Follow links that leave the folder, too.
        engine: Where the work is done.
        device: Torch device.
        track: Shows progress.

    Returns:
        The table as written, one row per file in path order: ``file`` (relative path), and the columns of
        :class:`Labeller`. What :func:`bstviz.datasets.folder.list_sounds` leaves out has a row, too, with its problem.

    Raises:
        UserError: The folder holds no sound, the run needs text, or ``out`` is something other than such a table;
            nearly all sounds that it has labels of are away, or nearly none can be read.
    """
    root, out = Path(folder).resolve(), Path(out)
    run_folders = [path.resolve() for given in run_folders for path in find_runs(given)]
    listing = list_sounds(root, follow_links=follow_links)
    items = [Item(path, readable(root / path), fingerprint(on_disk(root / path))) for path in listing.files]
    runs = [load_run(path) for path in run_folders]
    beside = text_model_beside(runs[0], device=device) if names else None
    run_id = run_identity(*runs, *([beside.run] if beside else ()))
    store = out.parent / f".{out.name}.parts" / run_id
    _check_table(out)
    storage.recover(out)
    kept = _labelled_and_away(out, root, listing, run_id)
    earlier = store / "earlier.parquet"  # an earlier call's results are a chunk like any other
    if out.is_file() and not earlier.is_file() and _labelled_by(out) == run_id:
        store.mkdir(parents=True, exist_ok=True)
        storage.write_file(earlier, _parquet(stored.read_table(out).rename(columns={"file": "id"}), run_id))
    make = partial(Labeller, run_folders, names=names, device=device)
    table = in_chunks(make, items, store, engine=engine, track=track).rename(columns={"id": "file"})
    away = table.loc[table["fingerprint"] == "", "problem"]
    if len(away) > AWAY_SHARE * len(table):
        raise UserError(
            f"{len(away):,} of {len(table):,} sounds of {root} could not be read where they are labelled: "
            f"{away.iat[0]} Nothing was written. Make them available, to all machines of a cluster, and run it again."
        )
    table = answered(pd.concat([table, kept], ignore_index=True), runs[0].taxonomy)  # of older versions too
    problems = pd.DataFrame({"file": list(listing.left_out), "problem": list(listing.left_out.values())}, dtype="str")
    problems = problems.assign(fingerprint="", notes="")
    table = pd.concat([table, problems]).sort_values("file", ignore_index=True)
    storage.write_file(out, _parquet(table, run_id))
    shutil.rmtree(store.parent, ignore_errors=True)
    return table


def _labelled_and_away(out: Path, root: Path, listing: Listing, run_id: str) -> pd.DataFrame:
    """The rows of a table of labels whose sounds lie in folders that cannot be listed now, where the same run labelled
    them: they stay.

    Raises:
        UserError: Nearly all sounds that it has labels of are away.
    """
    if not out.is_file():
        return pd.DataFrame()
    known = stored.read_table(out).rename(columns=migrations.OLD_COLUMNS)
    known = known[known["problem"].isna()]
    labelled = known["file"]
    gone = labelled[~labelled.isin(listing.files)]
    if len(gone) > AWAY_SHARE * len(labelled):
        raise UserError(
            f"{len(gone):,} of the {len(labelled):,} sounds that {out} has labels of are not in {root} now, "
            f"{gone.iat[0]!r} for one. Nothing was changed. Make them available, or choose another --out."
        )
    below = [path for path in listing.away(gone) if path not in listing.left_out]
    return known[labelled.isin(below) & (_labelled_by(out) == run_id)]


def _parquet(table: pd.DataFrame, run_id: str) -> bytes:
    """Bytes of a parquet file that names the run and the decoding behind its labels."""
    import pyarrow as pa
    from pyarrow import parquet

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    buffer = io.BytesIO()
    marks = {RUN_KEY: run_id.encode(), DECODING_KEY: DECODING.encode()}
    parquet.write_table(arrow.replace_schema_metadata({**arrow.schema.metadata, **marks}), buffer)
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
        raise UserError(f"{out} exists and is not a table of labels by bstviz; choose another --out.")
