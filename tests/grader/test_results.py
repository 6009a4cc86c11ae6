"""From records to points, to what students see, and to the formats of other systems."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import msgspec
import pytest

from grader import exits
from grader.cleaning import clean, one_line
from grader.cli import main
from grader.execution import scenarios
from grader.execution.hosts import Hosts
from grader.grading import scoring
from grader.grading.policy import TiersPart
from grader.grading.rubric import Item, Stage
from grader.results import report, result
from grader.results.exports import WRITERS, classroom50, gradescope
from grader.results.exports.table_csv import class_table
from grader.results.held import held_run
from grader.results.result import Basis, Held, Result, Sandbox, Submission
from grader.results.student_view import student_view
from labs.checking.outcome import Outcome
from labs.testing.run import RunRecord, empty_record
from tests.grader.schemas import problems

NASTY = (
    "]]><b onload=x>\x1b[31m\x07 \u202e =cmd|' /C calc'!A0 ::error::x\n::stop-commands::a\r\n%0A `x` | [y](z) & \ud800"
)
"""A text with something for everybody."""


def item(test: str = "2A/initial_election", **facts: Any) -> Item:
    scenario = scenarios.find(test)
    given = {"points": 4.0, "threshold": 1.0, "partial": False, "visibility": "visible", "detail": "full"}
    given |= {"public": (1, 2), "secret": 2}
    return Item(scenario, scenarios.kind_of(scenario), **{**given, **facts})


def record(item: Item, seed: int, status: str, message: str = "seen", rule: str | None = "ElectionSafety") -> RunRecord:
    outcome = Outcome(status, None if status == "pass" else rule, message if status != "pass" else "", "look there")  # type: ignore[arg-type]
    return empty_record(item.scenario, seed, outcome)


def judged(item: Item, *statuses: str, rule: str = "ElectionSafety", message: str = "seen") -> result.Test:
    seeds = [*item.public, *range(1_000_001, 1_000_001 + item.secret)]
    records = [record(item, seed, status, message, rule) for seed, status in zip(seeds, statuses)]
    runs = [scoring.judged_run(record, record.seed > 1_000_000, False) for record in records]
    return scoring.judge_test(item, len(seeds), runs, records, " SUBMISSION=/home/prof/x")


def held_runs(tests: Sequence[result.Test]) -> list[Held]:
    """Return the entries that the marking makes for held runs."""
    hosts = Hosts("process", "B")
    return [
        held_run(
            record(item(test.id), run.seed or 0, "grader-error", run.message), run.secret, "/home/prof/x", hosts, None
        )
        for test in tests
        for run in test.runs
        if run.status == "held"
    ]


def graded(*tests: result.Test, name: str = "alice") -> Result:
    found = Result(
        "graded", Submission(name, "ab" * 32, ["raft.py"], root="skeleton"), Basis(), Sandbox("inline", "none")
    )
    found.tests, found.held = list(tests), held_runs(tests)
    for stage in dict.fromkeys(test.stage for test in tests):
        found.stages.append(
            scoring.sum_stage(Stage(stage, "a stage", (), 0.25, ()), [t for t in tests if t.stage == stage])
        )
    found.started_at = found.finished_at = "2026-06-01T14:32:01Z"
    scoring.sum_up(found)
    return found


# Points.


def test_all_runs_pass_for_all_points() -> None:
    test = judged(item(), "pass", "pass", "pass", "pass")
    assert (test.status, test.score, test.max_score, test.passes, test.replay) == ("pass", 4.0, 4.0, 4, "")


def test_one_run_that_fails_takes_all_points_and_can_be_replayed() -> None:
    test = judged(item(), "pass", "fail", "pass", "fail")
    assert (test.status, test.score, test.failing_seeds, test.failing_secret_seeds) == ("fail", 0.0, [2], 1)
    assert test.replay == "make replay TEST=2A/initial_election SEED=2 SUBMISSION=/home/prof/x"
    assert (test.rule, test.message, test.hint) == ("ElectionSafety", "seen", "look there")


def test_a_threshold_forgives_some_runs() -> None:
    assert judged(item(threshold=0.75), "pass", "fail", "pass", "pass").score == 4.0
    assert judged(item(threshold=0.75), "pass", "fail", "fail", "pass").score == 0.0


def test_partial_points_are_a_share() -> None:
    assert judged(item(partial=True), "pass", "fail", "pass", "pass").score == 3.0
    assert judged(item(partial=True, points=1.0, secret=1), "pass", "fail", "pass").score == 0.67


def test_runs_that_were_not_worth_while_did_not_pass() -> None:
    assert judged(item(partial=True), "pass", "error").score == 1.0


def test_a_run_that_the_grader_cannot_judge_holds_what_it_decides() -> None:
    test = judged(item(), "pass", "grader-error", "pass", "pass", message="disk full")
    assert (test.status, test.score, test.held_score, test.max_score) == ("held", 0.0, 4.0, 4.0)
    assert (
        test.message.startswith("needs review: the grader could not grade 1 of 4 runs") and "disk full" in test.message
    )
    share = judged(item(partial=True), "pass", "grader-error", "fail", "pass")
    assert (share.status, share.score, share.held_score) == ("held", 2.0, 1.0)


def test_a_run_that_the_grader_cannot_judge_holds_nothing_that_is_decided_without_it() -> None:
    failed = judged(item(), "fail", "grader-error", "pass", "pass")
    assert (failed.status, failed.score, failed.held_score) == ("fail", 0.0, 0.0)
    passed = judged(item(threshold=0.75), "pass", "grader-error", "pass", "pass")
    assert (passed.status, passed.score, passed.held_score) == ("pass", 4.0, 0.0)
    found = graded(failed, passed)
    assert found.status == "graded" and "2 runs could not be graded, for no points" in found.warnings


def test_a_result_with_a_held_test_is_no_grade() -> None:
    held = judged(item(), *["grader-error"] * 4, message="disk full")
    found = graded(held, judged(item("2A/one_server"), *["pass"] * 4), judged(item("2B/chaos"), *["pass"] * 4))
    assert (found.status, found.has_grade, found.is_full) == ("held", False, False)
    assert (found.score, found.held_score, found.max_score) == (8.0, 4.0, 12.0)
    assert [stage.status for stage in found.stages] == ["held", "graded"]
    assert found.points == "held: 8 of 8 judged points; 4 points wait for review"
    assert graded(held).points == "held: no points are judged; all 4 points wait for review"
    assert found.message == "needs review: the grader could not grade 2A/initial_election"


def test_points_that_wait_keep_no_stage_from_being_run() -> None:
    stage = Stage("2B", "b", ("2A",), 0.5, ())
    stages = graded(judged(item(), *["grader-error"] * 4), judged(item("2A/chaos"), *["fail"] * 4)).stages
    assert scoring.is_built_on(stage, stages) == ""


def test_a_performance_test_that_is_held_has_no_points_yet() -> None:
    test = judged(item("2B/perf_now_and_then", partial=True), "pass", "grader-error", "pass", "pass")
    scoring.judge_performance(test, [], [], TiersPart())
    assert (test.status, test.score, test.held_score) == ("held", 0.0, 4.0)


def test_a_status_that_nobody_knows_is_our_error() -> None:
    assert judged(item(), *["whatever"] * 4).status == "held"


def test_a_stage_is_skipped_if_too_little_of_what_it_needs_is_there() -> None:
    stage = Stage("2B", "b", ("2A",), 0.5, ())
    written = graded(judged(item(), *["pass"] * 4), judged(item("2A/chaos"), *["fail"] * 4)).stages
    assert scoring.is_built_on(stage, written) == ""
    poor = graded(judged(item(points=1.0), *["pass"] * 4), judged(item("2A/chaos"), *["fail"] * 4)).stages
    assert "2A, which has 1 of 5 points, less than 50%" in scoring.is_built_on(stage, poor)
    unwritten = graded(judged(item(), "fail", rule="NotWritten")).stages
    assert unwritten[0].status == "not-written"
    assert "not written yet" in scoring.is_built_on(stage, unwritten)


# Texts.


def test_texts_are_clean() -> None:
    text = clean(NASTY)
    assert not set("\x1b\x07\u202e\r\ud800") & set(text) and "[31m" not in text
    assert one_line("a\n\tb  c") == "a b c"
    assert clean("\x1b]0;title\x07ok\x1b[2J\x9b1mx") == "okx"
    assert len(clean("x" * 10_000)) == 2000
    assert clean("Grüße, 世界\n") == "Grüße, 世界\n"


def test_what_a_submission_says_is_clean_in_the_result() -> None:
    test = judged(item(), "fail", "pass", "pass", "pass", message=NASTY)
    assert test.message == clean(NASTY) and test.runs[0].message == clean(NASTY)


# What students see.


def everything(held: bool = True) -> Result:
    """Return a result with a test of each status, visibility and detail, and nasty texts."""
    tests = [judged(item("2A/one_server"), *["pass"] * 4)]
    tests.append(judged(item(), "pass", "fail", "pass", "fail", message=f"{NASTY} raft.py:88 in run"))
    tests.append(judged(item("2A/chaos", detail="rule"), "fail", "error", message=NASTY))
    tests.append(judged(item("2A/late_votes", detail="none"), "error", "error", message=NASTY))
    tests.append(judged(item("2A/deaf_server", visibility="hidden"), "fail", "pass", "pass", "pass", message=NASTY))
    if held:
        tests.append(judged(item("2A/split_votes"), *["grader-error"] * 4, message="/home/prof broke"))
    tests.append(judged(item("2A/many_elections"), "pass", "pass", "fail", "pass"))
    tests.append(scoring.left_out(item("2B/chaos"), "skip", "not run: it builds on 2A"))
    tests.append(judged(item("2C/chaos"), "fail", rule="NotWritten", message="not written yet: save (raft.py:7)"))
    return graded(*tests, name="=evil,<b>")


def test_students_see_what_the_detail_level_allows() -> None:
    view = {test.id: test for test in student_view(everything()).tests}
    full, rule, none = view["2A/initial_election"], view["2A/chaos"], view["2A/late_votes"]
    assert full.rule and full.message and full.replay == "make replay TEST=2A/initial_election SEED=2"
    assert [run.seed for run in full.runs] == [1, 2, None, None]
    assert (rule.rule, rule.message) == ("ElectionSafety", "broke the rule ElectionSafety")
    assert (none.rule, none.message, none.status) == (None, "did not pass", "error")
    for test in (rule, none):
        assert (test.hint, test.replay, test.runs, test.failing_seeds) == ("", "", [], [])
    assert "2A/deaf_server" not in view
    assert view["2A/split_votes"].message.startswith("needs review: the grader could not grade 4 of 4 runs")
    assert view["2A/many_elections"].replay == "" and "secret seeds only" in view["2A/many_elections"].hint
    assert view["2C/chaos"].message.startswith("not written yet")


@pytest.mark.parametrize("visibility", ["visible", "hidden"])
@pytest.mark.parametrize("detail", ["rule", "none"])
def test_what_a_submission_says_of_a_hidden_test_reaches_no_student(visibility: str, detail: str) -> None:
    """It has seen the test, and may reveal that where it is not written yet."""
    test = judged(
        item("2A/hidden_ring", visibility=visibility, detail=detail),
        "fail",
        rule="NotWritten",
        message="not written yet: seven of us, 1234 RPCs (raft.py:7)",
    )
    text = json.dumps(gradescope.content(graded(test)))
    assert "not written yet" in text and "seven" not in text and "1234" not in text


@pytest.mark.parametrize("name", WRITERS)
def test_no_secret_seed_and_no_place_of_the_instructors_leaves(name: str) -> None:
    _, writer = WRITERS[name]
    text = writer(everything())
    plain = base64.b64decode(text).decode() if name == "classroom" else text
    assert "10000" not in plain and "/home/prof" not in plain
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", plain)


# The result file.


def test_the_schema_is_the_published_one_and_results_fit_it() -> None:
    published = json.loads(result.SCHEMA_FILE.read_text())
    assert published == result.schema(), "python -m grader schema --write"
    value = json.loads(msgspec.json.encode(everything()))
    assert problems(value, published) == []
    value["tests"][1]["status"] = "fine"
    del value["submission"]["name"]
    value["more"] = 1
    found = problems(value, published)
    assert len(found) == 3 and any(line.startswith("$.tests[1].status") for line in found)


def test_a_result_is_read_back_as_it_was(tmp_path: Path) -> None:
    result.write(tmp_path / "result.json", everything())
    assert result.read(tmp_path / "result.json") == everything()
    (tmp_path / "result.json").write_text('{"status": "graded"}')
    with pytest.raises(exits.Usage, match="is not a result of this version"):
        result.read(tmp_path / "result.json")


# Exports.


def test_junit_is_xml_with_a_case_for_each_test() -> None:
    suites = Xml.fromstring(WRITERS["junit"][1](everything(held=False)))
    assert [suite.get("name") for suite in suites] == ["2A", "2B", "2C"]
    first = suites[0]
    assert {name: first.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "3",
        "errors": "1",
        "skipped": "0",
    }
    case = next(case for case in first if case.get("name", "").startswith("2A/initial"))
    points = {entry.get("name"): entry.get("value") for entry in case.iter("property")}
    assert points["points"] == "0" and points["max_points"] == "4" and points["failing_seeds"] == "2"
    failure = case.find("failure")
    assert failure is not None and "<b onload=x>" in failure.get("message", "")
    assert suites[1][0].find("skipped") is not None


def test_gradescope_gets_every_test_and_the_total() -> None:
    found = gradescope.content(everything(held=False))
    assert sum(test["score"] for test in found["tests"]) == 4.0 and len(found["tests"]) == 8
    assert "score" not in found, "a visible total would reveal the hidden tests"
    assert found["output"] == "4 of 28 points in the tests shown here: 2A 4 of 20, 2B 0 of 4, 2C 0 of 4"
    seen = everything(held=False)
    seen.tests = [test for test in seen.tests if test.visibility == "visible"]
    assert gradescope.content(seen)["score"] == 4.0
    by_name = {test["name"].split(":")[0]: test for test in found["tests"]}
    assert by_name["2A/deaf_server"]["visibility"] == "hidden" and by_name["2A/chaos"]["visibility"] == "visible"
    assert by_name["2A/one_server"]["status"] == "passed" and by_name["2A/initial_election"]["status"] == "failed"
    assert all(
        test["output_format"] == "text"
        for test in [dict(test, output_format=found["test_output_format"]) for test in found["tests"]]
    )


@pytest.mark.parametrize("visibility", ["hidden", "after_due_date", "after_published"])
def test_points_of_tests_that_students_do_not_see_are_in_nothing_that_they_see(visibility: str) -> None:
    """61 and 62 are hidden points, in a stage of their own and beside others; 65 and 127 are sums with them."""
    hidden = {"visibility": visibility, "detail": "none"}
    seen = judged(item(), *["pass"] * 4)
    for status in ("pass", "fail", "grader-error"):
        unseen = [judged(item("2A/hidden_ring", points=61.0, **hidden), *[status] * 4)]
        unseen.append(judged(item("2B/chaos", points=62.0, **hidden), *[status] * 4))
        found = graded(seen, *unseen)
        content = gradescope.content(found)
        shown = [test for test in content["tests"] if test["visibility"] == "visible"]
        views = [report.render_one(student_view(found)), content["output"], json.dumps([shown, content["extra_data"]])]
        views += [writer(found) for name, (_, writer) in WRITERS.items() if name not in ("gradescope", "classroom")]
        assert not re.findall(r"(?<![\w.:-])(?:61|62|65|127)(?:00|\.0)?(?![\w:-])|\b2B\b", "\n".join(views))
        assert "score" not in content


def test_a_refused_submission_has_the_same_maximum_for_students_as_all_others() -> None:
    refused = Result("not-gradable", Submission("x"), Basis(), Sandbox("inline", "none"), max_score=10.0)
    refused.unseen_score = 6.0
    assert student_view(refused).max_score == 4.0
    assert classroom50.content(refused, {})["max-score"] == 400


def test_gradescope_is_told_why_something_was_not_graded() -> None:
    refused = Result("not-gradable", Submission("x"), Basis(), Sandbox("inline", "none"), message="no raft.py")
    found = gradescope.content(refused)
    assert (found["score"], found["output"], found["tests"]) == (0.0, "no raft.py", [])


def test_classroom_gets_base64_of_json() -> None:
    line = WRITERS["classroom"][1](everything(held=False))
    assert line.count("\n") == 1
    found = json.loads(base64.b64decode(line))
    assert found["version"] == 1 and found["status"] == "error" and found["max_score"] == 28.0
    assert {test["status"] for test in found["tests"]} == {"pass", "fail", "error"}


def test_classroom50_counts_in_whole_numbers() -> None:
    found = classroom50.content(everything(held=False), {"CLASSROOM": "c", "COMMIT_URL": "u"})
    assert (found["schema"], found["classroom"], found["commit"]) == ("classroom50/result/v1", "c", "u")
    assert (found["score"], found["max-score"]) == (400, 2800)
    half = classroom50.content(graded(judged(item(points=0.5), *["pass"] * 4)), {})
    assert (half["score"], half["max-score"], half["tests"][0]["score"]) == (50, 50, 50)


def test_github_obeys_only_what_the_grader_says() -> None:
    lines = WRITERS["github"][1](everything(held=False)).splitlines()
    word = lines[0].removeprefix("::stop-commands::")
    assert len(word) == 32 and lines.count(f"::{word}::") == 1
    after = lines[lines.index(f"::{word}::") + 1 :]
    assert all(re.match(r"::(error|warning|notice) ", line) for line in after)
    assert any(line.startswith("::error file=skeleton/raft.py,line=88,title=2A/initial_election%3A ") for line in after)
    assert after[-1] == "::notice title=Grade::Points 4/28"
    assert WRITERS["github"][1](everything(held=False)).splitlines()[0] != lines[0]


def test_github_makes_no_more_annotations_than_are_shown() -> None:
    many = graded(*[judged(item(test), *["fail"] * 4) for test in list(scenarios.public())[:30]])
    lines = [line for line in WRITERS["github"][1](many).splitlines() if line.startswith("::error")]
    assert len(lines) == 10 and "21 more tests failed" in lines[-1]


def test_a_step_summary_has_no_markup_of_a_submission() -> None:
    text = WRITERS["summary"][1](everything(held=False))
    row = next(line for line in text.splitlines() if "initial" in line)
    assert row.count("|") == 4 and not re.search(r"<b|\[y\]|`x`", text)


def test_the_class_csv_holds_no_formula() -> None:
    rows = list(
        csv.DictReader(io.StringIO(class_table([everything(held=False), graded(judged(item(), *["pass"] * 4))])))
    )
    assert [row["submission"] for row in rows] == ["'=evil,<b>", "alice"]
    assert [row["points"] for row in rows] == ["4.00", "4.00"]
    assert [row["2C"] for row in rows] == ["0.00", ""]


def test_the_report_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = report.render_one(everything())
    assert "2A/initial_election" in text and "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


# Canvas.

GRADEBOOK = """\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Lab 3 (77),Lab 4 (78)
    Points Possible,,,,,4,10
"Doe, Jane",101,u101,jdoe,A,,9
"Roe, Rick",102,u102,rroe,A,1,
"Poe, Pat",103,u103,ppoe,B,,
"""


def canvas(folder: Path, *arguments: str) -> int:
    (folder / "book.csv").write_text(GRADEBOOK, encoding="utf-8")
    for name, statuses in (("jdoe", ["pass"] * 4), ("rickroe_102_555_raft", ["fail"] * 4), ("nobody", ["pass"] * 4)):
        result.write(folder / "grades" / name / "result.json", graded(judged(item(), *statuses), name=name))
    command = ["canvas", str(folder / "book.csv"), "--results", str(folder / "grades"), "--write", *arguments]
    return main(command)


def test_a_gradebook_is_filled_in_and_nothing_else_in_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert canvas(tmp_path, "--assignment", "Lab 3", "--lower") == exits.LESS
    before = list(csv.reader(io.StringIO(GRADEBOOK.lstrip("\ufeff"))))
    after = list(csv.reader((tmp_path / "book-filled.csv").open(encoding="utf-8", newline="")))
    assert [row[5] for row in after[2:]] == ["4.00", "0.00", ""]
    assert [row[:5] + row[6:] for row in after] == [row[:5] + row[6:] for row in before]
    assert "left out nobody: no row of the gradebook fits" in capsys.readouterr().err


def test_other_points_in_canvas_are_scaled_only_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert canvas(tmp_path, "--assignment", "78") == exits.USAGE
    assert "Canvas has 10 points possible, the rubric 4" in capsys.readouterr().err
    assert canvas(tmp_path, "--assignment", "78", "--scale") == exits.LESS
    after = list(csv.reader((tmp_path / "book-filled.csv").open(encoding="utf-8", newline="")))
    assert [row[6] for row in after[2:]] == ["10.00", "0.00", ""]


def test_a_column_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert canvas(tmp_path, "--assignment", "Lab 9") == exits.USAGE
    assert "there are 'Lab 3 (77)', 'Lab 4 (78)'" in capsys.readouterr().err


# Performance.


def performance_run(item: Item, seed: int, **figures: float) -> RunRecord:
    found = record(item, seed, "pass")
    found.figures = figures
    return found


@pytest.mark.parametrize("latency, points, status", [(1.0, 2.0, "pass"), (2.5, 1.0, "fail"), (9.0, 0.0, "fail")])
def test_performance_is_worth_its_tier_beside_the_reference(latency: float, points: float, status: str) -> None:
    graded = item("2B/perf_now_and_then", points=2.0, secret=0)
    assert graded.kind == "performance"
    test = judged(graded, "pass", "pass")
    own = [performance_run(graded, seed, latency=latency * 1.5) for seed in (1, 2)]
    references = [performance_run(graded, seed, latency=1.5) for seed in (1, 2)]
    scoring.judge_performance(test, own, references, TiersPart(), " SUBMISSION=hw/ada")
    assert (test.score, test.status, test.figures["latency"].reference) == (points, status, 1.5)
    assert (test.message != "") == (status == "fail")
    assert test.replay == ("make test-perf STAGE=2B SUBMISSION=hw/ada" if status == "fail" else "")


def test_a_figure_without_a_unit_reads_well() -> None:
    graded = item("2B/perf_load", points=2.0, secret=0)
    test = judged(graded, "pass", "pass")
    others = dict.fromkeys(graded.scenario.measures, 1.0)
    own, reference = (performance_run(graded, 1, **others | {"bytes_per_command": value}) for value in (5.655, 1.3))
    scoring.judge_performance(test, [own], [reference], TiersPart())
    assert test.message == "bytes sent for a byte to replicate: 5.655, the reference 1.3 (tier: partial)"


def test_a_performance_test_that_breaks_a_rule_is_worth_nothing() -> None:
    graded = item("2B/perf_now_and_then", points=2.0, secret=0)
    test = judged(graded, "pass", "fail")
    scoring.judge_performance(
        test, [performance_run(graded, 1, latency=0.1)], [performance_run(graded, 1, latency=1.0)], TiersPart()
    )
    assert (test.score, test.status, test.rule) == (0.0, "fail", "ElectionSafety")
