"""How good predictions are: the challenge's hierarchical measures and ours, against the classes of a collection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bstviz.datasets.collection import Collection
from bstviz.errors import UserError
from bstviz.evaluation import metrics
from bstviz.predictions.table import PredictionTable


@dataclass(frozen=True)
class Scores:
    """Measures of predictions for the labelled sounds of a collection.

    Attributes:
        metrics: Of :func:`bstviz.evaluation.metrics.evaluate`, and hierarchical precision and recall in the other
            convention (``…_drop_unpredicted``), 0 to 1.
        never_predicted: Codes of classes that occur and are never predicted: the two conventions differ by them.
        without_prediction: Labelled sounds that have none; they are left out.
        unknown: Predictions for sounds that are not in the collection, or have no class there.
    """

    metrics: dict[str, float]
    never_predicted: tuple[str, ...]
    without_prediction: int
    unknown: int


def score(predictions: PredictionTable, collection: Collection) -> Scores:
    """Measure predictions on the sounds of a collection that have a class.

    Raises:
        UserError: None of these has a prediction.
    """
    labelled = collection.labels >= 0
    rows = predictions.rows_of(collection.sounds["sound_id"])
    scored = labelled & (rows >= 0)
    if not scored.any():
        raise UserError(
            f"None of the {int(labelled.sum()):,} labelled sounds of {collection.name!r} has a prediction; its ids are "
            f"like {collection.sounds['sound_id'].iloc[0]!r}. Name the column of ids with --id-column."
        )
    truth, parents = collection.labels[scored], collection.taxonomy.parents
    found = metrics.evaluate(truth, predictions.probabilities[rows[scored]], parents, given=predictions.given)
    dropped = metrics.hierarchical_prf(truth, predictions.labels[rows[scored]], parents, drop_unpredicted=True)
    names = ("hierarchical_precision", "hierarchical_recall", "hierarchical_f1")
    found |= {f"{name}_drop_unpredicted": value for name, value in zip(names, dropped, strict=True)}
    never = np.setdiff1d(truth, predictions.labels[rows[scored]])
    return Scores(
        metrics=found,
        never_predicted=tuple(collection.taxonomy.codes[label] for label in never),
        without_prediction=int((labelled & ~scored).sum()),
        unknown=len(predictions) - int(scored.sum()),
    )
