"""Freesound: lists, previews, limits and refusals, from a server of its shape."""

from __future__ import annotations

import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bstviz.datasets import freesound, freesound_api
from bstviz.datasets.collection import FREESOUND_ROOT, Collection, load_collection
from bstviz.errors import AwayError, UserError
from tests.cli.conftest import invoke
from tests.freesound_server import LISTS, PACK, TOKEN, USER, FreesoundServer, Refusal, serving


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FreesoundServer]:
    """A server with seven sounds, asked at once where one would wait."""
    monkeypatch.setattr(freesound_api, "WAIT", 0.0)
    monkeypatch.setenv("BSTVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FREESOUND_TOKEN", TOKEN)
    monkeypatch.delenv("BSTVIZ_OFFLINE", raising=False)
    with serving() as running:
        monkeypatch.setattr(freesound_api, "FREESOUND_API", running.address)
        yield running


def said(collection: Collection, words: str) -> bool:
    return any(words in note for note in collection.notes)


def test_a_search_is_a_collection_with_previews_licences_and_no_class(server: FreesoundServer, tmp_path: Path) -> None:
    found = load_collection(freesound.load(query="rain").save(tmp_path / "c"))
    first = found.sounds.iloc[0]
    assert found.sounds["sound_id"].tolist() == [str(n) for n in range(1000, 1007)]
    assert first[["title", "tags", "uploader", "pack"]].fillna("").tolist() == [
        "Sound 1000.wav",
        "loop,take-1000",
        "user0",
        "",
    ]
    assert set(found.sounds["license"]) == {"http://creativecommons.org/licenses/by/4.0/"}
    assert first["url"] == "https://freesound.org/people/u/sounds/1000/"
    assert first["created"].year == 2014
    assert (found.name, found.source) == ("Freesound: rain", "freesound")
    assert all(len(found.load_audio(row)[0]) == 2_000 for row in range(7))
    assert found.audio_root == str(tmp_path / "cache" / "freesound")
    assert said(found, "Freesound, 'rain', ")
    assert said(found, "7 of 7 sounds.")
    assert (found.labels == -1).all()
    assert found.sounds["category"].tolist() == ["m-sp", "ss-n", "fx-a", "m-sp", "ss-n", "fx-a", "m-sp"]
    assert found.sounds["category_by"].tolist()[:2] == ["uploader", "Freesound"]
    assert said(found, "(4 by uploaders, 3 by Freesound's own classifier); --class-from category makes them classes")


def test_the_token_goes_to_the_api_alone_and_is_written_nowhere(
    server: FreesoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FREESOUND_TOKEN")
    result = invoke("import", "freesound", "--query", "rain", "--token", TOKEN, "--out", tmp_path / "c")
    assert result.exit_code == 0, result.output
    for path, query, headers in server.asked:
        assert (headers.get("Authorization") == f"Token {TOKEN}") == path.startswith("/apiv2/")
        assert TOKEN not in str(query)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) >= 9
    assert not [file for file in files if TOKEN.encode() in file.read_bytes()]
    assert TOKEN not in result.output + result.stderr
    server.refusals = [Refusal(401, f"Invalid token {TOKEN}")]
    with pytest.raises(UserError, match="does not accept the token") as caught:
        freesound.load(query="rain", token=TOKEN)
    assert TOKEN not in str(caught.value)


def test_categories_become_classes_on_request_and_only_those_of_the_taxonomy(server: FreesoundServer) -> None:
    server.add(2000, category_code="fx-other", category="Sound effects", subcategory="Other")
    server.add(2001, category=["Music", "Solo percussion"], category_code=None)
    server.add(2002, category=None, subcategory=None, category_code=None)
    found = freesound.load(query="rain", class_from="category")
    assert found.sounds["class"].fillna("").tolist()[-4:] == ["m-sp", "", "m-sp", ""]
    assert found.sounds["category"].fillna("").tolist()[-3:] == ["Sound effects / Other", "m-sp", ""]
    assert found.sounds["category_by"].fillna("").tolist()[-1] == ""
    assert said(found, "Classes are the categories of Freesound (5 by uploaders, 4 by Freesound's own classifier)")
    assert said(found, "1 sounds of class 'Sound effects / Other' are kept without a class")
    with pytest.raises(UserError, match="--class-from is 'tags'; of Freesound's sounds it is category"):
        freesound.load(query="rain", class_from="tags")


def test_packs_and_users_are_lists_too(server: FreesoundServer) -> None:
    for question, path in (
        ({"pack": str(PACK)}, LISTS[1]),
        ({"user": USER}, LISTS[2]),
    ):
        assert len(freesound.load(**question, previews=False)) == 7
        assert server.asked[-1][0] == path


def test_long_lists_come_in_pages_each_sound_once_and_up_to_a_limit(server: FreesoundServer) -> None:
    for number in range(3000, 3400):
        server.add(number)
    server.sounds[10] = None  # the search knows it, the database does not
    server.sounds[200] = server.sounds[3]  # the list moved between two pages
    found = freesound.load(query="rain", previews=False)
    assert len(found) == found.sounds["sound_id"].nunique() == 405
    assert said(found, "Of 1 results Freesound's answer says nothing")
    assert [query["page"] for _, query, _ in server.asked] == ["1", "2", "3"]
    assert {query["page_size"] for _, query, _ in server.asked} == {"150"}
    server.asked.clear()
    few = freesound.load(query="rain", previews=False, limit=20)
    assert (len(few), len(server.asked)) == (19, 1)
    assert said(few, "of 407 sounds, --limit takes more")
    with pytest.raises(UserError, match="--limit is 0"):
        freesound.load(query="rain", limit=0)


def test_a_list_that_becomes_shorter_ends_where_it_ends(server: FreesoundServer) -> None:
    for number in range(3000, 3200):
        server.add(number)
    server.refusals = []
    pages = freesound_api._pages(freesound_api.question_of("rain", None, None), TOKEN, 150)
    assert len(next(pages)["results"]) == 150
    del server.sounds[100:]
    assert list(pages) == []


def test_without_previews_freesound_plays_the_sounds(server: FreesoundServer) -> None:
    found = freesound.load(query="rain", previews=False)
    assert found.audio_root == FREESOUND_ROOT
    assert found.embedded_player(1) == "https://freesound.org/embed/sound/iframe/1001/simple/medium/"
    assert not server.fetched


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (Refusal(401, "Invalid token"), r"does not accept the token \(401: Invalid token\). Copy the API key of https"),
        (Refusal(401, "Suspended token or token pending for approval"), "pending for approval"),
        (Refusal(400, "Malformed request."), r"refuses the question \(400: Malformed request.\)"),
        (
            Refusal(429, "Request was throttled because of exceeding a request limit rate (2000/day)"),
            r"ask no more for now \(429: .*\(2000/day\)\). Run the same command again when that has passed",
        ),
        (Refusal(429, "Request was throttled because the ApiV2 credential has been suspended"), "been suspended"),
        (Refusal(429, "Request was throttled (60/minute)", retry_after="3600"), "ask no more for now"),
        (Refusal(200, body=b"<html>maintenance</html>"), "is no list of sounds"),
        (Refusal(200, body=b'{"count": 1}'), "is no list of sounds"),
    ],
)
def test_what_freesound_refuses_is_said_in_its_words(server: FreesoundServer, refusal: Refusal, sentence: str) -> None:
    server.refusals = [refusal]
    with pytest.raises(UserError, match=sentence):
        freesound.load(query="rain")


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({}, "Give one of --query WORDS, --pack NUMBER and --user NAME"),
        ({"query": "a", "pack": "1"}, "Give one of"),
        ({"query": "  "}, "Give one of"),
        ({"pack": "rain"}, "--pack is 'rain'; it is the number at the end"),
        ({"pack": "78"}, "has no pack 78"),
        ({"user": "nobody"}, "has no user nobody"),
        ({"query": "nothing"}, "no sound for 'nothing'"),
        ({"query": "a", "token": "two\nlines"}, "holds what no token of Freesound does"),
    ],
)
def test_a_question_that_is_none_is_refused(server: FreesoundServer, question: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        freesound.load(**question)  # type: ignore[arg-type]


def test_nothing_is_asked_without_a_token_or_offline(server: FreesoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FREESOUND_TOKEN")
    with pytest.raises(UserError, match=r"make one at https://.*/apply, and give it as FREESOUND_TOKEN or --token"):
        freesound.load(query="rain")
    monkeypatch.setenv("BSTVIZ_OFFLINE", "1")
    with pytest.raises(UserError, match="offline mode"):
        freesound.load(query="rain", token=TOKEN)
    assert not server.asked


def test_limits_that_pass_soon_and_faults_of_the_server_are_waited_for(
    server: FreesoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    limit = "Request was throttled because of exceeding a request limit rate (60/minute)"
    server.refusals = [Refusal(429, limit), Refusal(429, limit, retry_after="7"), Refusal(503, "busy"), Refusal(502)]
    assert len(freesound.load(query="rain", previews=False)) == 7
    assert waited == [60.0, 7.0, 0.0, 0.0]
    server.refusals = [Refusal(500, "Server error")] * 9
    with pytest.raises(UserError, match=r"gives no answer \(500: Server error\)"):
        freesound.load(query="rain", previews=False)
    server.refusals = [Refusal(429, limit)] * 20
    with pytest.raises(UserError, match="gives no answer"):
        freesound.load(query="rain", previews=False)


def test_a_server_that_is_away_is_said(server: FreesoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freesound_api, "FREESOUND_API", "http://127.0.0.1:9/apiv2")
    with pytest.raises(UserError, match=r"gives no answer .* Check the connection"):
        freesound.load(query="rain")


def test_previews_that_cannot_be_had_are_named_and_the_rest_is_there(server: FreesoundServer, tmp_path: Path) -> None:
    del server.previews["/previews/1000-hq.ogg"]
    server.previews["/previews/1001-hq.ogg"] = b"<html>log in</html>"
    server.cut = ["/previews/1002-hq.ogg"]
    server.add(2000, previews={})
    server.add(2001, previews={"preview-hq-mp3": f"{server.root}/previews/1003-hq.ogg"})
    result = invoke("import", "freesound", "--query", "rain", "--out", tmp_path / "c")
    printed = " ".join(result.stderr.split())
    assert result.exit_code == 1
    assert "1000.ogg was left out: Freesound answers 404 Not Found to its preview." in printed
    assert "1001.ogg was left out: What came as its preview is no sound." in printed
    assert "2000.ogg was left out: Freesound has no preview of it." in printed
    found = load_collection(tmp_path / "c")
    assert found.sounds["path"].fillna("").tolist()[-2:] == ["", "2001.mp3"]
    assert [found.has_audio(row) for row in range(9)] == [False, False, *[True] * 5, False, True]
    assert not [file.name for file in (tmp_path / "cache" / "freesound").iterdir() if file.name.startswith(".")]


def test_a_preview_server_that_is_away_ends_it_and_a_broken_preview_does_not(server: FreesoundServer) -> None:
    server.cut = ["/previews/1002-hq.ogg"] * 5
    assert list(freesound.load(query="rain").left_out) == ["1002.ogg"]
    for sound in server.sounds:
        assert sound
        sound["previews"] = {"preview-hq-ogg": "http://127.0.0.1:9/x.ogg"}
        sound["id"] += 5000
    with pytest.raises(UserError, match=r"previews cannot be reached: .* run the same command again"):
        freesound.load(query="rain")


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_and_nothing_that_was_whole_comes_twice(
    server: FreesoundServer, tmp_path: Path
) -> None:
    for number in range(3000, 3020):
        server.add(number)
    server.slow = 0.05
    folder = tmp_path / "cache" / "freesound"
    command = (
        "import sys; from bstviz.datasets import freesound, freesound_api; freesound_api.FREESOUND_API = sys.argv[1]; "
    )
    command += "freesound.load(query='rain')"
    process = subprocess.Popen([sys.executable, "-c", command, server.address])
    deadline = time.monotonic() + 120
    try:
        while len(list(folder.glob("[!.]*.ogg"))) < 8:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
    whole = {file.name for file in folder.glob("[!.]*.ogg")}
    assert 8 <= len(whole) < 27
    server.asked.clear()
    found = freesound.load(query="rain")
    assert len(found) == sum(found.has_audio(row) for row in range(len(found))) == 27
    assert not {path.rpartition("/")[2].replace("-hq", "") for path in server.fetched} & whole
    assert max(Counter(server.fetched).values()) == 1
    assert sorted(file.name for file in folder.iterdir()) == sorted(f"{i}.ogg" for i in found.sounds["sound_id"])


def test_what_netrc_says_goes_neither_to_the_api_nor_to_previews(
    server: FreesoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login me password mine\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert len(freesound.load(query="rain")) == 7
    sent = {(path.startswith("/apiv2/"), headers.get("Authorization")) for path, _, headers in server.asked}
    assert sent == {(True, f"Token {TOKEN}"), (False, None)}


@pytest.mark.parametrize("to_itself", [True, False])
def test_where_a_server_leads_on_netrc_says_nothing_and_the_token_stays_in_its_house(
    server: FreesoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to_itself: bool
) -> None:
    (tmp_path / "netrc").write_text("default login me password mine\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving() as other:
        further = server if to_itself else other
        server.moved = {"/previews/": further.root} | ({"/apiv2/": further.root} if to_itself else {})
        assert len(freesound.load(query="rain")) == 7
        assert len(further.fetched) == (14 if to_itself else 7)
        sent = {(path.startswith("/apiv2/"), headers.get("Authorization")) for path, _, headers in server.asked}
        assert sent == {(True, f"Token {TOKEN}"), (False, None)}
        server.moved = {"/apiv2/": other.root}
        with pytest.raises(UserError, match="does not accept the token"):
            freesound.load(query="rain")
        assert not [headers for _, _, headers in other.asked if "Authorization" in headers]


def test_a_preview_that_somebody_else_has_fetched_meanwhile_does_not_come_and_leftovers_go(
    server: FreesoundServer, tmp_path: Path
) -> None:
    (tmp_path / "1.ogg").write_bytes(b"theirs")
    (tmp_path / ".1.ogg.new").write_bytes(b"half")
    found = freesound_api._fetch(tmp_path, ("1.ogg", f"{server.root}/previews/1000-hq.ogg"))
    assert found == ("1.ogg", "", True)
    assert not server.fetched
    assert [(file.name, file.read_bytes()) for file in tmp_path.glob("*1.ogg*")] == [("1.ogg", b"theirs")]


def test_a_preview_is_not_held_in_memory_and_one_that_is_too_large_is_left_out(
    server: FreesoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.previews["/previews/long"] = bytes(16 * 2**20)
    monkeypatch.setattr(freesound_api, "PREVIEW_BYTES", 15 * 2**20)
    tracemalloc.start()
    try:
        found = freesound_api._fetch(tmp_path, ("1.ogg", f"{server.root}/previews/long"))
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert found == ("1.ogg", "Its preview is larger than 15 MB.", True)
    assert not list(tmp_path.glob("*1.ogg*"))


def test_a_preview_that_cannot_be_checked_now_is_named_by_its_own_name(
    server: FreesoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(file: Path, **_: object) -> None:
        raise AwayError(f"{file} could not be read")

    monkeypatch.setattr(freesound_api.decode, "duration", away)
    found = freesound_api._fetch(tmp_path, ("1.ogg", f"{server.root}/previews/1000-hq.ogg"))
    assert found == ("1.ogg", f"Its preview could not be checked ({tmp_path / '1.ogg'} could not be read).", True)
    assert not list(tmp_path.glob("*1.ogg*"))


def test_times_with_and_without_fractions_are_times_and_either_word_for_the_preference(server: FreesoundServer) -> None:
    server.add(2000, created="2014-04-16T20:07:11.145", ai_preference="restrictive", gen_ai_preference=None)
    server.add(2001, created="2014-04-16T20:07:11")
    found = freesound.load(query="rain", previews=False).sounds
    assert found["created"].notna().all()
    assert found["gen_ai_preference"].iat[-2] == "restrictive"
