"""The pure parts of the map's script, each on its own in Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from bstviz.ui import web

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def script(browser: Browser) -> Iterator[Page]:
    """A blank window that knows the script's functions."""
    page = browser.new_page()
    text = (web.FILES / "plotly_map.js").read_text(encoding="utf-8").replace("export default", "const mount =")
    page.add_script_tag(content=text)
    yield page
    page.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)", "software"),
        ("Mesa/X.org, llvmpipe (LLVM 15.0.6, 256 bits)", "software"),
        ("ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 Direct3D11)", "gpu"),
        ("Apple M2", "gpu"),
    ],
)
def test_drawing_by_the_processor_is_told_by_the_renderers_name(script: Page, name: str, expected: str) -> None:
    context = "{getExtension: () => ({UNMASKED_RENDERER_WEBGL: 1}), getParameter: () => name}"
    assert script.evaluate(f"(name) => rendererOf({context})", name) == expected
    assert script.evaluate("rendererOf(null)") == "none"


@pytest.mark.parametrize(
    ("text", "dims", "kept"),
    [
        ("-1.5,2,0,3", 2, True),
        ("0.1,0.2,0.3,0,0,-1", 3, True),
        ("2,1,0,3", 2, False),  # a range that ends before it begins
        ("1.5,0,0,1,0,0,1", 2, False),  # of the version before
        ("a,b,c,d", 2, False),
        ("-1,2,0,3", 3, False),
    ],
)
def test_a_view_comes_back_from_an_address_or_is_left_aside(script: Page, text: str, dims: int, *, kept: bool) -> None:
    view = script.evaluate("([text, dims]) => readView(text, dims)", [text, dims])
    assert (view is not None) == kept
    if kept:
        assert script.evaluate("(view) => writeView(view)", view) == text


def test_a_region_is_the_outline_in_its_panes_coordinates(script: Page) -> None:
    box = script.evaluate("outlineOf({range: {x2: [0, 2], y2: [1, 3]}})")
    assert box == {"pane": 1, "polygon": [[0, 1], [2, 1], [2, 3], [0, 3]]}
    lasso = script.evaluate(
        "outlineOf({lassoPoints: {x: Array.from({length: 1000}, (_, i) => i), y: Array(1000).fill(0)}})"
    )
    assert lasso["pane"] == 0
    assert len(lasso["polygon"]) == 200
    assert lasso["polygon"][1] == [5, 0]


def test_a_morph_is_a_straight_way_and_only_between_equals(script: Page) -> None:
    assert script.evaluate("blended([0, 4], [2, 8], 0.25)") == [0.5, 5]
    assert script.evaluate("blended([0, 4], [2, 8, 9], 0.25)") == [0, 4]
    assert script.evaluate("blended([0, 4], undefined, 0.25)") == [0, 4]


def test_a_sample_keeps_what_belongs_together(script: Page) -> None:
    trace = {"x": [0, 1, 2, 3, 4], "marker": {"color": [9, 8, 7, 6, 5], "size": 4, "colorscale": [[0, "#000"]]}}
    found = script.evaluate("(trace) => thinned(trace, 5, 2)", trace)
    assert found == {"x": [0, 2, 4], "marker": {"color": [9, 7, 5], "size": 4, "colorscale": [[0, "#000"]]}}
