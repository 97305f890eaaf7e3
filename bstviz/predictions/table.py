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

from bstviz import storage, stored
from bstviz.datasets.taxonomy import Taxonomy
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
    """

    sound_ids: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    given: Given = "classes"

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def scores(self) -> np.ndarray:
        """(n,) float32 probability of the predicted class."""
        found: np.ndarray = self.probabilities[np.arange(len(self)), self.labels]
        return found

    def rows_of(self, sound_ids: Sequence[str] | pd.Series) -> np.ndarray:
        """Row of each of some sounds, (m,) int64; -1 for a sound without a prediction."""
        rows: np.ndarray = pd.Index(self.sound_ids).get_indexer(pd.Index(sound_ids))
        return rows


def read_predictions(
    file: str | Path,
    taxonomy: Taxonomy,
    *,
    id_column: str | None = None,
    class_column: str | None = None,
    score_column: str | None = None,
) -> PredictionTable:
    """Read a table of predictions.

    Classes are codes (``fx-a``) or the official indices (``405``). Probabilities are columns ``p_<code>`` or ``<code>``
    of every class; without them the score of the predicted class is one, the rest spread evenly over the others (a
    score that would make another class as probable is raised just over it), and without that it is 1.

    Args:
        file: CSV or Parquet.
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
    table = _read_table(Path(file))
    ids = table[_column(table, id_column, PREDICTION_ID_COLUMNS, "--id-column", file)].astype("str")
    if ids.isna().any() or ids.duplicated().any():
        wrong = ids[ids.isna() | ids.duplicated()].iloc[0]
        raise UserError(f"{file} has the id {wrong!r} twice, or a row without one; every sound has one prediction.")
    probabilities = _all_probabilities(table, taxonomy, file)
    if class_column is None and probabilities is not None and not set(PREDICTED_COLUMNS) & set(table):
        labels = probabilities.argmax(axis=1)
    else:
        named = _column(table, class_column, PREDICTED_COLUMNS, "--class-column", file)
        labels = _labels(table[named], taxonomy, f"{file}, column {named}")
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
    return PredictionTable(ids.to_numpy(object), labels, probabilities, given)


def spread_evenly(labels: np.ndarray, scores: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities (n, C) of which the score of each predicted class (n,) is known: the others share the rest.

    A score of 1 / C or less is raised just above it, so that the predicted class stays the most probable one.
    """
    own = np.maximum(scores, (1 + 1e-4) / classes)
    out = np.repeat(((1 - own) / max(classes - 1, 1))[:, None], classes, axis=1)
    out[np.arange(len(labels)), labels] = own
    return out.astype(np.float32)


def write_predictions(predictions: PredictionTable, taxonomy: Taxonomy, file: str | Path) -> Path:
    """Write predictions as CSV: ``sound_id``, ``predicted``, ``predicted_top``, ``confidence``, and ``p_<code>`` of
    every class.
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
    storage.write_file(file, table.to_csv(index=False, float_format="%.9g").encode())
    return file


def _read_table(file: Path) -> pd.DataFrame:
    if file.suffix not in (".csv", ".parquet"):
        raise UserError(f"{file} is no table of predictions: its name must end in .csv or .parquet.")
    try:
        return stored.read_table(file) if file.suffix == ".parquet" else pd.read_csv(file, dtype="str")
    except FileNotFoundError:
        raise UserError(f"There is no file {file}.") from None
    except (ValueError, OSError) as error:  # what pandas raises for files that are none
        raise UserError(f"{file} cannot be read as {file.suffix[1:]}: {error}") from None


def _column(table: pd.DataFrame, named: str | None, usual: Sequence[str], option: str, file: str | Path) -> str:
    """The column that is named, or else the first of the usual ones."""
    found = next((name for name in ((named,) if named else usual) if name in table), None)
    if found is None:
        wanted = repr(named) if named else " or ".join(usual)
        raise UserError(f"{file} has no column {wanted}; it has {', '.join(map(str, table))}. Name one with {option}.")
    return found


def _labels(values: pd.Series, taxonomy: Taxonomy, where: str) -> np.ndarray:
    """Labels of codes or official indices."""
    known = {code: label for label, code in enumerate(taxonomy.codes)}
    known |= {str(c.index): label for label, c in enumerate(taxonomy.second) if c.index is not None}
    labels = values.astype("str").str.strip().str.removesuffix(".0").map(known)
    if labels.isna().any():
        raise UserError(
            f"{where} holds {values[labels.isna()].iloc[0]!r}, which is no second-level class of taxonomy "
            f"{taxonomy.id!r}; allowed are {', '.join(taxonomy.codes)}, or their indices."
        )
    return labels.to_numpy(np.int64)


def _numbers(table: pd.DataFrame, column: str, file: str | Path) -> np.ndarray:
    """A column of probabilities, (n,) float64."""
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(float)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        raise UserError(
            f"{file}, column {column}: {table[column].to_numpy(object)[wrong][0]!r} is no probability, 0 to 1."
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
