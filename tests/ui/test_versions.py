"""One loaded version: what is imported, trained, damaged or deleted while a page is open is said, and shown on reload.

The independent fact is the sound itself: each id has bytes of its own, and the files are named by their row.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import streamlit as st
from streamlit.testing.v1 import AppTest

from bstviz import paths
from bstviz.audio import playback
from bstviz.datasets.collection import Collection, load_collection
from bstviz.datasets.taxonomy import Taxonomy
from bstviz.errors import UserError
from bstviz.models.run import load_run
from bstviz.review.decisions import Record, read_record
from bstviz.server.contents import CONTENTS
from bstviz.training.baselines import Baseline, BaselineConfig
from bstviz.training.train import train_fold
from bstviz.ui.cache import audio, facets, latent_space, loading, versions
from bstviz.ui.compare.pair import colors, pair
from bstviz.ui.components import selection
from bstviz.ui.components.charts import table_key
from bstviz.ui.labelling import form
from bstviz.ui.labelling.form import Press
from bstviz.ui.review import panels
from bstviz.ui.review.session import NOTICE, ReviewSession, queue_of
from tests.fakes import RATE, quick, small_collection, stratified, tone
from tests.ui.conftest import ROOT, seen, sent

FORWARD, BACKWARD = list(range(48)), list(range(47, -1, -1))
PAGES = ("explore", "compare", "results", "confusion", "review", "classify", "home")
CELL = ("fx-a", "fx-a")


def sound_of(sound_id: str) -> bytes:
    """The one and only sound of an id."""
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(200 + 13 * int(sound_id[1:])), RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def import_sounds(place: Path, order: Sequence[int]) -> Collection:
    """The small collection in some order, into the same folders; row 0 has the file 000.wav, whosever it is."""
    whole = small_collection()
    sounds = whole.sounds.iloc[list(order)].reset_index(drop=True)
    sounds["path"] = [f"{row:03d}.wav" for row in range(len(sounds))]
    (place / "audio").mkdir(parents=True, exist_ok=True)
    for sound_id, file in zip(sounds["sound_id"], sounds["path"], strict=True):
        (place / "audio" / file).write_bytes(sound_of(sound_id))
    rows, root = list(order), str(place / "audio")
    own = replace(
        whole, sounds=sounds, audio=whole.embedding("audio")[rows], text=whole.embedding("text")[rows], audio_root=root
    )
    return load_collection(own.save(place / "sounds"))


def train(collection: Collection, out: Path) -> None:
    """Hierarchical and flat, two folds each, in the same places every time."""
    for loss in ("hierarchical", "flat"):
        for fold in (0, 1):
            made = train_fold(collection, stratified(collection), fold, quick(modality="audio", loss=loss))
            made.save(out / made.id)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of both orders; nobody writes to them."""
    folder = tmp_path_factory.mktemp("made")
    for name, order in (("forward", FORWARD), ("backward", BACKWARD)):
        train(import_sounds(folder / "data", order), folder / name)
    return folder


@pytest.fixture
def lab(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoders: object) -> Path:
    """The first import and its runs as the app's; nothing of other tests is in memory."""
    import_sounds(tmp_path / "data", FORWARD)
    shutil.copytree(made / "forward", tmp_path / "runs")
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, str(tmp_path / "runs"))
    monkeypatch.setenv(paths.COLLECTION_VARIABLE, str(tmp_path / "data" / "sounds"))
    st.cache_resource.clear()
    return tmp_path


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The session state of one window, outside of a page."""
    held: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", held)
    return held


def import_and_train_again(lab: Path, made: Path) -> None:
    import_sounds(lab / "data", BACKWARD)
    for run in sorted((made / "backward").iterdir()):
        load_run(run).save(lab / "runs" / run.name)


def open_page(name: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run()
    app.session_state["explore.sound"] = app.session_state["compare.sound"] = "s003"
    app.session_state["confusion.cell"] = CELL
    return app if name == "home" else app.switch_page(f"pages/{name}.py").run()


def changed(app: AppTest) -> str:
    """What the page says has changed."""
    return " ".join(seen(w.value) for w in app.warning if w.value.startswith("Changed on disk"))


def listed(app: AppTest) -> list[list[str]]:
    """Titles in the lists of a page."""
    return [[row[0] for row in data["rows"]] for data in sent(app, "sound_list")]


def play_first_of_lists(app: AppTest) -> None:
    """What the browser asks for at a click on the first play button of each list."""
    for data in sent(app, "sound_list"):
        app.session_state[f"{data['name']}.playing"] = {"index": 0, "event_id": 1, "token": data["token"]}
    app.run()


def assert_every_sound_is_its_own(app: AppTest) -> int:
    """Hold the bytes behind each player's address against those of its id; returns how many players there are."""
    players = sent(app, "player")
    for data in players:
        content = CONTENTS.get(data["url"].rsplit("/", 1)[1])
        assert content is not None
        assert content.data == sound_of(data["name"])
    return len(players)


@pytest.mark.parametrize("page", PAGES)
def test_an_import_in_another_order_changes_no_page_until_it_is_reloaded(page: str, lab: Path, made: Path) -> None:
    app = open_page(page)
    play_first_of_lists(app)
    plays = page in ("explore", "compare", "confusion", "review")
    assert (assert_every_sound_is_its_own(app) > 0) == plays
    titles, shown = listed(app), {d["key"]: d["name"] for d in sent(app, "player")}
    assert not changed(app)
    import_and_train_again(lab, made)
    app.run()
    assert not app.exception
    assert not app.error
    assert "fold0 and 1 more are replaced; collection sounds is replaced." in changed(app)
    assert listed(app) == titles
    assert not sent(app, "player")
    assert not plays or any("changed on disk" in seen(i.value) for i in app.info)
    app.button(key="versions.reload").click().run()
    assert not app.exception
    assert not app.error
    assert not changed(app)
    assert set(shown.values()) >= {d["name"] for d in sent(app, "player") if ".list" not in d["key"]}
    play_first_of_lists(app)
    assert (assert_every_sound_is_its_own(app) > 0) == plays


def test_a_list_that_was_playing_plays_nothing_of_the_next_version(lab: Path, made: Path) -> None:
    app = open_page("confusion")
    play_first_of_lists(app)
    (before,) = [d["token"] for d in sent(app, "sound_list")]
    import_and_train_again(lab, made)
    app.run()
    app.button(key="versions.reload").click().run()
    assert [d["token"] for d in sent(app, "sound_list")] != [before]
    assert not sent(app, "player")


def test_what_left_the_memory_is_not_replaced_by_what_is_on_disk(lab: Path, made: Path) -> None:
    app = open_page("explore")
    import_and_train_again(lab, made)
    st.cache_resource.clear()
    app.run()
    assert not app.exception
    assert "was changed on disk since this page was opened" in seen(app.error[0].value)
    app.button(key="versions.reload").click().run()
    assert not app.error


def test_a_run_that_is_replaced_ends_no_part_of_the_overview(lab: Path, made: Path) -> None:
    app = open_page("home")
    import_and_train_again(lab, made)
    st.cache_resource.clear()
    app.run()
    assert not app.exception and not app.error
    assert any("left out: " in seen(m.value) and "was changed on disk" in seen(m.value) for m in app.markdown)
    headings = [heading.value for heading in app.subheader]
    assert {"Loaded", "How well the runs do", "The models at a glance"} <= set(headings)
    assert any("was changed on disk" in seen(w.value) for w in app.warning)  # the panel of the experiment


def test_a_sound_that_is_replaced_while_it_is_read_is_not_played(
    lab: Path, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = loading.load(next(iter(loading.infos())))
    playable = playback.playable

    def late(*given: Any) -> playback.Playable:
        import_sounds(lab / "data", BACKWARD)
        return playable(*given)

    monkeypatch.setattr(playback, "playable", late)
    for _ in range(2):
        with pytest.raises(UserError, match="was changed on disk"):
            audio.playable(loaded, 3)


def test_a_picture_asked_for_late_is_of_the_sound_that_was_played(lab: Path, state: dict[str, Any]) -> None:
    loaded = loading.load(next(iter(loading.infos())))
    sound = audio.playable(loaded, 3)
    import_sounds(lab / "data", BACKWARD)
    expected, _ = soundfile.read(io.BytesIO(sound_of(str(loaded.ids[3]))), dtype="float32")
    np.testing.assert_allclose(sound.samples()[0], expected, atol=1e-4)


def test_a_collection_that_comes_late_is_shown_without_a_reload(lab: Path) -> None:
    (lab / "data" / "sounds").rename(lab / "away")
    app = open_page("explore")
    assert any("was not found" in seen(w.value) for w in app.warning)
    (lab / "away").rename(lab / "data" / "sounds")
    app.run()
    assert not any("was not found" in seen(w.value) for w in app.warning)
    assert not changed(app)
    assert assert_every_sound_is_its_own(app) == 1


@pytest.mark.parametrize("page", PAGES)
def test_a_deleted_collection_is_said_and_ends_no_page(page: str, lab: Path) -> None:
    app = open_page(page)
    titles = listed(app)
    shutil.rmtree(lab / "data" / "sounds")
    app.run()
    assert not app.exception
    assert not app.error
    assert "collection sounds is gone" in changed(app)
    assert listed(app) == titles
    assert not sent(app, "player")
    app.button(key="versions.reload").click().run()
    assert not app.exception
    assert not changed(app)


def test_runs_that_are_replaced_deleted_and_new_are_named(lab: Path, made: Path) -> None:
    app = open_page("home")
    load_run(made / "backward" / "flat-audio-c1-fold0").save(lab / "runs" / "flat-audio-c1-fold0")
    shutil.copytree(lab / "runs" / "flat-audio-c1-fold1", lab / "runs" / "another")
    shutil.rmtree(lab / "runs" / "flat-audio-c1-fold1")
    (lab / "runs" / "hierarchical-audio-c1-fold1" / "weights.safetensors").write_bytes(b"x")
    app.run()
    assert changed(app).startswith(
        "Changed on disk: run flat-audio-c1-fold0 is replaced; run hierarchical-audio-c1-fold1 is damaged; "
        "run flat-audio-c1-fold1 is gone; run another is new."
    )
    assert app.metric[0].value == "4"
    app.button(key="versions.reload").click().run()
    assert app.metric[0].value == "3"
    assert any("hierarchical-audio-c1-fold1" in seen(c.value) for c in app.caption)


def test_a_link_to_a_run_beside_it_is_no_second_run(lab: Path, state: dict[str, Any]) -> None:
    runs = lab / "runs"
    for name in ("a-first", "latest"):
        (runs / name).symlink_to("flat-audio-c1-fold0")
    (lab / "elsewhere").mkdir()
    (runs / "flat-audio-c1-fold1").rename(lab / "elsewhere" / "moved")
    (runs / "linked").symlink_to(lab / "elsewhere" / "moved")
    names = ["flat-audio-c1-fold0", "hierarchical-audio-c1-fold0", "hierarchical-audio-c1-fold1", "linked"]
    assert [path.name for path in versions.shown().runs] == names
    assert {path.name: name for name, path in versions.shown().named.items()} == {n: n for n in names} | {
        "linked": "moved"
    }
    loaded = loading.load(runs / "latest")
    assert (loading.run_name(loaded), Path(loading.run_path(loaded)).name) == (names[0], names[0])
    (runs / "linked").unlink()
    (runs / "linked").symlink_to("flat-audio-c1-fold0")
    assert versions.look() == ["run linked is gone"]
    assert len(versions.shown().named) == 4


def test_baselines_are_of_the_version_shown(lab: Path, state: dict[str, Any]) -> None:
    def scored(method: str, accuracy: float) -> Path:
        config = BaselineConfig(method, "audio")  # type: ignore[arg-type]
        return Baseline(config, 0, "folds", "sounds", "audio", {"accuracy": accuracy}).save(lab / "runs")

    knn, linear = scored("knn", 0.5), scored("logistic", 0.6)
    assert [own.content.metrics["accuracy"] for own in versions.shown().baselines.values()] == [0.5, 0.6]
    knn.touch()
    assert versions.look() == []
    scored("knn", 0.7), scored("zeroshot", 0.8)
    linear.write_text("{}")
    assert versions.look() == [
        f"baseline {knn.name} is replaced",
        f"baseline {linear.name} is damaged",
        "baseline zeroshot-audio-c1-fold0.json is new",
    ]
    assert [own.content.metrics["accuracy"] for own in versions.shown().baselines.values()] == [0.5, 0.6]
    versions.reload()
    assert [own.content.metrics["accuracy"] for own in versions.shown().baselines.values()] == [0.7, 0.8]
    assert list(versions.shown().unreadable) == [linear]
    knn.unlink()
    assert versions.look() == [f"baseline {knn.name} is gone"]


def test_colours_of_a_pair_are_of_the_siblings_shown(lab: Path, state: dict[str, Any]) -> None:
    left, right = (lab / "runs" / f"{loss}-audio-c1-fold0" for loss in ("hierarchical", "flat"))
    both = pair(loading.load(left), loading.load(right))
    before = dict(state)
    for column in colors(both, "fold"):
        assert column.labels == ["fold 0", "fold 1", "none"]
    for path in (left, right):
        shutil.rmtree(path.with_name(path.name.replace("fold0", "fold1")))
    versions.reload()
    with pytest.raises(KeyError):
        colors(both, "fold")
    state |= before
    assert colors(both, "fold")[0].labels == ["fold 0", "fold 1", "none"]


def test_what_follows_from_a_run_alone_stays_when_its_collection_goes(lab: Path, state: dict[str, Any]) -> None:
    path = lab / "runs" / "flat-audio-c1-fold0"
    before = loading.load(path)
    shutil.rmtree(lab / "data" / "sounds")
    versions.reload()
    after = loading.load(path)
    assert (before.collection is None, after.collection is None) == (False, True)
    assert (after.identity != before.identity, after.run_identity) == (True, before.run_identity)
    assert latent_space.index(after) is latent_space.index(before)


def test_a_run_touched_without_a_change_is_the_same(lab: Path) -> None:
    app = open_page("home")
    for file in (lab / "runs").rglob("*"):
        file.touch()
    assert not changed(app.run())


def test_siblings_retrained_elsewhere_are_not_pooled(lab: Path, made: Path, state: dict[str, Any]) -> None:
    path = lab / "runs" / "flat-audio-c1-fold0"
    sibling = lab / "runs" / "flat-audio-c1-fold1"
    mine = loading.load(path)
    assert facets.columns(mine)["fold"].labels == ["fold 0", "fold 1", "none"]
    assert [info.fold for info in loading.siblings(mine)] == [0, 1]
    load_run(made / "backward" / sibling.name).save(sibling)
    assert versions.look() == [f"run {sibling.name} is replaced"]
    assert loading.siblings(mine)[1].collection.hash == mine.run.collection.hash
    st.cache_resource.clear()
    with pytest.raises(UserError, match="was changed on disk"):
        loading.load(sibling)
    versions.reload()
    again = loading.load(path)
    assert [info.fold for info in loading.siblings(again)] == [0]
    assert "fold" not in facets.columns(again)


def test_a_selection_is_of_the_same_sounds_in_the_next_version(lab: Path, made: Path, state: dict[str, Any]) -> None:
    path = lab / "runs" / "flat-audio-c1-fold0"
    before = loading.load(path)
    selection.select("s", before, np.array([1, 2, 40]))
    import_and_train_again(lab, made)
    versions.reload()
    after = loading.load(path)
    rows = selection.selected("s", after)
    assert sorted(after.ids[rows]) == sorted(before.ids[[1, 2, 40]])
    assert after.titles(rows) == [f"title {int(i[1:])}" for i in after.ids[rows]]
    assert rows.tolist() != [1, 2, 40]


def test_a_row_chosen_in_a_table_is_none_of_a_table_with_other_rows() -> None:
    assert table_key("t", ["a", "b"]) == table_key("t", ["a", "b"])
    assert len({table_key("t", rows) for rows in (["a", "b"], ["b", "a"], ["a"], ["ab"], ["a, b"])}) == 5


@pytest.fixture
def press(monkeypatch: pytest.MonkeyPatch) -> Callable[[Press], None]:
    """Sends a press as the buttons that were drawn last take it."""
    callbacks: list[Callable[[], None]] = []
    sent_press: list[Press] = []
    monkeypatch.setattr(
        form, "component", lambda name: lambda *, key, data, on_press_change: callbacks.append(on_press_change)
    )
    monkeypatch.setattr(form, "event", lambda key, name, kind: sent_press[-1])

    def send(given: Press) -> None:
        sent_press.append(given)
        callbacks[-1]()

    return send


def review(lab: Path) -> ReviewSession:
    own = [info for info in loading.infos().values() if info.train.loss == "flat"]
    return ReviewSession(queue_of(own), lab / "review.jsonl", own[0].collection.hash)


def test_a_decision_is_on_the_version_that_was_seen(
    lab: Path, made: Path, state: dict[str, Any], press: Callable[[Press], None]
) -> None:
    old = review(lab)
    panels.buttons(old, 0, old.record())
    import_and_train_again(lab, made)
    sound = str(old.queue.quality.sound_ids[0])
    press(Press(sound, old.queue.version, (), "keep"))
    (decided,) = read_record(lab / "review.jsonl", old.hash).decisions
    assert (decided.sound_id, decided.old) == (sound, small_collection().sounds.set_index("sound_id")["class"][sound])


def test_a_press_on_the_version_before_decides_nothing(
    lab: Path, made: Path, state: dict[str, Any], press: Callable[[Press], None]
) -> None:
    old = review(lab)
    import_and_train_again(lab, made)
    versions.reload()
    new = review(lab)
    panels.buttons(new, 0, new.record())
    press(Press(str(old.queue.quality.sound_ids[0]), old.queue.version, (), "accept"))
    assert new.record() == Record()
    assert "Nothing was decided" in state[NOTICE]


@pytest.fixture(scope="module")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine good runs of one collection, a damaged one, one of another taxonomy, and a folder that is no run."""
    folder = tmp_path_factory.mktemp("twelve")
    collection = import_sounds(folder / "data", FORWARD)
    for seed in range(5):
        for loss in ("hierarchical", "flat"):
            made = train_fold(
                collection, stratified(collection), 0, quick(modality="audio", loss=loss, epochs=2, seed=seed)
            )
            made.save(folder / "runs" / made.id)
    other = load_collection(own_taxonomy(small_collection(name="other")).save(folder / "other"))
    made = train_fold(other, stratified(other), 0, quick(modality="audio", epochs=2))
    made.save(folder / "runs" / "of-another-taxonomy")
    damaged = folder / "runs" / "flat-audio-c1-fold0" / "latents.safetensors"
    data = bytearray(damaged.read_bytes())
    data[-1] ^= 1
    damaged.write_bytes(data)
    foreign = folder / "runs" / "foreign"
    foreign.mkdir()
    (foreign / "run.json").write_text('{"project": "of another program"}')
    return folder


def test_folders_that_cannot_be_looked_into_hide_no_others(
    lab: Path, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any]
) -> None:
    whole, name = versions.on_disk(), "n" * 300  # longer than a name may be, for whatever user
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, f"{lab / 'runs'}:{lab / name}")
    monkeypatch.setenv(paths.COLLECTION_VARIABLE, str(lab / name))
    found = versions.on_disk()
    assert list(found.runs) == list(whole.runs) != []
    assert {path.relative_to(lab).parts[0] for path in found.unreadable} == {name}
    assert all("too long" in reason for reason in found.unreadable.values())
    assert len(versions.look()) == 0


def own_taxonomy(collection: Collection) -> Collection:
    """The same sounds under a taxonomy of other codes."""
    base = collection.taxonomy
    top = tuple(replace(c, code=f"x{c.code}") for c in base.top)
    second = tuple(replace(c, code=f"x{c.code}", parent=f"x{c.parent}") for c in base.second)
    sounds = collection.sounds.assign(**{"class": "x" + collection.sounds["class"]})
    return replace(collection, sounds=sounds, taxonomy=Taxonomy("other", top, second))


@pytest.mark.parametrize("page", PAGES)
def test_a_damaged_a_missing_and_a_foreign_run_close_no_page(
    page: str, twelve: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoders: object
) -> None:
    given = [twelve / "runs", tmp_path / "missing"]
    monkeypatch.setenv(paths.EXPERIMENTS_VARIABLE, os.pathsep.join(map(str, given)))
    app = open_page(page)
    assert not app.exception
    assert [seen(e.value) for e in app.error] == []
    (named,) = [seen(c.value) for c in app.caption if "Left out" in c.value]
    assert all(name in named for name in ("flat-audio-c1-fold0", "missing", "foreign"))
    if page == "home":
        assert app.metric[0].value == "10"
        reasons = [seen(w.value) for w in app.warning]
        assert len(reasons) == 3
        assert not any(str(tmp_path) in reason or str(twelve) in reason for reason in reasons)
    if page == "explore":
        assert len(app.selectbox(key="explore.run").options) == 10
