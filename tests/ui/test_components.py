"""The components that pages share, each on its own: what it is sent, and what its events do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from bstviz.datasets.taxonomy import bst
from bstviz.server.contents import CONTENTS
from bstviz.ui.components.sound_card import license_link
from bstviz.ui.components.text import chip, contrast, escape
from tests.ui.conftest import sent


def shown(script: Callable[[], None]) -> AppTest:
    app = AppTest.from_function(script, default_timeout=180).run()
    assert not app.exception
    return app


def test_words_on_a_class_colour_contrast_enough() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # WebAIM's figure
    for found in (*bst().top, *bst().second):
        ink = re.search(r"color:(#\w{6});padding", chip(found.name, found.color))
        assert ink is not None
        assert contrast(ink[1], found.color) >= 4.5


def test_other_peoples_text_stays_text() -> None:
    assert escape("<b>[x](y)*\n# z") == "\\<b\\>\\[x\\]\\(y\\)\\* \\# z"
    assert "&lt;i&gt;" in chip("<i>", "#000000")
    assert license_link("https://creativecommons.org/licenses/by-nc/4.0/").startswith("[CC BY\\-NC 4\\.0](<https://")
    assert license_link("https://creativecommons.org/publicdomain/zero/1.0/").startswith("[CC0 1\\.0]")
    assert license_link("[x](javascript:alert(1))") == r"\[x\]\(javascript\:alert\(1\)\)"


def test_a_list_shows_classes_distances_and_the_reason_for_silence() -> None:
    def script() -> None:
        import numpy as np
        import streamlit as st

        from bstviz import paths
        from bstviz.ui.cache import loading
        from bstviz.ui.components.sound_list import sound_list

        loaded = loading.load(paths.assets() / "runs" / "flat-audio-c1-fold0")
        st.session_state["l.playing"] = None
        sound_list(
            [(loaded, 3), (loaded, 100)], key="l", columns=("title", "distance", "class"), distances=np.array([0.5, 1])
        )

    (data,) = sent(shown(script), "sound_list")
    assert [c["label"] for c in data["columns"]] == ["Title", "Distance", "Class"]
    assert [row[1] for row in data["rows"]] == [0.5, 1]
    assert data["signs"]["class"][data["rows"][0][2]]["text"] == "Solo percussion"
    assert not data["opens"]


def test_a_listed_sound_that_was_played_has_the_player_below_the_list() -> None:
    def script() -> None:
        from bstviz import paths
        from bstviz.ui.cache import loading
        from bstviz.ui.components.sound_list import sound_list

        loaded = loading.load(paths.assets() / "runs" / "flat-audio-c1-fold0")
        sound_list([(loaded, 3), (loaded, 100)], key="l")

    app = shown(script)
    (data,) = sent(app, "sound_list")
    assert not sent(app, "player")
    app.session_state["l.playing"] = {"index": 1, "event_id": 7, "token": data["token"]}
    (data,), (player,) = sent(app.run(), "sound_list"), sent(app, "player")
    assert player["key"] == data["player"]
    assert (player["autoplay"], player["event_id"]) == (True, 7)


def test_a_player_is_sent_addresses_of_its_sound_and_of_its_picture() -> None:
    def script() -> None:
        from bstviz import paths
        from bstviz.ui.cache import loading
        from bstviz.ui.components.player import sound_player

        sound_player(loading.load(paths.assets() / "runs" / "flat-audio-c1-fold0"), 3, key="p", autoplay=True)

    app = shown(script)
    (data,) = sent(app, "player")
    assert data["autoplay"]
    heard, seen, wav = (CONTENTS.get(data[name].rsplit("/", 1)[1]) for name in ("url", "picture", "wav"))
    assert heard is not None
    assert seen is not None
    assert wav is not None
    assert (heard.media_type, len(heard.data)) == ("audio/wav", data["bytes"])
    assert seen.size == 0  # made when the browser asks
    picture = json.loads(seen.data)
    assert len(picture["ticks"]) >= 7
    assert 0.05 < picture["seconds"] < 60
    assert wav.data == heard.data


def test_a_sound_without_audio_has_a_reason_in_place_of_a_player(experiment: object) -> None:
    def script() -> None:
        from bstviz.ui.cache import loading
        from bstviz.ui.components.sound_card import sound_card

        sound_card(loading.load(next(iter(loading.infos()))), 3, key="c")

    app = shown(script)
    assert not sent(app, "player")
    assert "holds no audio" in app.info[0].value
    assert len(sent(app, "sound_list")[0]["rows"]) == 10


def test_a_category_is_let_through_and_taken_back() -> None:
    def script() -> None:
        import streamlit as st

        from bstviz.ui.components import filters

        filters.toggle("f", "top", "Music")
        filters.toggle("f", "top", "Speech")
        filters.toggle("f", "split", "test")
        filters.toggle("f", "top", "Music")
        filters.toggle("f", "split", None)
        st.session_state["result"] = filters.chosen("f")

    assert shown(script).session_state["result"] == {"top": frozenset({"Speech"})}


@pytest.mark.parametrize(("mode", "expected"), [("replace", [5, 6]), ("add", [1, 2, 5, 6]), ("remove", [1, 2])])
def test_selections_replace_add_and_remove(mode: str, expected: list[int]) -> None:
    def script(mode: str) -> None:
        import numpy as np
        import streamlit as st

        from bstviz import paths
        from bstviz.ui.cache import loading
        from bstviz.ui.components import selection

        loaded = loading.load(paths.assets() / "runs" / "flat-audio-c1-fold0")
        selection.select("s", loaded, np.array([2, 1]))
        selection.select("s", loaded, np.array([6, 5]), mode)  # type: ignore[arg-type]
        st.session_state["result"] = selection.selected("s", loaded).tolist()

    app = AppTest.from_function(script, default_timeout=180, args=(mode,)).run()
    assert app.session_state["result"] == expected


def test_tables_of_other_classes_with_the_same_labels_have_other_keys() -> None:
    def script() -> None:
        import numpy as np

        from bstviz.datasets.taxonomy import bst
        from bstviz.latent.structure import compare_classes
        from bstviz.ui.compare.tables import class_table

        model = np.eye(4, dtype=np.float32), np.array([0, 0, 1, 1]), np.ones(4)
        table = compare_classes(model, model, model[1], np.zeros(4), 5)
        for classes in (bst().top, bst().second):  # of one key twice Streamlit makes no two tables
            class_table(table, classes, key="t", on_pick=lambda label: None)

    assert len(shown(script).dataframe) == 2


def test_a_table_of_classes_names_rivals_and_differences() -> None:
    def script() -> None:
        import numpy as np

        from bstviz.datasets.taxonomy import bst
        from bstviz.latent.structure import compare_classes
        from bstviz.ui.compare.tables import class_table, structure_table

        latents = np.eye(4, dtype=np.float32)
        labels = np.array([0, 0, 1, 1])
        first, second = (latents, labels, np.ones(4)), (latents, np.array([0, 1, 1, 1]), np.full(4, 0.75))
        table = compare_classes(first, second, labels, np.zeros(4), 5)
        class_table(table, bst().top, key="t", on_pick=lambda label: None)
        structure_table(
            {"top_silhouette": [0.1, 0.3], "second_silhouette": [0.4]},
            {"top_silhouette": [0.5], "second_silhouette": [0.1]},
            key="s",
        )

    classes, structure = (d.value for d in shown(script).dataframe)
    assert classes["Class"].tolist() == ["Music", "Instrument samples"]
    assert classes["Accuracy, diff."].tolist() == [-50, 0]
    assert classes["Purity, diff."].tolist() == [-25, -25]
    assert classes["Most confused with"].tolist() == ["Instrument samples", "–"]
    silhouette = structure.iloc[0]
    assert silhouette.tolist()[:3] == ["Silhouette", "0.200 ± 0.100", "0.500"]
    assert silhouette["Top, diff."] == pytest.approx(0.3)
    assert silhouette["Second, diff."] == pytest.approx(-0.3)
    assert structure.iloc[1].tolist()[1:3] == ["–", "–"]
