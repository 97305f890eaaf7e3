from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pandas as pd

from bstviz.errors import UserError, in_words


def raised_by(act: object, *arguments: object) -> Exception:
    try:
        act(*arguments)  # type: ignore[operator]
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_errors_of_the_system_are_sentences_with_a_next_step() -> None:
    assert in_words(UserError("as it is")) == "as it is"
    full = in_words(OSError(errno.ENOSPC, "No space left on device", "/x/y"))
    assert full == "/x/y: The disk is full, or its quota is. Free some space there, and do the same again."
    assert in_words(OSError(errno.EDQUOT, "Disk quota exceeded", "/x/y")) == full
    assert "ulimit -n" in str(in_words(OSError(errno.EMFILE, "Too many open files")))
    assert "permissions" in str(in_words(PermissionError(errno.EACCES, "Permission denied", "/x")))
    assert (
        in_words(FileNotFoundError(errno.ENOENT, "No such file or directory", "/x")) == "/x: No such file or directory."
    )
    assert "not enough memory" in str(in_words(MemoryError()))
    assert "not enough memory" in str(in_words(raised_by(np.zeros, 2**50)))


def test_damaged_files_are_sentences_and_faults_of_the_program_are_none(tmp_path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    (tmp_path / "x.safetensors").write_bytes(b"\xff" * 40)
    (tmp_path / "x.parquet").write_bytes(b"PAR1" + b"\xff" * 40)
    assert "(.safetensors) is damaged" in str(in_words(raised_by(load_file, tmp_path / "x.safetensors")))
    assert "(.parquet) is damaged" in str(in_words(raised_by(pd.read_parquet, tmp_path / "x.parquet")))
    said = "Error while serializing: I/O error: No space left on device (os error 28)"
    assert "disk is full" in str(in_words(SafetensorError(said)))
    assert "Set HOME" in str(in_words(RuntimeError("could not determine the home directory for '~/.cache'")))
    assert in_words(RuntimeError("x")) is None
    assert in_words(KeyError("x")) is None
    assert in_words(raised_by(lambda: 1 / 0)) is None
