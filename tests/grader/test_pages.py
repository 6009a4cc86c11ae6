"""The pages of a class and of a student: figures, groups, and nothing that a submission wrote acts as markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from statistics import fmean, median

import pytest

from grader import exits
from grader.cli import main
from grader.grading.traces import wanted
from grader.results import report
from grader.results.causes import causes_of
from grader.results.pages.class_page import class_page, link
from grader.results.pages.clusters import clusters, identical
from grader.results.pages.student_page import student_page
from grader.results.pages.summary import summarise
from grader.results.pages.traces import TRACES, TracePages, shortest, stem
from grader.results.pages.write import CLASS, STUDENT, write_pages
from grader.results.result import Figure, Result, Run
from grader.results.shelf import Shelf
from grader.results.student_view import student_view
from tests.grader.made_up import BUGS, HOSTILE, KINDS, course_rubric, made_up
from tests.grader.test_exports import HOSTILE as TEXTS
from tests.grader.test_exports import hostile
from tests.grader.test_held import held
from tests.grader.test_results import everything, graded, item, judged
from tests.running import ROOT


class Page(HTMLParser):
    """The elements and attributes of a page, and the texts of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.raw: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag in ("script", "style"):
            self._inside = tag + ("-data" if ("type", "application/json") in attrs else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside = ""

    def handle_data(self, data: str) -> None:
        (self.raw if self._inside else self.texts).append((self._inside, data) if self._inside else data)  # type: ignore[arg-type]

    @property
    def data(self) -> dict[str, list[dict[str, object]]]:
        found: dict[str, list[dict[str, object]]] = json.loads(dict(self.raw)["script-data"])
        return found


@pytest.fixture(scope="module")
def sixty() -> list[Result]:
    return made_up(60)


def check_harmless(page: str) -> Page:
    """Check that a page allows only its own script and style, by their hashes, and has no other active part."""
    found = Page(page)
    policy = next(value for name, value in found.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for kind, content in found.raw:
        if kind != "script-data":
            name = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            assert f"{kind}-src 'sha256-{name}'" in policy
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("src", "style", "srcdoc")]
    assert not {"img", "iframe", "object", "form", "base", "b"} & set(found.tags)
    addresses = [value for name, value in found.attributes if name == "href"]
    assert all(re.match(r"#|data:,$|[\w.%~-]+/report\.html|traces/", address) for address in addresses)
    return found


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_nothing_hostile_acts_in_a_page(text: str) -> None:
    found = hostile(text)
    pages = {found.submission.name: link(found.submission.name)}
    page = check_harmless(class_page([found], text, pages))
    assert page.tags.count("script") == 2 and page.data["rows"][0]["n"] == found.submission.name
    own = check_harmless(student_page(found, {"2A/chaos": TracePages(Run(1, False, "fail"), "traces/x.html")}))
    assert "script" not in own.tags and "".join(own.texts).count(found.tests[0].message.splitlines()[0][:20]) >= 1


def test_the_data_shows_each_test_of_each_student(sixty: list[Result]) -> None:
    data = check_harmless(class_page(sixty)).data
    assert len(data["rows"]) == 60
    by_name = {row["n"]: row for row in data["rows"]}
    whole, skeleton = by_name["student-001"], by_name["student-003"]
    assert set(str(whole["c"])) == {"p"} and (whole["p"], whole["m"]) == (368.5, 368.5)
    assert set(str(skeleton["c"])) == {"n", "k"} and by_name["student-005"]["p"] is None
    assert str(by_name["student-005"]["c"]).count("h") == 1 and set(str(by_name["student-004"]["c"])) == {"x"}
    assert HOSTILE.replace("\u202e", "\u202e") in by_name and {"s", "f"} <= set(str(by_name[HOSTILE]["c"]))


def test_held_results_come_first_with_the_commands_that_repeat_them() -> None:
    page = class_page([graded(judged(item(), *["pass"] * 4), name="zoe"), held()])
    first, _, rest = page.partition('<section id="points">')
    assert "4 points wait for review" in first
    assert ".venv/bin/python -m grader repeat /home/prof/x 2B/chaos --seed 1000001" in first and "zoe" not in first
    assert "Nothing waits" in class_page([graded(judged(item(), *["pass"] * 4))]) and rest


def test_the_figures_of_a_class(sixty: list[Result]) -> None:
    found = summarise(sixty)
    kinds = [KINDS[number % len(KINDS)] for number in range(60)]
    assert (found.count, found.held, found.refused) == (60, kinds.count("held"), kinds.count("refused"))
    assert found.graded == 60 - found.held - found.refused and sum(found.bins) == found.graded
    scores = [one.score for one in sixty if one.status == "graded"]
    assert (found.mean, found.median) == (round(fmean(scores), 2), round(median(scores), 2))
    assert found.bins[-1] == kinds.count("full")
    assert {rule.id for rule in found.rules} == {rule for rule, _, _ in BUGS.values()}
    assert found.rules[0].submissions == max(kinds.count(kind) for kind in BUGS)
    chaos = next(test for test in found.tests if test.id == "2B/chaos")
    assert chaos.held == found.held and chaos.judged == 60 - found.held - kinds.count("refused") - kinds.count(
        "skeleton"
    )
    [replication] = [stage for stage in course_rubric().stages if stage.id == "2B"]
    tests = {test.id: test for test in found.tests}
    shown = 0
    for place, graded_test in enumerate(replication.items):
        failing = [bug for bug, (_, stage, every) in BUGS.items() if stage <= "2B" and place % every == 1]
        if failing and graded_test.scenario.id not in replication.basis:
            assert tests[graded_test.scenario.id].rule == BUGS[max(failing, key=kinds.count)][0]
            shown += 1
    assert shown > 10
    assert "2A/initial_election" not in found.nobody_fails, "the skeleton does"


def test_tests_that_everybody_or_nobody_fails_are_named() -> None:
    tests = [judged(item("2A/chaos"), *["fail"] * 4), judged(item(), *["pass"] * 4)]
    found = summarise([graded(*tests, name="a"), graded(*tests, name="b")])
    assert (found.everybody_fails, found.nobody_fails) == (["2A/chaos"], ["2A/initial_election"])
    alone = summarise([graded(*tests)])
    assert (alone.everybody_fails, alone.nobody_fails) == ([], [])
    assert summarise([]).mean is None


def test_submissions_with_one_bug_are_one_group(sixty: list[Result]) -> None:
    found = {frozenset(cluster.members) for cluster in clusters(sixty)}
    for bug in BUGS:
        names = [one.submission.name for number, one in enumerate(sixty) if KINDS[number % len(KINDS)] == bug]
        assert frozenset(names) in found
    assert clusters(list(reversed(sixty))) == clusters(sixty)
    assert all("/drill_" not in cluster.common[0][0] for cluster in clusters(sixty))


def test_one_that_fails_otherwise_is_in_no_group() -> None:
    def failing(name: str, *tests: str) -> Result:
        return graded(*[judged(item(test), *["fail"] * 4) for test in tests], name=name)

    assert clusters([failing("a", "2A/chaos"), failing("b", "2A/one_server"), failing("c")]) == []
    three = [failing("a", "2A/chaos", "2A/one_server"), failing("b", "2A/chaos", "2A/one_server", "2B/chaos")]
    [cluster] = clusters([*three, failing("c", "2D/chaos")])
    assert (cluster.members, cluster.common[0]) == (["a", "b"], ("2A/chaos", "ElectionSafety", 2))


def test_the_same_files_are_named() -> None:
    copies = [graded(judged(item(), *["pass"] * 4), name=name) for name in ("b", "a")]
    assert identical(copies) == [["a", "b"]]


def test_a_students_page_shows_what_the_rubric_lets_students_see() -> None:
    page = student_page(everything())
    text = " ".join(Page(page).texts)
    assert "2A/deaf_server" not in page and "/home/prof" not in page and "100000" not in page
    assert "ElectionSafety (Figure 3, Election Safety; §5.2): at most one server leads in a term" in text
    assert "make replay TEST=2A/initial_election SEED=2" in text and "needs review" in text


def alike() -> Result:
    """Return a result whose five failures have three causes, and a performance test in the partial tier."""
    late = [
        judged(item(test), *["fail"] * 4, message=f"LeaderInTime: no leader within {n} s")
        for n, test in enumerate(("2A/chaos", "2A/one_server", "2A/initial_election"))
    ]
    other = judged(item("2B/chaos"), *["fail"] * 4, message="LeaderInTime: server 1 led twice in a term")
    error = judged(item("2B/figure_8"), *["error"] * 4, message="NoCrash: raft.py:9 in run")
    slow = judged(item("2B/perf_load"), *["pass"] * 4)
    slow.status, slow.score, slow.message = "fail", 1.0, "RPCs: 5.655, the reference 1.3 (tier: partial)"
    slow.figures = {"rpcs": Figure(5.655, 1.3, "partial")}
    for run in late[1].runs:
        run.virtual_time = -1.0
    return graded(*late, other, error, slow, name="bob")


def test_failures_of_one_cause_are_one_entry_in_page_and_feedback() -> None:
    """As `make test` groups them: by rule and words, or the line of the submission."""
    assert [[test.id for test in cause.tests] for cause in causes_of(alike().tests)] == [
        ["2A/one_server", "2A/chaos", "2A/initial_election"],
        ["2B/chaos"],
        ["2B/figure_8"],
        ["2B/perf_load"],
    ]
    page = student_page(alike())
    assert page.count("<article") == 4 and "0 of 12 in the 3 tests that fail so" in page
    assert '<span id="2A/chaos">2A/chaos</span> (seed 1), <span id="2A/initial_election">' in page
    text = " ".join(report.render_one(student_view(alike())).split())
    assert "fail 2A/one_server" in text and "3 tests fail so" in text and "also 2A/chaos, 2A/initial_election" in text
    assert text.count("no leader within") == 1 and "fail 2A/chaos" not in text
    assert "and 2 more causes: 2B/figure_8, 2B/perf_load" in " ".join(report.render_one(alike(), 2).split())


def test_a_figure_that_brings_points_is_not_called_a_failure() -> None:
    text = " ".join(report.render_one(student_view(alike())).split())
    assert "partial 2B/perf_load" in text and "fail 2B/perf_load" not in text
    assert "partial</td>" in student_page(alike()) and str(Page(class_page([alike()])).data["rows"][0]["c"])[-1] == "l"


def test_it_is_shown_which_attempt_counts_and_who_has_to_be_asked() -> None:
    refused = next(one for one in made_up(8) if one.status == "not-gradable")
    refused.submission.attempt = 2
    assert "this is attempt 2" in student_page(refused)
    assert "(Student 4, s4@example.org, attempt 2): raft.py:7" in class_page([refused], "Raft", {})


def test_a_trace_is_linked_only_for_a_failure_that_students_may_repeat() -> None:
    run = Run(2, False, "fail", virtual_time=1.25)
    small = TracePages(run, "traces/a.html", "traces/s.html", "traces/s.schedule", f"1 crash {HOSTILE}", "1 step")
    traces = {"2A/initial_election": small, "2A/late_votes": TracePages(run, "traces/b.html")}
    page = student_page(everything(), traces)
    assert "traces/a.html" in page and "traces/s.schedule" in page and "traces/b.html" not in page
    assert HOSTILE not in page and "(1 step)" in page


def test_traces_are_made_of_the_failures_that_students_may_repeat(tmp_path: Path) -> None:
    found = everything(held=False)
    [(test, run)] = wanted(tmp_path, found, 5)
    assert (test.id, run.seed) == ("2A/initial_election", 2)
    assert wanted(tmp_path, graded(judged(item("2A/hidden_ring"), *["fail"] * 4)), 5) == []
    (tmp_path / TRACES).mkdir()
    (tmp_path / TRACES / "2A-initial_election-2.html").touch()
    assert wanted(tmp_path, found, 5) == []


def test_the_trace_is_that_of_the_shortest_failure_with_a_seed_that_students_know() -> None:
    [test] = [test for test in everything(held=False).tests if test.id == "2A/initial_election"]
    test.runs = [Run(1, False, "pass"), Run(2, False, "fail", test.rule, virtual_time=3.0)]
    test.runs += [
        Run(3, False, "fail", test.rule, virtual_time=2.0, digest="abcdef0123"),
        Run(4, False, "fail", "Other"),
    ]
    test.runs += [Run(5, True, "fail", test.rule, virtual_time=1.0)]
    run = shortest(test)
    assert run is not None and run.seed == 3 and stem(test, run) == "2A-initial_election-3-abcdef01"


def test_a_trace_is_of_the_submission_that_was_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, source in (("gone", tmp_path / "nowhere"), ("other", ROOT / "skeleton")):
        found = graded(judged(item(), *["fail"] * 4), name=name)
        found.submission.source = str(source)
        Shelf(tmp_path / "grades").keep(name, found)
    assert main(["page", str(tmp_path / "grades"), "--traces", "1"]) == exits.LESS
    err = capsys.readouterr().err
    assert f"no traces of gone: there is no {tmp_path / 'nowhere'}" in err
    assert "no traces of other" in err and "is another submission now; grade it again" in err


def test_a_class_of_300_is_below_10_megabytes(sixty: list[Result]) -> None:
    assert len(class_page(renamed(sixty, 300)).encode()) < 10_000_000


def renamed(results: Sequence[Result], count: int) -> list[Result]:
    """Return this many results: the same ones, each time with other names."""
    import msgspec

    found = []
    for number in range(count):
        copy = msgspec.json.decode(msgspec.json.encode(results[number % len(results)]), type=Result)
        copy.submission.name = f"student-{number:03}"
        found.append(copy)
    return found


def test_pages_are_written_beside_the_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shelf = Shelf(tmp_path)
    for name, found in (("a b", everything(held=False)), ("c", held())):
        found.submission.name = name
        shelf.keep(name, found)
    (tmp_path / "a b" / TRACES).mkdir()
    (tmp_path / "a b" / TRACES / "2A-initial_election-2.html").write_text("a trace")
    assert main(["page", str(tmp_path), "--title", "Raft 2026"]) == 0
    assert "2 submissions" in capsys.readouterr().out
    page = check_harmless((tmp_path / CLASS).read_text())
    assert "a%20b/report.html" in [row["h"] for row in page.data["rows"]]
    assert "traces/2A-initial_election-2.html" in (tmp_path / "a b" / STUDENT).read_text()
    before = (tmp_path / CLASS).read_bytes()
    assert write_pages(tmp_path, "Raft 2026", shelf.results()) == 2 and (tmp_path / CLASS).read_bytes() == before
