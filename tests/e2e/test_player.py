"""The player by mouse and keyboard: what is heard, where the playhead is, what is repeated."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import ElementHandle, Page

from bstviz import synth
from bstviz.audio import playback
from tests.audio.test_playback import file, wav_of_24_bits_in_32
from tests.e2e.test_classify import upload

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
LEFT, RIGHT = 46, 8  # pixels of the canvas beside its time axis
REFUSED = {
    "ima_adpcm.wav": file("WAV", "IMA_ADPCM"),
    "aiff_named.wav": file("AIFF", "PCM_16"),
    "float64.wav": file("WAV", "DOUBLE"),
    "float_over.wav": file("WAV", "FLOAT", gain=3.0),
    "24_in_32.wav": wav_of_24_bits_in_32(),
    "1_khz.wav": file("WAV", "PCM_16", 1_200),
}


@pytest.fixture
def audio(page: Page, address: str, tmp_path: Path) -> ElementHandle:
    """The audio of a dropped sound, its picture drawn."""
    dropped = tmp_path / "sound.wav"
    samples = np.resize(synth.render("ss-n-001"), 14 * synth.SAMPLE_RATE)  # so long that no test comes to its end
    dropped.write_bytes(playback.to_wav(samples, synth.SAMPLE_RATE))
    page.goto(f"{address}/classify")
    page.wait_for_selector('[data-testid="stFileUploaderDropzone"]')
    upload(page, [dropped])
    page.locator('.player canvas:not([aria-valuemax="0"])').wait_for()
    found = page.locator(".player audio").element_handle()
    page.wait_for_function("(a) => a.readyState >= 3", arg=found)
    page.locator(".player canvas").scroll_into_view_if_needed()
    return found


def spot(page: Page, share: float) -> tuple[float, float]:
    """Where on the screen a share of the time axis is."""
    box = page.locator(".player canvas").bounding_box()
    assert box is not None
    return box["x"] + LEFT + share * (box["width"] - LEFT - RIGHT), box["y"] + 100


def test_a_click_plays_from_there_and_space_pauses(page: Page, audio: ElementHandle) -> None:
    seconds = audio.evaluate("(a) => a.duration")
    page.mouse.click(*spot(page, 0.2))
    page.wait_for_function("(a) => !a.paused", arg=audio)
    page.keyboard.press(" ")
    page.wait_for_function("(a) => a.paused", arg=audio)
    now = audio.evaluate("(a) => a.currentTime")
    assert 0.19 * seconds <= now < 0.8 * seconds
    page.wait_for_function(
        "([canvas, now]) => Math.abs(Number(canvas.getAttribute('aria-valuenow')) - now) < 0.05",
        arg=[page.locator(".player canvas").element_handle(), now],
    )
    page.locator(".player canvas").focus()
    page.keyboard.press("ArrowLeft")
    assert audio.evaluate("(a) => a.currentTime") == pytest.approx(now - seconds / 20, abs=0.02)
    page.keyboard.press(" ")
    page.wait_for_function("(a) => !a.paused", arg=audio)


def test_a_dragged_stretch_is_repeated_until_it_is_let_go(page: Page, audio: ElementHandle) -> None:
    seconds = audio.evaluate("(a) => a.duration")
    page.mouse.move(*spot(page, 0.4))
    page.mouse.down()
    page.mouse.move(*spot(page, 0.5), steps=5)
    page.mouse.up()
    page.get_by_text("Repeats").wait_for()
    low, high = 0.4 * seconds, 0.5 * seconds
    times = [audio.evaluate("(a) => a.currentTime")]
    while len(times) < 60:
        page.wait_for_timeout(40)
        times.append(audio.evaluate("(a) => a.currentTime"))
    assert min(times) > low - 0.15
    assert max(times) < high + 0.35
    assert sum(b < a for a, b in pairwise(times)) >= 1  # back at its start
    page.get_by_role("button", name="do not repeat").click()
    page.wait_for_function("([a, high]) => a.currentTime > high + 0.4 || a.ended", arg=[audio, high])
    assert page.locator(".player .loop").is_hidden()


@pytest.mark.parametrize("name", REFUSED)
def test_what_browsers_refuse_is_heard_and_seen(page: Page, address: str, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(REFUSED[name])
    page.goto(f"{address}/classify")
    page.wait_for_selector('[data-testid="stFileUploaderDropzone"]')
    upload(page, [tmp_path / name])
    audio = page.locator(".player audio").element_handle()
    page.wait_for_function("(a) => a.readyState >= 3 && Math.abs(a.duration - 0.5) < 0.07", arg=audio)
    page.locator('.player canvas:not([aria-valuemax="0"])').wait_for()
    audio.evaluate("(a) => a.play()")
    page.wait_for_function("(a) => a.currentTime > 0.05", arg=audio)


def test_a_browser_that_refuses_a_sound_gets_a_wav_of_it(page: Page, audio: ElementHandle) -> None:
    audio.evaluate("(a) => { a.src = 'data:audio/ogg;base64,AAAA' }")
    page.wait_for_function("(a) => a.src.includes('/bstviz/') && a.readyState >= 3 && a.duration > 0.5", arg=audio)
