"""A served app and a real Chromium; the tests are skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, sync_playwright

from benchmarks.serving import ARGUMENTS, chromium, served
from bstviz import paths
from bstviz.models.run import Run, load_run

BSD10K_SOUNDS = 10_956


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium: BSTVIZ_CHROMIUM, one on the path, or playwright's own."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        except Error as error:
            pytest.skip(
                f"no Chromium to drive the pages with (install one, or set BSTVIZ_CHROMIUM): {error.message[:120]}"
            )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(browser: Browser) -> Iterator[str]:
    """Address of the app on the bundled models, whose sounds are made here."""
    with served([f"--experiment={paths.assets() / 'runs'}"]) as server:
        yield server.address


@pytest.fixture(scope="session")
def large_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up collection of BSD10k's size and a run of each loss; nobody writes to it."""
    from benchmarks.synthetic import make

    return make(tmp_path_factory.mktemp("large"), BSD10K_SOUNDS)


@pytest.fixture(scope="session")
def large(browser: Browser, large_folder: Path) -> Iterator[tuple[str, Path]]:
    """Address of the app on two made-up runs of BSD10k's size, hierarchical and flat, and the folder of them."""
    with served([f"--experiment={large_folder / name}" for name in ("hierarchical", "flat")]) as server:
        yield server.address, large_folder


@pytest.fixture(params=["demo", "large"])
def place(request: pytest.FixtureRequest) -> tuple[str, Run]:
    """Address of the app and its hierarchical run: on the demo, and on BSD10k's size."""
    if request.param == "large":
        address, folder = request.getfixturevalue("large")
        return address, load_run(folder / "hierarchical")
    return request.getfixturevalue("address"), load_run(paths.assets() / "runs" / "hierarchical-audio-c1-fold0")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser window."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(180_000)  # a loaded machine takes its time; what waits, waits for a state
    yield page
    context.close()


@pytest.fixture
def sound_file(tmp_path: Path) -> Path:
    """A WAV of a demo sound."""
    from bstviz import synth
    from bstviz.audio import playback

    file = tmp_path / "dropped.wav"
    file.write_bytes(playback.to_wav(synth.render("sp-s-002"), synth.SAMPLE_RATE))
    return file
