"""axe-core on every page: no serious or critical fault that a bare Streamlit page of the same widgets does not have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from benchmarks.serving import SCRIPT, served
from bstviz import synth
from bstviz.audio import playback
from tests.e2e.test_classify import upload

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
PAGES = ("", "explore?sound=fx-a-003", "compare?sound=fx-a-003", "results", "confusion", "review", "classify")
TALL = 5_000  # pixels; what is scrolled out of sight is not judged
BARE = """
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

pages = [st.Page(lambda: None, title=t, url_path=t.lower(), default=t == "One") for t in ("One", "Two", "Three")]
st.navigation(pages, position="top").run()
st.header("Header")
st.markdown("#### Heading")
st.caption("Caption with `code`")
st.info("Info", icon=":material/info:")
st.html("<p>Text</p>")
st.text_input("Text", placeholder="words", icon=":material/search:")
st.number_input("Number", 1, 10, 5)
st.selectbox("One of", ["a", "b"])
st.multiselect("Some of", ["first", "second"], default=["first"])
st.segmented_control("Segments", ["first", "second", "third"], default="first", required=True)
st.pills("Pills", ["first", "second", "third"], selection_mode="multi", default=["first"])
st.toggle("Switch", value=True, help="Help")
st.slider("Slider", 0, 10)
st.button("Button", icon=":material/undo:")
st.download_button("Download", "x", icon=":material/download:")
st.page_link(pages[1])
st.progress(0.5, "Progress")
st.file_uploader("Files", accept_multiple_files=True)
with st.expander("More"):
    st.write("Hidden")
frame = pd.DataFrame({"a": range(30), "b": 0.5})
st.dataframe(frame, on_select="rerun", selection_mode="single-row")
st.table(pd.DataFrame({f"a long heading {i}": [1.0] for i in range(12)}))
st.plotly_chart(go.Figure(go.Heatmap(z=[[1, 2], [3, 4]])), key="chart", on_select="rerun")
"""
WHERE = """(selector) => document.querySelector(selector)?.closest('[data-testid^="st"]')?.dataset.testid ?? '?'"""
STATE = """() => { const app = document.querySelector('[data-testid="stApp"]');
  return [app.dataset.testScriptState, document.querySelectorAll('[data-testid="stSkeleton"]').length,
          document.body.innerText.length].join() }"""


@pytest.fixture(scope="module")
def bare(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a page of the widgets alone, in Streamlit's own look."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "bare.py").write_text(BARE)
    with served(["bare.py"], command=SCRIPT, cwd=folder) as server:
        yield server.address


def faults(page: Page) -> dict[tuple[str, str], str]:
    """Serious and critical faults of a page that stands still: what axe-core says, by its rule and the widget."""
    before = ""
    while not (before.startswith("notRunning,0,") and before == page.evaluate(STATE)):
        before = page.evaluate(STATE)
        page.wait_for_timeout(1_500)
    found = {}
    for violation in Axe().run(page).response["violations"]:
        for node in violation["nodes"] if violation["impact"] in ("serious", "critical") else ():
            first = node["target"][0]
            widget = page.evaluate(WHERE, first if isinstance(first, str) else first[0])
            found[violation["id"], widget] = f"{node['html'][:200]}: {node['failureSummary']}"
    return found


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_fault_that_its_bare_widgets_do_not_have(
    browser: Browser, address: str, bare: str, tmp_path: Path, scheme: str, width: int
) -> None:
    dropped = tmp_path / "dropped.wav"
    dropped.write_bytes(playback.to_wav(synth.render("sp-s-002"), synth.SAMPLE_RATE))
    context = browser.new_context(viewport={"width": width, "height": TALL}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(180_000)
    page.goto(bare)
    page.wait_for_selector('[data-testid="stPlotlyChart"]')
    known = faults(page)
    ours = {}
    for name in PAGES:
        page.goto(f"{address}/{name}")
        page.wait_for_selector("h2, h3, h4, canvas")
        if name == "classify":
            upload(page, [dropped])
            page.wait_for_selector("text=Nearest in")
        for drawer in page.locator(".drawer summary").all():
            if drawer.is_visible():
                drawer.click()
        ours |= {(name, *fault): words for fault, words in faults(page).items() if fault not in known}
    context.close()
    assert not ours
