from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from bstviz.datasets.collection import Collection
from bstviz.encoders.base import Embeddings
from bstviz.models.predict import predict
from bstviz.models.retrieval import RETRIEVAL_NEIGHBOURS, SHARES, SOFTNESS, Datastore, best_share, build_datastore
from bstviz.models.run import Run, load_run
from bstviz.training.train import train_fold
from tests.fakes import quick, stratified


def sounds(n: int = 300, classes: int = 4, dim: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % classes
    return torch.randn(classes, dim, generator=generator)[labels] + 0.5 * torch.randn(
        n, dim, generator=generator
    ), labels


def test_votes_are_those_of_the_nearest_by_cosine() -> None:
    x, labels = sounds()
    queries, _ = sounds(40)
    found = build_datastore(x, labels).probabilities(queries, 4)
    distance, index = NearestNeighbors(n_neighbors=RETRIEVAL_NEIGHBOURS, metric="cosine").fit(x).kneighbors(queries)
    weights = np.exp(-(distance - distance[:, :1]) / SOFTNESS)
    expected = np.stack([np.bincount(labels[i], w, 4) / w.sum() for i, w in zip(index, weights, strict=True)])
    np.testing.assert_allclose(found, expected, atol=0.01)  # keys are half precision


def test_a_sound_has_no_vote_on_itself() -> None:
    x, labels = sounds(8, 8)  # every sound is a class of its own
    datastore = build_datastore(x, labels)
    alone = datastore.probabilities(x, 8)
    assert (alone.argmax(1) == labels).all()
    left_out = datastore.probabilities(x, 8, own=torch.arange(8))
    assert (left_out[torch.arange(8), labels] == 0).all()
    assert torch.equal(datastore.probabilities(x, 8, own=torch.full((8,), -1)), alone)


def test_the_share_is_none_where_likeness_misleads_and_more_where_it_helps() -> None:
    x, labels = sounds()
    held, truth = sounds(60)
    datastore, blank = build_datastore(x, labels), torch.full((60, 4), 0.25)
    assert best_share(blank, datastore.probabilities(held, 4), truth) == max(SHARES)
    misled = build_datastore(x, (labels + 1) % 4)
    assert best_share(blank, misled.probabilities(held, 4), truth) == 0
    assert replace(misled, share=0.0).blend(blank, held) is blank


def test_more_sounds_join_the_datastore_after_the_first() -> None:
    x, labels = sounds(100)
    datastore = build_datastore(x[:60], labels[:60]).with_more(x[60:], labels[60:])
    assert datastore.labels.tolist() == labels.tolist()
    assert len(datastore.keys) == 100


def test_blocks_do_not_change_the_votes(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = sounds(50)
    datastore, own = build_datastore(x, labels), torch.arange(50)
    whole = datastore.probabilities(x, 4, own=own)
    monkeypatch.setattr("bstviz.models.retrieval.RETRIEVAL_QUERIES", 7)
    torch.testing.assert_close(datastore.probabilities(x, 4, own=own), whole)


def test_a_run_keeps_its_datastore_and_answers_with_it(
    collection: Collection, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run: Run = train_fold(collection, stratified(collection), 0, quick(epochs=2, retrieval=True, validation=0.3))
    assert run.datastore is not None
    assert len(run.datastore.labels) == run.sounds["split"].isin(["train", "val"]).sum()
    again = load_run(run.save(tmp_path_factory.mktemp("run") / run.id))
    assert isinstance(again.datastore, Datastore)
    assert again.datastore.share == pytest.approx(run.datastore.share)
    sound = Embeddings(collection.embedding("audio"), run.encoders["audio"])
    answer = predict(again, audio=sound).probabilities
    np.testing.assert_allclose(answer[run.tested], run.probabilities[run.tested], atol=1e-5)


def test_without_retrieval_there_is_no_datastore(collection: Collection) -> None:
    assert train_fold(collection, stratified(collection), 0, quick(epochs=1, retrieval=False)).datastore is None
