"""The documents are a site: every page has a place in it, and it is built without a warning and without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bstviz
from tests.documents import PAGES, ROOT, blocks

DOCS = ROOT / "docs"
MADE = {"cli.md"}
"""Pages that a build writes."""
LANGUAGES = {"bash", "diff", "ini", "json", "nginx", "python", "text", "toml"}


def test_every_block_of_code_says_what_it_is() -> None:
    for page in PAGES:
        for block in blocks(page):
            assert block.language in LANGUAGES, f"{block}: {block.language!r}"


def test_the_navigation_has_every_page_once() -> None:
    there = re.findall(r'"([\w./-]+\.md)"', (DOCS / "zensical.toml").read_text(encoding="utf-8"))
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    front = {"index.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"}
    assert sorted(there) == sorted(pages | MADE | front)


def test_the_reference_has_every_public_name() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    assert all(f"::: bstviz.{name}\n" in text for name in bstviz.__all__ if name != "__version__")


@pytest.mark.slow
def test_the_documents_are_a_site_without_a_warning_and_without_a_network(tmp_path: Path) -> None:
    pytest.importorskip("zensical")
    pytest.importorskip("mkdocstrings")
    proxies = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")  # where nobody listens
    command = [sys.executable, DOCS / "build.py", tmp_path]
    done = subprocess.run(command, env=os.environ | proxies, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout + done.stderr
    site = tmp_path / "site"
    assert "bstviz classify" in (site / "cli.html").read_text(encoding="utf-8")
    assert "The folder is no collection" in (site / "api.html").read_text(encoding="utf-8")
    loaded = r"""<(?:script|img|link rel="stylesheet")[^>]+(?:src|href)=["']?https?:"""
    for page in site.rglob("*.html"):
        assert not re.findall(loaded, page.read_text(encoding="utf-8")), page.name
