from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz import storage
from bstviz.errors import UserError
from bstviz.latent.projection import UmapSettings
from bstviz.models.experiment_folder import find_runs
from bstviz.models.predict import network
from bstviz.models.run import Run, load_run
from bstviz.models.run_info import is_run, load_info

Runs = dict[str, Run]
FILES = {
    "run.json",
    "weights.safetensors",
    "sounds.parquet",
    "latents.safetensors",
    "projections.parquet",
    "pca.safetensors",
}


@pytest.fixture
def folder(runs: Runs, tmp_path: Path) -> Path:
    """A saved run of one's own, to damage."""
    return runs["both"].save(tmp_path / "run")


def rehash(folder: Path, change: Callable[[dict], None] = lambda header: None) -> None:
    """Change the header and bring its hashes up to date, as somebody does who means it."""
    header = json.loads((folder / "run.json").read_text())
    change(header)
    header["files"] = {name: storage.sha256(folder / name) for name in header["files"]}
    (folder / "run.json").write_text(json.dumps(header))


@pytest.mark.parametrize("modality", ["audio", "text", "both"])
def test_a_saved_run_reads_back_the_same(runs: Runs, tmp_path: Path, modality: str) -> None:
    before = runs[modality]
    after = load_run(before.save(tmp_path / "copy"))
    for field in fields(Run):
        one, two = getattr(before, field.name), getattr(after, field.name)
        if field.name in ("folder", "collection"):
            continue
        if isinstance(one, pd.DataFrame):
            pd.testing.assert_frame_equal(one, two)
        elif isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, two)
        elif field.name == "weights":
            assert list(one) == list(two)
            assert all(np.array_equal(one[k], two[k]) for k in one)
        elif field.name == "pca":
            np.testing.assert_array_equal(one.components, two.components)
        else:
            assert one == two, field.name
    assert (after.collection.name, after.collection.hash) == (before.collection.name, before.collection.hash)


def test_the_folder_is_plain_files_and_nothing_pickled(folder: Path) -> None:
    assert {f.name for f in folder.iterdir()} == FILES
    header = json.loads((folder / "run.json").read_text())
    assert header["format_version"] == 3
    assert set(header["files"]) == FILES - {"run.json"}
    assert header["train"]["modality"] == "both"
    assert header["versions"]["torch"]
    assert {"sound_id", "split", "y_true", "y_pred", "p_m-sp", "attention_audio"} <= set(
        pd.read_parquet(folder / "sounds.parquet")
    )


@pytest.mark.parametrize("name", sorted(FILES - {"run.json"}))
def test_a_changed_or_missing_file_is_noticed(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(UserError, match=rf"{name} was changed or damaged.*Train it again"):
        load_run(folder)
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"lacks {name}"):
        load_run(folder)


def test_a_half_written_header_or_another_version_is_noticed(folder: Path) -> None:
    rehash(folder, lambda header: header.update(format_version=1))
    with pytest.raises(UserError, match="run format version 1; this bstviz reads versions 2 and 3"):
        load_run(folder)
    (folder / "run.json").write_bytes((folder / "run.json").read_bytes()[:500])
    with pytest.raises(UserError, match="not valid JSON"):
        load_run(folder)


def test_what_a_run_is_can_be_read_without_its_arrays(folder: Path, runs: Runs) -> None:
    (folder / "latents.safetensors").write_bytes(b"damaged")
    info = load_info(folder)
    assert (info.name, info.metrics, info.train) == (runs["both"].name, runs["both"].metrics, runs["both"].train)
    assert info.temperature == runs["both"].temperature
    with pytest.raises(UserError, match="changed or damaged"):
        load_info(folder, verify=True)
    (folder / "latents.safetensors").unlink()
    with pytest.raises(UserError, match="lacks latents"):
        load_info(folder)


def test_another_class_order_is_noticed(folder: Path) -> None:
    def swap(header: dict) -> None:
        classes = header["taxonomy"]["classes"]
        classes[5], classes[6] = classes[6], classes[5]

    rehash(folder, swap)
    with pytest.raises(UserError, match="in another order"):
        load_run(folder)
    rehash(folder, swap)
    load_run(folder)
    table = pd.read_parquet(folder / "sounds.parquet")
    table.rename(columns={"p_m-sp": "p_m-m", "p_m-m": "p_m-sp"}).to_parquet(folder / "sounds.parquet", index=False)
    rehash(folder)
    with pytest.raises(UserError, match="not the taxonomy's classes in order"):
        load_run(folder)


def test_tables_of_different_length_are_noticed(folder: Path) -> None:
    pd.read_parquet(folder / "sounds.parquet").iloc[1:].to_parquet(folder / "sounds.parquet", index=False)
    rehash(folder)
    with pytest.raises(UserError, match=r"47 sounds, latents \(48, 8\), coordinates of 48"):
        load_run(folder)


def test_settings_of_a_newer_version_are_refused(folder: Path) -> None:
    rehash(folder, lambda header: header["train"].update(teleport=True))
    with pytest.raises(UserError, match="unknown setting 'teleport'"):
        load_run(folder)


def test_a_killed_save_leaves_the_old_run(folder: Path, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "write_header", killed)
    with pytest.raises(KeyboardInterrupt):
        replace(runs["both"], fold=3).save(folder)
    assert load_run(folder).fold == 0


def test_a_run_whose_replacement_was_cut_off_is_found_again(folder: Path) -> None:
    folder.rename(folder.parent / f".{folder.name}.old")
    assert load_run(folder).fold == 0
    assert find_runs(folder.parent) == [folder]
    assert is_run(folder)
    assert not folder.exists()  # a reader finds it beside its place, and puts nothing back


def test_a_run_as_one_table(runs: Runs) -> None:
    run = runs["both"]
    frame = run.frame()
    columns = ["sound_id", "split", "class", "top", "predicted", "predicted_top", "correct", "confidence"]
    assert list(frame) == [*columns, "pca_x", "pca_y"]
    assert frame["sound_id"].tolist() == run.sounds["sound_id"].tolist()
    np.testing.assert_array_equal(run.taxonomy.encode(frame["predicted"]), run.probabilities.argmax(axis=1))
    np.testing.assert_array_equal(frame["confidence"], run.probabilities.max(axis=1))
    np.testing.assert_array_equal(frame[["pca_x", "pca_y"]], run.projections[["pca_x", "pca_y"]])
    assert (frame["top"] == [code.split("-")[0] for code in frame["class"]]).all()
    assert (frame["predicted_top"] == [code.split("-")[0] for code in frame["predicted"]]).all()
    assert (frame["correct"] == (frame["class"] == frame["predicted"])).all()


def test_a_table_says_what_is_missing_and_has_the_flat_umap_map(runs: Runs) -> None:
    run = runs["both"]
    sounds = run.sounds.copy()
    sounds.loc[0, "y_true"] = None
    maps = run.projections.assign(umap2_x=np.float32(1), umap2_y=np.float32(2), umap3_x=np.float32(3))
    frame = replace(run, sounds=sounds, projections=maps).frame()
    assert frame.loc[0, ["class", "top", "correct"]].isna().all()
    assert frame.loc[1:, ["class", "top", "correct"]].notna().all(axis=None)
    assert (frame["umap_x"].unique().tolist(), frame["umap_y"].unique().tolist()) == ([1], [2])
    assert list(frame)[-4:] == ["pca_x", "pca_y", "umap_x", "umap_y"]


def test_umap_maps_are_added_beside_pca(runs: Runs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fake_umap(latents: np.ndarray, settings: UmapSettings) -> pd.DataFrame:
        return pd.DataFrame({"umap2_x": latents[:, 0], "umap2_y": latents[:, 1]})

    monkeypatch.setattr("bstviz.models.run.umap_table", fake_umap)
    run = runs["audio"].with_umap(UmapSettings(seed=5)).with_umap(UmapSettings(seed=6))
    assert list(run.projections) == ["pca_x", "pca_y", "pca_z", "umap2_x", "umap2_y"]
    assert load_run(run.save(tmp_path / "u")).umap == UmapSettings(seed=6)
    assert runs["audio"].umap is None


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_a_run_in_half_precision_reads_back_within_it_and_takes_less(runs: Runs, tmp_path: Path, modality: str) -> None:
    before = runs[modality]
    after = load_run(before.save(tmp_path / "half", half=True))
    assert (after.latents.dtype, after.probabilities.dtype) == (np.float32, np.float32)
    np.testing.assert_array_equal(after.latents, before.latents.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(after.probabilities, before.probabilities.astype(np.float16).astype(np.float32))
    pd.testing.assert_frame_equal(after.projections, before.projections)
    whole = before.save(tmp_path / "whole")
    for name in ("latents.safetensors", "sounds.parquet"):
        assert (tmp_path / "half" / name).stat().st_size < (whole / name).stat().st_size


def test_a_run_whose_weights_are_left_out_predicts_nothing_and_says_so(runs: Runs, tmp_path: Path) -> None:
    small = replace(runs["audio"], weights={}, datastore=None, left_out=("weights",))
    after = load_run(small.save(tmp_path / "small"))
    assert not (tmp_path / "small" / "weights.safetensors").exists()
    assert (after.left_out, after.predicts, runs["audio"].predicts) == (("weights",), False, True)
    assert after.latent_dim == runs["audio"].latent_dim
    with pytest.raises(UserError, match="without its weights"):
        network(after)


def test_a_run_may_leave_its_latents_out(runs: Runs, tmp_path: Path) -> None:
    whole = runs["text"]
    bare = np.zeros((len(whole.sounds), 0), np.float32)
    small = replace(whole, latents=bare, left_out=("latents",))
    after = load_run(small.save(tmp_path / "small"))
    assert (after.latent_dim, after.latents.shape) == (0, bare.shape)
    assert not (tmp_path / "small" / "pca.safetensors").exists()
    assert after.predicts


def test_what_may_be_left_out_is_named_in_the_error(folder: Path) -> None:
    rehash(folder, lambda header: header.update(left_out=["everything"]))
    with pytest.raises(UserError, match="weights, history, latents, training sounds"):
        load_info(folder)
