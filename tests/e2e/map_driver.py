"""What a hand does on a map, and what an eye sees of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import ElementHandle, Page

SPOTS = """(m, pane) => { const g = m.querySelector('.graph'), l = g._fullLayout;
  const t = g._fullData.filter((one) => one.meta?.part === 'sounds')[pane], box = g.getBoundingClientRect();
  if (t.scene === undefined) {
    const end = pane ? '2' : '', x = l['xaxis' + end], y = l['yaxis' + end];
    return Array.from(t.x, (v, i) => [box.left + x._offset + x.l2p(v), box.top + y._offset + y.l2p(t.y[i])]) }
  const scene = l[t.scene]._scene, scale = scene.dataScale;
  const { model, view, projection } = scene.glplot.cameraParams;
  const times = (a, v) => [0, 1, 2, 3].map((r) => a[r] * v[0] + a[4 + r] * v[1] + a[8 + r] * v[2] + a[12 + r] * v[3]);
  const on = scene.glplot.canvas.getBoundingClientRect();
  return Array.from(t.x, (v, i) => {
    const at = [v * scale[0], t.y[i] * scale[1], t.z[i] * scale[2], 1];
    const p = times(projection, times(view, times(model, at)));
    return [on.left + (0.5 + p[0] / p[3] / 2) * on.width, on.top + (0.5 - p[1] / p[3] / 2) * on.height] }) }"""
"""Where each drawn point of a pane is on the screen, as Plotly itself has it."""
BOX = """(m, pane) => { const g = m.querySelector('.graph'), l = g._fullLayout, end = pane ? '2' : '';
  const box = g.getBoundingClientRect(), x = l['xaxis' + end], y = l['yaxis' + end];
  if (l.scene === undefined) return [box.left + x._offset, box.top + y._offset, x._length, y._length];
  const on = l['scene' + end]._scene.glplot.canvas.getBoundingClientRect();
  return [on.left, on.top, on.width, on.height] }"""
"""Left, top, width and height of a pane on the screen."""
Region = tuple[float, float, float, float]
STILL = "!map.drawing && !map.held && !map.again"
EDGE = 1.5  # pixels within which a point may lie on either side of an outline


def settled(page: Page) -> None:
    """Wait until what was asked for has been answered and drawn."""
    page.wait_for_timeout(250)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.wait_for_timeout(150)
    page.wait_for_function(
        f"() => {{ const map = document.querySelector('.plotly-map')?.map; return !map || {STILL} }}"
    )


class MapDriver:
    """The map of a page, once it is drawn; positions are shares of a pane's width and height."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.locator('.plotly-map[data-state="drawn"]').wait_for()
        settled(page)

    def handle(self) -> ElementHandle:
        """The map's element."""
        found = self.page.locator(".plotly-map").element_handle()
        assert found is not None
        return found

    def ask(self, script: str) -> Any:
        """Value of an expression over ``m``, the map's element, and ``g``, Plotly's."""
        return self.page.locator(".plotly-map").evaluate(
            f"(m) => {{ const g = m.querySelector('.graph'); return {script} }}"
        )

    def drawn(self) -> int:
        """Number of points that are drawn."""
        return int(self.ask("m.dataset.drawn"))

    def selected(self) -> int:
        """Number of selected sounds, as the server says."""
        return int(self.ask("m.dataset.selected"))

    def selects(self) -> None:
        """Wait until a region's sounds are said to be selected, and drawn so."""
        self.page.get_by_text("sounds selected").wait_for()
        self.page.wait_for_function("(m) => Number(m.dataset.selected) > 0", arg=self.handle())
        settled(self.page)

    def chosen(self) -> list[int]:
        """Indices of the selected points, as drawn: they alone are opaque."""
        return list(
            self.ask(
                "Array.from(g.data[0].marker.opacity, (v, i) => [v, i]).filter(([v]) => v === 1).map(([, i]) => i)"
            )
        )

    def locate(self, index: int, pane: int = 0) -> dict[str, float]:
        """Where a point is on the screen."""
        x, y = self.spots(pane)[index]
        return {"x": x, "y": y}

    def spots(self, pane: int = 0) -> list[tuple[float, float]]:
        """Where the points are on the screen."""
        return [tuple(spot) for spot in self.page.locator(".plotly-map").evaluate(SPOTS, pane)]

    def coordinates(self) -> list[float]:
        """First coordinate of each point, as Plotly was given it."""
        return [float(x) for x in self.ask("Array.from(g._fullData.find((t) => t.meta?.part === 'sounds').x)")]

    def lonely(self, pane: int = 0, gap: float = 12, *, near: int = 0) -> int:
        """Index of a point from which every other one is some pixels away, so that a click means it."""
        spots = self.spots(pane)
        x, y, w, h = self.box(pane)
        for i in [*range(near, len(spots)), *range(near)]:
            u, v = spots[i]
            inside = x + 20 < u < x + w - 20 and y + 20 < v < y + h - 20
            if inside and all(max(abs(u - a), abs(v - b)) > gap for j, (a, b) in enumerate(spots) if j != i):
                return i
        raise AssertionError(f"no point stands {gap} pixels apart from all others")

    def title(self) -> str:
        """Title of the legend."""
        return str(self.page.locator(".plotly-map .legendtitletext").text_content())

    def axis(self) -> str:
        """Title of the first axis."""
        return str(self.page.locator(".plotly-map .xtitle").first.text_content())

    def recolor(self, label: str) -> None:
        """Choose a colouring, and wait for it."""
        self.page.get_by_label("Colour", exact=True).click()
        self.page.get_by_role("option", name=label, exact=True).click()
        self.page.locator(".plotly-map :is(.legendtitletext, .colorbar)", has_text=label).first.wait_for()
        settled(self.page)

    def legend(self, label: str) -> None:
        """Click an entry of the legend."""
        box = self.page.locator(".plotly-map .legend .traces", has_text=label).locator(".legendtoggle").bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def box(self, pane: int) -> tuple[float, float, float, float]:
        """Left, top, width and height of a pane on the screen."""
        x, y, w, h = self.page.locator(".plotly-map").evaluate(BOX, pane)
        return x, y, w, h

    def holds(self, region: Region, rows: list[int], pane: int = 0) -> bool:
        """Whether some points are those that lie in a region of the screen."""
        x, y, w, h = self.box(pane)
        u0, v0, u1, v1 = region
        left, right, top, bottom = x + u0 * w, x + u1 * w, y + v0 * h, y + v1 * h
        inside, outside, given = set(), set(), set(rows)
        for i, (a, b) in enumerate(self.spots(pane)):
            depth = min(a - left, right - a, b - top, bottom - b)
            (inside if depth > EDGE else outside if depth < -EDGE else set()).add(i)
        return inside <= given and not outside & given and bool(inside)

    def click(self, index: int, pane: int = 0) -> None:
        """Click a point."""
        spot = self.locate(index, pane)
        self.page.mouse.move(spot["x"] + 1, spot["y"])
        self.page.mouse.move(spot["x"], spot["y"])
        self.page.wait_for_timeout(100)
        self.page.mouse.click(spot["x"], spot["y"])

    def drag(self, u0: float, v0: float, u1: float, v1: float, pane: int = 0) -> None:
        """Drag with the tool that is active."""
        x, y, w, h = self.box(pane)
        self.page.mouse.move(x + u0 * w, y + v0 * h)
        self.page.mouse.down()
        self.page.mouse.move(x + u1 * w, y + v1 * h, steps=6)
        self.page.mouse.up()
        self.page.wait_for_timeout(300)

    def use(self, tool: str) -> None:
        """Take a tool: pan, select (a box) or lasso."""
        self.page.locator(f".plotly-map .modebar-btn[data-val='{tool}']").click()

    def lasso(
        self,
        u0: float,
        v0: float,
        u1: float,
        v1: float,
        pane: int = 0,
        *,
        key: str | None = None,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Draw a lasso along a rectangle; with a key held down, with whatever tool is active. ``meanwhile`` happens
        half way.
        """
        x, y, w, h = self.box(pane)
        if key is None:
            self.use("lasso")
        else:
            self.page.keyboard.down(key)
        self.page.mouse.move(x + u0 * w, y + v0 * h)
        self.page.mouse.down()
        for u, v in ((u1, v0), (u1, v1), (u0, v1), (u0, v0)):
            self.page.mouse.move(x + u * w, y + v * h, steps=6)
            if (u, v) == (u1, v1):
                meanwhile()
        self.page.mouse.up()
        if key is not None:
            self.page.keyboard.up(key)

    def zoom(self, u: float, v: float, notches: int, pane: int = 0) -> None:
        """Turn the wheel over a spot."""
        x, y, w, h = self.box(pane)
        self.page.mouse.move(x + u * w, y + v * h)
        for _ in range(notches):
            self.page.mouse.wheel(0, -120)
        self.page.wait_for_timeout(1_000)
        settled(self.page)
