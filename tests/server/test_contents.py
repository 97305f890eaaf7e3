from __future__ import annotations

import gc
import gzip
import hashlib
import weakref

from bstviz.server.contents import Contents, Held


def test_a_content_is_named_by_type_and_bytes() -> None:
    contents = Contents()
    held = contents.add(b"abc", "audio/wav")
    assert held.token == hashlib.sha256(b"audio/wav\nabc").hexdigest()
    assert contents.add(b"abc", "audio/wav") is held
    assert contents.add(b"abc", "audio/flac").token != held.token
    assert contents.get(held.token) is held


def test_a_content_is_gone_with_the_last_who_holds_it() -> None:
    contents, one, other = Contents(), Held(), Held()
    token = contents.add(b"a sound", "audio/wav").token
    assert contents.get(token) is None
    for held in (one, other):
        held.hold("player", contents.add(b"a sound", "audio/wav"))
    del one, held
    assert contents.get(token) is not None
    del other
    assert contents.get(token) is None


def test_a_key_keeps_its_newest_content_and_the_one_before() -> None:
    contents, held = Contents(), Held()
    tokens = []
    for name in (b"first", b"second", b"third", b"third"):
        content = contents.add(name, "audio/wav")
        held.hold("player", content)
        tokens.append(content.token)
    del content
    assert [contents.get(token) is not None for token in tokens] == [False, True, True, True]


def test_over_the_limit_what_was_shown_longest_ago_goes_first() -> None:
    contents, held = Contents(), Held(limit=25)
    tokens = {}
    for key in ("map", "player", "map", "list"):
        content = contents.add(key.encode().ljust(10), "application/octet-stream")
        held.hold(key, content)
        tokens[key] = content.token
    assert {key: contents.get(token) is not None for key, token in tokens.items()} == {
        "map": True,
        "player": False,
        "list": True,
    }
    held.hold("recording", contents.add(bytes(100), "audio/wav"))
    assert held.size == 100  # the newest stays, however large


def test_what_a_content_was_made_of_is_let_go_of_when_it_is_made() -> None:
    class Run:
        def write(self) -> bytes:
            return b"tips"

    run = Run()
    gone = weakref.ref(run)
    content = Contents().later(run.write, "application/json", name="tips")
    del run
    assert gone() is not None
    assert content.data == b"tips"
    gc.collect()
    assert gone() is None
    assert content.data == b"tips"


def test_text_is_compressed_once_and_sounds_and_arrays_are_not() -> None:
    contents = Contents()
    text = contents.add(b"[0, 1, 2]" * 1_000, "application/json")
    assert text.compressed is not None
    assert gzip.decompress(text.compressed) == text.data
    assert text.compressed is text.compressed
    for media_type in ("audio/wav", "application/octet-stream"):
        assert contents.add(bytes(10_000), media_type).compressed is None


def test_what_is_made_later_is_made_once_and_counts_from_then_on() -> None:
    contents, held, made = Contents(), Held(), []

    def make() -> bytes:
        made.append(1)
        return bytes(50)

    held.hold("picture", contents.later(make, "image/png", name="of a sound"))
    content = contents.later(make, "image/png", name="of a sound")
    assert (held.size, made) == (0, [])
    assert content.data == content.data == bytes(50)
    assert (held.size, made) == (50, [1])
