"""From a dropped file to its answer on the Classify page, against what cannot be saved.

    python benchmarks/upload_latency.py [--drops 20] [--seconds 10]

Each round drops a new stereo WAV of 44.1 kHz on a page that does nothing but name an upload, drops another on the
Classify page, and runs the encoder's bare forward on that file's mono mix. Prints the 95th percentile of the page over
the sum of the medians of the two others, all measured in this run, in Chromium, warm.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from playwright.sync_api import Page, sync_playwright

from benchmarks.serving import ARGUMENTS, SCRIPT, chromium, served
from bstviz.audio import decode
from bstviz.audio.sound import resample
from bstviz.encoders.registry import load_audio_encoder
from bstviz.models.config import AUDIO_ENCODER

RATE = 44_100
BARE = """
import streamlit as st
file = st.file_uploader("Drop", accept_multiple_files=True)
for one in file or []:
    st.html(f"<p data-answer>{one.name} {len(one.getvalue())}</p>")
"""
WATCH = """() => {
    document.addEventListener("change", () => { window.dropped = performance.now() }, {capture: true, once: true});
    const watch = new MutationObserver(() => {
        if (!window.answered && document.querySelector("[data-answer]")) window.answered = performance.now();
    });
    watch.observe(document.body, {childList: true, subtree: true});
}"""
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'


def write_sound(file: Path, seconds: float, seed: int) -> np.ndarray:
    """A stereo WAV that no cache has seen; returns its mono mix (n,)."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    mono = 0.2 * rng.normal(size=n) * np.abs(np.sin(np.arange(n) * rng.uniform(1e-5, 1e-3)))
    soundfile.write(file, np.stack([mono, 0.9 * mono], axis=1), RATE)
    return decode.load(file)[0]


def upload(page: Page, address: str, file: Path) -> float:
    """Seconds from the drop until the answer stands on the page, by the page's own clock."""
    page.goto(address)
    page.wait_for_selector('input[type="file"]', state="attached")
    page.wait_for_selector(READY)
    page.wait_for_timeout(600)
    page.wait_for_selector(READY)
    page.evaluate(WATCH)
    page.set_input_files('input[type="file"]', str(file))
    page.wait_for_function("window.answered")
    return page.evaluate("window.answered - window.dropped") / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drops", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    encoder = load_audio_encoder(AUDIO_ENCODER)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        (folder / "bare.py").write_text(BARE)
        with served(["bare.py"], command=SCRIPT, cwd=folder) as bare, served() as app:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.set_default_timeout(120_000)
            times: dict[str, list[float]] = {"bare page": [], "forward": [], "page": []}
            for index in range(-2, arguments.drops):
                mono = write_sound(folder / f"{index}.wav", arguments.seconds, index + 10)
                taken = {"bare page": upload(page, bare.address, folder / f"{index}.wav")}
                taken["page"] = upload(page, f"{app.address}/classify", folder / f"{index}.wav")
                page.goto("about:blank")
                start = time.perf_counter()
                encoder.embed([resample(mono, RATE, encoder.rate)])
                taken["forward"] = time.perf_counter() - start
                if index >= 0:  # the first two warm everything
                    for name, seconds in taken.items():
                        times[name].append(seconds)
            browser.close()
    for name, seconds in times.items():
        print(
            f"{name:>10}: median {np.median(seconds):.3f} s, p95 {np.percentile(seconds, 95):.3f} s over {len(seconds)}"
        )
    reference = np.median(times["bare page"]) + np.median(times["forward"])
    print(
        f"page p95 / (bare page + forward): {np.percentile(times['page'], 95) / reference:.2f}  (wanted: at most 1.5)"
    )


if __name__ == "__main__":
    main()
