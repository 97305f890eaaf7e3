"""Vectors that people bring, however they keep them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bstviz.datasets import bsd10k, table, vectors
from bstviz.datasets.collection import Collection, load_collection
from bstviz.encoders.registry import load_audio_encoder
from bstviz.errors import UserError

IDS = ["a", "b", "c", "d"]
VECTORS = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text("sound_id,class\na,fx-a\nb,fx-a\nc,m-sp\nd,m-sp\n")
    return tmp_path / "t.csv"


def said(collection: Collection, words: str) -> bool:
    return any(words in note for note in collection.notes)


def test_a_column_of_lists_is_an_embedding(tmp_path: Path) -> None:
    pd.DataFrame({"sound_id": IDS, "emb": list(VECTORS)}).to_parquet(tmp_path / "t.parquet")
    made = load_collection(table.load(tmp_path / "t.parquet", vector="emb", encoder="openl3").save(tmp_path / "c"))
    np.testing.assert_array_equal(made.audio, VECTORS)
    assert str(made.audio_encoder) == "given:openl3 as given, 6-d"
    assert "emb" not in made.sounds
    as_text = table.load(tmp_path / "t.parquet", vector="emb", vector_kind="text")
    assert as_text.audio is None
    assert as_text.text_encoder is not None
    assert as_text.text_encoder.id == "given:emb"


def test_lists_written_as_text_and_columns_of_numbers_are_too(tmp_path: Path) -> None:
    rows = pd.DataFrame({"sound_id": IDS, "json": [json.dumps(v.tolist()) for v in VECTORS]})
    rows["numpy"] = [str(v) for v in VECTORS]
    for i in range(6):
        rows[f"f_{i}"] = VECTORS[:, i]
    rows.to_csv(tmp_path / "t.csv", index=False)
    for vector in ("json", "numpy", "f_*"):
        made = table.load(tmp_path / "t.csv", vector=vector)
        np.testing.assert_allclose(made.audio, VECTORS, atol=1e-6)  # type: ignore[arg-type]
    two = table.load(tmp_path / "t.csv", vector="f_0,f_1")
    assert two.audio is not None
    assert two.audio.shape == (4, 2)


def test_a_folder_of_files_by_id_or_by_path(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("path,class\nx/a.wav,fx-a\nx/b.wav,fx-a\ny/a.wav,m-sp\ny/c.wav,m-sp\n")
    for name, vector in zip(("x/a", "b", "y/a", "c.wav"), VECTORS, strict=True):
        target = tmp_path / "npy" / f"{name}.npy"
        target.parent.mkdir(parents=True, exist_ok=True)
        np.save(target, vector[None] if name == "b" else vector)
    made = table.load(tmp_path / "t.csv", npy=tmp_path / "npy")
    np.testing.assert_array_equal(made.audio, VECTORS)
    assert made.audio_encoder is not None
    assert made.audio_encoder.id == "given:npy"


def test_odd_files_are_counted_with_their_reason_and_end_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sound_id\n" + "\n".join("abcdefgh") + "\n")
    (tmp_path / "npy").mkdir()
    inf, nan, double = VECTORS[0].astype(np.float16), VECTORS[0].copy(), VECTORS[:2].astype(np.float64)
    inf[3], nan[2] = np.inf, np.nan
    for name, vector in zip("abcdefg", (VECTORS[0], inf, nan, double, np.ones(9), np.array([{}]), 1.0), strict=True):
        np.save(tmp_path / "npy" / f"{name}.npy", vector, allow_pickle=True)
    made = table.load(tmp_path / "t.csv", npy=tmp_path / "npy")
    assert made.audio is not None
    assert np.isfinite(made.audio).all(axis=1).tolist() == [True, False, False, True, False, False, False, False]
    np.testing.assert_allclose(made.audio[3], VECTORS[:2].mean(axis=0), atol=1e-6)
    assert said(made, "2 sounds have a vector with infinite or missing values (b.npy, c.npy)")
    assert said(made, "1 sounds have a vector of another size than 6 (e.npy)")
    assert said(made, "3 sounds have no vector")
    assert said(made, "1 sounds have several vectors")


def test_an_archive_by_id_with_ids_or_in_order(file: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "by_id.npz", **dict(zip(IDS, VECTORS, strict=True)))
    np.savez(tmp_path / "ids.npz", ids=np.array([f"{i}.wav" for i in IDS[::-1]]), embeddings=VECTORS[::-1])
    np.savez(tmp_path / "order.npz", VECTORS)
    np.save(tmp_path / "order.npy", VECTORS)
    for name in ("by_id", "ids", "order"):
        np.testing.assert_array_equal(table.load(file, npz=tmp_path / f"{name}.npz").audio, VECTORS)
    np.testing.assert_array_equal(table.load(file, npy=tmp_path / "order.npy").audio, VECTORS)


def test_a_name_that_two_vectors_share_is_nobodys_and_a_number_has_no_suffix(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sound_id,class\n1,fx-a\n12,fx-a\n13,m-sp\n")
    np.savez(tmp_path / "v.npz", ids=np.array(["12.5", "13", "a/1.wav", "b/1.wav"]), embeddings=VECTORS)
    made = table.load(tmp_path / "t.csv", npz=tmp_path / "v.npz").audio
    assert made is not None
    assert np.isnan(made[:2]).all()
    np.testing.assert_array_equal(made[2], VECTORS[1])


def test_what_fits_no_sound_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "npy").mkdir()
    np.save(tmp_path / "npy" / "z.npy", VECTORS[0])
    np.save(tmp_path / "three.npy", VECTORS[:3])
    np.savez(tmp_path / "three.npz", VECTORS[:3])
    (tmp_path / "no.npz").write_text("none")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "three.npz").read_bytes()[:-40])
    for options, message in (
        ({"npy": tmp_path / "npy"}, r"None of the 1 \.npy files.*a\.npy would be one"),
        ({"npy": tmp_path / "three.npy"}, r"holds \(3, 6\)"),
        ({"npy": tmp_path / "nowhere"}, "no folder"),
        ({"npz": tmp_path / "three.npz"}, r"holds \(3, 6\)"),
        ({"npz": tmp_path / "no.npz"}, "no .npz of plain arrays"),
        ({"npz": tmp_path / "cut.npz"}, "no .npz of plain arrays"),
        ({"vector": "class,emb"}, "is no column of the table"),
        ({"npz": tmp_path / "nowhere.npz"}, "There is no file"),
        ({"vector": "emb"}, "no column of the table; it has sound_id, class"),
        ({"vector": "class"}, "There is no vector"),
        ({"vector": "class", "npz": tmp_path / "three.npz"}, "from one place"),
        ({"encoder": "x"}, "give --vector, --npy or --npz too"),
        ({"vector": "class", "vector_kind": "smell"}, "allowed are audio and text"),
    ):
        with pytest.raises(UserError, match=message):
            table.load(file, **options)  # type: ignore[arg-type]


def test_no_encoder_makes_more_of_them_and_that_is_said() -> None:
    with pytest.raises(UserError, match="made elsewhere by 'openl3'"):
        load_audio_encoder("given:openl3")


def test_official_vectors_with_infinite_or_missing_values_are_counted_at_import(tmp_path: Path) -> None:
    vectors = np.random.default_rng(1).normal(size=(3, 512)).astype(np.float32)
    vectors[1, 3], vectors[2, 7] = np.inf, np.nan
    folder = tmp_path / "features" / "clap_audio_embeddings"
    folder.mkdir(parents=True)
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "BSD10k_metadata.csv").write_text("sound_id,class\n1,fx-a\n2,fx-a\n3,m-sp\n")
    for sound_id, vector in zip("123", vectors, strict=True):
        np.save(folder / f"{sound_id}.npy", vector.astype(np.float16))
    made = bsd10k.load(tmp_path)
    assert made.usable(["audio"]).tolist() == [True, False, False]
    assert said(made, "2 sounds have no CLAP audio embedding")


def test_files_that_are_no_arrays_of_numbers_hold_none(tmp_path: Path) -> None:
    file = tmp_path / "a.npy"
    np.savez(tmp_path / "z.npz", a=np.ones(3))
    whole = (tmp_path / "z.npz").read_bytes()
    huge = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999,)}".ljust(
        118
    )
    for data in (whole, whole[:40], huge, b"", b"text"):
        file.write_bytes(data)
        assert vectors.load_array(file) is None
    for strange in (np.zeros(3, "i4,f4"), np.zeros(3, complex), np.zeros(3, "M8[s]"), np.array(["a"])):
        np.save(file, strange)
        assert vectors.load_array(file) is None
    for strange in (np.arange(3) > 0, np.asfortranarray(VECTORS), VECTORS.astype(">f2"), np.float32(2), VECTORS[:0]):
        np.save(file, strange)
        np.testing.assert_array_equal(vectors.load_array(file), strange, strict=True)
    np.save(file, np.arange(3))
    found = vectors.load_array(file)
    assert found is not None
    assert found.tolist() == [0, 1, 2]
    with pytest.raises(OSError, match="missing"):
        vectors.load_array(tmp_path / "missing.npy")


def npy_of(header: str) -> bytes:
    """An ``.npy`` file of twelve bytes with a header."""
    return b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + f"{header}\n".encode() + bytes(12)


WHOLE = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}"


@pytest.mark.parametrize(
    "header",
    [
        WHOLE.replace("(3,)", f"({10**30},)"),
        WHOLE.replace("(3,)", f"({10**30}, 0)"),
        WHOLE.replace("(3,)", "(4,)"),
        WHOLE.replace("(3,)", "(-1,)"),
        WHOLE.replace("(3,)", "(-3, -1)"),
        WHOLE.replace("3", "-" * 9_000 + "3"),
        WHOLE.replace("(3,)}", "(3,)"),
        WHOLE.replace("False, ", "False, " + 3 * "'"),
        f"if 1:\n    {WHOLE}\n  {WHOLE}",
    ],
)
def test_a_damaged_header_is_that_of_no_array(tmp_path: Path, header: str) -> None:
    file = tmp_path / "a.npy"
    file.write_bytes(npy_of(WHOLE))
    assert (vectors.load_array(file) == np.zeros(3)).all()
    file.write_bytes(npy_of(header))
    assert vectors.load_array(file) is None
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.write(file, "a.npy")
    (tmp_path / "t.csv").write_text("sound_id\na\n")
    with pytest.raises((UserError, MemoryError)):  # which has words, too
        table.load(tmp_path / "t.csv", npz=tmp_path / "a.npz")


def test_too_little_memory_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", VECTORS)

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "fromfile", full)
    with pytest.raises(MemoryError):
        vectors.load_array(tmp_path / "a.npy")
