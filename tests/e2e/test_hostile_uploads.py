"""Strangers' files on the page of a real server: whatever they are, the good ones beside them are answered."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from benchmarks.serving import served
from bstviz import synth
from bstviz.audio import playback
from tests.anomalous_sounds import sndfile
from tests.audio.test_fuzz import KINDS as FORMATS
from tests.audio.test_fuzz import mutated, whole
from tests.e2e.map_driver import settled
from tests.e2e.test_cases import EXCEPTION
from tests.e2e.test_classify import INPUT, open_page
from tests.fakes import tone
from tests.hostile_files import KINDS, addresses

pytestmark = [pytest.mark.e2e, pytest.mark.long]
BATCHES, HOSTILE, FIRST = 30, 10, 3  # drops, hostile files in each, and drops after which memory is measured
ALLOWED = 1.1


@pytest.fixture(scope="module")
def server(browser: Browser) -> Iterator[tuple[str, int]]:
    """Address and number of a server that nobody else uses."""
    with served() as own:
        yield own.address, own.process.pid


def memory(pid: int) -> float:
    """Megabytes in memory of a process and its children."""
    children = [int(task) for file in Path(f"/proc/{pid}/task").glob("*/children") for task in file.read_text().split()]
    pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in (pid, *children)]
    return sum(pages) * 4_096 / 2**20


def for_ever() -> bytes:
    """A WAV with two bytes changed: it is called G.723.1, of which its bytes would be hours."""
    data = bytearray(sndfile(np.random.default_rng(0).normal(0, 0.1, (3_000_000, 1)), 44_100))
    data[20:22] = b"\x42\0"
    return bytes(data)


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("zeros.wav", bytes(200 * 2**20))
    return buffer.getvalue()


def hostile(folder: Path, rng: np.random.Generator, batch: int) -> list[Path]:
    """Files of a drop: some that lead elsewhere, damaged ones, and now and then one that takes for ever, or a bomb."""
    made: dict[str, bytes] = {}
    kinds, elsewhere = list(KINDS.values()), addresses(1, Path("/etc/secret.wav"))
    for number in range(HOSTILE // 2):
        make = kinds[int(rng.integers(len(kinds)))]
        made[f"{batch}-leading-{number}.wav"] = make(elsewhere[int(rng.integers(len(elsewhere)))])
    if batch % 10 == 1:
        made[f"{batch}-for-ever.wav"] = for_ever()
    if batch % 10 == 2:
        made[f"{batch}-bomb.zip"] = bomb()
    while len(made) < HOSTILE:
        kind, other = (FORMATS[int(rng.integers(len(FORMATS)))] for _ in range(2))
        made[f"{batch}-damaged-{len(made)}.wav"] = mutated(whole(kind), whole(other), rng)
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in made]


def predictions(page: Page, address: str, files: list[Path]) -> list[dict[str, str]]:
    """What the page says of files that are dropped together."""
    open_page(page, address)
    page.set_input_files(INPUT, files)
    page.get_by_role("button", name="Predictions as CSV").wait_for()
    page.get_by_role("button", name="Cancel").wait_for(state="detached")  # while files are being worked on
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Predictions as CSV").click()
    assert page.locator(EXCEPTION).count() == 0
    return list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()))


def test_three_hundred_hostile_uploads_cost_no_good_one_its_answer(
    page: Page, server: tuple[str, int], tmp_path: Path
) -> None:
    address, pid = server
    good = tmp_path / "good.wav"
    good.write_bytes(playback.to_wav(synth.render("sp-s-002"), synth.SAMPLE_RATE))
    tone_file = tmp_path / "tone.flac"
    tone_file.write_bytes(sndfile(tone(500, 2), 8_000, "FLAC"))
    rng = np.random.default_rng(19)
    expected, held = None, 0.0
    for batch in range(BATCHES):
        folder = tmp_path / str(batch)
        folder.mkdir()
        bad = hostile(folder, rng, batch)
        rows = {row["file"]: row for row in predictions(page, address, [good, *bad, tone_file])}
        assert {path.name for path in bad if path.suffix != ".zip"} <= set(rows)
        answers = [(rows[n]["second"], round(float(rows[n]["probability"]), 5)) for n in ("good.wav", "tone.flac")]
        expected = expected or answers
        assert answers == expected
        assert all(second for second, _ in answers)
        if batch == FIRST - 1:
            held = memory(pid)
    at_end = memory(pid)
    print(f"{BATCHES * HOSTILE} hostile uploads: {at_end:.0f} MB, {held:.0f} MB after the first {FIRST * HOSTILE}")
    assert at_end <= ALLOWED * held
