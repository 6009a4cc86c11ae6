"""The page of two runs beside each other shows both traces, one moment of both, and where they part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from labs.compare import alike
from labs.compare.page import keep_page
from labs.compare.runs import Run, from_file
from labs.raft.events import Save
from labs.raft.stages import catalogue
from labs.report.trace_text import describe
from labs.testing.run import run_scenario
from labs.trace import events as ev
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
from tests.browser.test_page import HUGE, check_clocks, huge_events
from tests.corpora import mutants
from tests.running import REFERENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_browser
NASTY = "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>\x1b[31m\u202e\n"


@dataclass(frozen=True)
class Pair:
    """Two runs, how they were compared, and the page of both."""

    runs: tuple[Run, Run]
    found: alike.Comparison
    page: Path = field(repr=False)

    @property
    def first(self) -> list[int]:
        """The first event, or landmark, of each run that the other one does not have."""
        return [self.found.alike.left, self.found.alike.right]


def pair_of(left: Run, right: Run) -> Pair:
    found = alike.compare(left.events, right.events, describe, left.seed == right.seed)
    page = keep_page(left, right, found)
    assert page is not None
    return Pair((left, right), found, page.absolute())


def run_of(folder: Path, server: Path) -> Run:
    scenario = next(scenario for scenario in catalogue.find("2B/late_and_twice"))
    path = folder / "run.trace.jsonl"
    with path.open("wb") as file:
        run_scenario(scenario, server, 1, file)
    return from_file(path)


def made(seed: int, *events: ev.Event, name: str = "mine") -> Run:
    header = Header(FORMAT, VERSION, f"2B/{name}", name, seed, 3, name)
    return Run(header, msgspec.json.Encoder().encode_lines(events), name)


def alone(time: float, server: int, other: int, fourth: ev.Event) -> list[ev.Event]:
    """Return a run in which a leader is cut off, a second one comes, and a fourth landmark."""
    third = 3 - server - other
    links = [(server, other), (server, third)]
    return [
        *(ev.Restart(0.0, one, 0) for one in range(3)),
        ev.Role(time, server, 1, True),
        ev.Cut(time + 1.0, -1, links),
        ev.Note(time + 1.5, other, NASTY),
        ev.Role(time + 2.0, other, 2, True),
        fourth,
        ev.Verdict(9.0, -1, "fail", "LogMatching", NASTY, NASTY),
    ]


def huge_pair() -> Pair:
    """Return two huge runs that differ in their middle; how they are alike is not what is tried."""
    events = huge_events()
    other = [*events[: HUGE // 2], ev.Crash(events[HUGE // 2].time, 4), *events[HUGE // 2 :]]
    runs = [
        Run(Header(FORMAT, VERSION, "2B/huge", "huge", 1, 5, name), msgspec.json.Encoder().encode_lines(some), name)
        for name, some in (("mine", events), ("other", other))
    ]
    return pair_of(runs[0], runs[1])


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """The pages, made before the browser starts: a run and a browser's driver do not share a thread."""
    folder = tmp_path_factory.mktemp("pairs")
    wrong = next(mutant for mutant in mutants.corpus() if mutant.name == "classic_truncates_always")
    seeds = (
        made(1, *alone(0.2, 0, 1, ev.Crash(3.0, 2)), name=NASTY),
        made(2, *alone(0.7, 2, 0, ev.Role(3.5, 1, 3, True))),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return {
            "submissions": pair_of(run_of(folder, wrong.write(folder / "wrong")), run_of(folder, REFERENCE)),
            "seeds": pair_of(*seeds),
            "same": pair_of(seeds[0], seeds[0]),
            "empty": pair_of(made(1), made(1)),
            "huge": huge_pair(),
        }


@pytest.fixture(scope="module")
def browser(pairs: dict[str, Pair]) -> Iterator[Browser]:
    with chromium() as started:
        yield started


def settled(page: Page) -> None:
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def at(page: Page) -> list[int]:
    """Return the current event of both runs."""
    found: list[int] = page.evaluate("raftPage.sides.map(one => one.at)")
    return found


def heights(page: Page, numbers: list[int]) -> list[float]:
    """Return the heights at which the diagrams draw an event of each run."""
    script = "numbers => raftPage.diagrams.map((one, run) => one.y(one.rows.rowOf[numbers[run]]))"
    found: list[float] = page.evaluate(script, numbers)
    return found


@pytest.mark.parametrize("name", ["submissions", "seeds"])
def test_both_traces_are_shown_and_the_first_difference_is_marked(
    browser: Browser, pairs: dict[str, Pair], name: str
) -> None:
    pair = pairs[name]
    with opened(browser, pair.page) as page:
        words = "one => Array.from({length: one.model.length}, (_, number) => one.model.events[number].time)"
        times: list[list[float]] = page.evaluate(f"raftPage.sides.map({words})")
        assert times == [[event.time for event in run.events] for run in pair.runs]
        assert page.evaluate("raftPage.diagrams.map(one => one.difference)") == pair.first
        for side, run, first in zip(("left", "right"), pair.runs, pair.first):
            event = run.events[first]
            button = page.inner_text(f"#first-{side}")
            assert f"{event.time:.4f} s" in button and describe(event) in button
            page.click(f"#first-{side}")
            assert at(page)[side == "right"] == first


def test_it_opens_where_two_submissions_part_and_steps_through_both(browser: Browser, pairs: dict[str, Pair]) -> None:
    pair = pairs["submissions"]
    left, right = pair.runs
    with opened(browser, pair.page) as page:
        first = [run.events[position] for run, position in zip(pair.runs, pair.first)]
        assert isinstance(first[0], Save) and isinstance(first[1], ev.Reply)
        assert at(page) == pair.first
        assert page.inner_text("#clock") == f"{first[0].time:.4f} s"
        assert page.inner_text("#now") == f"left: server 3 {describe(first[0])}; right: server 3 {describe(first[1])}"
        panels = [one.inner_text() for one in page.locator("#panels > section").all()]
        assert describe(first[0]) in panels[0] and describe(first[1]) in panels[1]
        logs = [page.locator("#panels .logs").nth(run).locator("tbody tr").nth(3) for run in (0, 1)]
        shown = [one.locator(".entry:not(.none)").count() for one in logs]
        assert shown == [saved_entries(run, position) for run, position in zip(pair.runs, pair.first)] == [0, 1]
        verdict = left.events[-1]
        assert isinstance(verdict, ev.Verdict)
        for words in (verdict.message, verdict.hint, "fail"):
            assert words in page.locator("#sides > section").first.inner_text()

        page.keyboard.press("ArrowUp")
        settled(page)
        assert page.inner_text("#now").startswith("both: server 3"), "what both have is shown once"
        assert at(page) == [position - 1 for position in pair.first]
        page.keyboard.press("Home")
        assert at(page) == [0, 0]
        page.keyboard.press("e")
        assert [describe(run.events[number]).split()[1] for run, number in zip(pair.runs, at(page))] == ["RV", "RV"]
        page.keyboard.press("x")
        assert at(page) == pair.first
        page.keyboard.press("End")
        assert at(page) == [len(left.events) - 1, len(right.events) - 1]
        page.click("#to-violation")
        assert at(page)[0] == pair.first[0], "the save that dropped the entry"


def saved_entries(run: Run, position: int) -> int:
    """Return how many entries server 3 has saved up to an event."""
    saves = [event for event in run.events[: position + 1] if isinstance(event, Save) and event.server == 3]
    return saves[-1].last_index


def test_zoom_pan_and_scrubber_move_both(browser: Browser, pairs: dict[str, Pair]) -> None:
    pair = pairs["submissions"]
    with opened(browser, pair.page, viewport={"width": 420, "height": 850}) as page:
        seen = [view(page)]
        page.locator("#diagram-right").hover()
        page.mouse.wheel(0, 120)
        wait_until(page, f"raftPage.diagrams[0].top !== {seen[0][0]}")
        for key in ("+", "0", "t"):
            seen.append(view(page))
            page.keyboard.press(key)
        seen.append(view(page))
        assert len(set(seen)) == len(seen), "each of them changes what is seen"
        page.evaluate("{ scrub.value = 30; scrub.dispatchEvent(new Event('input')); }")
        settled(page)
        times = [pair.runs[run].events[number].time for run, number in enumerate(at(page))]
        assert times[0] == times[1] and page.inner_text("#clock") == f"{times[0]:.4f} s"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits a narrow screen"
        assert accessibility_faults(page) == []


def view(page: Page) -> tuple[Any, ...]:
    """Return what the diagrams show, which is the same stretch in both."""
    left, right = page.evaluate("raftPage.diagrams.map(one => [one.top, one.scale, one.byTime])")
    assert left == right
    return tuple(left)


def test_other_seeds_stand_level_and_servers_in_the_order_of_their_parts(
    browser: Browser, pairs: dict[str, Pair]
) -> None:
    pair = pairs["seeds"]
    assert pair.found.alike.parts == ((0, 2), (1, 0)) and not pair.found.is_by_event
    last = list(pair.found.alike.common[-1])
    with opened(browser, pair.page, color_scheme="dark") as page:
        assert page.evaluate("raftPage.diagrams.map(one => one.lanes)") == [[0, 1, 2], [2, 0, 1]]
        assert "left server 0 is 2 on the right" in page.inner_text("#verdict")
        assert heights(page, last)[0] == heights(page, last)[1]
        page.click("#level")
        settled(page)
        assert heights(page, last)[0] < heights(page, last)[1], "by their own times the right one comes later"
        assert page.title() != "owned"
        assert accessibility_faults(page) == []


def test_equal_and_empty_runs_have_a_page(browser: Browser, pairs: dict[str, Pair]) -> None:
    for name, words in (("same", "The runs are the same: 9 events"), ("empty", "The runs are the same: 0 events")):
        with opened(browser, pairs[name].page) as page:
            assert page.inner_text("#verdict h2") == words
            page.keyboard.press("ArrowDown")
            page.keyboard.press("x")
            page.keyboard.press("0")
            settled(page)


def test_exports_hold_both_runs(browser: Browser, pairs: dict[str, Pair]) -> None:
    pair = pairs["submissions"]
    with opened(browser, pair.page) as page:
        log, traced = exports(page)
    parts = re.split(r"(?m)^=== (left|right) ===\n", log)
    assert parts[::2][0] == "" and parts[1::2] == ["left", "right"]
    for text, run in zip(parts[2::2], pair.runs, strict=True):
        check_clocks(re.findall(r"(?m)^(\S*) (\{.*\})\n(.*)$", text), list(run.events))
    ids = [str(one["id"]) for one in traced if one["ph"] == "f"]
    assert len(ids) == len(set(ids)) == sum(isinstance(e, ev.Deliver) for run in pair.runs for e in run.events)
    names = {one["args"]["name"]: one["pid"] for one in traced if one["name"] == "process_name"}
    assert len(set(names.values())) == len(names)
    assert names.keys() >= {"left, server 0", "right, server 0", "right, test 2B/late_and_twice"}


def test_two_huge_runs_open_and_scrub_smoothly(browser: Browser, pairs: dict[str, Pair]) -> None:
    """Counted in CPU time of the page's thread, which a busy machine does not change much."""
    assert seconds_to_open(browser, pairs["huge"].page) < 5
    with opened(browser, pairs["huge"].page) as page:
        devtools = measured(page)
        assert page.evaluate("raftPage.sides[0].model.length") == len(pairs["huge"].runs[0].events)
        before = cpu_seconds(devtools)
        page.evaluate(
            "(async () => { for (let n = 0; n < 20; n++) { raftPage.go(Math.floor(n * raftPage.axis.length / 20));"
            " raftPage.paintNow(); await new Promise(requestAnimationFrame); } })()"
        )
        assert (cpu_seconds(devtools) - before) / 20 < 0.05
