"""What is answered over HTTP is what the library answers."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from sklearn.metrics import confusion_matrix
from sklearn.metrics.pairwise import cosine_similarity
from starlette.testclient import TestClient

import bstviz
from bstviz.datasets.collection import Collection
from bstviz.models.run import Run, load_run
from bstviz.server.api.served import Served
from bstviz.training.bundled.slim import slim
from tests.server.api.conftest import SOUND, client_of, wav


def test_a_sound_is_classified_as_the_library_does_and_the_decoding_is_named(
    client: TestClient, runs: dict[str, Run]
) -> None:
    run = runs["audio"]
    answer = client.post("classify", params={"run": run.id}, content=wav(), headers=SOUND)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    expected = bstviz.load_classifier(run.folder).classify(wav())
    assert (said["runs"], said["decoding"], said["own"], said["words"]) == ([run.id], "top_down", None, None)
    assert [one["code"] for one in said["second"]] == [one.code for one in expected.second]
    assert [one["probability"] for one in said["top"]] == pytest.approx([one.probability for one in expected.top])
    assert said["novelty"] == pytest.approx(expected.novelty)
    assert sum(one["probability"] for one in said["second"]) == pytest.approx(1, abs=1e-5)


def test_words_count_in_an_audio_and_text_model_and_alone_in_a_text_model(
    client: TestClient, runs: dict[str, Run]
) -> None:
    both, text = runs["both"], runs["text"]
    for words in ("rain on a roof", "a dog"):
        asked = {"run": both.id, "words": words}
        said = client.post("classify", params=asked, content=wav(), headers=SOUND).json()
        expected = bstviz.load_classifier(both.folder).classify(wav(), text=words)
        assert said["second"][0]["probability"] == pytest.approx(expected.second[0].probability, rel=1e-4)
    alone = client.post("classify", params={"run": text.id}, json={"words": "some tags"}).json()
    assert alone["runs"] == [text.id]
    assert len(alone["second"]) == 23
    for run, sentence in ((both, "give words"), (text, "send it words as JSON")):
        refused = client.post("classify", params={"run": run.id}, content=wav(), headers=SOUND)
        assert refused.status_code == 422
        assert sentence in refused.json()["error"]


def test_an_embedding_is_the_encoders_and_its_latent_the_runs(client: TestClient, runs: dict[str, Run]) -> None:
    run = runs["audio"]
    said = client.post("embed", params={"run": run.id}, content=wav(), headers=SOUND).json()
    classifier = bstviz.load_classifier(run.folder)
    samples, rate = np.asarray(said["embedding"], np.float32), classifier.audio_encoder.rate
    from bstviz.audio.decode import decode

    sound = decode(wav())
    made = classifier.embed_audio(sound.samples, sound.rate)
    assert rate and np.allclose(samples, made.values[0], atol=1e-5)
    assert said["kind"] == "audio" and said["encoder"].startswith("fake-audio 1")
    assert np.allclose(said["latent"], classifier.predict(made, None).latent[0], atol=1e-5)
    words = client.post("embed", params={"run": runs["both"].id}, json={"words": "a dog"}).json()
    assert words["kind"] == "text" and words["latent"] is None  # the run takes a sound besides


def test_neighbours_are_nearest_by_cosine_among_the_latents(client: TestClient, runs: dict[str, Run]) -> None:
    run = runs["audio"]
    ids = run.sounds["sound_id"].tolist()
    said = client.get("neighbours", params={"run": run.id, "id": ids[5], "k": 4}).json()
    similar = cosine_similarity(run.latents[5:6], run.latents)[0]
    similar[5] = -2
    order = np.argsort(-similar, kind="stable")[:4]
    assert [one["id"] for one in said["found"]] == [ids[i] for i in order]
    assert [one["score"] for one in said["found"]] == pytest.approx(similar[order].tolist(), abs=1e-5)
    assert [one["code"] for one in said["found"]] == run.sounds["y_true"].iloc[order].tolist()
    assert said["found"][0]["title"].startswith("title ")


def test_search_is_the_librarys_by_words_by_examples_and_by_a_sound(
    client: TestClient, runs: dict[str, Run], collection: Collection
) -> None:
    run = runs["audio"]
    liked = {"words": "some title", "like": ["s001", "s002"], "unlike": ["s030"]}
    for asked, by in ((liked, "text"), ({"like": ["s001"]}, None), ({"words": "title"}, "text")):
        said = client.post("search", params={"run": run.id, "k": 5}, json=asked).json()
        expected = bstviz.search(collection, **{"words": "", **asked}, run=run, k=5)
        assert said["by"] == by == expected.by
        assert [one["id"] for one in said["found"]] == collection.sounds["sound_id"].iloc[expected.rows].tolist()
        assert [one["score"] for one in said["found"]] == pytest.approx(expected.scores.tolist(), abs=1e-4)
        assert (said["words"], said["space"], said["ranked"]) == (expected.words, expected.space, expected.ranked)
    said = client.post("search", params={"run": run.id, "k": 5}, content=wav(), headers=SOUND).json()
    expected = bstviz.search(collection, like=[wav()], run=run, k=5)
    assert [one["id"] for one in said["found"]] == collection.sounds["sound_id"].iloc[expected.rows].tolist()


def test_words_are_searched_for_among_predictions_without_latents(
    runs: dict[str, Run], collection: Collection, encoders: object, tmp_path: Path
) -> None:
    bare = load_run(slim(runs["audio"], latents=False).save(tmp_path / "bare"))
    with client_of(Served((tmp_path,))) as client:
        said = client.post("search", params={"run": "bare", "k": 5}, json={"words": "some title"}).json()
        refused = client.post("search", params={"run": "bare"}, json={"like": [bare.sounds["sound_id"].iloc[0]]})
    expected = bstviz.search(collection, "some title", run=bare, k=5)
    assert [one["id"] for one in said["found"]] == collection.sounds["sound_id"].iloc[expected.rows].tolist()
    assert (said["by"], said["space"]) == ("text", "")
    assert refused.status_code == 422
    assert "has no latents" in refused.json()["error"]


@pytest.mark.parametrize(
    ("asked", "status", "sentence"),
    [
        ({}, 422, "nothing to search by"),
        ({"like": ["/etc/passwd"]}, 404, "lists no sound 'passwd'"),
        ({"like": ["s001"], "unlike": ["x.wav"]}, 404, "lists no sound 'x.wav'"),
        ({"like": "s001"}, 422, "like is 's001'; allowed is a list of up to 100"),
        ({"words": "a", "by": "audio"}, 422, "unknown setting 'by'"),
    ],
)
def test_a_search_names_sounds_of_the_run_and_no_files(
    client: TestClient, asked: dict[str, object], status: int, sentence: str
) -> None:
    answer = client.post("search", json=asked)
    assert (answer.status_code, sentence in answer.json()["error"]) == (status, True), answer.text


def test_runs_are_listed_with_their_metrics_and_the_default(client: TestClient, runs: dict[str, Run]) -> None:
    said = client.get("runs").json()
    assert {one["name"] for one in said["runs"]} == {run.id for run in runs.values()}
    assert said["default"] == [runs["audio"].id]
    (audio,) = (one for one in said["runs"] if one["modality"] == "audio")
    assert audio["metrics"]["top_accuracy"] == pytest.approx(bstviz.evaluate(runs["audio"])["top_accuracy"])
    assert (audio["latent_dim"], audio["decoding"]) == (runs["audio"].latents.shape[1], "argmax")


def test_figures_are_plotlys_and_hold_what_was_measured(client: TestClient, runs: dict[str, Run]) -> None:
    run = runs["audio"]
    asked = {"run": run.id, "cells": "count"}
    heat = go.Figure(client.get("figures/confusion", params=asked).json()).data[0]
    tested = run.tested
    expected = confusion_matrix(run.y_true[tested], run.y_pred[tested], labels=range(len(run.taxonomy.codes)))
    shown = np.array([[int(cell or 0) for cell in row] for row in heat.text])
    assert shown.sum() == tested.sum()
    assert np.array_equal(shown, expected)
    drawn = client.get("figures/map", params={"run": run.id, "color": "second"}).json()
    x = np.frombuffer(base64.b64decode(drawn["data"][0]["x"]["bdata"]), np.float32)
    assert np.allclose(x, run.projections["pca_x"], atol=1e-4)
    table = go.Figure(client.get("figures/table", params={"metric": "top_accuracy"}).json())
    values = [value for trace in table.data for value in np.atleast_1d(trace.y)]
    assert np.isclose(values, 100 * run.metrics["top_accuracy"]).any()


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("neighbours?id=nobody", 404, "lists no sound 'nobody'"),
        ("neighbours", 422, "id is missing"),
        ("neighbours?id=s001&run=x", 404, "There is no run 'x'; there are "),
        ("neighbours?id=s001&k=0", 422, "k is 0; allowed is a whole number from 1 to 1,000"),
        ("neighbours?id=s001&k=1.5", 422, "k is '1.5'; allowed is a whole number"),
        ("neighbours?id=s001&k=1&k=2", 422, "k 2 times; allowed is once"),
        ("neighbours?id=s001&q=1", 422, "states 'q'; known are id, run, k"),
        ("neighbours?id=a%00b", 422, "id is 'a\\x00b'; allowed is a line"),
        ("figures/map?projection=tsne", 422, "projection is 'tsne'; allowed are pca, umap"),
        ("figures/map?names=yes", 422, "names is 'yes'; allowed is true or false"),
        ("figures/map?color=shape", 422, "color is 'shape'; allowed are top"),
        ("figures/pie", 404, "There is no such address"),
    ],
)
def test_what_is_not_allowed_is_refused_in_a_sentence(
    client: TestClient, path: str, status: int, sentence: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]
    assert answer.headers["content-type"] == "application/json"
