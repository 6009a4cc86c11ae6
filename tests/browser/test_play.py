"""Play in a real browser: a live cluster that is run, stopped, cut, held by hand, rewound and kept."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from labs.engine.thread_alarm import ThreadAlarm
from labs.play import command, live
from labs.play.server import PageServer
from labs.schedule import text
from labs.schedule.actions import Schedule
from labs.trace.reader import event_of
from tests.browser.opening import accessibility_faults, chromium, needs_browser, opened, wait_until
from tests.browser.test_page import words_on_page
from tests.corpora import mutants
from tests.running import REFERENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def server() -> Iterator[PageServer]:
    yield from served(REFERENCE)


def served(submission: Path, stage: str = "2D", schedule: Schedule | None = None) -> Iterator[PageServer]:
    made, _ = command.make_server(schedule or command.free(stage, 3, 1), submission)
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    made.close()
    thread.join()


def run_until(page: Page, condition: str, speed: str = "1") -> None:
    page.select_option("#live-speed", speed)
    page.click("#run")
    wait_until(page, condition)
    if page.evaluate("document.getElementById('run').textContent") == "Stop":
        page.click("#run")
    wait_until(page, "document.getElementById('run').textContent === 'Run'")


LEADER = "raftPage.model.stateAt(raftPage.model.length - 1).servers.some(one => one.role === 'leader')"
APPLIED = "raftPage.model.stateAt(raftPage.model.length - 1).servers.every(one => one.applied >= 1)"
CUT = "raftPage.model.stateAt(raftPage.model.length - 1).cut"


def test_a_cluster_is_played_cut_rewound_and_kept(
    browser: Browser, server: PageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(browser, server.address) as page:
        run_until(page, LEADER)
        page.click("#propose")
        run_until(page, APPLIED)
        wait_until(page, "document.getElementById('command').value === 'x2'")
        wait_until(page, """document.getElementById('logs').innerText.includes("'x1'")""")
        cluster = server._live
        assert cluster is not None
        told = page.evaluate("Array.from({length: raftPage.model.length}, (_, number) => raftPage.words(number))")
        assert told == [words_on_page(event_of(line)) for line in cluster.lines[: len(told)]]

        drag(page, 0, 1)
        wait_until(page, f"{CUT}.has('0>1') && {CUT}.has('1>0')")
        drag(page, 0, 1)
        wait_until(page, f"{CUT}.size === 0")
        page.click("#cut-one")
        wait_until(page, f"{CUT}.has('0>1') && !{CUT}.has('1>0')")

        page.evaluate("raftPage.go(raftPage.model.numberAt(0.3))")
        page.click("#rewind")
        wait_until(page, f"raftPage.model.end <= 0.31 && {CUT}.size === 0")
        page.select_option("#live-server", "0")
        page.click("#act-Isolate")
        run_until(page, "raftPage.model.end > 0.6")
        page.fill("#search", "")
        page.click("#keep-out")
        wait_until(page, "document.getElementById('live-words').textContent.includes('out/my-run.schedule')")
        assert accessibility_faults(page) == []
    kept = text.load(tmp_path / "out" / "my-run.schedule")
    assert [type(step.action).__name__ for step in kept.steps] == ["Isolate"], "what was rewound is forgotten"


def drag(page: Page, source: int, target: int) -> None:
    """Drag from one server's name to another's."""
    box = page.locator("#diagram").bounding_box()
    assert box is not None
    first, second = page.evaluate(f"[raftPage.diagram.x({source}), raftPage.diagram.x({target})]")
    page.mouse.move(box["x"] + first, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + second, box["y"] + 12, steps=3)
    page.mouse.up()


CLICK_AT_ONCE = """
new MutationObserver((_, observer) => {
  if (!document.documentElement.dataset.ready) return;
  observer.disconnect();
  document.getElementById("run").click();
}).observe(document, { subtree: true, attributes: true });
"""
"""Clicks Run in the very task in which the page becomes ready: no connection stands then."""


def test_a_click_before_the_connection_stands_is_not_lost(browser: Browser, server: PageServer) -> None:
    page = browser.new_page()
    page.add_init_script(CLICK_AT_ONCE)
    page.goto(server.address)
    page.wait_for_selector("html[data-ready]")
    wait_until(page, "raftPage.model.end > 0.1")
    page.close()


def test_a_click_that_can_do_nothing_says_why(browser: Browser, server: PageServer) -> None:
    words = "document.getElementById('live-words').textContent"
    with opened(browser, server.address) as page:
        assert page.inner_text("#live-words") == "press Run, or Space"
        for button in ("#propose", "#act-Crash"):
            page.click(button)
            wait_until(page, f"{words}.startsWith('nobody leads now')")
        assert page.input_value("#command") == "x1", "nobody has taken it"
        assert not page.is_visible("#play") and not page.is_visible("#speed"), "Run alone lets time pass"
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press(" ")
        wait_until(page, LEADER)
        page.keyboard.press(" ")
        wait_until(page, "document.getElementById('run').textContent === 'Run'")
        page.click("#propose")
        wait_until(page, f"{words}.includes(\"takes 'x1' as entry 1\")")
        wait_until(page, "document.getElementById('command').value === 'x2'")


def test_a_speed_chosen_before_the_server_has_begun_is_not_lost(browser: Browser, server: PageServer) -> None:
    with opened(browser, server.address) as page:
        page.select_option("#live-speed", "0.02")
        page.evaluate(
            "document.getElementById('run').click(); const speed = document.getElementById('live-speed');"
            " speed.value = '5'; speed.dispatchEvent(new Event('change'));"
        )
        wait_until(page, "raftPage.model.end > 2")
        assert server._live is not None and server._live.speed == 5.0


def test_a_schedule_stops_at_its_end_and_then_recovers(browser: Browser, tmp_path: Path) -> None:
    words = "document.getElementById('live-words').textContent"
    wrong = next(mutant for mutant in mutants.corpus() if mutant.name == "classic_counts_old_terms")
    schedule = Schedule(name="soon over", stage="2B", servers=3, seed=7, duration=1.0)
    for server in served(wrong.write(tmp_path / "wrong"), schedule=schedule):
        with opened(browser, server.address) as page:
            page.select_option("#live-speed", "5")
            page.click("#run")
            wait_until(page, f"{words}.startsWith('here the schedule ends')")
            assert page.inner_text("#run") == "Run" and page.inner_text("#live-now") == "1.0000 s"
            page.click("#run")
            wait_until(page, "document.getElementById('verdict').dataset.status === 'fail'")
            assert "CommitOnlyCurrentTerm" in page.inner_text("#verdict")
            assert page.inner_text("#run") == "Run" and "rewind" in page.inner_text("#live-words")


def test_messages_are_held_and_delivered_by_hand(browser: Browser, server: PageServer) -> None:
    with opened(browser, server.address) as page:
        run_until(page, LEADER)
        page.fill("#command", "")
        page.type("#command", "next fev")
        assert page.input_value("#command") == "next fev", "a letter typed in a field should not act as a shortcut"
        page.click("#by-hand")
        wait_until(page, "document.getElementById('by-hand').getAttribute('aria-pressed') === 'true'")
        page.click("#propose")
        for _ in range(6):
            page.click("#live-step")
        wait_until(page, "document.querySelectorAll('#flying li').length >= 2")
        before = page.evaluate("raftPage.model.events.filter(e => e.kind === 'deliver').length")
        page.locator("#flying li button", has_text="deliver").last.click()
        page.click("#live-step")
        wait_until(page, f"raftPage.model.events.filter(e => e.kind === 'deliver').length > {before}")
        page.locator("#flying li button", has_text="drop").first.click()


def test_a_broken_rule_stops_the_play_and_is_explained(browser: Browser, tmp_path: Path) -> None:
    wrong = next(mutant for mutant in mutants.corpus() if mutant.name == "P02_candidacy_not_saved")
    for server in served(wrong.write(tmp_path / "wrong"), "2C"):
        with opened(browser, server.address) as page:
            run_until(page, "document.getElementById('verdict').dataset.status === 'fail'", "5")
            assert "SavedBeforeSend" in page.inner_text("#verdict")
            page.click("#propose")
            wait_until(page, "document.getElementById('live-words').className === 'cuts'")
            assert "rewind" in page.inner_text("#live-words")
            page.evaluate("raftPage.go(0)")
            page.click("#rewind")
            wait_until(page, "document.getElementById('verdict').childElementCount === 0")


def test_a_server_that_never_yields_stops_the_play_and_is_named(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ThreadAlarm", lambda: ThreadAlarm(0.5))
    shutil.copytree(REFERENCE, tmp_path / "spins")
    file = tmp_path / "spins" / "raft.py"
    spins = "\n\ndef spin(self, args):\n    while True: pass\n\nRaft.request_vote = spin\n"
    file.write_text(file.read_text(encoding="utf-8") + spins, encoding="utf-8")
    for server in served(tmp_path / "spins"):
        with opened(browser, server.address) as page:
            page.click("#run")
            wait_until(page, "document.getElementById('verdict').dataset.status === 'error'")
            assert re.search(r"NoStall.*never yields.* in spin", page.inner_text("#verdict"), re.S)
            assert "Ctrl-C" in page.inner_text("#live-words"), "the next command"
            assert page.inner_text("#run") == "Run"
            page.click("#rewind")
            wait_until(page, "document.getElementById('live-words').className === 'cuts'")
            assert "start it again" in page.inner_text("#live-words")
