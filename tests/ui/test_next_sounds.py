"""Which sounds to label next, on Explore: listed with reasons, selected on the map, gone once decided."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bstviz.datasets.collection import Collection
from bstviz.models.run import Run
from bstviz.review.acts import decide
from bstviz.review.record_files import record_file
from tests.ui.conftest import ROOT, sent


@pytest.fixture
def app(experiment: Path) -> AppTest:
    started = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180).run().switch_page("pages/explore.py").run()
    return started.toggle(key="labelling.next.on").set_value(True).run()


def listed(app: AppTest) -> list[list[object]]:
    (data,) = [data for data in sent(app, "sound_list") if data["name"] == "labelling.next.list"]
    return list(data["rows"])


def test_sounds_are_listed_with_reasons_and_selected_on_the_map(app: AppTest) -> None:
    assert not app.exception
    rows = listed(app)
    assert rows and all(note for *_, note in rows)
    app.button(key="labelling.next.select").click().run()
    assert len(app.session_state["explore.selected"][0]) == len(rows)


def test_a_decided_sound_leaves_the_list_and_others_are_chosen_when_asked(
    app: AppTest, experiment: Path, collection: Collection, runs: dict[str, Run]
) -> None:
    before = len(listed(app))
    app.button(key="labelling.next.select").click().run()
    sound = str(np.asarray(app.session_state["explore.selected"][0])[0])
    old = collection.sounds.set_index("sound_id")["class"][sound]
    file = record_file(runs["audio"].collection, [experiment])
    decide(file, collection.hash, sound_id=sound, old=old, new=old, why="by ear", by="me")
    assert len(listed(app.run())) == before - 1
    app.button(key="labelling.next.more").click().run()
    assert len(listed(app)) == before - 1
    for own, code in collection.sounds.set_index("sound_id")["class"].items():
        decide(file, collection.hash, sound_id=str(own), old=code, new=code, why="", by="me")
    app.button(key="labelling.next.more").click().run()
    assert any("None of the sounds with a class" in info.value for info in app.info)
