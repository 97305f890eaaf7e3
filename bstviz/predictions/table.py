"""Predictions for sounds as a table in a file, from any model: one row per sound, its class, probabilities optional.

Conventions: n sounds, C second-level classes; labels are (n,) int64, probabilities (n, C) float32 summing to 1, of
which the predicted class has the greatest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz import storage
from bstviz.datasets.labels import mapped
from bstviz.datasets.reading import column_of, read_table, where
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.datasets.writing import csv_bytes
from bstviz.errors import UserError
from bstviz.models.run_info import Given

CHALLENGE_ID, CHALLENGE_CLASS, CHALLENGE_SCORE = "id", "predicted_bst_second_level_class", "prediction_score"
"""Columns of a submission to DCASE 2026, task 1."""
PREDICTION_ID_COLUMNS = ("sound_id", CHALLENGE_ID)
PREDICTED_COLUMNS = ("predicted", CHALLENGE_CLASS, "y_pred")
SCORE_COLUMNS = ("confidence", CHALLENGE_SCORE)
"""Columns that are looked for where none is named, in this order."""
ROUNDING = 1e-3
"""By how much probabilities that were written with few digits may miss a sum of 1, or the class that was predicted."""


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """A model's predictions for n sounds.

    Attributes:
        sound_ids: (n,) str, each once.
        labels: (n,) int64, predicted second-level labels.
        probabilities: (n, C) float32; what the model did not give is filled in as :data:`given` says.
        given: Which of the probabilities the model gave.
        notes: What was found out on reading them, a sentence each.
    """

    sound_ids: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    given: Given = "classes"
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def scores(self) -> np.ndarray:
        """(n,) float32 probability of the predicted class."""
        found: np.ndarray = self.probabilities[np.arange(len(self)), self.labels]
        return found

    def rows_of(self, sound_ids: Sequence[str] | pd.Series) -> np.ndarray:
        """Row of each of some sounds, (m,) int64; -1 for a sound without a prediction.

        An id that begins or ends with blanks is found without them too: tables are read so.
        """
        known, wanted = pd.Index(self.sound_ids), pd.Series(sound_ids, dtype="str")
        rows: np.ndarray = known.get_indexer(pd.Index(wanted))
        return np.where(rows >= 0, rows, known.get_indexer(pd.Index(wanted.str.strip())))


def read_predictions(
    file: str | Path,
    taxonomy: Taxonomy,
    *,
    id_column: str | None = None,
    class_column: str | None = None,
    score_column: str | None = None,
) -> PredictionTable:
    """Read a table of predictions, of any separator and encoding (:func:`bstviz.datasets.reading.read_table`).

    Classes are codes (``fx-a``), names or the official indices (``405``). Probabilities are columns ``p_<code>`` or
    ``<code>`` of every class; without them the score of the predicted class is one, the rest spread evenly over the
    others (a score that would make another class as probable is raised just over it), and without that it is 1.

    Args:
        file: CSV, TSV, JSON lines or Parquet.
        taxonomy: The classes.
        id_column: Column of the sounds' ids; the first of :data:`PREDICTION_ID_COLUMNS` when left out.
        class_column: Of the predicted classes; the first of :data:`PREDICTED_COLUMNS` when left out, or else the most
            probable class where probabilities of all are there.
        score_column: Of the predicted class's probability; when left out the first of :data:`SCORE_COLUMNS`, where the
            class column is left out too: another model's score would be of another class.

    Raises:
        UserError: The file cannot be read, a column is missing, an id is repeated, a class is none of the taxonomy's,
            or a probability is not between 0 and 1.
    """
    read = read_table(Path(file), words=[name for name in (id_column, class_column) if name])
    table = read.rows
    ids = table[_column(table, id_column, PREDICTION_ID_COLUMNS, "--id-column", file)].astype("str")
    if ids.str.fullmatch(r"\d+\.0").all():  # as programs make them of whole ones
        ids = ids.str.removesuffix(".0")
    if (wrong := (ids.isna() | ids.duplicated()).to_numpy()).any():
        first = int(wrong.argmax())
        what = "has no id" if ids.isna().iat[first] else f"has the id {ids.iat[first]!r}, as a row before it"
        raise UserError(f"{file}: {where(table, first)} {what}; every sound has one prediction.")
    probabilities = _all_probabilities(table, taxonomy, file)
    said: list[str] = []
    if class_column is None and probabilities is not None and not set(PREDICTED_COLUMNS) & set(table):
        labels = probabilities.argmax(axis=1)
    else:
        named = _column(table, class_column, PREDICTED_COLUMNS, "--class-column", file)
        labels, said = _labels(table, named, taxonomy, file)
    if class_column is None and score_column is None:
        score_column = next((name for name in SCORE_COLUMNS if name in table), None)
    given: Given = "classes"
    if probabilities is not None and (class_column is None or score_column is None):
        probabilities = _agreeing(probabilities, labels, file)
    elif score_column is not None:
        given, scores = "score", _numbers(table, _column(table, score_column, (), "--score-column", file), file)
        probabilities = spread_evenly(labels, scores, len(taxonomy.codes))
    else:
        given = "none"
        probabilities = np.eye(len(taxonomy.codes), dtype=np.float32)[labels]
    return PredictionTable(ids.to_numpy(object), labels, probabilities, given, (*read.notes, *said))


def spread_evenly(labels: np.ndarray, scores: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities (n, C) of which the score of each predicted class (n,) is known: the others share the rest.

    A score of 1 / C or less is raised just above it, so that the predicted class stays the most probable one.
    """
    own = np.maximum(scores, (1 + 1e-4) / classes)
    out = np.repeat(((1 - own) / max(classes - 1, 1))[:, None], classes, axis=1)
    out[np.arange(len(labels)), labels] = own
    return out.astype(np.float32)


def write_predictions(predictions: PredictionTable, taxonomy: Taxonomy, file: str | Path) -> Path:
    """Write predictions as CSV that spreadsheets open (:func:`bstviz.datasets.writing.csv_bytes`): ``sound_id``,
    ``predicted``, ``predicted_top``, ``confidence``, and ``p_<code>`` of every class.
    """
    codes = np.array(taxonomy.codes, object)
    tops = np.array(taxonomy.top_codes, object)[taxonomy.parents]
    named = {
        "sound_id": predictions.sound_ids,
        "predicted": codes[predictions.labels],
        "predicted_top": tops[predictions.labels],
        "confidence": predictions.scores,
    }
    table = pd.DataFrame(named | {f"p_{c}": predictions.probabilities[:, i] for i, c in enumerate(codes)})
    file = Path(file)
    storage.write_file(file, csv_bytes(table))
    return file


def _column(table: pd.DataFrame, named: str | None, usual: Sequence[str], option: str, file: str | Path) -> str:
    """The column that is named, or else the first of the usual ones."""
    found = next((own for name in ((named,) if named else usual) if (own := column_of(table, name))), None)
    if found is None:
        wanted = repr(named) if named else " or ".join(usual)
        raise UserError(f"{file} has no column {wanted}; it has {', '.join(map(str, table))}. Name one with {option}.")
    return found


def _labels(table: pd.DataFrame, column: str, taxonomy: Taxonomy, file: str | Path) -> tuple[np.ndarray, list[str]]:
    """Labels (n,) of a column of codes, names or official indices, and what was mapped to codes."""
    values = table[column].astype("str").where(table[column].notna())
    codes, notes = mapped(values, taxonomy)
    labels = taxonomy.encode(codes.where(codes.isin(taxonomy.codes)))
    if (wrong := labels < 0).any():
        first = int(wrong.argmax())
        raise UserError(
            f"{file}, column {column}: {where(table, first)} holds {values.iat[first]!r}, which is no second-level "
            f"class of taxonomy {taxonomy.id!r}; allowed are {', '.join(taxonomy.codes)}, names and indices."
        )
    return labels, notes


def _numbers(table: pd.DataFrame, column: str, file: str | Path) -> np.ndarray:
    """A column of probabilities, (n,) float64."""
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        first = int(wrong.argmax())
        raise UserError(
            f"{file}, column {column}: {where(table, first)} holds {table[column].iat[first]}, which is no "
            "probability, 0 to 1."
        )
    return values


def _all_probabilities(table: pd.DataFrame, taxonomy: Taxonomy, file: str | Path) -> np.ndarray | None:
    """Probabilities of all classes, (n, C) float32, summing to 1; None where the table has none."""
    for columns in ([f"p_{code}" for code in taxonomy.codes], list(taxonomy.codes)):
        if set(columns) <= set(table):
            values = np.stack([_numbers(table, column, file) for column in columns], axis=1)
            totals = values.sum(axis=1, keepdims=True)
            if (np.abs(totals - 1) > ROUNDING * len(columns)).any():
                worst = float(totals[np.abs(totals - 1).argmax(), 0])
                raise UserError(
                    f"{file}: the probabilities of a sound sum to {worst:.3g}; they must sum to 1. Give the softmax of "
                    "logits."
                )
            return np.asarray(values / totals, np.float32)
    return None


def _agreeing(probabilities: np.ndarray, labels: np.ndarray, file: str | Path) -> np.ndarray:
    """Probabilities of which the predicted class has the greatest, where it missed that by rounding alone.

    Raises:
        UserError: Another class is more probable than the predicted one.
    """
    rows = np.arange(len(labels))
    greatest = probabilities.max(axis=1)
    if (wrong := probabilities[rows, labels] < greatest - ROUNDING).any():
        raise UserError(
            f"{file}: of {wrong.sum():,} sounds the predicted class is not the most probable one. Take the classes "
            "alone (leave the columns of probabilities out of the file), or the probabilities alone."
        )
    out = probabilities.copy()
    behind = probabilities.argmax(axis=1) != labels
    out[rows[behind], labels[behind]] = np.nextafter(greatest[behind], np.float32(2))
    return out
