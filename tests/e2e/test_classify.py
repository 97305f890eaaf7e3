"""Sounds given as people give them: dropped files, folders and archives, a recording; and the answers taken away."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from benchmarks.serving import ARGUMENTS, chromium
from bstviz import synth
from bstviz.audio import playback

pytestmark = pytest.mark.e2e
INPUT = 'input[type="file"]'


def open_page(page: Page, address: str) -> None:
    page.goto(f"{address}/classify")
    page.wait_for_selector(INPUT, state="attached")
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def sounds(folder: Path, ids: dict[str, str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, sound_id in ids.items():
        (folder / name).write_bytes(playback.to_wav(synth.render(sound_id), synth.SAMPLE_RATE))
    return [folder / name for name in ids]


def upload(page: Page, files: list[Path]) -> None:
    """Drop files as the mouse does: a drop event with their bytes on the drop zone."""
    script = """async ([files]) => {
        const transfer = new DataTransfer();
        for (const [name, bytes] of files)
          transfer.items.add(new File([new Uint8Array(bytes)], name, {type: "audio/wav"}));
        const zone = document.querySelector('[data-testid="stFileUploaderDropzone"]');
        for (const kind of ["dragenter", "dragover", "drop"])
            zone.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }"""
    page.wait_for_selector('[data-testid="stFileUploaderDropzone"]')
    page.evaluate(script, [[[file.name, list(file.read_bytes())] for file in files]])


def test_a_dropped_file_is_classified_played_and_placed(page: Page, address: str, tmp_path: Path) -> None:
    open_page(page, address)
    upload(page, sounds(tmp_path, {"speech.wav": "sp-s-002"}))
    page.wait_for_selector("[data-answer]")
    page.wait_for_function("document.querySelectorAll('[data-class]').length === 20")
    audio = page.locator(".player audio")
    page.wait_for_function("(a) => a.readyState >= 3 && a.duration > 0.05", arg=audio.element_handle())
    page.wait_for_selector("text=The star is the new sound")
    page.wait_for_selector("text=Nearest in")


def test_many_files_and_an_archive_become_a_table_and_a_csv(page: Page, address: str, tmp_path: Path) -> None:
    files = sounds(tmp_path, {"a.wav": "fx-a-003", "b.wav": "m-sp-001"})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.write(sounds(tmp_path / "in", {"c.wav": "ss-n-001"})[0], "folder/c.wav")
    (tmp_path / "more.zip").write_bytes(archive.getvalue())
    (tmp_path / "notes.wav").write_text("no sound")
    open_page(page, address)
    page.set_input_files(INPUT, [*files, tmp_path / "more.zip", tmp_path / "notes.wav"])
    page.wait_for_selector('[data-testid="stDataFrame"]')
    page.wait_for_selector("text=4 of 4 sounds")
    page.wait_for_selector("text=could not be read (1)")
    with page.expect_download() as download:
        page.get_by_role("button", name="Predictions as CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()))
    assert [row["file"] for row in rows] == ["a.wav", "b.wav", "more.zip/folder/c.wav", "notes.wav"]
    assert sum(float(rows[0][name]) for name in rows[0] if name.startswith("p_")) == pytest.approx(1, abs=1e-3)
    assert "could not be decoded" in rows[3]["remarks"]


def test_a_chosen_row_shows_everything_about_its_sound(page: Page, address: str, tmp_path: Path) -> None:
    open_page(page, address)
    page.set_input_files(INPUT, sounds(tmp_path, {"a.wav": "fx-a-003", "b.wav": "m-sp-001"}))
    box = page.locator('[data-testid="stDataFrame"] canvas').first.bounding_box()
    assert box is not None
    page.wait_for_selector("text=2 of 2 sounds")
    page.mouse.click(box["x"] + 15, box["y"] + 88)  # the second row's box
    page.wait_for_selector("[data-answer]")
    page.wait_for_selector("h4:has-text('b.wav')")


def test_a_folder_is_taken_with_its_subfolders(page: Page, address: str, tmp_path: Path) -> None:
    sounds(tmp_path / "mine" / "deep", {"a.wav": "fx-a-003"})
    sounds(tmp_path / "mine", {"b.wav": "m-sp-001"})
    (tmp_path / "mine" / "notes.txt").write_text("no sound")
    open_page(page, address)
    page.get_by_text("Folder", exact=True).click()
    page.wait_for_selector("text=Drop a folder of sounds here")
    page.set_input_files(INPUT, tmp_path / "mine")
    page.wait_for_selector("text=2 of 2 sounds")


@pytest.fixture
def microphone(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A window of a browser whose microphone records a demo sound."""
    (file,) = sounds(tmp_path, {"recorded.wav": "sp-s-002"})
    devices = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={file}",
    ]
    own = browser.browser_type.launch(executable_path=chromium(), args=[*ARGUMENTS, *devices])
    page = own.new_context(viewport={"width": 1440, "height": 1000}, permissions=["microphone"]).new_page()
    page.set_default_timeout(60_000)
    yield page
    own.close()


def test_a_recording_is_classified(microphone: Page, address: str) -> None:
    page = microphone
    open_page(page, address)
    page.get_by_text("Microphone", exact=True).click()
    record = page.locator('[data-testid="stAudioInputActionButton"]').first
    record.click()
    page.wait_for_timeout(2_500)
    page.locator('[data-testid="stAudioInputActionButton"]').first.click()
    page.wait_for_selector("[data-answer]")
    page.wait_for_selector("h4:has-text('recording.wav')")
