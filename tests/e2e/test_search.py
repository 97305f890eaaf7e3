"""Search, saved views, undo, the table and the keys of Explore as a person uses them, in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from tests.e2e.map_driver import MapDriver, settled

pytestmark = pytest.mark.e2e


def explore(page: Page, address: str) -> MapDriver:
    page.goto(f"{address}/explore")
    return MapDriver(page)


def found(page: Page) -> Locator:
    """The list of what was found."""
    return page.locator(".list[data-name='explore.search.list']")


def titles(page: Page) -> list[str]:
    return found(page).locator("button.open").all_inner_texts()


def search_by_words(page: Page, map_: MapDriver, words: str) -> None:
    field = page.get_by_label("Search by words")
    field.fill(words)
    field.press("Enter")
    found(page).wait_for()
    page.wait_for_function("(m) => m.dataset.selected === '50'", arg=map_.handle())
    settled(page)


def test_words_light_their_hits_thumbs_rank_them_anew_and_the_address_brings_them_back(
    page: Page, address: str
) -> None:
    map_ = explore(page, address)
    search_by_words(page, map_, "rain")
    assert len(map_.chosen()) == 50
    assert any("rain" in title.lower() for title in titles(page)[:10])
    found(page).locator("button.play").nth(1).click()
    page.wait_for_function("() => window.bstvizPlaying && !window.bstvizPlaying.paused")

    before = titles(page)
    page.locator("body").press("ArrowRight")
    page.get_by_role("heading", name=before[0], level=4).first.wait_for()
    settled(page)
    found(page).locator("button.thumb").first.click()
    page.get_by_label("Like").first.wait_for()
    page.wait_for_function(
        "([list, first]) => list.querySelector('button.open').innerText !== first",
        arg=[found(page).element_handle(), before[0]],
    )
    settled(page)
    after = titles(page)
    assert before[0] not in after or before.count(before[0]) > 1
    assert after != before[1:]
    chosen = map_.chosen()

    page.wait_for_function("() => location.search.includes('search=')")
    page.reload()
    again = MapDriver(page)
    found(page).wait_for()
    settled(page)
    assert titles(page) == after
    assert again.chosen() == chosen


def test_a_dropped_sound_ranks_the_sounds(page: Page, address: str, sound_file: Path) -> None:
    map_ = explore(page, address)
    page.get_by_role("button", name="By a sound").click()
    page.locator("input[type=file]").first.set_input_files(sound_file)
    page.wait_for_function("(m) => m.dataset.selected === '50'", arg=map_.handle())
    page.keyboard.press("Escape")
    settled(page)
    first = found(page).locator("tbody tr").first
    assert float(first.locator("td.is-number").inner_text()) > 0.999  # it is one of the demo's own
    first.locator("button.play").click()
    page.wait_for_function("() => window.bstvizPlaying && !window.bstvizPlaying.paused")


def test_a_selection_is_searched_by_undone_redone_and_saved(page: Page, address: str) -> None:
    map_ = explore(page, address)
    map_.lasso(0.35, 0.15, 0.95, 0.85)
    map_.selects()
    selected = map_.chosen()
    page.get_by_role("button", name="More like these").click()
    found(page).wait_for()
    page.wait_for_function("(m) => m.dataset.selected === '50'", arg=map_.handle())
    settled(page)
    lit = map_.chosen()

    page.locator("body").press("Alt+z")
    page.wait_for_function("([m, n]) => Number(m.dataset.selected) === n", arg=[map_.handle(), len(selected)])
    settled(page)
    assert map_.chosen() == selected
    assert found(page).count() == 0
    page.get_by_role("button", name="Redo").click()
    found(page).wait_for()
    page.wait_for_function("(m) => m.dataset.selected === '50'", arg=map_.handle())
    settled(page)
    assert map_.chosen() == lit

    page.get_by_role("button", name="Views").click()
    page.get_by_label("Save this view as").fill("rather like these")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="rather like these").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clear the search").click()
    found(page).wait_for(state="detached")
    page.wait_for_function("() => location.search.includes('views=')")
    page.reload()
    again = MapDriver(page)
    assert again.selected() == 0
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="rather like these").click()
    page.wait_for_function("(m) => m.dataset.selected === '50'", arg=again.handle())
    settled(page)
    assert again.chosen() == lit


def test_the_table_plays_and_goes_to_a_sound(page: Page, address: str) -> None:
    map_ = explore(page, address)
    page.get_by_text("Table of all sounds").click()
    table = page.locator(".list[data-name='explore.table.list']")
    table.locator("tbody tr").first.wait_for()
    settled(page)
    table.get_by_role("button", name="Class", exact=True).click()
    row = table.locator("tbody tr").nth(2)
    title = row.locator("button.open").inner_text()
    row.locator("button.play").click()
    page.wait_for_function("() => window.bstvizPlaying && !window.bstvizPlaying.paused")
    row.locator("button.open").click()
    page.get_by_role("heading", name=title, level=4).first.wait_for()
    assert map_.selected() == 0


@pytest.mark.parametrize("name", ["explore", "review"])
def test_a_question_mark_shows_the_keys_and_no_other_key_does_anything_behind_them(
    page: Page, address: str, name: str
) -> None:
    page.goto(f"{address}/{name}")
    page.get_by_role("button", name="Keys").wait_for()
    settled(page)
    page.locator("body").press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.wait_for()
    assert dialog.locator("dt").count() > 5
    before = page.url
    page.keyboard.press("n" if name == "review" else "ArrowRight")
    page.wait_for_timeout(1_000)
    assert page.url == before
    page.keyboard.press("?")
    dialog.wait_for(state="hidden")
    page.get_by_role("textbox" if name == "explore" else "combobox").first.focus()
    page.keyboard.press("?")
    page.wait_for_timeout(300)
    assert not dialog.is_visible()
