"""Explore as a person uses it, in Chromium: on the demo, and on a collection of BSD10k's size."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

from benchmarks.serving import ARGUMENTS, chromium
from bstviz import paths
from bstviz.models.run import Run, load_run
from tests.e2e.map_driver import MapDriver, Region, settled

pytestmark = pytest.mark.e2e
SIGNATURES = {"PNG": b"\x89PNG", "SVG": b"<svg"}


def explore(page: Page, address: str, query: str = "") -> MapDriver:
    page.goto(f"{address}/explore{query}")
    return MapDriver(page)


def heading(page: Page) -> str:
    return page.locator("h4").first.inner_text()


def test_a_clicked_point_plays_at_once_and_shows_its_neighbours(page: Page, place: tuple[str, Run]) -> None:
    map_ = explore(page, place[0])
    assert map_.drawn() == len(place[1].sounds)
    map_.click(map_.lonely(near=400))
    audio = page.locator(".player audio")
    audio.wait_for()
    page.wait_for_function("(a) => a.readyState >= 3 && a.duration > 0.05", arg=audio.element_handle())
    page.wait_for_function("(a) => a.currentTime > 0 || a.ended", arg=audio.element_handle())
    settled(page)
    assert page.locator(".list tbody tr").count() == 10
    canvas = page.locator(".picture canvas").bounding_box()
    assert canvas is not None
    assert canvas["height"] > 150


def test_playing_on_click_can_be_switched_off(page: Page, address: str) -> None:
    map_ = explore(page, address)
    page.get_by_text("Play on click").click()
    settled(page)
    map_.click(map_.lonely(near=400))
    audio = page.locator(".player audio")
    page.wait_for_function("(a) => a.readyState >= 3", arg=audio.element_handle())
    page.wait_for_timeout(400)
    assert audio.evaluate("(a) => a.paused && a.currentTime === 0")


def test_neighbours_play_in_the_list_and_by_keyboard(page: Page, address: str) -> None:
    map_ = explore(page, address)
    map_.click(map_.lonely(near=400))
    page.locator(".list tbody tr").first.wait_for()
    settled(page)
    rows = page.locator(".list tbody tr")
    rows.nth(2).locator("button.play").click()
    page.wait_for_function("() => window.bstvizPlaying && !window.bstvizPlaying.paused")
    assert "now" in (rows.nth(2).get_attribute("class") or "")
    page.keyboard.press("j")
    page.wait_for_function("(row) => row.className.includes('now')", arg=rows.nth(3).element_handle())
    settled(page)
    wanted = rows.nth(3).locator("button.open").inner_text()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=wanted, level=4).wait_for()


def test_a_lasso_selects_and_its_files_hold_exactly_what_it_holds(
    page: Page, place: tuple[str, Run], tmp_path: Path
) -> None:
    map_ = explore(page, place[0])
    map_.lasso(0.35, 0.15, 0.95, 0.85)
    map_.selects()
    rows = map_.chosen()
    assert len(rows) == map_.selected() > 20
    ids = place[1].sounds["sound_id"].iloc[rows].tolist()
    for kind, read in (("CSV", pd.read_csv), ("Parquet", pd.read_parquet)):
        with page.expect_download() as download:
            page.locator('[data-testid="stDownloadButton"] button', has_text=kind).click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        table = read(file)
        assert table["sound_id"].tolist() == ids
        assert table["y_pred"].tolist() == place[1].sounds["y_pred"].iloc[rows].tolist()
    listed = page.locator(".list").first
    listed.locator("tbody tr").nth(1).locator("button.play").click()
    page.wait_for_function("() => window.bstvizPlaying && !window.bstvizPlaying.paused")


def test_selection_and_zoom_survive_recolouring_filters_and_page_changes(page: Page, place: tuple[str, Run]) -> None:
    map_ = explore(page, place[0])
    map_.zoom(0.5, 0.5, 3)
    map_.lasso(0.1, 0.1, 0.9, 0.9)
    map_.selects()
    chosen, spot = map_.chosen(), map_.locate(7)
    assert chosen

    map_.recolor("Right or wrong")
    assert map_.chosen() == chosen
    assert map_.locate(7) == pytest.approx(spot, abs=0.01)

    page.locator(".facet", has_text="Annotation confidence").locator(".bar").nth(2).click()
    page.wait_for_function("(m) => Number(m.dataset.shown) < Number(m.dataset.drawn)", arg=map_.handle())
    assert map_.selected() == len(chosen)
    page.get_by_role("button", name="Show all", exact=True).click()
    page.wait_for_function("(m) => m.dataset.shown === m.dataset.drawn", arg=map_.handle())

    page.get_by_role("link", name="Overview").click()
    page.get_by_text("How well the runs do").wait_for()
    page.get_by_role("link", name="Explore", exact=True).click()
    again = MapDriver(page)
    assert again.chosen() == chosen
    assert again.locate(7) == pytest.approx(spot, abs=0.01)
    assert again.title() == "Right or wrong"


def test_recoloring_keeps_zoom_and_selection_every_time(page: Page, address: str) -> None:
    map_ = explore(page, address)
    map_.zoom(0.6, 0.6, 2)
    map_.lasso(0.3, 0.2, 0.9, 0.9)
    map_.selects()
    chosen, spot = map_.chosen(), map_.locate(7)
    assert chosen
    for label in ("Second-level class", "Right or wrong", "Split", "Confidence", "Top-level class") * 4:
        map_.recolor(label)
        assert map_.chosen() == chosen
        assert map_.locate(7) == pytest.approx(spot, abs=0.01)


def test_an_answer_that_comes_while_a_lasso_is_drawn_does_not_end_it(page: Page, address: str) -> None:
    map_, region = explore(page, address), (0.3, 0.2, 0.9, 0.9)
    map_.lasso(*region, meanwhile=lambda: map_.ask("void m.map.draw()"))
    map_.selects()
    assert map_.holds(region, map_.chosen())


def test_ctrl_adds_a_region_alt_takes_one_away_and_shift_draws_one_with_any_tool(page: Page, address: str) -> None:
    map_ = explore(page, address)
    first, more, less = (0.05, 0.5, 0.5, 0.9), (0.55, 0.2, 0.95, 0.6), (0.05, 0.5, 0.3, 0.9)

    def drawn(region: Region, key: str) -> set[int]:
        before = map_.selected()
        map_.lasso(*region, key=key)
        page.wait_for_function("([m, n]) => Number(m.dataset.selected) !== n", arg=[map_.handle(), before])
        settled(page)
        return set(map_.chosen())

    one = drawn(first, "Shift")
    assert map_.holds(first, sorted(one))
    assert map_.ask("g.layout.dragmode") == "pan"
    map_.use("lasso")
    both = drawn(more, "Control")
    assert map_.holds(more, sorted(both - one))
    left = drawn(less, "Alt")
    assert left < both
    assert map_.holds(less, sorted(both - left))


def test_a_box_selects_what_it_holds(page: Page, address: str) -> None:
    map_ = explore(page, address)
    box = (0.05, 0.4, 0.5, 0.95)
    map_.use("select")
    map_.drag(*box)
    map_.selects()
    assert map_.holds(box, map_.chosen())


def test_the_address_opened_in_a_new_browser_shows_the_same_view(page: Page, address: str, browser: Browser) -> None:
    map_ = explore(page, address)
    map_.recolor("Annotation confidence")
    page.get_by_role("radio", name="UMAP").click()
    page.locator(".plotly-map .xtitle", has_text="UMAP 1").wait_for()
    settled(page)
    map_.click(sound := map_.lonely(gap=4, near=300))
    page.locator("h4").wait_for()
    settled(page)
    run = load_run(paths.assets() / "runs" / "hierarchical-audio-c1-fold0")
    top = run.taxonomy.top[run.taxonomy.parents[run.y_true[sound]]].name
    page.locator(".facet", has_text="Top-level class").locator(".bar", has_text=top).click()
    settled(page)
    spot, (x, y, w, h) = map_.locate(sound), map_.box(0)
    u, v = (spot["x"] - x) / w, (spot["y"] - y) / h
    map_.zoom(u, v, 2)
    map_.lasso(u - 0.015, v - 0.015, u + 0.015, v + 0.015)
    page.locator("h4", has_text="selected").wait_for()
    settled(page)
    page.wait_for_timeout(500)
    title, link = heading(page), page.url
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    other = context.new_page()
    other.set_default_timeout(90_000)
    other.goto(link)
    there = MapDriver(other)
    settled(other)
    assert heading(other) == title
    assert there.title() == "Annotation confidence"
    assert there.axis() == "UMAP 1"
    assert there.locate(sound) == pytest.approx(map_.locate(sound), abs=0.5)
    assert there.chosen() == map_.chosen()
    assert there.ask("m.dataset.shown") == map_.ask("m.dataset.shown") != str(map_.drawn())
    other.wait_for_timeout(500)
    assert other.url == link
    context.close()


def test_the_selection_is_stepped_through_by_keyboard(page: Page, place: tuple[str, Run]) -> None:
    map_ = explore(page, place[0])
    map_.lasso(0.55, 0.2, 0.95, 0.7)
    map_.selects()
    titles = [page.locator(".list").first.locator("button.open").nth(i).inner_text() for i in range(3)]
    for key, wanted in (
        ("ArrowRight", titles[0]),
        ("ArrowRight", titles[1]),
        ("ArrowRight", titles[2]),
        ("ArrowLeft", titles[1]),
    ):
        page.keyboard.press(key)
        page.locator("h4", has_text=wanted).first.wait_for()
        settled(page)
    page.keyboard.press("Escape")
    page.get_by_text("sounds selected").wait_for(state="hidden")
    assert map_.selected() == 0


def test_a_clicked_bar_filters_the_other_bars_and_the_map(page: Page, place: tuple[str, Run]) -> None:
    map_ = explore(page, place[0])
    run = place[1]
    speech = run.taxonomy.top_codes.index("sp")
    expected = int((run.taxonomy.parents[run.y_true] == speech).sum())
    page.locator(".facet", has_text="Top-level class").locator(".bar", has_text="Speech").click()
    page.wait_for_function("([m, n]) => Number(m.dataset.shown) === n", arg=[map_.handle(), expected])
    settled(page)
    facet = page.locator(".facet", has_text="Right or wrong").locator(".bar .count")
    counts = [int(text.replace(",", "")) for text in facet.all_inner_texts()]
    assert sum(counts) == expected
    page.get_by_text("Hide what is filtered out").click()
    settled(page)
    assert map_.drawn() == expected
    map_.legend("Speech")
    page.wait_for_function("([m, n]) => Number(m.dataset.drawn) === n", arg=[map_.handle(), len(run.sounds)])
    assert map_.ask("m.dataset.shown === m.dataset.drawn")


def test_a_clicked_legend_entry_filters(page: Page, place: tuple[str, Run]) -> None:
    map_ = explore(page, place[0])
    run = place[1]
    speech, music = (run.taxonomy.top_codes.index(code) for code in ("sp", "m"))
    tops = run.taxonomy.parents[run.y_true]
    map_.legend("Speech")
    wait = "([m, n]) => Number(m.dataset.shown) === n"
    page.wait_for_function(wait, arg=[map_.handle(), int((tops == speech).sum())])
    settled(page)
    assert page.locator(".facet .bar[aria-pressed=true]").inner_text().startswith("Speech")
    map_.legend("Music")
    page.wait_for_function(wait, arg=[map_.handle(), int(((tops == speech) | (tops == music)).sum())])
    for label in ("Speech", "Music"):
        settled(page)
        map_.legend(label)
    page.wait_for_function("(m) => m.dataset.shown === m.dataset.drawn", arg=map_.handle())


def test_three_dimensions_turn_and_a_click_opens_the_card(page: Page, address: str) -> None:
    map_ = explore(page, address)
    page.get_by_role("radio", name="3-d").click()
    page.locator('.plotly-map[data-dims="3"]').wait_for()
    settled(page)
    before = map_.locate(100)
    map_.drag(0.4, 0.4, 0.6, 0.5)
    settled(page)
    assert map_.locate(100) != pytest.approx(before, abs=2)
    run = load_run(paths.assets() / "runs" / "hierarchical-audio-c1-fold0")
    map_.click(map_.lonely(gap=6))
    page.locator("h4").first.wait_for()
    settled(page)
    assert run.sounds["sound_id"].isin([page.evaluate("new URL(location).searchParams.get('sound')")]).any()
    assert page.locator(".list tbody tr").count() == 10
    map_.legend("Speech")
    speech = int((run.taxonomy.parents[run.y_true] == run.taxonomy.top_codes.index("sp")).sum())
    page.wait_for_function("([m, n]) => Number(m.dataset.shown) === n", arg=[map_.handle(), speech])
    page.get_by_role("button", name="Select them").click()
    page.get_by_text(f"{speech} sounds selected").wait_for()


def test_names_and_contours_of_the_classes_are_switched(page: Page, address: str) -> None:
    map_ = explore(page, address)
    assert page.locator(".plotly-map .annotation-text", has_text="Soundscapes").count() == 1
    assert map_.ask("g.data.filter((t) => t.type === 'contour').length") == 0
    page.get_by_text("Contours", exact=True).click()
    page.wait_for_function("(m) => m.querySelectorAll('.contourlevel path').length >= 10", arg=map_.handle())
    page.get_by_text("Class names", exact=True).click()
    page.locator(".plotly-map .annotation-text").first.wait_for(state="detached")


@pytest.mark.parametrize("kind", ["PNG", "SVG"])
def test_the_map_is_saved_as_a_picture(page: Page, address: str, kind: str, tmp_path: Path) -> None:
    explore(page, address)
    with page.expect_download() as download:
        page.locator(f".plotly-map .modebar-btn[data-title='Save as {kind}']").click()
    download.value.save_as(file := tmp_path / download.value.suggested_filename)
    assert file.name == f"map.{kind.lower()}"
    assert file.read_bytes()[: len(SIGNATURES[kind])] == SIGNATURES[kind]


def test_a_browser_without_webgl_is_shown_svg_and_told_so(browser: Browser, large: tuple[str, Path]) -> None:
    own = browser.browser_type.launch(executable_path=chromium(), args=[*ARGUMENTS, "--disable-3d-apis"])
    page = own.new_page(viewport={"width": 1440, "height": 1000})
    page.set_default_timeout(180_000)
    map_ = explore(page, large[0])
    assert set(map_.ask("g.data.map((t) => t.type)")) == {"scatter"}
    assert 4_900 < map_.drawn() <= 5_000
    assert "has no WebGL" in page.locator(".plotly-map .note").inner_text()
    map_.click(map_.lonely(gap=3))
    page.locator(".player audio").wait_for(state="attached")
    own.close()
