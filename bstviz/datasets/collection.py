"""Collections: a table of sounds and, in the same order, their audio and text embeddings.

On disk a folder (``docs/formats.md``): ``collection.json``, ``sounds.parquet``, ``embeddings.safetensors``. An
embedding row of NaN means "none": the sound could not be decoded. A zero vector never stands for that.

Text may be embedded in several **configurations**, after the fields that were read: "title+tags", say, beside
"title+tags+description". The first one is the collection's text; runs are trained on any.
Long because what a collection checks, what it gives and how it lies on disk stand together.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

from bstviz import migrations, paths, storage, stored
from bstviz.audio import decode
from bstviz.datasets.collection_header import (
    STATED_FURTHER,
    STATED_NUMBERS,
    Revision,
    check_ids,
    files_hash_of,
    header_from,
    stated_sounds,
)
from bstviz.datasets.reading import where
from bstviz.datasets.taxonomy import Taxonomy, bst, taxonomy_entry
from bstviz.encoders.base import AudioOrText, Embeddings, EncoderInfo, words_of
from bstviz.errors import UserError

COLLECTION_HEADER = "collection.json"
COLUMNS = ("sound_id", "class", "confidence", "title", "tags", "description", "uploader", "license", "path", "duration")
NOT_OFFERED = {"sound_id", "class", "confidence", "title", "tags", "description", "path", "file", "url", "content"}
"""Columns that are shown in ways of their own, or not at all: not offered to colour, filter or group by."""
SYNTH_ROOT = "synth:"
"""Root of collections whose audio is synthesised from the sound id when it is needed."""
FREESOUND_ROOT = "freesound:"
"""Root of collections whose audio is not here; their ids are Freesound's, where a browser that is online can play them.
"""
NO_FOLDER = (None, SYNTH_ROOT, FREESOUND_ROOT)
IMPORT_AGAIN = "Import the sounds again, or restore the folder from a copy."


@dataclass(frozen=True, eq=False)
class Collection:
    """Sounds and their embeddings.

    Attributes:
        name: What people call it.
        sounds: One row per sound, columns of :data:`COLUMNS` first, any others behind. ``class`` is a second-level code
            or missing; ``confidence`` the annotation confidence 1-5 or missing; ``path`` is relative to ``audio_root``.
            ``class_top``, where it stands behind, is the top-level code of sounds without a second-level one.
        taxonomy: The classes.
        audio_root: Folder of the audio files, :data:`SYNTH_ROOT`, :data:`FREESOUND_ROOT`, or None where there is no
            audio.
        audio: (N, d_a) float32 or None; rows in table order.
        text: (N, d_t) float32 or None; rows in table order. Of the first text configuration.
        audio_encoder: What made ``audio``.
        text_encoder: What made ``text``.
        license: Licence of the collection as a whole.
        notes: What was left out on import, and why, a sentence each.
        revisions: The reviews that its labels went through, first to last.
        source: Id of the data set, by whoever imported it (``bsd10k``); None for others. Never guessed from a name.
        record: Number of the published record that it was fetched from; None where it was not.
        further_texts: Embeddings (N, d) of other fields than those of ``text``, in table order.
        chosen_text: Name of the one of these that :meth:`embedding`, :meth:`usable` and :meth:`encoder` give as text
            (:meth:`with_text`); None for the first.
        follow_links: Play files too that lie outside ``audio_root`` behind links in it.
        files_hash: Of the folder as it was loaded (:func:`bstviz.datasets.collection_header.files_hash_of`).
        folder: Where it was loaded from, if it was.
        left_out: Of a collection that has just been imported: why something that was asked for is not in it, or is not
            whole, by its name. Not stored; the notes tell.
    """

    name: str
    sounds: pd.DataFrame
    taxonomy: Taxonomy = field(default_factory=bst)
    audio_root: str | None = None
    audio: np.ndarray | None = None
    text: np.ndarray | None = None
    audio_encoder: EncoderInfo | None = None
    text_encoder: EncoderInfo | None = None
    license: str = ""
    notes: tuple[str, ...] = ()
    revisions: tuple[Revision, ...] = ()
    source: str | None = None
    record: str | None = None
    further_texts: tuple[Embeddings, ...] = ()
    chosen_text: str | None = None
    follow_links: bool = False
    files_hash: str | None = None
    folder: Path | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", paths.listed(self.name))
        object.__setattr__(self, "notes", tuple(map(paths.listed, self.notes)))
        missing = [c for c in COLUMNS if c not in self.sounds]
        if missing:
            raise UserError(f"Collection {self.name!r} lacks the columns {', '.join(missing)}.")
        check_ids(self.sounds["sound_id"], f"Collection {self.name!r}")
        strange = sorted(set(self.sounds["class"].dropna()) - set(self.taxonomy.codes))
        if strange:
            raise UserError(
                f"Collection {self.name!r} holds {strange[0]!r}, which is no second-level class of taxonomy "
                f"{self.taxonomy.id!r}; known: {', '.join(self.taxonomy.codes)}."
            )
        for kind, matrix, encoder in (
            ("audio", self.audio, self.audio_encoder),
            ("text", self.text, self.text_encoder),
            *(("text", further.values, further.encoder) for further in self.further_texts),
        ):
            if matrix is None:
                continue
            if encoder is None or matrix.shape != (len(self), encoder.dim):
                raise UserError(
                    f"Collection {self.name!r}: {kind} embeddings of shape {matrix.shape} do not fit {len(self)} "
                    f"sounds of encoder {encoder}."
                )
        known = self.text_configurations
        if self.further_texts and (self.text is None or len(known) <= len(self.further_texts)):
            raise UserError(f"Collection {self.name!r} has further texts without a first one, or one of them twice.")
        if self.chosen_text is not None and self.chosen_text not in known:
            raise UserError(
                f"Collection {self.name!r} has no text embeddings {self.chosen_text!r}; there are "
                f"{', '.join(known) or 'none'}. Make them: bstviz embed {self.folder or self.name} "
                f"--audio-encoder none --text-fields {self.chosen_text.replace('+', ',')}"
            )

    def __len__(self) -> int:
        return len(self.sounds)

    def __repr__(self) -> str:
        parts = [f"{kind} {info}" for kind, info in self.encoders]
        return f"Collection({self.name!r}, {len(self)} sounds, {'; '.join(parts) or 'no embeddings'})"

    @cached_property
    def labels(self) -> np.ndarray:
        """Second-level label of each sound, (N,) int64; -1 without a class."""
        return self.taxonomy.encode(self.sounds["class"])

    @cached_property
    def top_labels(self) -> np.ndarray:
        """Top-level label of each sound, (N,) int64: of its class or else its ``class_top``; -1 without either."""
        position = {code: i for i, code in enumerate(self.taxonomy.top_codes)}
        stated = self.sounds["class_top"] if "class_top" in self.sounds else [None] * len(self)
        bare = np.array([position.get(code, -1) if isinstance(code, str) else -1 for code in stated], np.int64)
        return np.where(self.labels >= 0, self.taxonomy.parents[self.labels], bare)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Table row of each sound id."""
        return {sound_id: row for row, sound_id in enumerate(self.sounds["sound_id"])}

    @cached_property
    def hash(self) -> str:
        """SHA-256 over ids, classes and embeddings, further texts aside: what a run was trained on."""
        digest = hashlib.sha256(self.taxonomy.hash.encode())
        digest.update(
            "\n".join(f"{i}\t{c}" for i, c in zip(self.sounds["sound_id"], self.labels, strict=True)).encode()
        )
        for matrix in (self.audio, self.text):
            digest.update(b"none" if matrix is None else np.ascontiguousarray(matrix, np.float32).tobytes())
        return digest.hexdigest()

    @cached_property
    def text_hash(self) -> str | None:
        """SHA-256 over the chosen text embeddings; None for the first ones, which are part of :attr:`hash`."""
        if self.chosen_text is None:
            return None
        return hashlib.sha256(np.ascontiguousarray(self.embedding("text"), np.float32).tobytes()).hexdigest()

    @property
    def encoders(self) -> list[tuple[AudioOrText, EncoderInfo]]:
        """Kind and encoder of every embedding matrix."""
        found: list[tuple[AudioOrText, EncoderInfo]] = [("audio", self.audio_encoder)] if self.audio_encoder else []
        found += [("text", made.encoder) for made in self.text_configurations.values()]
        return found

    @property
    def text_configurations(self) -> dict[str, Embeddings]:
        """Text embeddings by the name of their configuration, the first one first."""
        first = () if self.text is None or not self.text_encoder else (Embeddings(self.text, self.text_encoder),)
        return {made.encoder.configuration: made for made in (*first, *self.further_texts)}

    def with_text(self, name: str | None) -> Collection:
        """The same collection seen with one of its text configurations, as ``title+tags``; None is the first one.

        Raises:
            UserError: It has no such text embeddings.
        """
        first = next(iter(self.text_configurations), None)
        chosen = None if name == first else name
        return self if chosen == self.chosen_text else dataclasses.replace(self, chosen_text=chosen)

    def having_text(self, made: Embeddings) -> Collection:
        """The collection with text embeddings beside those it has, or in place of those of the same configuration."""
        known = self.text_configurations | {made.encoder.configuration: made}
        first, *further = known.values()
        return dataclasses.replace(
            self, text=first.values, text_encoder=first.encoder, further_texts=tuple(further), chosen_text=None
        )

    def embedding(self, kind: AudioOrText) -> np.ndarray:
        """The embedding matrix of one kind, (N, d) float32, NaN rows for sounds without one.

        Raises:
            UserError: It has not been made yet.
        """
        matrix = self.audio if kind == "audio" else self.text
        if kind == "text" and self.chosen_text is not None:
            matrix = self.text_configurations[self.chosen_text].values
        if matrix is None:
            where = self.folder or self.name
            raise UserError(f"Collection {self.name!r} has no {kind} embeddings yet; run: bstviz embed {where}")
        return matrix

    def usable(self, kinds: Iterable[AudioOrText]) -> np.ndarray:
        """Which sounds have all of some kinds of embeddings, every number of them finite, (N,) bool.

        Raises:
            UserError: Embeddings of a kind have not been made yet.
        """
        usable = np.ones(len(self), bool)
        for kind in kinds:
            usable &= np.isfinite(self.embedding(kind)).all(axis=1)
        return usable

    def encoder(self, kind: AudioOrText) -> EncoderInfo | None:
        """Which encoder made the embeddings of one kind."""
        if kind == "text" and self.chosen_text is not None:
            return self.text_configurations[self.chosen_text].encoder
        return self.audio_encoder if kind == "audio" else self.text_encoder

    def has_audio(self, row: int) -> bool:
        """Whether the sound of a table row can be played."""
        return self.audio_root == SYNTH_ROOT or (
            self.audio_root is not None and isinstance(self.sounds["path"].iat[row], str)
        )

    def path(self, row: int) -> Path | None:
        """Audio file of a table row; None for synthesised sounds and those without audio.

        Raises:
            UserError: It lies outside the audio root, links followed: what a collection says decides on no other file.
        """
        if self.audio_root in NO_FOLDER or not self.has_audio(row):
            return None
        stated = str(self.sounds["path"].iat[row])
        if paths.is_below(self.root(), stated, follow_links=self.follow_links):
            return paths.on_disk(self.root() / stated)
        raise UserError(
            f"Sound {self.sounds['sound_id'].iat[row]!r} of {self.name!r} has the path {stated!r}, which leads out of "
            "its audio folder. Put the file there in place of a link, or import the sounds again; bstviz import folder "
            "and table take files behind links with --follow-links."
        )

    def embedded_player(self, row: int) -> str | None:
        """Address of a page that plays the sound of a table row.

        None where the sounds are not Freesound's, or are here.
        """
        if self.audio_root != FREESOUND_ROOT:
            return None
        sound = quote(str(self.sounds["sound_id"].iat[row]), safe="")
        return f"https://freesound.org/embed/sound/iframe/{sound}/simple/medium/"

    def root(self) -> Path:
        """Folder of the audio files; a relative root counts from the collection's own folder."""
        return (self.folder or Path()) / str(self.audio_root)

    def load_audio(self, row: int) -> tuple[np.ndarray, int]:
        """Samples (n,) float32 mono of a sound and their rate in Hz.

        Raises:
            UserError: The collection has no audio for it, or the file cannot be read.
        """
        if self.audio_root == SYNTH_ROOT:
            from bstviz import synth

            return synth.render(str(self.sounds["sound_id"].iat[row])), synth.SAMPLE_RATE
        path = self.path(row)
        if path is None:
            raise UserError(f"Sound {self.sounds['sound_id'].iat[row]!r} of {self.name!r} has no audio file.")
        return decode.load(path)

    def texts(self, fields: tuple[str, ...], template: str = "") -> list[str]:
        """Words of each sound: the given columns, joined as in :func:`~bstviz.encoders.base.words_of`."""
        columns = [self.sounds[name].fillna("").astype(str) for name in fields]
        rows = (dict(zip(fields, parts, strict=True)) for parts in zip(*columns, strict=True))
        return [words_of(row, fields, template) for row in rows]

    def save(self, folder: str | Path) -> Path:
        """Write the collection as a folder, replacing an older version of it as a whole."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        root = self.audio_root
        if root not in NO_FOLDER and self.folder is not None and not Path(str(root)).is_absolute():
            root = str(self.root().resolve())
        header = {
            "format_version": migrations.FORMAT_VERSION,
            "name": self.name,
            "taxonomy": taxonomy_entry(self.taxonomy),
            "license": self.license,
            "source": self.source,
            "record": self.record,
            "audio_encoder": dataclasses.asdict(self.audio_encoder) if self.audio_encoder else None,
            "text_encoder": dataclasses.asdict(self.text_encoder) if self.text_encoder else None,
            "further_texts": [dataclasses.asdict(further.encoder) for further in self.further_texts],
            "audio_root": root,
            "follow_links": self.follow_links,
            "notes": list(self.notes),
            "revisions": [dataclasses.asdict(revision) for revision in self.revisions],
            "hash": self.hash,
        }
        with storage.replaced_folder(folder) as fresh:
            self.sounds.to_parquet(fresh / "sounds.parquet", index=False)
            matrices = {kind: m for kind, m in (("audio", self.audio), ("text", self.text)) if m is not None}
            matrices |= {f"text {e.encoder.configuration}": e.values for e in self.further_texts}
            if matrices:
                save_file(
                    {k: np.ascontiguousarray(m, np.float32) for k, m in matrices.items()},
                    fresh / "embeddings.safetensors",
                )
            files = storage.file_hashes(fresh)
            storage.write_header(fresh, COLLECTION_HEADER, header | {"files_hash": files_hash_of(files, root)}, files)
            current_files_hash(fresh)  # what would not be read again takes nothing's place
            stated_sounds(stored.read_table(fresh / "sounds.parquet"), str(folder / "sounds.parquet"), "")
        return folder


def load_collection(folder: str | Path) -> Collection:
    """Read a collection folder and check it; one of an older format version is migrated in memory.

    Raises:
        UserError: The folder is no collection, damaged, or of a newer format version.

    Examples:
        >>> import bstviz
        >>> from bstviz.paths import assets
        >>> collection = bstviz.load_collection(assets() / "demo")
        >>> collection.name, len(collection), collection.audio.shape
        ('bstviz demo', 1104, (1104, 1077))
    """
    folder = Path(folder)
    return storage.read_folder(folder, lambda place: _read(place, folder))


def current_files_hash(folder: Path) -> str:
    """:attr:`Collection.files_hash` of a folder as it is now, by its header alone; raises UserError without one."""
    place = storage.located(folder)
    entry = storage.read_header(
        place, COLLECTION_HEADER, "collection", migrations.COLLECTION_VERSIONS, IMPORT_AGAIN, verify=False
    )
    return str(header_from(migrations.collection_header(entry), str(folder), IMPORT_AGAIN).files_hash)


def is_collection(folder: Path) -> bool:
    """Whether a folder holds a collection."""
    return (storage.located(folder) / COLLECTION_HEADER).is_file()


def _read(place: Path, folder: Path) -> Collection:
    """The collection of a folder, from where that lies just now."""
    stored_header = migrations.collection_header(
        storage.read_header(place, COLLECTION_HEADER, "collection", migrations.COLLECTION_VERSIONS, IMPORT_AGAIN)
    )
    file, what = place / "embeddings.safetensors", str(folder / COLLECTION_HEADER)
    header = header_from(stored_header, what, IMPORT_AGAIN)
    table = stored.read_table(place / "sounds.parquet", remedy=IMPORT_AGAIN)
    made = {"audio": header.audio_encoder, "text": header.text_encoder}
    made |= {f"text {info.configuration}": info for info in header.further_texts}
    expected = {name: ("float32", 2) for name, info in made.items() if info is not None}
    matrices = stored.read_tensors(file, expected, remedy=IMPORT_AGAIN) if expected else {}
    try:
        return Collection(
            name=header.name,
            sounds=stated_sounds(table, str(folder / "sounds.parquet"), IMPORT_AGAIN),
            taxonomy=header.taxonomy.taxonomy,
            audio_root=header.audio_root,
            audio=matrices.get("audio"),
            text=matrices.get("text"),
            audio_encoder=header.audio_encoder,
            text_encoder=header.text_encoder,
            license=header.license,
            source=header.source,
            record=header.record,
            further_texts=tuple(Embeddings(matrices[f"text {i.configuration}"], i) for i in header.further_texts),
            notes=header.notes,
            revisions=header.revisions,
            follow_links=header.follow_links,
            files_hash=header.files_hash,
            folder=folder.resolve(),
        )
    except UserError as error:
        raise UserError(f"{folder}: {str(error).removesuffix(IMPORT_AGAIN).rstrip()} {IMPORT_AGAIN}") from None


def sounds_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Bring a table to the collection's columns and dtypes: missing columns added, words as str, confidence Int8,
    durations that no sound has missing.

    Raises:
        UserError: There is no ``sound_id``, a row has none, or a confidence is not a whole number from 1 to 5.
    """
    if "sound_id" not in rows:
        raise UserError(f"The table has no column sound_id; it has {', '.join(map(str, rows.columns))}.")
    out = rows.copy()
    for name in COLUMNS:
        if name not in out:
            out[name] = pd.NA
    for name in COLUMNS:
        if name not in STATED_NUMBERS:
            out[name] = _words(out[name])
    for name in STATED_FURTHER:
        if name in out:
            out[name] = _words(out[name])
    nameless = int(out["sound_id"].isna().sum())
    if nameless:
        raise UserError(f"{nameless:,} rows of the table have no sound_id; give each an id of its own.")
    confidence = pd.to_numeric(out["confidence"], errors="coerce")
    wrong = out["confidence"].notna() & ~confidence.isin([1, 2, 3, 4, 5])
    if wrong.any():
        first = int(wrong.to_numpy().argmax())
        place = f" ({where(out, first)})" if out.index.name else ""
        found = str(out["confidence"].iat[first])
        raise UserError(
            f"Sound {out['sound_id'].iat[first]!r}{place} has confidence {found!r}; allowed are 1 to 5, or nothing."
        )
    out["confidence"] = confidence.astype("Int8")
    lengths = pd.to_numeric(out["duration"], errors="coerce")
    out["duration"] = lengths.where(lengths.between(*STATED_NUMBERS["duration"])).astype("float32")
    return out[[*COLUMNS, *(c for c in out.columns if c not in COLUMNS)]].reset_index(drop=True)


def _words(values: pd.Series) -> pd.Series:
    """A column as words, blank ones missing; whole numbers that a program made fractions are whole ones: "15"."""
    if pd.api.types.is_float_dtype(values.dtype) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype("str").where(values.notna() & (values.astype("str").str.strip() != ""))
