"""What the decoding ``top_down`` gains over ``argmax``: accuracy at both levels and hierarchical F1, by either.

    python benchmarks/decodings.py collections/strangers [--run runs/flat --run runs/hierarchical] [--group collection]

The collection is embedded by the encoders of the runs, which predict together as in ``bstviz classify``; without
``--run`` they are the bundled audio models. Sounds of the collection that a run was trained on are left out; of extra
training data only the name is known, so give recordings that the models have not learned from. The last line is the
gain, with the interval of a bootstrap over sounds, or over the values of a column that sounds share.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import typer

from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.taxonomy import Decoding
from bstviz.errors import UserError
from bstviz.evaluation import metrics
from bstviz.evaluation.bootstrap import LEAST_UNITS, RESAMPLES, interval, unit_codes
from bstviz.inference.classify import Classifier, bundled_audio_models
from bstviz.models.experiment_folder import find_runs
from bstviz.models.predict import Embeddings
from bstviz.models.run import Run, load_run

MEASURES = ("second level", "top level", "hierarchical F1")


def scores(y_true: np.ndarray, y_pred: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """The :data:`MEASURES` (3,) of labels (n,) whose top-level classes are (C,) ``parents``."""
    return np.array(
        [
            metrics.accuracy(y_true, y_pred),
            metrics.accuracy(parents[y_true], parents[y_pred]),
            metrics.hierarchical_prf(y_true, y_pred, parents)[2],
        ]
    )


def resampled_gains(
    y_true: np.ndarray, predicted: dict[Decoding, np.ndarray], parents: np.ndarray, units: np.ndarray, seed: int = 0
) -> np.ndarray:
    """Gains of ``top_down`` (resamples, 3), units (n,) int64 drawn with replacement."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(units == unit) for unit in range(units.max() + 1)]
    gains = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[unit] for unit in rng.integers(len(members), size=len(members))])
        argmax, top_down = (scores(y_true[rows], predicted[name][rows], parents) for name in ("argmax", "top_down"))
        gains.append(top_down - argmax)
    return np.array(gains)


def strangers(collection: Collection, runs: list[Run]) -> np.ndarray:
    """Rows of the sounds that have a class and all embeddings, and that none of the runs was trained on.

    Raises:
        UserError: There are none.
    """
    kept = collection.usable(runs[0].encoders) & (collection.labels >= 0)
    for run in runs:
        if run.collection.hash == collection.hash:
            learned = run.sounds["sound_id"][run.learned]
            kept[[collection.row_of[sound_id] for sound_id in learned]] = False
    if not kept.any():
        raise UserError(
            f"{collection.name!r} holds no sound with a class and embeddings that these runs were not trained on."
        )
    return np.flatnonzero(kept)


def probabilities_of(collection: Collection, runs: list[Run], rows: np.ndarray) -> np.ndarray:
    """Mean second-level probabilities (n, C) of the runs for some rows."""
    given = {
        kind: Embeddings(collection.embedding(kind)[rows], encoder)
        for kind in runs[0].encoders
        if (encoder := collection.encoder(kind))
    }
    answer = Classifier(runs[0], others=runs[1:]).predict(given.get("audio"), given.get("text"))
    return answer.probabilities


def main(
    collection: Path,
    run: Annotated[
        list[Path] | None, typer.Option(help="Run or experiment, repeatable; the bundled audio models without one.")
    ] = None,
    group: Annotated[str | None, typer.Option(help="Column whose values are drawn as one, for the interval.")] = None,
) -> None:
    sounds = load_collection(collection)
    runs = [load_run(path) for folder in run or bundled_audio_models() for path in find_runs(folder)]
    rows, taxonomy = strangers(sounds, runs), runs[0].taxonomy
    table = sounds.sounds.iloc[rows]
    y_true, probabilities = sounds.labels[rows], probabilities_of(sounds, runs, rows)
    predicted = {name: taxonomy.decode(probabilities, name) for name in get_args(Decoding)}
    groups = None if group is None else dict(table.set_index("sound_id")[group].dropna().astype("str"))
    units = unit_codes(table["sound_id"].to_numpy(), groups)
    drawn = f"{units.max() + 1:,} units" + (f" by {group}" if group else "")
    print(f"{sounds.name}: {len(rows):,} of {len(sounds):,} sounds, {drawn}; {' + '.join(r.id for r in runs)}")
    print(f"{'':10}" + "".join(f"{name:>26}" for name in MEASURES))
    found = {name: scores(y_true, labels, taxonomy.parents) for name, labels in predicted.items()}
    for name, values in found.items():
        print(f"{name:10}" + "".join(f"{100 * value:26.2f}" for value in values))
    cells = [f"{100 * value:+.2f}" for value in found["top_down"] - found["argmax"]]
    if units.max() + 1 >= LEAST_UNITS:
        low, high = interval(resampled_gains(y_true, predicted, taxonomy.parents, units))
        cells = [f"{c} ({100 * a:+.2f} to {100 * b:+.2f})" for c, a, b in zip(cells, low, high, strict=True)]
    print(f"{'gain':10}" + "".join(f"{cell:>26}" for cell in cells))


if __name__ == "__main__":
    typer.run(main)
