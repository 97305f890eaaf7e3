"""Many dropped sounds of several visitors: turns, places in the queue, cancel and go on; by fake encoders."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.audio import decode, playback
from bstviz.errors import AwayError
from bstviz.jobs import background
from bstviz.models.run import Run
from bstviz.ui.classify import embedding, table
from bstviz.ui.classify.embedding import EMBED
from tests.fakes import RATE, FakeAudioEncoder, FakeTextEncoder, InThisProcess, tone, until
from tests.ui.conftest import settled
from tests.ui.test_pages import open_page


class Gate:
    """Lets embeddings through one by one."""

    def __init__(self) -> None:
        self.permits = threading.Semaphore(0)

    def open(self, times: int = 1_000) -> None:
        self.permits.release(times)


@pytest.fixture
def gate(
    runs: dict[str, Run],
    encoders: tuple[FakeAudioEncoder, FakeTextEncoder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Gate]:
    """The page on a small audio model, whose embeddings wait for it."""
    gate = Gate()

    class Held(InThisProcess):
        def run(self, function: Any, arguments: Any, report: Any) -> Any:
            gate.permits.acquire()
            return super().run(function, arguments, report)

    monkeypatch.setattr(background, "WorkerProcess", Held)
    runs["audio"].save(tmp_path / "run")
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path))
    yield gate
    gate.open()


def sounds(n: int, first: int = 0) -> list[tuple[str, bytes, str]]:
    """Tones of different pitch."""
    wav = [playback.to_wav(tone(300 + 10 * (first + i)), RATE) for i in range(n)]
    return [(f"{first + i:03}.wav", data, "audio/wav") for i, data in enumerate(wav)]


def drop(app: AppTest, files: list[tuple[str, bytes, str]]) -> AppTest:
    app.file_uploader(key="classify.files").set_value(files).run()
    assert not app.exception
    return app


def bars(app: AppTest) -> str:
    return " ".join(element.proto.text for element in app.get("progress"))


def files(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["file"]) if app.dataframe else []


def test_a_library_shows_how_far_it_is_and_its_place_and_ends_in_a_table(gate: Gate) -> None:
    first, second = open_page("classify.py"), open_page("classify.py")
    drop(first, sounds(5))
    assert "Classifying: 0 of 5" in bars(first)
    drop(second, sounds(3, 50))
    assert "0 of 3, waiting, " in bars(second)
    assert "before yours" in bars(second)
    gate.open()
    assert files(settled(first)) == [f"{i:03}.wav" for i in range(5)]
    assert files(settled(second)) == ["050.wav", "051.wav", "052.wav"]
    assert "before yours" not in bars(first) + bars(second)


def test_a_cancelled_library_shows_what_is_done_and_goes_on(gate: Gate) -> None:
    app = open_page("classify.py")
    gate.open(3)  # the first of all warms the encoder
    drop(app, sounds(6))
    until(lambda: "2 of 6" in bars(app.run()))
    app.button(key="classify.cancel").click().run()
    app.run()
    assert any("Cancelled: 2 of 6" in info.value for info in app.info)
    assert files(app) == ["000.wav", "001.wav"]
    gate.open()
    app.button(key="classify.go_on").click().run()
    assert files(settled(app)) == [f"{i:03}.wav" for i in range(6)]


def test_sounds_that_are_taken_back_are_waited_for_no_more(gate: Gate) -> None:
    app = open_page("classify.py")
    drop(app, sounds(6))
    drop(app, [])
    queue = background.queue_of(EMBED)
    lines = [work for line in queue._lines.values() for work in line]
    assert not [work for work in lines if work.key[1] == "sound"]


def test_one_sound_waits_for_one_of_each_other_visitor(gate: Gate) -> None:
    library, single = open_page("classify.py"), open_page("classify.py")
    drop(library, sounds(40))
    waiting = threading.Thread(target=drop, args=(single, sounds(1, 90)))
    waiting.start()
    lines = background.queue_of(EMBED)._lines

    def both_wait() -> bool:
        return len({w.key[0] for line in list(lines.values()) for w in list(line) if w.key[1] == "sound"}) > 1

    until(both_wait)
    gate.open(8)  # one warms the encoder, and a few of the library may be before it
    waiting.join(60)
    assert not waiting.is_alive()
    assert any("data-answer" in element.proto.body for element in single.get("html"))
    gate.open()
    settled(library)


def test_a_sound_that_fails_for_now_is_said_to_and_tried_again_by_a_button_alone(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    decoded = decode.decode

    def slow(source: bytes, *, name: str) -> Any:
        if name != "001.wav":
            return decoded(source, name=name)
        tried.append(name)
        time.sleep(0.5)
        raise AwayError("There was no time to decode 001.wav.")

    monkeypatch.setattr(decode, "decode", slow)
    monkeypatch.setattr(table, "AT_ONCE", 0.1)
    gate.open()
    app = settled(drop(open_page("classify.py"), sounds(3)).run())
    for _ in range(3):
        app.run()
    assert files(app) == ["000.wav", "001.wav", "002.wav"]
    assert "There was no time" in app.dataframe[0].value["remarks"][1]
    assert tried == ["001.wav"]
    monkeypatch.setattr(decode, "decode", decoded)
    settled(app.button(key="classify.again").click().run())
    assert not any("There was no time" in remark for remark in app.dataframe[0].value["remarks"])
    assert not app.warning


def test_more_sounds_than_are_held_end_in_a_table_too(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (embedding, table):
        monkeypatch.setattr(module, "ENTRIES", 3)
    gate.open()
    app = settled(drop(open_page("classify.py"), sounds(8)))
    assert files(app.run()) == [f"{i:03}.wav" for i in range(8)]
    settled(drop(app, sounds(9)))
    assert files(app) == [f"{i:03}.wav" for i in range(9)]
