"""Opens pages in Chromium, and notes what it complains about. Tests are skipped where there is no browser.

`.ci/run` sets BROWSER_TESTS=required: there a missing browser is an error.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = [name for name in ("playwright", "axe_playwright_python") if importlib.util.find_spec(name) is None]
REQUIRED = os.environ.get("BROWSER_TESTS") == "required"
REASON = f"{', '.join(MISSING)} not installed (pip install -e .[dev])" if MISSING else "no Chromium on the path"
needs_browser = pytest.mark.skipif(not REQUIRED and (CHROMIUM is None or bool(MISSING)), reason=REASON)
PATIENCE = 60_000
"""Milliseconds of wall time for a page to be ready, on a machine that is busy."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser for some tests."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "no Chromium on the path"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def opened(browser: Browser, address: Path | str, fragment: str = "", **options: Any) -> Iterator[Page]:
    """Open a page until it is ready; afterwards there must be no complaint in its console."""
    complaints: list[str] = []
    page = browser.new_page(**{"viewport": {"width": 1400, "height": 950}, **options})
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if _is_foreign(request.url) else None)
    try:
        page.goto((address.as_uri() if isinstance(address, Path) else address) + fragment)
        page.wait_for_selector("html[data-ready]")
        yield page
        assert complaints == []
    finally:
        page.close()


def cpu_seconds(devtools: CDPSession) -> float:
    """Return the CPU time that a page's main thread has used, which a busy machine does not change much."""
    found = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"])


def measured(page: Page) -> CDPSession:
    """Return what measures a page from now on."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    return devtools


def seconds_to_open(browser: Browser, path: Path) -> float:
    """Return the CPU time in which a page is ready."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    devtools = measured(page)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    taken = cpu_seconds(devtools)
    page.close()
    return taken


def _is_foreign(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:", "ws://127.0.0.1:"))


def accessibility_faults(page: Page) -> list[str]:
    """Return what axe-core finds wrong."""
    package = importlib.util.find_spec("axe_playwright_python")
    assert package is not None and package.origin is not None
    source = Path(package.origin).with_name("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(source)  # through the debugger's protocol, which the page's policy does not stop
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found["violations"]]


def wait_until(page: Page, condition: str) -> None:
    """Wait for a condition in JavaScript; Playwright's own way would need `eval`, which the page's policy forbids."""
    for _ in range(PATIENCE // 50):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it never came about that {condition}")


def exports(page: Page) -> tuple[str, list[dict[str, Any]]]:
    """Return what a page saves for ShiViz and for Perfetto: a text, and events."""
    page.click("summary:has-text('save')")
    with page.expect_download() as first:
        page.click("#shiviz")
    with page.expect_download() as second:
        page.click("#perfetto")
    traced = json.loads(Path(second.value.path()).read_bytes())["traceEvents"]
    return Path(first.value.path()).read_text(encoding="utf-8"), traced
