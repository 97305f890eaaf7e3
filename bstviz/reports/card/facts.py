"""What a model card says, as blocks: the Markdown card and the HTML report are two renderers of them.

Everything follows from the runs and their collection; uploaders and other groups are counted and never named.

References: M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from bstviz.datasets.collection import SYNTH_ROOT, Collection
from bstviz.errors import UserError
from bstviz.evaluation import bootstrap, metrics
from bstviz.evaluation.out_of_fold import OutOfFold, pool
from bstviz.evaluation.per_class import by_class
from bstviz.models.run import Run
from bstviz.reports import summaries
from bstviz.reports.sections import Block, Table, Text
from bstviz.reports.table import TABLE_METRICS, recipe_of

GROUPS = ("uploader", "collection")
"""Columns whose sounds have something in common that a model may have learned; the first that tells sounds apart."""
LEAST_OF_A_GROUP = 20
"""Test sounds of a group below which its accuracy says nothing."""
FEW_OF_A_CLASS = 30
"""Test sounds of a class below which its figures say little."""
CARD_MEASURES = {
    "second_accuracy": "Accuracy, second level",
    "top_accuracy": "Accuracy, top level",
    "second_macro_accuracy": "Macro accuracy, second level",
    "hierarchical_f1": TABLE_METRICS["hierarchical_f1"],
}
UNSTATED = "not stated"


class CardFacts:
    """What there is to say of a setting's runs.

    Args:
        runs: Of one setting, one per fold, with test sounds.
        collection: Theirs; without it nothing is said of sounds that they do not list, of licences and of groups.
    """

    def __init__(self, runs: Sequence[Run], collection: Collection | None) -> None:
        self.runs, self.collection = list(runs), collection

    @property
    def run(self) -> Run:
        """The first fold's."""
        return self.runs[0]

    @cached_property
    def answers(self) -> OutOfFold:
        """Out-of-fold predictions for the test sounds, at or above the threshold."""
        answers = pool(self.runs, None if self.collection is None else self.collection.sounds)
        if not answers.tested.any():
            raise UserError(
                "These runs have no test sound at or above their annotation confidence threshold, so there is nothing "
                "to state."
            )
        return answers.where(answers.tested)

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Figures with intervals, see :func:`bstviz.evaluation.bootstrap.measures`."""
        return bootstrap.measures(self.answers, self._groups[1])

    @cached_property
    def _groups(self) -> tuple[str, dict[str, str]]:
        """The column that groups the sounds, and the group of each sound that has one; nothing where none does."""
        if self.collection is not None:
            for name in GROUPS:
                if name in self.collection.sounds:
                    known = self.collection.sounds.set_index("sound_id")[name].dropna()
                    if 1 < known.nunique() < len(known):
                        return name, {str(sound): str(group) for sound, group in known.items()}
        return "", {}

    def sections(self) -> dict[str, list[Block]]:
        """Blocks by heading, in the order of a card."""
        return {
            "Model": [Text(self.model())],
            "Data": self.data(),
            "Training": [Text(self.training())],
            "Figures": [self.figures()],
            "By class": [self.classes()],
            "By group": [Text(self.groups())],
            "Calibration": [Text(self.calibration())],
            "Limits": [Text(sentence) for sentence in self.limits()],
        }

    def model(self) -> str:
        """What it is and what it takes."""
        run, taxonomy = self.run, self.run.taxonomy
        classes = f"{len(taxonomy.second)} classes in {len(taxonomy.top)} of {taxonomy.name}"
        if run.external is not None:
            return (
                f"The model {run.external.name} was trained elsewhere; its predictions alone are known "
                f"({run.external.file}, SHA-256 {run.external.sha256}). It tells {classes} apart."
            )
        takes = "; ".join(f"{kind} embeddings of {info}" for kind, info in run.encoders.items())
        parameters = f"{sum(int(v.size) for v in run.weights.values()):,} parameters and "
        dimensions = run.model.sizes.latent if run.model else 0
        return (
            f"A {run.train.loss} sound classifier that tells {classes} apart. It takes {takes}, and has "
            f"{parameters * run.predicts}a latent of {dimensions} dimensions. The predicted class is the most probable "
            f"one, its top-level class that one's parent ({run.decoding})."
        )

    def data(self) -> list[Block]:
        """Collection, counts, licences by share."""
        run = self.run
        about = run.collection
        named = f"{about.name} (data set {about.source})" if about.source else about.name
        words = [f"Collection {named}, SHA-256 {about.hash}."]
        if self.collection is None:
            words.append("It is not at hand, so its size and licences are not stated here.")
        else:
            labelled = int((self.collection.labels >= 0).sum())
            words.append(f"{len(self.collection):,} sounds, {labelled:,} with a class.")
            words += [f"Licence of the whole: {self.collection.license}."] if self.collection.license else []
            words += list(self.collection.notes)
        if run.extra_training_data:
            words.append(f"Extra training data, not listed in the run: {', '.join(run.extra_training_data)}.")
        blocks: list[Block] = [Text(" ".join(words))]
        licenses = self.licenses()
        if licenses is not None:
            headings = [str(name) for name in licenses]
            cells = [[license_, f"{n:,}", f"{share:.1f}"] for license_, n, share in licenses.itertuples(index=False)]
            blocks.append(Table("Licences of the sounds that it lists.", headings, cells))
        return blocks

    def licenses(self) -> pd.DataFrame | None:
        """Licences of the listed sounds: Licence, Sounds and Percent, the most frequent first; None without any."""
        if self.collection is None or self.collection.sounds["license"].isna().all():
            return None
        listed = sorted({sound for run in self.runs for sound in run.sounds["sound_id"]})
        own = self.collection.sounds.set_index("sound_id")["license"].reindex(listed).fillna(UNSTATED)
        counts = own.value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
        percent = 100 * counts.to_numpy() / counts.sum()
        return pd.DataFrame({"Licence": counts.index.astype("str"), "Sounds": counts.to_numpy(), "Percent": percent})

    def training(self) -> str:
        """Recipe, folds, counts."""
        run = self.run
        threshold = f"annotation confidence ≥ {run.train.min_confidence}"
        if run.external is not None:
            return f"Not known, but for its threshold as it was stated on import: {threshold}."
        learned = [int(r.learned.sum()) for r in self.runs]
        seen = f"{min(learned):,}" + (f" to {max(learned):,}" if max(learned) > min(learned) else "")
        votes = run.datastore is not None or (run.train.retrieval and not run.predicts)
        retrieval = "with" if votes else "without"
        counted = f", {seen} listed sounds trained or validated each" if max(learned) else ""
        return (
            f"Recipe {recipe_of(run.train)}; {threshold}; seed {run.train.seed}; {retrieval} retrieval. Folds: "
            f"{run.split_kind}; {summaries.folds_in_words(len(self.runs))} here{counted}. Precision "
            f"{run.precision or UNSTATED}. Versions: {', '.join(f'{k} {v}' for k, v in run.versions.items())}."
        )

    def figures(self) -> Table:
        """Measures with bootstrap intervals."""
        column, groups = self._groups
        drawn = f"all sounds of a group (by {column}) together" if groups else "sounds one by one"
        few = f" Of fewer than {bootstrap.LEAST_UNITS} units there is no interval."
        cells = [
            [CARD_MEASURES[str(name)], f"{100 * value:.2f}", _between(low, high)]
            for name, value, low, high in self.measures.itertuples()
        ]
        caption = (
            f"Percent of {len(self.answers):,} test sounds of {self.run.collection.name}, each predicted by a model "
            f"that was not trained on it; 95 % intervals by {bootstrap.RESAMPLES:,} draws of {drawn}."
        )
        return Table(caption + few * bool(self.measures["low"].isna().any()), ["Measure", "Value", "95 %"], cells)

    def classes(self) -> Table:
        """Every class that is tested."""
        names = {c.code: c.name for c in self.run.taxonomy.second}
        cells = []
        for row in by_class(self.answers).to_dict("records"):
            precision = "–" if np.isnan(row["precision"]) else f"{100 * row['precision']:.1f}"
            accuracy, interval = f"{100 * row['accuracy']:.1f}", _between(row["low"], row["high"], digits=1)
            cells.append([f"{names[row['code']]} ({row['code']})", f"{row['sounds']:,}", accuracy, interval, precision])
        headings = ["Class", "Test sounds", "Accuracy", "95 % (Wilson)", "Precision"]
        return Table("Percent, second level.", headings, cells)

    def groups(self) -> str:
        """How evenly it does over groups of sounds."""
        column, groups = self._groups
        if not groups:
            return "Nothing is known of who made the sounds, so nothing can be said of differences between them."
        own = pd.Series([groups.get(sound) for sound in self.answers.sound_ids], dtype=object)
        right = pd.Series(self.answers.y_true == self.answers.y_pred)
        sizes = own.value_counts()
        accuracy = right.groupby(own).mean()[sizes.index[sizes >= LEAST_OF_A_GROUP]]
        words = (
            f"The test sounds are of {len(sizes):,} groups (by {column}), the largest with "
            f"{100 * sizes.iloc[0] / len(own):.1f} % of them."
        )
        if len(accuracy) < 2:
            return f"{words} Fewer than two groups have {LEAST_OF_A_GROUP} test sounds."
        low, middle, high = 100 * np.percentile(accuracy, [25, 50, 75])
        return (
            f"{words} Second-level accuracy over the {len(accuracy):,} groups with {LEAST_OF_A_GROUP} or more of them: "
            f"median {middle:.1f} %, quartiles {low:.1f} and {high:.1f} %, least {100 * accuracy.min():.1f} %."
        )

    def calibration(self) -> str:
        """How far its confidence can be believed."""
        if self.run.given == "none":
            return "It gives classes without probabilities."
        error = f"Expected calibration error {summaries.calibration_error(self.answers)}."
        confidence = 100 * self.answers.probabilities.max(axis=1).mean()
        accuracy = 100 * metrics.accuracy(self.answers.y_true, self.answers.y_pred)
        out = [error, f"Mean confidence {confidence:.1f} %, accuracy {accuracy:.1f} %."]
        if self.run.external is None:
            temperatures = ", ".join(f"{run.temperature:.2f}" for run in self.runs)
            out.append(f"Temperature, fitted on sounds that were held out of the training: {temperatures}.")
        if self.run.held_out_gain is not None:
            out.append(
                f"On sounds held out by group it predicts better than the class frequencies by "
                f"{self.run.held_out_gain:.2f} nats per sound."
            )
        return " ".join(out)

    def limits(self) -> list[str]:
        """Where it cannot be trusted, a sentence or two each."""
        run, taxonomy = self.run, self.run.taxonomy
        out = [
            f"It knows {len(taxonomy.second)} classes and gives every sound one of them: a sound of none, of several "
            "at once, or silence gets a class all the same. Low confidence and high novelty are signs of it, no proof.",
        ]
        if run.external is not None:
            out.append(
                "What it was trained on is not known. That it had not seen the test sounds is taken from whoever "
                "brought the predictions."
            )
        elif "grouped by" not in run.split_kind:
            out.append(
                f"Folds ({run.split_kind}) are not stated to keep sounds of one uploader or recording together. Where "
                "they do not, the model has been tested on takes of what it was trained on: on strangers' sounds "
                "expect less than the figures above."
            )
        if self.collection is not None and self.collection.audio_root == SYNTH_ROOT:
            out.append(
                "The test sounds are synthesised. The figures show that it learned them and measure no recordings."
            )
        counts = np.bincount(self.answers.y_true, minlength=len(taxonomy.second))
        few = [code for code, n in zip(taxonomy.codes, counts, strict=True) if n < FEW_OF_A_CLASS]
        if few:
            which = "every class" if len(few) == len(taxonomy.codes) else ", ".join(few)
            out.append(f"Fewer than {FEW_OF_A_CLASS} test sounds, too few to say much of it, has {which}.")
        confidence = self.answers.annotation_confidence
        if (known := ~np.isnan(confidence)).any():
            share = 100 * float((confidence[known] < 3).mean())
            out.append(f"Of the test sounds' labels {share:.1f} % have an annotation confidence below 3.")
        if "text" in run.encoders:
            fields = ", ".join(run.encoders["text"].fields) or "words"
            out.append(f"It reads words ({fields}) that people wrote: without them, or with misleading ones, it errs.")
        out.append("It is made to sort and explore sounds. It is not made to recognise people or to decide about them.")
        return out


def _between(low: float, high: float, digits: int = 2) -> str:
    return "–" if np.isnan(low) else f"{100 * low:.{digits}f} – {100 * high:.{digits}f}"
