"""Pooling: what an audio model and a text model say of one sound, as one answer.

The pool is logarithmic: the probabilities of both are multiplied, each to the power of its weight, and normalised. The
weights sum to one, which makes the pool externally Bayesian (Genest & Zidek, section 3): what is learned later changes
it as it would change its parts, and a prior that both parts stand on enters once, not twice. It is a product of
experts, in which either can veto a class.

Each weight follows its model's own held-out log-likelihood: it is the model's gain over the class frequencies, in nats
per sound, as a share of the sum of both gains (:func:`held_out_gain`). A model that knows no more than the frequencies
has no say; nothing is fitted on sounds that both predict.

Shapes: n sounds, C second-level classes.

References: C. Genest, J. V. Zidek, "Combining Probability Distributions: A Critique and an Annotated Bibliography",
Statistical Science 1(1), 1986; G. E. Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", 2002.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bstviz.encoders.base import Embeddings
from bstviz.evaluation.calibration import LEAST, gain
from bstviz.inference.classify import Answer, Classifier, Parts, ranked
from bstviz.models.predict import Prediction
from bstviz.models.run import Run, load_run
from bstviz.paths import assets


def held_out_gain(run: Run) -> float:
    """How much better a run predicts held-out sounds than their class frequencies do, in nats per sound; at least 0.

    It is the mean log-likelihood of the true second-level class, less that of the frequencies: what was measured for
    the run (``held_out_gain`` of its header), else by the test sounds that it lists; 0 where there are none.
    """
    if run.held_out_gain is not None:
        return max(run.held_out_gain, 0.0)
    return max(gain(run.probabilities[run.tested], run.y_true[run.tested]), 0.0)


def pooled(audio: np.ndarray, words: np.ndarray, weight: float) -> np.ndarray:
    """The logarithmic pool (n, C) float32 of probabilities by audio and by words, (n, C) each.

    Args:
        audio: By the audio model.
        words: By the text model; a row of NaN where a sound has no words, which leaves what the audio says unchanged.
        weight: Of the words, 0 to 1; the audio has the rest.
    """
    worded = np.isfinite(words).all(axis=1)
    logs = [np.log(np.maximum(part[worded].astype(np.float64), LEAST)) for part in (audio, words)]
    mixed = np.exp((1 - weight) * logs[0] + weight * logs[1])
    out = np.array(audio, np.float32)
    out[worded] = mixed / mixed.sum(axis=1, keepdims=True)
    return out


class TextModel:
    """A text model that predicts beside audio models, by the words of a sound's name or by what a person says of it.

    Args:
        run: A text run.
        device: Torch device.
    """

    def __init__(self, run: Run, *, device: str = "cpu") -> None:
        self.run = run
        self._classifier = Classifier(run, device=device)

    def __repr__(self) -> str:
        return f"TextModel({self.run.id}, {self.run.encoders['text']})"

    def weight(self, runs: Sequence[Run]) -> float:
        """Its weight in the pool with runs that predict together, 0 to 1: its share in the sum of both gains."""
        audio, words = float(np.mean([held_out_gain(run) for run in runs])), held_out_gain(self.run)
        return words / (audio + words) if words else 0.0

    def predict(self, texts: Sequence[str], embed: Callable[[Sequence[str]], Embeddings] | None = None) -> np.ndarray:
        """Probabilities (n, C) float32 by n texts, each predicted once; a row of NaN for an empty one.

        ``embed`` embeds texts, none of them empty, elsewhere than here.
        """
        out = np.full((len(texts), len(self.run.taxonomy.codes)), np.nan, np.float32)
        known = sorted({text for text in texts if text})
        if known:
            embedded = embed(known) if embed else self._classifier.embed_text(*known)
            rows = {text: row for row, text in enumerate(known)}
            worded = [i for i, text in enumerate(texts) if text]
            out[worded] = self._classifier.predict(None, embedded).probabilities[[rows[texts[i]] for i in worded]]
        return out

    def join(self, answer: Answer, words: str, runs: Sequence[Run], read: np.ndarray | None = None) -> Answer:
        """The answer of runs for a sound, pooled with its words; the same answer where there are none.

        Stored answers for the runs' own sounds stay as they are. ``read`` (1, C) is what it predicts by the words,
        where that is known.
        """
        if not words or answer.own is not None:
            return answer
        read, weight = self.predict([words]) if read is None else read, self.weight(runs)
        mixed = pooled(answer.prediction.probabilities, read, weight)
        by_words = Prediction(np.zeros((1, 0), np.float32), read, np.array([[0.0, 1.0]], np.float32))
        return replace(
            ranked(self.run.taxonomy, replace(answer.prediction, probabilities=mixed)),
            novelty=answer.novelty,
            notes=answer.notes,
            parts=Parts(answer, words, ranked(self.run.taxonomy, by_words), weight),
        )


def text_model_beside(run: Run, *, device: str = "cpu") -> TextModel | None:
    """The bundled text model, where it may predict beside a run: an audio model of the same classes; else None.

    It was trained on real titles of sounds: ``docs/library.md`` says which, ``docs/experiments.md`` how right it is.
    """
    bundled = load_run(assets() / "text")
    fits = tuple(run.encoders) == ("audio",) and run.taxonomy.hash == bundled.taxonomy.hash
    return TextModel(bundled, device=device) if fits else None
