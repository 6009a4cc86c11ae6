"""The trace page shows exactly the trace: of a passing, a failing, a hostile and a huge run."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from labs.messages import AppendEntriesArgs, AppendEntriesReply, LogEntry
from labs.raft.events import Save
from labs.raft.rules import RULES
from labs.raft.stages import catalogue
from labs.report.page.write import write_page
from labs.report.trace_text import describe
from labs.testing.run import run_scenario
from labs.trace import events as ev
from labs.trace.reader import read
from labs.trace.recorder import FORMAT, VERSION, Header
from tests.browser.opening import (
    accessibility_faults,
    chromium,
    cpu_seconds,
    exports,
    measured,
    needs_browser,
    opened,
    seconds_to_open,
    wait_until,
)
from tests.corpora import mutants, variants
from tests.running import REFERENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_browser
HUGE = 200_000
NASTY = (
    "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>\x1b[31m\u202e\x00\r\n"
)


@dataclass(frozen=True)
class Shown:
    """A run, and its page."""

    path: Path
    events: list[ev.Event] = field(repr=False)

    def last(self, kind: type[ev.Event], at: int, server: int) -> Any:
        """Return the latest event of a kind at a server up to an event, or None."""
        return next((e for e in reversed(self.events[: at + 1]) if isinstance(e, kind) and e.server == server), None)

    def log(self, server: int, at: int) -> list[tuple[int, Any]]:
        """Return the log that a server has saved up to an event, from its saves alone."""
        log: dict[int, tuple[int, Any]] = {}
        for save in (e for e in self.events[: at + 1] if isinstance(e, Save) and e.server == server):
            log = {index: entry for index, entry in log.items() if save.last_included_index < index < save.first_index}
            log |= {save.first_index + n: (entry.term, entry.command) for n, entry in enumerate(save.entries)}
        return [log[index] for index in sorted(log)]


def run_page(folder: Path, name: str, server: Path, test: str) -> Shown:
    scenario = next(scenario for scenario in catalogue.find(test) if scenario.id == test)
    trace, page = folder / "run.trace.jsonl", folder / f"{name}.html"
    with trace.open("wb") as file:
        record = run_scenario(scenario, server, 1, file)
    write_page(page, trace, RULES, record)
    return Shown(page, list(read(trace)[1]))


def words_on_page(event: ev.Event) -> str:
    """Return the words of the printed trace, but for a sign that needs a font of its own."""
    return describe(event).replace("⌛", "∅")


def impatient(folder: Path) -> Path:
    """Write the reference as a server that gives each call up before a slow peer answers."""
    shutil.copytree(REFERENCE, folder)
    text = (folder / "raft.py").read_text(encoding="utf-8")
    assert "\nRPC_TIMEOUT = 1.0\n" in text
    (folder / "raft.py").write_text(text.replace("\nRPC_TIMEOUT = 1.0\n", "\nRPC_TIMEOUT = 0.15\n"), encoding="utf-8")
    return folder


def made_page(folder: Path, name: str, events: list[ev.Event], servers: int, title: str = "made up") -> Shown:
    """Write the page of events that no run had."""
    trace, page = folder / f"{name}.trace.jsonl", folder / f"{name}.html"
    header = Header(FORMAT, VERSION, f"2B/{name}", title, 1, servers, title)
    trace.write_bytes(msgspec.json.encode(header) + b"\n" + msgspec.json.Encoder().encode_lines(events))
    write_page(page, trace, RULES)
    return Shown(page, events)


def hostile_events() -> list[ev.Event]:
    entries = [LogEntry(1, NASTY), LogEntry(1, {"k": [2**70, NASTY * 2000]})]
    append = AppendEntriesArgs(1, 0, 0, 0, entries, 0)
    return [
        ev.Restart(0.0, 0, 0),
        ev.Restart(0.0, 1, 0),
        ev.Note(0.1, 0, NASTY),
        Save(0.1, 0, 1, 0, 0, 0, 1, entries, 2, size=60),
        ev.Start(0.1, 0, NASTY, 1, 1, True),
        ev.Send(0.2, 0, 1, 1, "AppendEntries", append, 90, {NASTY: NASTY}),
        ev.Deliver(0.3, 1, 0, 1, "request", "AppendEntries", append),
        ev.Apply(0.4, 1, 1, NASTY),
        ev.Verdict(0.4, 1, "fail", "StateMachineSafety", NASTY, NASTY, (0, 1)),
    ]


def huge_events() -> list[ev.Event]:
    """Return heartbeats and commands of five servers, with an election now and then."""
    events: list[ev.Event] = [ev.Restart(0.0, server, 0) for server in range(5)]
    number, index = 0, 0
    while len(events) < HUGE:
        number += 1
        time, leader, term = number * 0.01, number // 500 % 5, 1 + number // 500
        if number % 500 == 0:
            events.append(ev.Role(time, leader, term, True))
        entry = [LogEntry(term, number)] if number % 4 == 0 else []
        for peer in (server for server in range(5) if server != leader):
            rpc = len(events)
            append = AppendEntriesArgs(term, leader, index, term, entry, index)
            reply = AppendEntriesReply(term, True)
            events.append(ev.Send(time, leader, peer, rpc, "AppendEntries", append, 40))
            events.append(ev.Deliver(time + 0.002, peer, leader, rpc, "request", "AppendEntries", append))
            if entry:
                events.append(Save(time + 0.002, peer, term, leader, 0, 0, index + 1, entry, index + 1, size=90))
            events.append(ev.Reply(time + 0.002, peer, leader, rpc, "AppendEntries", reply, 9))
            events.append(ev.Deliver(time + 0.004, leader, peer, rpc, "reply", "AppendEntries", reply))
        index += len(entry)
    events.sort(key=lambda e: e.time)
    return [*events, ev.Verdict(events[-1].time, 1, "fail", "LogMatching", "LogMatching: made up", "", (1,))]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shown]:
    """The pages, made before the browser starts: a run and a browser's driver do not share a thread."""
    folder = tmp_path_factory.mktemp("pages")
    wrong = next(mutant for mutant in mutants.corpus() if mutant.name == "classic_truncates_always")
    return {
        "passing": run_page(folder, "passing", REFERENCE, "2A/initial_election"),
        "failing": run_page(folder, "failing", wrong.write(folder / "wrong"), "2B/late_and_twice"),
        "snapshots": run_page(folder, "snapshots", REFERENCE, "2D/snapshots_basic"),
        "impatient": run_page(folder, "impatient", impatient(folder / "impatient_server"), "2B/slow_backup"),
        "hostile": made_page(folder, "hostile", hostile_events(), 2, NASTY),
        "huge": made_page(folder, "huge", huge_events(), 5),
        "empty": made_page(folder, "empty", [], 3),
    }


@pytest.fixture(scope="module")
def browser(runs: dict[str, Shown]) -> Iterator[Browser]:
    with chromium() as started:
        yield started


def at(page: Page) -> int:
    """Return the number of the current event."""
    return int(page.evaluate("raftPage.at"))


def rows(page: Page) -> int:
    return int(page.evaluate("raftPage.rows.length"))


def settled(page: Page) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.mark.parametrize("name", ["passing", "failing", "snapshots"])
def test_every_event_is_in_the_words_of_the_printed_trace(browser: Browser, runs: dict[str, Shown], name: str) -> None:
    with opened(browser, runs[name].path) as page:
        told = page.evaluate("Array.from({length: raftPage.model.length}, (_, number) => raftPage.words(number))")
    assert told == [words_on_page(event) for event in runs[name].events]


@pytest.mark.parametrize("name", ["failing", "snapshots"])
def test_state_at_a_moment_is_that_of_the_saves_and_applies(
    browser: Browser, runs: dict[str, Shown], name: str
) -> None:
    shown = runs[name]
    with opened(browser, shown.path) as page:
        for moment in [len(shown.events) * part // 7 for part in (6, 2, 4, 1, 5)]:  # back and forth
            state = page.evaluate(f"raftPage.model.stateAt({moment}).servers.map(one => ({{...one}}))")
            for server, one in enumerate(state):
                save, applied = shown.last(Save, moment, server), shown.last(ev.Apply, moment, server)
                assert [(e["term"], e["command"]) for e in one["log"]] == shown.log(server, moment)
                assert one["vote"] == (save.voted_for if save else None)
                assert one["applied"] >= (applied.index if applied else 0)
                assert one["term"] >= (save.current_term if save else 0)
                assert one["base"] == (save.last_included_index if save else 0)


@pytest.mark.parametrize("test", ["2A/election_after_network_failure", "2B/fast_backup", "2B/divergent_logs"])
def test_state_of_servers_that_save_nothing_is_what_they_would_have_saved(
    browser: Browser, tmp_path: Path, test: str
) -> None:
    states = []
    for name in ("saves", "saves_nothing"):
        server = REFERENCE
        if name == "saves_nothing":
            server = next(one for one in variants.corpus() if one.name == name).write(tmp_path / name)
        shown = run_page(tmp_path, name, server, test)
        assert any(isinstance(event, Save) for event in shown.events) == (name == "saves")
        with opened(browser, shown.path) as page:
            states.append(page.evaluate("raftPage.model.stateAt(raftPage.model.length - 1).servers"))
    parts = ("role", "term", "vote", "log", "commit", "applied")
    first, second = ([{part: one[part] for part in parts} for one in state] for state in states)
    assert first == second


def test_the_page_opens_at_the_violation_with_the_facts_and_the_rule(browser: Browser, runs: dict[str, Shown]) -> None:
    shown = runs["failing"]
    verdict = shown.events[-1]
    assert isinstance(verdict, ev.Verdict) and verdict.rule == "MatchingKept"
    with opened(browser, shown.path) as page:
        text = page.inner_text("#verdict")
        for words in (RULES["MatchingKept"].says, RULES["MatchingKept"].place, verdict.hint, verdict.message):
            assert words in text
        assert isinstance(shown.events[at(page)], Save), "the save that dropped the entry"
        assert "save" in page.locator("#verdict .link").first.inner_text(), "the save that held the entry"
        cause = page.locator("#verdict .link").nth(1)
        assert "(again)" in cause.inner_text(), "the message that came twice"
        cause.click()
        assert isinstance(shown.events[at(page)], ev.Deliver)
        page.keyboard.press("v")
        settled(page)
        logs = page.inner_text("#logs")
        assert "leader" in logs and "1003" in logs
        assert page.locator("#logs tbody tr").nth(3).locator(".entry:not(.none)").count() == 0


def test_a_run_that_passed_opens_at_its_first_event_and_plays_again_from_its_end(
    browser: Browser, runs: dict[str, Shown]
) -> None:
    with opened(browser, runs["passing"].path) as page:
        assert at(page) == 0
        page.keyboard.press("e")
        assert at(page) > 0, "the first election is after this moment"
        page.keyboard.press("End")
        page.keyboard.press(" ")
        wait_until(page, "raftPage.playing && raftPage.at < raftPage.model.length / 2")
        page.select_option("#speed", "200")
        wait_until(page, "!raftPage.playing")
        assert at(page) == len(runs["passing"].events) - 1


def test_a_message_shows_its_fields_and_what_differs_from_the_last_one(
    browser: Browser, runs: dict[str, Shown]
) -> None:
    shown = runs["failing"]
    number = max(n for n, e in enumerate(shown.events) if isinstance(e, ev.Send) and e.call == "AppendEntries")
    sent = shown.events[number]
    assert isinstance(sent, ev.Send)
    with opened(browser, shown.path) as page:
        page.evaluate(f"raftPage.go({number})")
        settled(page)
        fields = {row.locator("th").inner_text(): row.inner_text() for row in page.locator("#details tr").all()}
        assert set(fields) == {"term", "leader_id", "prev_log_index", "prev_log_term", "entries", "leader_commit"}
        assert re.search(rf"{sent.message.prev_log_index}\s+was 0", fields["prev_log_index"])
        assert "was" not in fields["term"]
        assert "request sent" in page.inner_text("#details")
        page.keyboard.press("End")
        settled(page)
        names = {row.locator("th").inner_text() for row in page.locator("#details tr").all()}
        assert names == {"status", "rule", "message", "hint", "servers"}, "a verdict's message is a text"


def test_keys_buttons_and_the_scrubber_move_through_the_run(browser: Browser, runs: dict[str, Shown]) -> None:
    shown = runs["failing"]
    with opened(browser, shown.path) as page:
        page.keyboard.press("Home")
        assert at(page) == 0
        page.keyboard.press("ArrowDown")
        assert at(page) == 1
        page.keyboard.press("e")
        assert describe(shown.events[at(page)]).split()[1] == "RV"
        page.keyboard.press("c")
        assert isinstance(shown.events[at(page)], ev.Apply)
        page.keyboard.press("End")
        assert at(page) == len(shown.events) - 1
        page.click("#back")
        assert at(page) < len(shown.events) - 1
        page.evaluate("{ scrub.value = 5; scrub.dispatchEvent(new Event('input')); }")
        settled(page)
        assert page.input_value("#scrub") == "5"
        assert page.inner_text("#clock") == f"{shown.events[at(page)].time:.4f} s"
        page.keyboard.press("Escape")
        page.click("#play")
        wait_until(page, "raftPage.at > 8")


def test_filters_choose_rows_and_heartbeats_fold(browser: Browser, runs: dict[str, Shown]) -> None:
    shown = runs["passing"]
    with opened(browser, shown.path) as page:
        folded = rows(page)
        assert folded < len(shown.events) / 2
        page.keyboard.press("h")
        lost = sum(isinstance(e, ev.Drop) for e in shown.events)
        assert rows(page) >= len(shown.events) - lost > folded
        page.fill("#search", "save t1")
        assert rows(page) == sum(describe(e).startswith("save t1") for e in shown.events)
        page.fill("#search", "nothing of this kind")
        assert page.is_visible("#none")
        page.fill("#search", "")
        page.click("summary:has-text('filter')")
        for group in page.locator("#kinds input").all()[1:]:
            group.uncheck()
        page.locator("#servers input").first.uncheck()
        mine = [e for e in shown.events if isinstance(e, ev.Send | ev.Reply | ev.Deliver) and {e.server, e.peer} != {0}]
        others = sum(isinstance(e, ev.Verdict) for e in shown.events)
        assert rows(page) == len(mine) + others


def test_a_link_leads_to_a_moment(browser: Browser, runs: dict[str, Shown]) -> None:
    shown = runs["failing"]
    wanted = next(e for e in shown.events if isinstance(e, ev.Role) and e.is_leader)
    with opened(browser, shown.path, f"#t={wanted.time:.4f}") as page:
        there = shown.events[at(page)]
        assert abs(there.time - wanted.time) < 0.00006
        page.keyboard.press("Home")
        page.click("#link")
        assert page.url.endswith("#t=0.0000")
        page.evaluate("new Promise((done) => setTimeout(done, 50))")
        assert at(page) == 0, "the link does not move on to the last event of that moment"


def test_a_click_in_the_diagram_chooses_the_event_that_is_drawn_there(browser: Browser, runs: dict[str, Shown]) -> None:
    with opened(browser, runs["failing"].path) as page:
        number, x, y = page.evaluate(
            "(() => { const d = raftPage.diagram, n = d.targets.filter(t => t.x1 === t.x2 && t.y1 > 60 && t.y1 < 300)"
            ".map(t => t.number).find(n => raftPage.model.events[n].kind === 'save'); const box ="
            " d.canvas.getBoundingClientRect(); return [n, box.left + d.x(raftPage.model.events[n].server),"
            " box.top + d.y(raftPage.rows.rowOf[n])]; })()"
        )
        page.mouse.click(x, y)
        assert at(page) == number


def test_nothing_of_a_submission_is_markup_or_controls_the_page(browser: Browser, runs: dict[str, Shown]) -> None:
    shown = runs["hostile"]
    with opened(browser, shown.path) as page:
        for number in range(len(shown.events)):
            page.evaluate(f"raftPage.go({number})")
            settled(page)
        assert page.title() == "2B/hostile, seed 1"
        assert page.locator("img").count() == 0
        text = page.inner_text("body")
        assert "<img src=x" in text and r"\u202e" in text and r"\x1b" in text
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)
        page.evaluate("raftPage.go(5)")
        settled(page)
        assert str(2**70) in page.inner_text("#details")
    assert shown.path.stat().st_size < 300_000, "long texts are cut"


PIXELS = """
((x, y, width, height) => {
  const from = raftPage.diagram.canvas, ratio = from.width / raftPage.diagram.width;
  const to = document.createElement("canvas");
  Object.assign(to, { width: Math.ceil(width), height: Math.ceil(height) });
  const pen = to.getContext("2d", { willReadFrequently: true });
  pen.drawImage(from, x * ratio, y * ratio, width * ratio, height * ratio, 0, 0, width, height);
  const { data } = pen.getImageData(0, 0, width, height), pixels = [];
  for (let at = 0; at < data.length; at += 4) pixels.push([data[at], data[at + 1], data[at + 2]]);
  return pixels;
})
"""
"""A function that returns the colours of a part of the diagram."""
WORDS = """
(() => {
  const d = raftPage.diagram, lanes = d.lanes.map((server) => d.x(server)), last = d.y(d.rows.length - 1);
  return d.labels.placed.map((one) => ({
    text: one.text, left: one.x, right: one.x + one.width, top: one.y - 8, bottom: one.y + 3,
    isOnLane: one.y - 8 < last + 12 && lanes.some((x) => one.x < x + 6 && one.x + one.width > x - 6),
  }));
})()
"""
"""The words in the diagram, where they stand, and whether they lie on a lane; below the last row there are no lanes."""


@pytest.mark.parametrize("width", [1400, 800])
@pytest.mark.parametrize("name", ["impatient", "failing", "snapshots"])
def test_words_lie_neither_on_one_another_nor_on_lanes(
    browser: Browser, runs: dict[str, Shown], name: str, width: int
) -> None:
    shown = runs[name]
    with opened(browser, shown.path, viewport={"width": width, "height": 900}) as page:
        for part in range(12):
            page.evaluate(f"raftPage.go({len(shown.events) * part // 11})")
            for key in "tt":  # by time, and by order again
                page.keyboard.press(key)
                settled(page)
                words = page.evaluate(WORDS)
                assert words and [one for one in words if one["isOnLane"]] == []
                for number, one in enumerate(words):
                    for other in words[:number]:
                        apart = one["right"] < other["left"] or other["right"] < one["left"]
                        assert apart or one["bottom"] <= other["top"] or other["bottom"] <= one["top"], (one, other)


@pytest.mark.parametrize("width", [1400, 800, 400])
def test_the_diagram_shows_why_each_message_was_lost_and_which_rule_broke(
    browser: Browser, runs: dict[str, Shown], width: int
) -> None:
    shown = runs["impatient"]
    drops = [number for number, e in enumerate(shown.events) if isinstance(e, ev.Drop)]
    assert {shown.events[number].reason for number in drops} >= {"cut", "abandoned"}  # type: ignore[attr-defined]
    with opened(browser, shown.path, viewport={"width": width, "height": 900}) as page:
        words = [one["text"] for one in page.evaluate(WORDS)]
        assert "abandoned" in words and "FAIL CommittedIsApplied" in words


def test_nothing_strikes_the_words_of_this_moment_through(browser: Browser, runs: dict[str, Shown]) -> None:
    shown = runs["failing"]
    with opened(browser, shown.path) as page:
        for number in (n for n, e in enumerate(shown.events) if isinstance(e, Save | ev.Start | ev.Role)):
            page.evaluate(f"raftPage.go({number})")
            settled(page)
            places = page.evaluate(
                "(() => { const d = raftPage.diagram, y = d.heightOf(d.here); return d.labels.placed"
                ".filter((one) => Math.abs(one.y - 4 - y) < 2).map((one) => [one.x, one.y - 8, one.width, 11]); })()"
            )
            assert places, "its words, and its time unless that stands above"
            for place in places:
                x, y, width, height = (int(part) for part in place)
                pixels = page.evaluate(f"{PIXELS}({x}, {y}, {width}, {height})")
                for row in range(height):
                    line = pixels[row * width : (row + 1) * width]
                    assert [255, 255, 255] in line, "a line from one end of the words to the other"


def test_the_end_of_a_run_stands_at_the_end_of_the_diagram(browser: Browser, runs: dict[str, Shown]) -> None:
    with opened(browser, runs["impatient"].path) as page:
        low, height = page.evaluate("[raftPage.diagram.y(raftPage.rows.length - 1), raftPage.diagram.height]")
        assert 0.85 * height < low < height - 30


@pytest.mark.parametrize("width", [1400, 800])
def test_no_number_of_an_index_is_cut(browser: Browser, runs: dict[str, Shown], width: int) -> None:
    with opened(browser, runs["snapshots"].path, viewport={"width": width, "height": 900}) as page:
        for part in range(6):
            page.evaluate(f"raftPage.go({len(runs['snapshots'].events) * part // 5})")
            settled(page)
            right, ends, numbers = page.evaluate(
                "(() => { const cells = [...document.querySelectorAll('#logs thead th')].filter((one) => !one.hidden);"
                " return [document.getElementById('logs').getBoundingClientRect().right, cells.map((one) =>"
                " one.getBoundingClientRect().right), cells.map((one) => one.textContent)]; })()"
            )
            assert len(ends) >= 2 + 4 and max(ends) <= right + 1, (width, part, numbers)


def test_a_server_without_a_term_is_dark_in_the_dark(browser: Browser, runs: dict[str, Shown]) -> None:
    with opened(browser, runs["passing"].path, color_scheme="dark") as page:
        page.keyboard.press("Home")
        settled(page)
        for _ in range(2):
            [pixel] = page.evaluate(f"{PIXELS}(raftPage.diagram.x(0) - 4, 60, 1, 1)")
            is_dark = page.evaluate("getComputedStyle(document.documentElement).colorScheme === 'dark'")
            assert (sum(pixel) < 3 * 90) == is_dark
            page.keyboard.press("d")
            settled(page)


def test_an_empty_trace_has_a_page(browser: Browser, runs: dict[str, Shown]) -> None:
    with opened(browser, runs["empty"].path) as page:
        page.keyboard.press("ArrowDown")
        page.keyboard.press("e")
        page.keyboard.press("0")
        assert page.is_visible("#none")


def test_axe_finds_no_fault(browser: Browser, runs: dict[str, Shown]) -> None:
    for name, width, scheme in (("failing", 1400, "light"), ("snapshots", 420, "dark")):
        size = {"width": width, "height": 950}
        with opened(browser, runs[name].path, viewport=size, color_scheme=scheme) as page:
            page.click("summary:has-text('filter')")
            assert accessibility_faults(page) == []


def test_a_narrow_window_needs_no_sideways_scrolling(browser: Browser, runs: dict[str, Shown]) -> None:
    with opened(browser, runs["failing"].path, viewport={"width": 400, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_exports_hold_the_run(browser: Browser, runs: dict[str, Shown]) -> None:
    shown = runs["failing"]
    with opened(browser, shown.path) as page:
        log, traced = exports(page)
    check_clocks(re.findall(r"(?m)^(\S*) (\{.*\})\n(.*)$", log), shown.events)
    arrivals = [e for e in shown.events if isinstance(e, ev.Deliver)]
    assert sum(one["ph"] == "f" for one in traced) == len(arrivals)
    assert {one["args"]["name"] for one in traced if one["name"] == "process_name"} >= {"server 0", "server 4"}
    assert any(one["ph"] == "X" and one["name"] == "leader, term 1" for one in traced)


def check_clocks(found: list[tuple[str, str, str]], events: list[ev.Event]) -> None:
    """Check vector clocks: each counts its own host's events, and an arrival knows what its sender knew."""
    wanted = [e for e in events if e.server >= 0 and not isinstance(e, ev.Drop)]
    assert len(found) == len(wanted)
    counted: dict[str, int] = {}
    sent: dict[tuple[int, str], dict[str, int]] = {}
    for (host, text, words), event in zip(found, wanted):
        clock = json.loads(text)
        counted[host] = counted.get(host, 0) + 1
        assert (host, clock[host]) == (f"server{event.server}", counted[host])
        assert words == f"{event.time:.4f} {words_on_page(event)}"
        if isinstance(event, ev.Send | ev.Reply):
            sent[event.rpc, "request" if isinstance(event, ev.Send) else "reply"] = clock
        elif isinstance(event, ev.Deliver):
            assert all(clock.get(name, 0) >= count for name, count in sent[event.rpc, event.leg].items())


def test_a_huge_run_opens_and_scrubs_smoothly(browser: Browser, runs: dict[str, Shown]) -> None:
    """Counted in CPU time of the page's thread, which a busy machine does not change much."""
    shown = runs["huge"]
    assert shown.path.stat().st_size < 5_000_000
    assert seconds_to_open(browser, shown.path) < 5
    with opened(browser, shown.path) as page:
        devtools = measured(page)
        assert page.evaluate("raftPage.model.length") == len(shown.events)
        for key in ("", "0", "t"):
            if key:
                page.keyboard.press(key)
            before = cpu_seconds(devtools)
            page.evaluate(
                "(async () => { for (let n = 0; n < 20; n++) { raftPage.go(Math.floor(n * raftPage.model.length / 20));"
                " raftPage.paintNow(); await new Promise(requestAnimationFrame); } })()"
            )
            assert (cpu_seconds(devtools) - before) / 20 < 0.05, f"a frame after the key {key!r}"


def test_printing_shows_everything_in_its_colours(browser: Browser, runs: dict[str, Shown]) -> None:
    """As the print dialog does it: the event first, then the style sheet for paper."""
    width = 718  # pixels of A4 between margins of 1 cm
    with opened(browser, runs["failing"].path, color_scheme="dark") as page:
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        page.set_viewport_size({"width": width, "height": 1000})
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is cut off at the right"
        script = "[diagram.width / diagram.height, diagram.clientWidth / diagram.clientHeight]"
        drawn, shown = page.evaluate(
            f"(() => {{ const diagram = document.getElementById('diagram'); return {script}; }})()"
        )
        assert drawn == pytest.approx(shown, rel=0.02), "the diagram is not stretched"
        for place in ("#logs", "#verdict .message", "#flying"):
            content, box = page.locator(place).evaluate("one => [one.scrollHeight, one.clientHeight]")
            assert content <= box + 1, place
        colour = "getComputedStyle(document.querySelector('.entry.t0')).backgroundColor"
        assert page.evaluate(colour) == "rgb(153, 221, 255)"
        assert page.evaluate("getComputedStyle(document.querySelector('.entry.t0')).printColorAdjust") == "exact"
        assert not page.locator("#play").is_visible()
