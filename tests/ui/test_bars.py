from __future__ import annotations

from dataclasses import replace

from bstviz.datasets.taxonomy import bst
from bstviz.ui.components.bars import Bar, bars, class_bar


def test_bars_stand_in_the_given_order_with_their_classes_colours() -> None:
    first, second = bst()["fx-a"], bst()["m-sp"]
    shown = bars([class_bar(first, 0.75), class_bar(second, 0.25)])
    assert shown.index(first.name) < shown.index("75.0 %") < shown.index(second.name) < shown.index("25.0 %")
    assert f"width:75.0%;background:{first.color}" in shown
    assert f"width:25.0%;background:{second.color}" in shown
    assert 'data-class="fx-a" data-probability="0.750000"' in shown


def test_other_people_s_words_stay_words_and_definitions_are_shown_where_asked() -> None:
    odd = replace(bst()["fx-a"], code='"a"', name="<b>", definition='"<i>"')
    once, twice = (bars([class_bar(odd, 0.5, defined=defined)]) for defined in (False, True))
    assert "<b>" not in once
    assert "<i>" not in twice
    assert (once.count("&lt;i&gt;"), twice.count("&lt;i&gt;")) == (1, 2)
    assert "data-class" not in bars([Bar("attention on audio", 0.5, "#7d8a99")])
