"""The documentation as a site, without a network: python docs/build.py [FOLDER]

Sources are these pages and the README, which is the first page of the site. What is known better elsewhere is written
at every build: the commands' reference by typer, the Python one from docstrings by mkdocstrings. A link that leads
nowhere, or any other warning, ends the build.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
FRONT = {"README.md": "index.md"} | {n: n for n in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff")}
"""Files beside ``docs`` that are pages of the site, or that pages lead to, and what they are called there."""
LINK = re.compile(r"(!?\[[^\]]*\]\()(?!https?:)([^)#\s]+)")
FENCE = re.compile(r"^(\s*```[\w-]+) .*$", re.MULTILINE)


def on_the_site(text: str, page: Path) -> str:
    """The words of a page as the site has them.

    Links lead to where files stand there, pictures that have not been made are left out, and so is what the first line
    of a block of code tells the tests of it.

    Args:
        text: Markdown.
        page: Its file.
    """

    def lead(link: re.Match[str]) -> str:
        target = (page.parent / link[2]).resolve()
        there = DOCS / FRONT[target.name] if target.parent == ROOT and target.name in FRONT else target
        here = DOCS if page.parent == ROOT else page.parent
        up = [".."] * len(here.relative_to(DOCS).parts)
        return link[1] + "/".join([*up, there.relative_to(DOCS).as_posix()])

    text = re.sub(
        r"!\[[^\]]*\]\(([^)\s]+)\)",
        lambda picture: picture[0] if (page.parent / picture[1]).is_file() else "",
        text,
    )
    return FENCE.sub(r"\1", LINK.sub(lead, text))


def stage(folder: Path) -> None:
    """Write a project of zensical: its configuration and all pages."""
    pages = folder / "docs"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, pages, ignore=shutil.ignore_patterns("*.py", "*.toml", "__pycache__"))
    for name in ("zensical.toml", "roles.py"):
        shutil.copy(DOCS / name, folder)
    shutil.copy(DOCS / "tour.py", pages)
    for file in DOCS.rglob("*.md"):
        (pages / file.relative_to(DOCS)).write_text(
            on_the_site(file.read_text(encoding="utf-8"), file), encoding="utf-8"
        )
    for name, there in FRONT.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        (pages / there).write_text(on_the_site(text, ROOT / name), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "typer",
        "bstviz.cli.app",
        "utils",
        "docs",
        "--name",
        "bstviz",
        "--title",
        "Commands",
    ]
    commands = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    (pages / "cli.md").write_text(re.sub(r"^Example: (.+)$", r"Example: `\1`", commands, flags=re.M), encoding="utf-8")


def build(folder: Path) -> Path:
    """Build the site below a folder and give the place of its first page.

    Raises:
        SystemExit: Anything is amiss; the words are zensical's.
    """
    stage(folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(folder / "zensical.toml")]
    if status := subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit(status)
    return folder / "site" / "index.html"


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "docs").resolve()))
