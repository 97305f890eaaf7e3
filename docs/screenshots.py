"""Pictures of the main pages, as they are on the bundled models: python docs/screenshots.py [NAME ...]

A Chromium opens each page as somebody would who looks at something; what it shows is written to docs/pictures as WebP
of at most 150 KB. Pictures are made anew when pages have changed, and looked at before they are kept.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.serving import ARGUMENTS, chromium, served
from bstviz import paths, synth
from bstviz.audio import playback

FOLDER = Path(__file__).parent / "pictures"
SIZE = {"width": 1440, "height": 900}
BYTES = 150_000
PATIENCE = 180_000  # ms; a map that is made for the first time takes its time
SOUND = "fx-a-003"
"""A sound of the demo: an animal."""
CALM = "*, *::before, *::after {animation: none !important; transition: none !important; caret-color: transparent}"


def settle(page: Page) -> None:
    """Wait until nothing runs any more, and nothing is loading."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_function('() => !document.querySelector(\'[data-testid="stSpinner"], [data-testid="stSkeleton"]\')')
    page.wait_for_timeout(1_500)  # figures are drawn after the script has ended


def explore(page: Page, address: str) -> None:
    """A map by class, and a sound on it with its neighbours."""
    page.goto(f"{address}/explore?map=pca&color=second&sound={SOUND}")
    page.wait_for_selector('.plotly-map[data-state="drawn"]')
    page.wait_for_selector('.player canvas:not([aria-valuemax="0"])')


def compare(page: Page, address: str) -> None:
    """Both models' maps."""
    page.goto(f"{address}/compare?map=pca&color=second")
    page.wait_for_selector('.plotly-map[data-state="drawn"]')


def results(page: Page, address: str) -> None:
    """Table 1."""
    page.goto(f"{address}/results")


def confusion(page: Page, address: str) -> None:
    """The matrix."""
    page.goto(f"{address}/confusion")
    page.wait_for_selector(".scatterlayer .point")


def review(page: Page, address: str) -> None:
    """The first sound of the queue."""
    page.goto(f"{address}/review")
    page.locator(".player canvas").first.wait_for()


def classify(page: Page, address: str) -> None:
    """What the models say of a dropped sound."""
    page.goto(f"{address}/classify")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recording.wav"
        file.write_bytes(playback.to_wav(synth.render(SOUND), synth.SAMPLE_RATE))
        page.locator('input[type="file"]').first.set_input_files(file)
        page.locator(".player canvas").first.wait_for()


PICTURES: dict[str, Callable[[Page, str], None]] = {
    "explore": explore,
    "compare": compare,
    "results": results,
    "confusion": confusion,
    "review": review,
    "classify": classify,
}
"""What is in view on each picture, by its name."""


def smaller(png: bytes) -> bytes:
    """A picture as WebP, in the best quality that fits."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in range(90, 20, -5):
        packed = io.BytesIO()
        picture.save(packed, "WEBP", quality=quality, method=6)
        if packed.tell() <= BYTES:
            return packed.getvalue()
    raise ValueError(f"The picture does not fit {BYTES:,} bytes; make SIZE smaller.")


def main(names: list[str]) -> None:
    """Make some pictures, or all."""
    if unknown := set(names) - set(PICTURES):
        raise SystemExit(f"There is no picture {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}.")
    FOLDER.mkdir(exist_ok=True)
    with served(["--experiment", str(paths.assets() / "runs")]) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for name in names or PICTURES:
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            page.set_default_timeout(PATIENCE)
            PICTURES[name](page, server.address)
            page.add_style_tag(content=CALM)
            settle(page)
            file = FOLDER / f"{name}.webp"
            file.write_bytes(smaller(page.screenshot()))
            print(f"{file}: {file.stat().st_size // 1_000} KB")
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
