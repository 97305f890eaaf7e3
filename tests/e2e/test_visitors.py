"""Two visitors of one server: nothing of the one reaches the other, and what one gave is gone when the visit is over.

A process's memory is searched as it is (``/proc/PID/mem``). The sound that is searched for is one stretch of noise over
and over, so that whatever part of it stays anywhere can be counted, as file and as decoded samples.
"""

from __future__ import annotations

import io
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.serving import free_port, serve, stop
from bstviz.server.settings import variable

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="memory is searched as Linux shows it"),
]
RATE, STRETCH, SECONDS = 44_100, 1_024, 20
INPUT = 'input[type="file"]'
CHUNK = 2**20
CRUMBS = 0.02
"""Of what was held: what shares a page of memory with something else stays until it is written over."""


@dataclass(frozen=True, eq=False)
class Marked:
    """A sound that is found again wherever a part of it lies: bytes that stand in each stretch of it, by form."""

    name: str
    data: bytes
    marks: dict[str, bytes]

    def found(self, process: psutil.Process) -> dict[str, int]:
        """How often each mark stands in the memory of a process."""
        counts = dict.fromkeys(self.marks, 0)
        regions = Path(f"/proc/{process.pid}/maps").read_text().splitlines()
        lap = max(map(len, self.marks.values())) - 1
        with Path(f"/proc/{process.pid}/mem").open("rb", buffering=0) as memory:
            for region in regions:
                span, rights, *_ = region.split()
                start, end = (int(number, 16) for number in span.split("-"))
                kept = b""
                for at in range(start, end, CHUNK) if rights.startswith("r") else ():
                    try:
                        memory.seek(at)
                        part = memory.read(min(CHUNK, end - at))
                    except OverflowError:  # the kernel's own
                        break
                    except OSError:  # given back meanwhile; what lies behind it may still be there
                        kept = b""
                        continue
                    part = kept + part
                    for name, mark in self.marks.items():
                        counts[name] += part.count(mark) - kept.count(mark)
                    kept = part[-lap:]
        return counts

    def held(self, server: subprocess.Popen) -> dict[str, int]:
        """How often each mark stands in the memory of a server and all that it has started."""
        root, total = psutil.Process(server.pid), dict.fromkeys(self.marks, 0)
        for process in (root, *root.children(recursive=True)):
            try:
                for name, count in self.found(process).items():
                    total[name] += count
            except (FileNotFoundError, ProcessLookupError):  # it has ended by now
                continue
        return total


def marked_sound() -> Marked:
    """Twenty seconds of noise with a name that nothing else has."""
    stretch = np.random.default_rng().integers(-20_000, 20_000, STRETCH).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, np.tile(stretch, SECONDS * RATE // STRETCH), RATE, format="WAV", subtype="PCM_16")
    samples = stretch[100:116].astype(np.float32) / 2**15
    marks = {"file": stretch[100:116].tobytes(), "samples": samples.tobytes()}
    return Marked(f"marked{secrets.token_hex(8)}", file.getvalue(), marks)


Start = Callable[..., tuple[subprocess.Popen, str]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a server, which forgets visitors after so many seconds; gives it and its address."""
    started = []
    (tmp_path / "temporary").mkdir()

    def begin(forget_seconds: int | None = None) -> tuple[subprocess.Popen, str]:
        monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
        if forget_seconds is not None:
            monkeypatch.setenv(variable("forget_seconds"), str(forget_seconds))
        port = free_port()
        started.append(serve([], port))
        return started[-1], f"http://localhost:{port}"

    yield begin
    for server in started:
        stop(server)


def window(context: BrowserContext) -> Page:
    page = context.new_page()
    page.set_default_timeout(180_000)
    return page


def give(page: Page, address: str, sound: Marked) -> None:
    """Drop a sound, and wait until all that is made of it is on the page."""
    page.goto(f"{address}/classify")
    page.wait_for_selector(INPUT, state="attached")
    with page.expect_response(lambda answer: "/bstviz/" in answer.url and "json" in answer.headers["content-type"]):
        page.set_input_files(INPUT, {"name": f"{sound.name}.wav", "mimeType": "audio/wav", "buffer": sound.data})
        page.wait_for_selector("[data-answer]")
        page.wait_for_selector("text=Nearest in")
        page.wait_for_selector(".player audio")


def leftovers(server: subprocess.Popen, folder: Path) -> list[str]:
    """Files in a folder that exist or are open without a name."""
    root = psutil.Process(server.pid)
    links = [str(link.readlink()) for link in Path(f"/proc/{root.pid}/fd").iterdir() if link.is_symlink()]
    return [str(file) for file in folder.rglob("*") if file.is_file()] + [x for x in links if x.startswith(str(folder))]


def found_within(seconds: float, sound: Marked, server: subprocess.Popen) -> dict[str, int]:
    """What is found of a sound when all of it is, or after so many seconds: a server that is at work moves it about."""
    end = time.monotonic() + seconds
    while True:
        found = sound.held(server)
        if min(found.values()) >= SECONDS * RATE // STRETCH or time.monotonic() > end:
            return found
        time.sleep(2)


def gone_within(seconds: float, sound: Marked, server: subprocess.Popen, before: dict[str, int]) -> dict[str, int]:
    """What is found of a sound when no more than crumbs are, or after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = sound.held(server)
        if all(count <= CRUMBS * before[name] for name, count in found.items()) or time.monotonic() > end:
            return found
        time.sleep(2)


def check_forgotten(browser: Browser, server: subprocess.Popen, address: str, folder: Path, *, within: float) -> None:
    """Give a sound, close the window, and search the server's memory when it has had the time to forget it."""
    sound, context = marked_sound(), browser.new_context()
    give(window(context), address, sound)
    before = found_within(30, sound, server)
    assert min(before.values()) >= SECONDS * RATE // STRETCH  # it is found while it is held
    assert leftovers(server, folder) == []
    context.close()
    after = gone_within(within, sound, server, before)
    print(f"before {before}, after {after}", file=sys.stderr)
    assert all(count <= CRUMBS * before[name] for name, count in after.items()), (before, after)
    assert leftovers(server, folder) == []


def test_what_a_visitor_gave_is_gone_from_memory_though_nobody_else_comes(
    start: Start, browser: Browser, tmp_path: Path
) -> None:
    server, address = start(forget_seconds=2)
    check_forgotten(browser, server, address, tmp_path / "temporary", within=60)


@pytest.mark.long
def test_what_a_visitor_gave_is_gone_two_minutes_after_the_window(
    start: Start, browser: Browser, tmp_path: Path
) -> None:
    server, address = start()
    check_forgotten(browser, server, address, tmp_path / "temporary", within=120)


def test_nothing_that_one_visitor_gives_chooses_or_types_reaches_another(address: str, browser: Browser) -> None:
    contexts, sound = [browser.new_context() for _ in range(2)], marked_sound()
    giver, other = (window(context) for context in contexts)
    got: list[bytes] = []
    other.on("websocket", lambda socket: socket.on("framereceived", lambda frame: got.append(as_bytes(frame))))
    other.goto(f"{address}/classify")
    other.wait_for_selector(INPUT, state="attached")
    give(giver, address, sound)
    giver.get_by_text("Text about the sound").click()
    giver.get_by_role("textbox", name="Title", exact=True).fill(f"title {sound.name}")
    giver.get_by_role("textbox", name="Title", exact=True).press("Enter")
    giver.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    giver.goto(f"{address}/review")
    giver.get_by_role("textbox", name="Comment", exact=True).fill(f"note {sound.name}")
    giver.get_by_role("textbox", name="Comment", exact=True).press("Enter")
    giver.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    for name in ("", "explore", "review", "classify"):
        other.goto(f"{address}/{name}")
        other.wait_for_selector('[data-testid="stElementContainer"]', state="attached")
        other.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        assert sound.name not in other.content()
    other.wait_for_selector(INPUT, state="attached")
    assert other.locator("[data-answer]").count() == 0
    assert len(got) > 20
    assert not [frame for frame in got if sound.name.encode() in frame or sound.marks["file"] in frame]
    for context in contexts:
        context.close()


def as_bytes(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame
