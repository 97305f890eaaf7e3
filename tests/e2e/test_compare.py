"""Compare as a person uses it, in Chromium: on the demo, and on two runs of BSD10k's size."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from bstviz.models.run import Run
from tests.e2e.map_driver import MapDriver, settled

pytestmark = pytest.mark.e2e


def compare(page: Page, address: str, query: str = "") -> MapDriver:
    page.goto(f"{address}/compare{query}")
    return MapDriver(page)


@pytest.mark.parametrize("pane", [0, 1])
def test_a_lasso_on_one_map_brings_out_the_same_sounds_on_the_other(
    page: Page, place: tuple[str, Run], pane: int, tmp_path: Path
) -> None:
    address, left = place
    map_ = compare(page, address)
    region = (0.2, 0.25, 0.5, 0.6)
    map_.lasso(*region, pane=pane)
    map_.selects()
    inside = map_.chosen()
    assert map_.holds(region, inside, pane)
    per_pane = map_.ask("g.data.slice(0, 2).map((t) => t.x.length)")
    assert per_pane == [len(left.sounds)] * 2
    with page.expect_download() as download:
        page.locator('[data-testid="stDownloadButton"] button', has_text="CSV").click()
    download.value.save_as(tmp_path / "selection.csv")
    assert pd.read_csv(tmp_path / "selection.csv")["sound_id"].tolist() == left.sounds["sound_id"].iloc[inside].tolist()


def test_the_morph_slider_carries_one_map_into_the_other(page: Page, place: tuple[str, Run]) -> None:
    map_ = compare(page, place[0])
    index = 40

    def within(pane: int) -> tuple[float, float]:
        spot, (x, y, _, _) = map_.locate(index, pane), map_.box(pane)
        return spot["x"] - x, spot["y"] - y

    start, goal = within(0), within(1)
    slider = page.locator(".morph input")
    for share in (100, 50):
        slider.fill(str(share))
        page.wait_for_function("([m, t]) => Number(m.dataset.morph) === t", arg=[map_.handle(), share / 100])
        wanted = [a + share / 100 * (b - a) for a, b in zip(start, goal, strict=True)]
        assert within(0) == pytest.approx(wanted, abs=0.6)
    page.locator(".morph .play").click()
    page.wait_for_function("(m) => ['0.00', '1.00'].includes(m.dataset.morph)", arg=map_.handle())


def test_a_morph_there_and_back_keeps_the_selection(page: Page, address: str) -> None:
    map_ = compare(page, address)
    map_.lasso(0.05, 0.3, 0.6, 0.9)
    map_.selects()
    chosen = map_.chosen()
    assert chosen
    for share in (100, 0):
        page.locator(".morph input").fill(str(share))
        page.wait_for_function("([m, t]) => Number(m.dataset.morph) === t", arg=[map_.handle(), share / 100])
        assert map_.chosen() == chosen
    assert map_.selected() == len(chosen)


def test_a_clicked_sound_shows_what_it_kept_lost_and_gained_all_to_be_played(
    page: Page, place: tuple[str, Run]
) -> None:
    map_ = compare(page, place[0])
    map_.click(map_.lonely(gap=8, near=500))
    page.get_by_text("Ten nearest, left against right").wait_for()
    settled(page)
    rows = page.locator(".list tbody tr")
    kinds = [text.split(" ")[0] for text in rows.locator("td:nth-child(3)").all_inner_texts()]
    assert set(kinds) <= {"kept", "lost", "gained"}
    assert kinds.count("kept") + kinds.count("lost") == 10
    rows.last.locator("button.play").click()
    page.wait_for_function("() => window.bstvizPlaying && !window.bstvizPlaying.paused")


def test_a_class_chosen_in_the_table_is_selected_on_both_maps(page: Page, place: tuple[str, Run]) -> None:
    address, left = place
    map_ = compare(page, address)
    members = (left.sounds["y_true"] == "m-sp").to_numpy().nonzero()[0].tolist()
    table = page.locator('[data-testid="stDataFrame"]').first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 12, box["y"] + 35 + 17)
    page.get_by_text(f"{len(members):,} sounds selected").wait_for()
    settled(page)
    assert map_.chosen() == members


def test_a_comparison_can_be_sent(page: Page, address: str, browser: Browser) -> None:
    map_ = compare(page, address, "?left=flat-audio-c1-fold0&right=flat-both-c1-fold0&color=top&sound=fx-a-003")
    settled(page)
    titles = page.locator(".plotly-map .annotation-text", has_text="silhouette").all_text_contents()
    assert [title.split("top-level")[0] for title in titles] == ["Left: flat · audio", "Right: flat · audio + text"]
    assert map_.title() == "Top-level class"
    assert map_.ask("g.data.some((t) => t.meta.part === 'current')")
    map_.zoom(0.4, 0.5, 2, pane=1)
    page.wait_for_timeout(300)
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    other = context.new_page()
    other.set_default_timeout(90_000)
    other.goto(page.url)
    there = MapDriver(other)
    for pane in (0, 1):
        assert there.locate(40, pane) == pytest.approx(map_.locate(40, pane), abs=0.5)
    context.close()
