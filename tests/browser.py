"""Pages as readers see them: in a headless Chromium, light and dark, wide and narrow.

Nothing outside of the machine can be reached, so a page that needs more than itself has an error
in its console. Debian's packages are chromium and chromium-driver.
"""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Literal, NamedTuple

import pytest

Scheme = Literal["light", "dark"]
NARROW, WIDE = 400, 1280
"""A phone's width and a notebook's, in CSS pixels."""
AA, AA_LARGE = 4.5, 3.0
"""The contrast that WCAG 2.2 (1.4.3) asks of text, and of large text."""


class Said(NamedTuple):
    """A text on the page, its colours as red, green and blue, and how far they differ."""

    text: str
    ink: tuple[float, float, float]
    paper: tuple[float, float, float]
    large: bool

    @property
    def contrast(self) -> float:
        """From 1 to 21, by WCAG 2.2."""
        lighter, darker = sorted(map(_luminance, (self.ink, self.paper)), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)

    @property
    def readable(self) -> bool:
        return self.contrast >= (AA_LARGE if self.large else AA)


def _luminance(colour: tuple[float, float, float]) -> float:
    """The relative luminance of an sRGB colour of 0 to 255, by WCAG 2.2."""
    linear = (
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        for v in (c / 255 for c in colour)
    )
    return sum(part * c for part, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


class Browser:
    """One Chromium; `open` shows a page, the rest asks what is shown."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(
        self, page: Path | str, scheme: Scheme = "light", width: int = WIDE, height: int = 900
    ) -> None:
        """Show a file or an address as a reader gets it who prefers that scheme."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get(page if isinstance(page, str) else page.resolve().as_uri())

    def run(self, script: str, *arguments: object) -> Any:
        """What JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def errors(self) -> list[str]:
        """What the console has had of errors since the page was opened."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window: the whole page would scroll."""
        return int(self.run(_OVERFLOW))

    def texts(self, within: str = "*") -> list[Said]:
        """Every text that can be seen, those of drawings too, in elements that a selector names."""
        return [
            Said(text, tuple(ink), tuple(paper), large)
            for text, ink, paper, large in self.run(_TEXTS, within)
        ]

    def roles(self) -> list[tuple[str, str]]:
        """The accessibility tree as roles and names, in the order in which it is read out."""
        nodes = self.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        ]

    def screenshot(self, path: Path) -> None:
        """The whole page, as far down as it goes."""
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        taken = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True}
        )
        path.write_bytes(base64.b64decode(taken["data"]))

    def check(self, within: str = "*") -> None:
        """Fails where the console has an error, the page is too wide, or a text is hard to read."""
        errors, wide, texts = self.errors(), self.overflow(), self.texts(within)
        assert not errors, errors
        assert not wide, f"{wide} pixels too wide"
        assert texts, "nothing is shown"
        pale = [f"{said.text}: {said.contrast:.2f}" for said in texts if not said.readable]
        assert not pale, pale


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium; without one the test is skipped, but not in CI."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        missing = "no chromium and chromedriver: apt-get install chromium chromium-driver"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for argument in (
            "--headless=new",
            # Chromium refuses to run as root otherwise, and containers have a small /dev/shm.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(argument)
        # With its path given, Selenium looks for no driver of its own.
        service = webdriver.ChromeService(executable_path=driver)
        opened = webdriver.Chrome(options=options, service=service)
        try:
            yield Browser(opened)
        finally:
            opened.quit()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder on this machine: a site's scripts may not read each other's files."""
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *values: object) -> None:
        """Says nothing."""


_OVERFLOW = """
const page = document.documentElement;
return Math.max(0, page.scrollWidth - page.clientWidth);
"""

# The colours of a text are what is left when all that lies under it is painted, from the page's
# own (Canvas) up. In a drawing, what lies under it are the shapes before it that it stands on.
_TEXTS = """
const pixel = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
const known = new Map();
function parse(colour) {
  if (!known.has(colour)) {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
    known.set(colour, [r, g, b, a / 255]);
  }
  return known.get(colour);
}
function over([r, g, b, a], [R, G, B]) {
  return [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
}
const probe = document.createElementNS('http://www.w3.org/1999/xhtml', 'span');
probe.style.color = 'Canvas';
document.documentElement.append(probe);
const canvas = parse(getComputedStyle(probe).color).slice(0, 3);
probe.remove();
function paper(element) {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor);
    layers.push(colour);
    if (colour[3] === 1) break;
  }
  return layers.reduceRight((under, colour) => over(colour, under), canvas);
}
function drawn(text) {
  const svg = text.ownerSVGElement, box = text.getBoundingClientRect();
  let under = paper(svg.parentElement);
  for (const shape of svg.querySelectorAll('rect,polygon,path,circle,ellipse')) {
    if (shape.closest('defs')) continue;
    if (!(shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
    const fill = getComputedStyle(shape).fill;
    if (fill === 'none' || fill.startsWith('url')) continue;
    const point = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (shape.isPointInFill(point.matrixTransform(shape.getScreenCTM().inverse())))
      under = over(parse(fill), under);
  }
  return under;
}
const found = [], walker = document.createTreeWalker(document.body || document.documentElement,
  NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.data.trim(), element = walker.currentNode.parentElement;
  if (!text || element.closest('script,style,template,noscript,title,desc,option')) continue;
  if (!element.closest(arguments[0])) continue;
  const range = document.createRange();
  range.selectNodeContents(walker.currentNode);
  const box = range.getBoundingClientRect(), style = getComputedStyle(element);
  if (!element.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
  if (box.width < 2 || box.height < 2) continue;
  const inside = element.ownerSVGElement && !element.closest('foreignObject');
  const under = inside ? drawn(element) : paper(element);
  let [r, g, b, a] = parse(inside ? style.fill : style.color);
  for (let e = element; e; e = e.parentElement) a *= Number(getComputedStyle(e).opacity);
  const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
  found.push([text, over([r, g, b, a], under), under, size >= 24 || (bold && size >= 18.66)]);
}
return found;
"""
