"""Decoder processes: what becomes of a file that crashes, hangs or fills one, and of the process that asked."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bstviz.audio import decode
from bstviz.audio.sandbox import messages, pool
from bstviz.audio.sandbox.pool import Pool
from bstviz.errors import AwayError, UserError
from tests.anomalous_sounds import sndfile
from tests.fakes import tone

WAV = sndfile(tone(440, 1), 8_000)
CONFUSED = """
import os, sys, time
sys.path[:0] = {path!r}
from bstviz.audio.sandbox import messages
requests, answers = sys.stdin.buffer, sys.stdout.buffer
messages.send(answers, {{"ready": True}})
while True:
    asked, _ = messages.receive(requests, at_most=2**30)
    {act}
"""
"""A decoder process that a file has taken over, or broken."""


@pytest.fixture
def own_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """A pool of one process, in place of the shared one."""
    made = Pool(1)
    monkeypatch.setattr(decode, "POOL", made)
    yield made
    made.close()


def confused(monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    """Let decoder processes do something else with a file."""
    monkeypatch.setattr(pool, "START", CONFUSED.format(path=sys.path, act=act))


SOUND = {"rate": 8_000, "seconds": 1.0, "channels": 1, "format": "WAV", "starts": [0.0], "notes": []}
NONSENSE = {
    "aborted": "os.abort()",
    "gone": "os._exit(0)",
    "no-message": "answers.write(b'no message'); answers.flush(); os._exit(0)",
    "no-header": "messages.send(answers, [])",
    "of-no-use": "messages.send(answers, {'nothing': 'of use'})",
    "before-the-file": "messages.send(answers, {'offset': -1, 'bytes': 10})",
    "too-much-at-a-time": "messages.send(answers, {'offset': 0, 'bytes': 2**40})",
    "too-large": f"messages.send(answers, {SOUND}, bytes(2**28))",
    "no-rate": f"messages.send(answers, {SOUND | {'rate': 0}}, bytes(8))",
    "no-excerpt": f"messages.send(answers, {SOUND | {'starts': []}}, bytes(8))",
    "no-length": f"messages.send(answers, {SOUND | {'seconds': None}}, bytes(8))",
    "no-number": f"messages.send(answers, {SOUND}, b'\\xff' * 8)",
    "far-offset": "messages.send(answers, {'offset': 10**30, 'bytes': 10})",
    "offset-without-end": "messages.send(answers, {'offset': float('inf'), 'bytes': 10})",
    "rate-without-end": f"messages.send(answers, {{**{SOUND}, 'rate': float('inf')}}, bytes(8))",
    "long-number": f"messages.send(answers, {{**{SOUND}, 'seconds': 10**400}}, bytes(8))",
    "lists-within-lists": "answers.write(messages.SIZES.pack(500_000, 0) + b'[' * 500_000); answers.flush()",
    "half-a-sample": f"messages.send(answers, {SOUND}, bytes(7))",
}


@pytest.mark.parametrize("act", NONSENSE.values(), ids=NONSENSE)
def test_a_process_that_breaks_or_talks_nonsense_ends_with_its_file(
    act: str, own_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    confused(monkeypatch, act)
    with pytest.raises(UserError, match=r"a\.wav could not be decoded: it ends the decoder"):
        decode.decode(WAV, name="a.wav")
    assert own_pool._all == set()


def test_what_hangs_is_ended_by_the_clock_and_may_be_tried_again(
    own_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "FILE_SECONDS", 1)
    monkeypatch.setattr(pool, "CLOCK_SECONDS", 0.5)
    with monkeypatch.context() as patched:
        confused(patched, "time.sleep(60)")
        with pytest.raises(AwayError, match=r"a\.wav was not decoded within 0\.5 seconds"):
            decode.decode(WAV, name="a.wav")
    monkeypatch.setattr(pool, "FILE_SECONDS", 10)
    assert decode.decode(WAV).seconds == 1


def test_what_asks_for_ever_for_the_file_is_ended_too(own_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "FILE_SECONDS", 1)
    monkeypatch.setattr(pool, "CLOCK_SECONDS", 0.5)
    act = "\n    ".join(
        [
            "while True:",
            "    messages.send(answers, {'offset': 0, 'bytes': 9})",
            "    messages.receive(requests, at_most=9)",
        ]
    )
    confused(monkeypatch, act)
    with pytest.raises(AwayError, match=r"0\.5 seconds"):
        decode.decode(WAV)


@pytest.mark.skipif(sys.platform == "win32", reason="processor time is limited by POSIX")
def test_what_computes_for_ever_is_ended_by_its_processor_time(own_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "FILE_SECONDS", 1)
    monkeypatch.setattr(pool, "CLOCK_SECONDS", 60)
    with monkeypatch.context() as patched:
        limited = "from bstviz.audio.sandbox import confine; confine.allow_seconds(asked['seconds'])"
        confused(patched, f"{limited}\n    while True: pass")
        with pytest.raises(UserError, match=r"a\.wav could not be decoded: it takes more than 1 seconds of processor"):
            decode.decode(WAV, name="a.wav")


@pytest.mark.skipif(sys.platform == "win32", reason="processor time is limited by POSIX")
def test_a_wav_with_two_bytes_changed_ends_no_batch(own_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is called G.723.1 then, of which its bytes are two million frames: some seconds' work for a fast processor."""
    data = bytearray(sndfile(np.random.default_rng(0).normal(0, 0.1, 24_000_000), 44_100))
    data[20:22] = b"\x42\0"
    with monkeypatch.context() as patched:
        patched.setattr(pool, "seconds_for", lambda size: 1)
        patched.setattr(pool, "CLOCK_SECONDS", 60)
        with pytest.raises(UserError, match=r"a\.wav could not be decoded: it takes more than 1 seconds of processor"):
            decode.decode(bytes(data), name="a.wav")
    assert decode.decode(WAV).seconds == 1


def test_a_process_that_does_not_start_is_no_fault_of_the_file(own_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "START", "raise SystemExit(3)")
    with pytest.raises(AwayError, match=r"ends at its start .*status 3"):
        decode.decode(WAV)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(AwayError, match="cannot be started"):
        decode.decode(WAV)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_ended_from_outside_is_no_fault_of_the_file(
    number: signal.Signals, own_pool: Pool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    confused(monkeypatch, f"os.kill(os.getpid(), {int(number)})")
    with pytest.raises(AwayError, match=r"a\.wav was not decoded: the process for it was ended from outside"):
        decode.decode(WAV, name="a.wav")
    (tmp_path / "a.wav").write_bytes(WAV)
    assert decode.duration(tmp_path / "a.wav") is None
    with pytest.raises(AwayError, match="from outside"):
        decode.duration(tmp_path / "a.wav", away_is_none=False)


@pytest.mark.parametrize("seconds", ["float('inf')", "-1", "10**400"])
def test_a_length_that_no_sound_has_is_none(
    seconds: str, own_pool: Pool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    confused(monkeypatch, f"messages.send(answers, {{'seconds': {seconds}}})")
    (tmp_path / "a.wav").write_bytes(WAV)
    assert decode.duration(tmp_path / "a.wav") is None
    assert own_pool._all == set()


def test_a_wrong_setting_is_named(own_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BSTVIZ_DECODE_MEGABYTES", "abc")
    with pytest.raises(AwayError, match="BSTVIZ_DECODE_MEGABYTES is 'abc'"):
        decode.decode(WAV)


def test_a_process_that_was_ended_while_idle_costs_no_file(own_pool: Pool) -> None:
    decode.decode(WAV)
    (idle,) = own_pool._idle
    os.kill(idle.pid, signal.SIGTERM)
    idle._process.wait()
    assert decode.decode(WAV).seconds == 1


def test_a_process_is_replaced_after_so_many_files(own_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "FILES_EACH", 2)
    pids = []
    for _ in range(4):
        decode.decode(WAV)
        pids += [process.pid for process in own_pool._idle]
    assert len(set(pids)) == 2


def test_processes_that_have_had_a_file_are_replaced(own_pool: Pool) -> None:
    own_pool.warm()
    (first,) = own_pool._idle
    own_pool.renew()
    assert own_pool._idle == [first]
    decode.decode(WAV)
    own_pool.renew()
    (second,) = own_pool._idle
    assert (first.alive, second.alive, second.files) == (False, True, 0)


def test_a_process_that_is_busy_is_ended_when_it_has_answered(own_pool: Pool) -> None:
    class Renewing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            own_pool.renew()
            return super().read(size)

    assert own_pool.ask("duration", Renewing(WAV), len(WAV), "a sound", lambda header, body: header["seconds"]) == 1
    assert own_pool._idle == []
    assert own_pool._all == set()


def test_many_ask_at_once_and_each_gets_its_own_answer(own_pool: Pool) -> None:
    found: dict[int, float] = {}

    def ask(n: int) -> None:
        found[n] = decode.decode(sndfile(tone(440, n / 10), 8_000)).seconds

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: pytest.approx(n / 10) for n in range(1, 9)}
    assert len(own_pool._all) == 1


def test_a_large_file_is_read_where_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "long.wav"
    file.write_bytes(sndfile(np.tile(tone(440, 5, 48_000), 8), 48_000))
    size = file.stat().st_size
    assert size > 3 * messages.PART_BYTES
    read: list[tuple[int, int]] = []
    own = pool._read
    monkeypatch.setattr(
        pool, "_read", lambda f, offset, n, shown: (read.append((offset, n)), own(f, offset, n, shown))[1]
    )
    assert decode.duration(file) == 40
    assert sum(n for _, n in read) <= 2 * messages.PART_BYTES
    read.clear()
    assert len(decode.decode(file).samples) == 40 * 48_000
    assert sum(n for _, n in read) <= size + 3 * messages.PART_BYTES


def test_a_file_that_cannot_be_read_to_its_end_is_away(own_pool: Pool) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(AwayError, match=r"a\.wav could not be read: Input/output error"):
        own_pool.ask("decode", Failing(WAV), len(WAV), "a.wav", lambda header, body: None)
    assert decode.decode(WAV).seconds == 1


DECODING = """
import sys, time
sys.path[:0] = {path!r}
from bstviz.audio import decode
from bstviz.audio.sandbox import pool
if {busy}:
    pool.START = "import sys; from bstviz.audio import decoders; from bstviz.audio.sandbox import process; " \
        "decoders.decoded = lambda *a: [0 for _ in iter(int, 1)]; process.main()"
    import threading
    threading.Thread(target=decode.decode, args=({wav!r},), daemon=True).start()
    time.sleep(2)
else:
    decode.decode({wav!r})
print(*[p.pid for p in pool.POOL._all], flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_who_started_it(number: signal.Signals, busy: bool) -> None:
    code = DECODING.format(path=sys.path, wav=WAV, busy=busy)
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    (pid,) = map(int, parent.stdout.readline().split())
    assert alive(pid)
    parent.send_signal(number)
    parent.wait(timeout=30)
    for _ in range(100):
        if not alive(pid):
            break
        time.sleep(0.05)
    assert not alive(pid)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
def test_a_forked_child_has_processes_of_its_own() -> None:
    code = (
        f"import os, sys\nsys.path[:0] = {sys.path!r}\nfrom bstviz.audio import decode\n"
        f"from bstviz.audio.sandbox.pool import POOL\nwav = {WAV!r}\ndecode.decode(wav)\nchild = os.fork()\n"
        "print(decode.decode(wav).seconds, [p.pid for p in POOL._all][0], flush=True)\n"
        "if child: os.waitpid(child, 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    lines = done.stdout.split("\n")[:2]
    assert [line.split()[0] for line in lines] == ["1.0", "1.0"], done.stderr
    assert len({line.split()[1] for line in lines}) == 2
