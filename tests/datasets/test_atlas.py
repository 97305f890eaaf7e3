"""Tables that embedding-atlas writes and reads; its conventions are stated in the module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from typer.testing import CliRunner

from bstviz.cli.app import app
from bstviz.datasets import table
from bstviz.latent.neighbours import nearest
from bstviz.models.run import Run


def test_a_table_of_its_own_opens(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    near, far = nearest(vectors, vectors, 3)
    rows = pd.DataFrame(
        {
            "text": [f"sound {i}" for i in range(6)],
            "label": ["Animals", "Solo percussion"] * 3,
            "emb": list(vectors),
            "projection_x": vectors[:, 0].astype(float),
            "projection_y": vectors[:, 1].astype(float),
            "__neighbors": [{"ids": i, "distances": d} for i, d in zip(near, far, strict=True)],
            "FILE_NAME": "sounds.parquet",
            "__row_index__": range(6),
        }
    )
    rows.to_parquet(tmp_path / "dataset.parquet")
    found = table.load(tmp_path / "dataset.parquet", vector="emb")
    np.testing.assert_array_equal(found.audio, vectors)
    assert found.sounds["sound_id"].tolist() == [str(i) for i in range(6)]
    assert found.sounds["class"].tolist() == ["fx-a", "m-sp"] * 3
    assert {"projection_x", "projection_y", "text"} <= set(found.sounds)
    assert any("__neighbors (dicts)" in note for note in found.notes)
    flat = table.load(tmp_path / "dataset.parquet", vector="projection_x,projection_y")
    np.testing.assert_array_equal(flat.audio, vectors[:, :2])


def test_a_run_goes_out_with_its_map_neighbours_truth_and_prediction(runs: dict[str, Run], tmp_path: Path) -> None:
    run = runs["audio"]
    assert run.folder is not None
    result = CliRunner().invoke(app, ["export", str(run.folder), "--out", str(tmp_path / "a.parquet")])
    assert result.exit_code == 0, result.output
    assert "--x projection_x --y projection_y --neighbors __neighbors --text title" in result.output.replace("\n", " ")
    out = pd.read_parquet(tmp_path / "a.parquet")
    np.testing.assert_allclose(out[["projection_x", "projection_y"]], run.projections[["pca_x", "pca_y"]], rtol=1e-6)
    assert out["class"].tolist() == run.sounds["y_true"].tolist()
    assert out["prediction"].tolist() == run.sounds["y_pred"].tolist()
    assert out["prediction_name"].iloc[0] == run.taxonomy[run.sounds["y_pred"].iloc[0]].name
    unit = run.latents / np.linalg.norm(run.latents, axis=1, keepdims=True)
    by_hand = np.argsort(-(unit @ unit[0]))
    first = out["__neighbors"].iloc[0]
    assert first["ids"].tolist() == [i for i in by_hand if i != 0][:15]
    assert (np.diff(first["distances"]) >= 0).all()
    again = table.load(tmp_path / "a.parquet")
    assert again.sounds["class"].tolist() == run.sounds["y_true"].tolist()
    assert again.sounds["title"].tolist() == [f"title {i}" for i in range(48)]
