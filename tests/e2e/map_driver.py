"""What a hand does on a map, and what an eye sees of it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import ElementHandle, Page


def settled(page: Page) -> None:
    """Wait until what was asked for has been answered and drawn."""
    page.wait_for_timeout(250)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_timeout(150)


class MapDriver:
    """The map of a page, once it is drawn; positions are shares of a pane's width and height."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.locator('.map[data-state="drawn"]').wait_for()
        settled(page)

    def handle(self) -> ElementHandle:
        """The map's element."""
        found = self.page.locator(".map").element_handle()
        assert found is not None
        return found

    def ask(self, script: str) -> Any:
        """Value of an expression over ``m``, the map's element."""
        return self.page.locator(".map").evaluate(f"(m) => {script}")

    def drawn(self) -> int:
        """Number of points that are drawn."""
        return int(self.ask("m.dataset.drawn"))

    def selected(self) -> int:
        """Number of selected sounds, as the server says."""
        return int(self.ask("m.dataset.selected"))

    def chosen(self) -> list[int]:
        """Indices of the selected points, as drawn."""
        return list(self.ask("m.map.chosen()"))

    def locate(self, index: int, pane: int = 0) -> dict[str, float]:
        """Where a point is on the screen."""
        return dict(self.ask(f"m.map.locate({index}, {pane})"))

    def box(self, pane: int) -> tuple[float, float, float, float]:
        found = self.page.locator(".pane canvas").nth(pane).bounding_box()
        assert found is not None
        return found["x"], found["y"], found["width"], found["height"]

    def click(self, index: int, pane: int = 0) -> None:
        """Click a point."""
        spot = self.locate(index, pane)
        self.page.mouse.click(spot["x"], spot["y"])

    def drag(self, u0: float, v0: float, u1: float, v1: float, pane: int = 0) -> None:
        """Drag with the tool that is active."""
        x, y, w, h = self.box(pane)
        self.page.mouse.move(x + u0 * w, y + v0 * h)
        self.page.mouse.down()
        self.page.mouse.move(x + u1 * w, y + v1 * h, steps=6)
        self.page.mouse.up()
        self.page.wait_for_timeout(100)

    def lasso(self, u0: float, v0: float, u1: float, v1: float, pane: int = 0) -> None:
        """Draw a lasso along a rectangle."""
        x, y, w, h = self.box(pane)
        self.page.locator(".tools button[data-tool='lasso']").click()
        self.page.mouse.move(x + u0 * w, y + v0 * h)
        self.page.mouse.down()
        for u, v in ((u1, v0), (u1, v1), (u0, v1), (u0, v0)):
            self.page.mouse.move(x + u * w, y + v * h, steps=6)
        self.page.mouse.up()

    def zoom(self, u: float, v: float, notches: int, pane: int = 0) -> None:
        """Turn the wheel over a spot."""
        x, y, w, h = self.box(pane)
        self.page.mouse.move(x + u * w, y + v * h)
        for _ in range(notches):
            self.page.mouse.wheel(0, -120)
        self.page.wait_for_timeout(600)
