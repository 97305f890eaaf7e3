"""A run's prediction for embeddings: latents, probabilities, attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bstviz.datasets.collection import Collection
from bstviz.datasets.taxonomy import Decoding
from bstviz.encoders.base import AudioOrText, Embeddings
from bstviz.errors import UserError
from bstviz.models.run import Run
from bstviz.models.run_info import TRAIN_AGAIN

if TYPE_CHECKING:
    import torch

    from bstviz.models.network import Network
    from bstviz.models.retrieval import Datastore

BATCH_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Prediction:
    """For n sounds, float32: ``latent`` (n, Z), ``probabilities`` (n, C), ``attention`` (n, 2) of audio and text."""

    latent: np.ndarray
    probabilities: np.ndarray
    attention: np.ndarray


def network(run: Run, *, device: str = "cpu") -> Network:
    """The run's network with its weights, in evaluation mode.

    Raises:
        UserError: The run has none: its predictions come from elsewhere, or they are left out.
    """
    if run.model is None or not run.predicts:
        why = "of a model that was trained elsewhere and no weights" if run.model is None else "without its weights"
        raise UserError(
            f"Run {run.id} holds predictions {why}, so it predicts nothing new. Choose a run whose weights are here."
        )
    import torch

    from bstviz.models.network import Network

    with torch.device("meta"):  # takes no memory: the weights decide on that, not what a header says of their sizes
        expected = {name: tuple(tensor.shape) for name, tensor in Network(run.model).state_dict().items()}
    given = {name: values.shape for name, values in run.weights.items()}
    if expected != given:
        wrong = next(iter(sorted(n for n in {*expected, *given} if expected.get(n) != given.get(n))))
        raise UserError(
            f"The weights of run {run.id} do not fit its sizes: {wrong} is {given.get(wrong, 'missing')}, and the "
            f"network takes {expected.get(wrong, 'none')}. {TRAIN_AGAIN}"
        )
    model = Network(run.model)
    model.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in run.weights.items()})
    return model.to(device).eval()


def forward(
    model: Network,
    inputs: Mapping[AudioOrText, torch.Tensor],
    temperatures: Sequence[float],
    datastores: Sequence[Datastore | None],
    *,
    own: Sequence[torch.Tensor | None] | None = None,
) -> list[Prediction]:
    """Predictions of each of E members in evaluation mode, for the same n sounds.

    Args:
        model: The networks.
        inputs: Embeddings (n, d) by kind.
        temperatures: What each member's logits are divided by.
        datastores: Of each member, or None.
        own: For each member (n,) int64, each sound's own position in its datastore, -1 where it is not there.
    """
    import torch

    n = len(next(iter(inputs.values())))
    own = own or [None] * len(datastores)
    scale = torch.tensor(temperatures, device=next(model.parameters()).device)[:, None, None]
    chunks = []
    with torch.inference_mode():
        for start in range(0, n, BATCH_ROWS):
            rows = slice(start, start + BATCH_ROWS)
            x = model.standardised({kind: values[None, rows] for kind, values in inputs.items()})  # (E, batch, d)
            out = model(x)
            probabilities = (out.logits / scale).softmax(dim=2)
            side_by_side = torch.cat(list(x.values()), dim=2)
            for member, (datastore, positions) in enumerate(zip(datastores, own, strict=True)):
                if datastore is not None:
                    position = None if positions is None else positions[rows]
                    probabilities[member] = datastore.blend(probabilities[member], side_by_side[member], own=position)
            chunks.append((out.latent, probabilities, out.attention))
    latent, probabilities, attention = (torch.cat(p, dim=1).cpu().numpy() for p in zip(*chunks, strict=True))
    return [Prediction(*member) for member in zip(latent, probabilities, attention, strict=True)]


def network_probabilities(run: Run) -> np.ndarray:
    """What a run's network alone says of the sounds that it lists, without its datastore's share: (N, C) float32.

    The classifier stands on the latents, which the run holds: neither the collection nor its embeddings are needed.
    """
    import torch

    if run.datastore is None or not run.datastore.share:
        return run.probabilities
    with torch.inference_mode():
        latents = torch.from_numpy(np.array(run.latents, np.float32))[None]  # (1, N, Z)
        logits = network(run).classify(latents)[0]
        probabilities: np.ndarray = (logits / run.temperature).softmax(dim=1).numpy()
    return probabilities


def answers_table(
    collection: Collection,
    rows: np.ndarray,
    split: np.ndarray,
    answer: Prediction,
    *,
    decoding: Decoding = "argmax",
) -> pd.DataFrame:
    """The sounds table of a run: id, split, true and predicted class, every probability, attention, and the sounds'
    ``content`` where the collection has it.

    Args:
        collection: The sounds.
        rows: (n,) rows of it that the run lists.
        split: (n,) names of their splits.
        answer: The run's prediction for them.
        decoding: Of the predicted class.
    """
    codes = np.array(collection.taxonomy.codes, dtype=object)
    frame = pd.DataFrame(
        {
            "sound_id": collection.sounds["sound_id"].to_numpy()[rows],
            "split": split,
            "y_true": collection.sounds["class"].to_numpy()[rows],
            "y_pred": codes[collection.taxonomy.decode(answer.probabilities, decoding)],
        }
    )
    probabilities = pd.DataFrame(answer.probabilities, columns=[f"p_{c}" for c in codes])
    attention = pd.DataFrame(answer.attention, columns=["attention_audio", "attention_text"])
    content = collection.sounds.filter(["content"]).iloc[rows].reset_index(drop=True)
    return pd.concat([frame, probabilities, attention, content], axis=1)


def predict(
    run: Run, *, audio: Embeddings | None = None, text: Embeddings | None = None, model: Network | None = None
) -> Prediction:
    """A run's prediction for sounds.

    Args:
        run: The run.
        audio: Audio embeddings of n sounds, for a run that takes them.
        text: Text embeddings of the same n sounds, for a run that takes them.
        model: The run's :func:`network`, where the caller keeps it.

    Raises:
        UserError: A kind that the run needs is missing, comes from another encoder or of other fields of text than it
            was trained on, or is not finite.
    """
    import torch

    given: dict[AudioOrText, Embeddings | None] = {"audio": audio, "text": text}
    inputs: dict[AudioOrText, torch.Tensor] = {}
    for kind, trained_on in run.encoders.items():
        embeddings = given[kind]
        if embeddings is None:
            raise UserError(f"Run {run.id} needs {kind}; for sounds without {kind} choose a run of another modality.")
        if (embeddings.encoder.id, embeddings.encoder.revision) != (trained_on.id, trained_on.revision):
            raise UserError(
                f"Run {run.id} was trained on {kind} embeddings of {trained_on}; these are of {embeddings.encoder}. "
                "Encoders are not interchangeable: embed with that one, or train a run on this one."
            )
        if not embeddings.encoder.same_weights(trained_on):
            raise UserError(
                f"Run {run.id} was trained on {kind} embeddings of {trained_on.id} with the weights "
                f"{trained_on.weights_hash}; these are of {embeddings.encoder.weights_hash}. Bring back the weights "
                "that it was trained on, or train a run on these."
            )
        if embeddings.encoder.preprocessing != trained_on.preprocessing:
            trained, made = (str(info.preprocessing) or "whole sounds" for info in (trained_on, embeddings.encoder))
            raise UserError(
                f"Run {run.id} was trained on {kind} embeddings of {trained}; these are of {made}. Embed the sounds as "
                "they were: see --max-seconds and --antialias of bstviz embed."
            )
        if embeddings.encoder.fields and trained_on.fields not in ((), embeddings.encoder.fields):
            raise UserError(
                f"Run {run.id} was trained on the text {trained_on.configuration}; these embeddings are of "
                f"{embeddings.encoder.configuration}. Embed those fields too: bstviz embed COLLECTION --text-fields "
                f"{','.join(trained_on.fields)}"
            )
        if not np.isfinite(embeddings.values).all():
            raise UserError(f"Some sounds have no {kind} embedding (numbers that are not finite); leave them out.")
        inputs[kind] = torch.from_numpy(np.array(embeddings.values, dtype=np.float32))
    return forward(model or network(run), inputs, [run.temperature], [run.datastore])[0]
