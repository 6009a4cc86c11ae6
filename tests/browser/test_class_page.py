"""The page of a class in a real browser: heat map, keyboard, sorting, filters, hostile names, time to open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.results.pages.class_page import class_page, link
from grader.results.pages.student_page import student_page
from tests.browser.opening import accessibility_faults, chromium, needs_browser, opened, wait_until
from tests.grader.made_up import HOSTILE, made_up
from tests.grader.test_exports import HOSTILE as TEXTS
from tests.grader.test_exports import hostile
from tests.grader.test_pages import renamed
from tests.grader.test_results import everything

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_browser
DRAWN = "document.documentElement.dataset.drawn === document.querySelector('#heat').ariaRowCount - 1 + ''"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = made_up(60)
    pages = {one.submission.name: link(one.submission.name) for one in found}
    path = tmp_path_factory.mktemp("class") / "class.html"
    path.write_text(class_page(found, f"Raft {HOSTILE}", pages), encoding="utf-8")
    return path


def names(page: Page) -> list[str]:
    wait_until(page, DRAWN)
    found: list[str] = page.evaluate("[...document.querySelectorAll('#heat tbody th')].map((cell) => cell.textContent)")
    return found


def points(page: Page) -> list[str]:
    wait_until(page, DRAWN)
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('#heat td.points')].map((cell) => cell.textContent)"
    )
    return found


def test_the_heat_map_shows_every_student_and_sorts_by_points_and_by_a_test(browser: Browser, sixty: Path) -> None:
    with opened(browser, sixty) as page:
        assert len(names(page)) == 60 and HOSTILE in names(page)
        page.get_by_role("button", name="points").click()
        found = [float(text) for text in points(page) if text not in ("held", "not gradable")]
        assert found == sorted(found, reverse=True)
        assert page.locator("th[aria-sort]").text_content() == "points"
        page.locator("thead button", has_text="2A/many_elections").click()
        wait_until(page, DRAWN)
        heads = "[...document.querySelectorAll('#heat thead th')]"
        column = page.evaluate(f"{heads}.findIndex((cell) => cell.textContent === '2A/many_elections')")
        first = page.locator("#heat tbody tr").first.locator("td").nth(column - 1)
        assert first.text_content() == "✕"


def test_filters_choose_students_and_tests(browser: Browser, sixty: Path) -> None:
    with opened(browser, sixty) as page:
        page.get_by_label("status").select_option("held")
        assert names(page) == ["student-005", "student-026", "student-047"]
        page.get_by_label("status").select_option("")
        page.get_by_label("student").fill("s12@example.org")
        assert names(page) == ["student-012"]
        page.get_by_label("student").fill("")
        page.get_by_label("test", exact=True).fill("chaos")
        wait_until(page, DRAWN)
        heads = page.evaluate("[...document.querySelectorAll('#heat thead th.test')].map((cell) => cell.textContent)")
        assert heads and all("chaos" in head for head in heads)
        page.get_by_label("stage").select_option("2C")
        wait_until(page, DRAWN)
        assert page.locator("#shown").text_content() == "60 students × 1 test"


def test_drills_are_shown_when_asked_for(browser: Browser, sixty: Path) -> None:
    with opened(browser, sixty) as page:
        assert page.locator("#heat thead th", has_text="drill_").count() == 0
        page.get_by_label("drills").check()
        wait_until(page, DRAWN)
        assert page.locator("#heat thead th", has_text="drill_").count() > 100


def test_arrow_keys_move_and_the_cell_is_described(browser: Browser, sixty: Path) -> None:
    with opened(browser, sixty) as page:
        wait_until(page, DRAWN)
        page.locator("#heat tbody [tabindex='0']").focus()
        for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        assert page.locator("#detail").text_content() == "student-001: 2A/initial_election: passed"
        page.keyboard.press("ArrowUp")
        assert (page.locator("#detail").text_content() or "").startswith(f"{HOSTILE}: 2A/initial_election")
        page.keyboard.press("Control+End")
        assert "student-059" in (page.locator("#detail").text_content() or "")
        assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"


def test_a_group_is_shown_in_the_heat_map(browser: Browser, sixty: Path) -> None:
    with opened(browser, sixty) as page:
        button = page.locator("button[data-cluster='0']")
        count = int((button.text_content() or "").split()[2])
        button.click()
        assert len(names(page)) == count < 60
        page.get_by_role("button", name="all students again").click()
        assert len(names(page)) == 60


def test_lists_sort(browser: Browser, sixty: Path) -> None:
    with opened(browser, sixty) as page:
        page.locator("#tests thead button", has_text="pass rate").click()
        values = page.evaluate(
            "[...document.querySelectorAll('#tests tbody td:nth-child(4)')].map((c) => +c.dataset.value)"
        )
        assert values == sorted(values) and len(values) > 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(browser: Browser, sixty: Path, tmp_path: Path, scheme: str) -> None:
    with opened(browser, sixty, color_scheme=scheme) as page:
        wait_until(page, DRAWN)
        assert accessibility_faults(page) == []
    report = tmp_path / "report.html"
    report.write_text(student_page(everything()), encoding="utf-8")
    page = browser.new_page(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(report.as_uri())
    assert accessibility_faults(page) == []
    page.close()


def test_nothing_hostile_acts_in_a_browser(browser: Browser, tmp_path: Path) -> None:
    results = [hostile(text) for text in TEXTS]
    for number, found in enumerate(results):
        found.submission.name += f" {number}"
    path = tmp_path / "class.html"
    path.write_text(class_page(results, "class", {one.submission.name: link("x") for one in results}), encoding="utf-8")
    with opened(browser, path) as page:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        assert sorted(names(page)) == sorted(one.submission.name for one in results)
        page.locator("#heat tbody td").nth(1).hover()
        assert dialogs == [] and page.locator("img, iframe, object").count() == 0


def test_a_class_of_300_opens_within_2_seconds(browser: Browser, tmp_path: Path) -> None:
    """Of CPU time in the page's own thread: the wall time depends on what else the machine does."""
    path = tmp_path / "class.html"
    path.write_text(class_page(renamed(made_up(60), 300)), encoding="utf-8")
    assert path.stat().st_size < 10_000_000
    page = browser.new_page(viewport={"width": 1400, "height": 950})
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    measured = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    assert page.evaluate("'ready' in document.documentElement.dataset"), "the first students are there"
    wait_until(page, DRAWN)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    whole = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    page.close()
    assert measured["ThreadTime"] < 2.0 and whole["ThreadTime"] < 3.0


def test_the_first_screen_shows_students_and_no_list_is_squeezed(browser: Browser, tmp_path: Path) -> None:
    """If nothing waits for a review: that comes first."""
    found = [one for one in made_up(60) if one.status != "held"]
    (tmp_path / "class.html").write_text(class_page(found), encoding="utf-8")
    with opened(browser, tmp_path / "class.html") as page:
        wait_until(page, DRAWN)
        rows = "[...document.querySelectorAll('#heat tbody tr')]"
        assert page.evaluate(f"{rows}.filter((row) => row.getBoundingClientRect().bottom < innerHeight).length") >= 8
        heights = "(selector) => [...document.querySelectorAll(selector)].map((one) => one.offsetHeight)"
        page.locator("#time").scroll_into_view_if_needed()
        assert max(page.evaluate(heights, "#time caption")) < 30
        page.locator("#tests").scroll_into_view_if_needed()
        assert max(page.evaluate(heights, "#tests .title")) < 90, "four lines"
