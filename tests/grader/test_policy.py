"""The policy of a rubric: its checks, what it does to points, and results rescored from stored runs."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import exits
from grader.cli import main
from grader.exits import Usage
from grader.grading.adjusting import charge, choose, days_late, decide_whole
from grader.grading.policy import LatePart, OverridePart, Policy
from grader.grading.rescoring import NotRun, rescore, rescore_attempts
from grader.grading.rubric import Rubric, Selection, load
from grader.intake.roster import entries_of, read_roster
from grader.results import result as results
from grader.results.exports import classroom, gradescope
from grader.results.pages.write import CLASS, STUDENT
from grader.results.release import released
from grader.results.report import render_one
from grader.results.result import Result
from grader.results.shelf import Shelf
from grader.results.student_view import student_view
from tests.grader.test_results import graded, item, judged
from tests.running import ROOT

HEAD = """
format = "raft-rubric/1"
title = "a test"
[seeds]
public = [1, 2]
secret = 2
[stages.2A]
title = "election"
basis = ["2A/initial_election"]
[stages.2B]
title = "replication"
needs = ["2A"]
"""
TESTS = ("2A/initial_election", "2A/one_server", "2A/chaos", "2B/chaos")
PLAIN = "".join(f'[[tests]]\nselect = "{test}"\npoints = {points}\n' for test, points in zip(TESTS, (4, 2, 3, 5)))


def rubric(folder: Path, more: str = "", tests: str = PLAIN, **options: Any) -> Rubric:
    path = folder / "rubric.toml"
    path.write_text(HEAD + tests + more, encoding="utf-8")
    return load(path, **options)


def stored(name: str = "alice", **statuses: str) -> Result:
    """Return a result with these runs by test, such as i="pphf": the tests are named by their first letter in TESTS."""
    words = {"p": "pass", "f": "fail", "h": "grader-error", "n": "fail"}
    tests = []
    for key, test in zip(("i", "o", "c", "b"), TESTS):
        found = [words[letter] for letter in statuses.get(key, "pppp")]
        tests.append(judged(item(test), *found, rule="NotWritten" if "n" in statuses.get(key, "") else "LeaderInTime"))
    return graded(*tests, name=name)


def scores(found: Result) -> dict[str, float]:
    return {test.id: test.score for test in found.tests}


# Mistakes in a rubric.


@pytest.mark.parametrize(
    "text, error",
    [
        ("[late]\nper_day = 2", r"late.per_day: expected 'float' <= 1.0"),
        ("[late]\nper_day = 0.1\nfree = 1", "unknown field 'free'"),
        ("[late]\nper_day = 0.1\ndeadline = 2026-06-01T12:00:00", "late.deadline: .* has no time zone; write"),
        ("[release]\nafter_published = 2026-06-01T12:00:00", "release.after_published: .* has no time zone"),
        ("[tiers]\npartial = 0.9\nfull = 0.5", "tiers.partial: 0.9 is more than full, 0.5; lower it"),
        ('attempts = "first"', "attempts"),
        ('[[groups]]\ntitle = "g"\ntests = ["2A/x"]', r"groups\[0\].tests: no test that counts is called '2A/x'"),
        ('[[groups]]\ntitle = "g"\ntests = ["*/chaos"]', "are not tests of one stage; make a group for each stage"),
        (
            '[[groups]]\ntitle = "g"\ntests = ["2A/chaos"]\n[[groups]]\ntitle = "h"\ntests = ["2A/*"]',
            "'2A/chaos' is in the group 'g', too",
        ),
    ],
)
def test_a_mistake_in_the_policy_names_place_and_remedy(tmp_path: Path, text: str, error: str) -> None:
    top = text if text.startswith("attempts") else ""
    path = tmp_path / "rubric.toml"
    path.write_text(f"{top}\n{HEAD}{PLAIN}{'' if top else text}", encoding="utf-8")
    with pytest.raises(Usage, match=error):
        load(path)


OVERRIDE = '[[overrides]]\nstudent = "alice"\npoints = {points}\nreason = "{reason}"\nby = "tk"\non = 2026-06-03\n'


@pytest.mark.parametrize(
    "text, error",
    [
        (OVERRIDE.format(points=99, reason="x"), r"overrides\[0\].points: 99 is more than the maximum, 14"),
        (OVERRIDE.format(points=5, reason="x") + 'test = "2A/chaos"', "5 is more than the maximum, 3"),
        (OVERRIDE.format(points=1, reason=" "), r"overrides\[0\].reason: is empty; the audit needs it"),
        (OVERRIDE.format(points=1, reason="x") + 'test = "2A/no"', "no test '2A/no' counts"),
        (OVERRIDE.format(points=1, reason="x") * 2, r"overrides\[1\]: sets the whole of 'alice' again"),
        ('[[overrides]]\nstudent = "a"\npoints = 1\nreason = "x"\nby = "tk"', "missing required field 'on'"),
    ],
)
def test_a_decision_needs_everything_that_an_audit_asks_for(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(Usage, match=error):
        rubric(tmp_path, text)


# Groups, tiers, decisions.

GROUP = '[[groups]]\ntitle = "both"\ntests = ["2A/one_server", "2A/chaos"]\n'


def test_a_group_gives_all_its_points_or_none(tmp_path: Path) -> None:
    whole = rescore(stored(), rubric(tmp_path, GROUP))
    assert scores(whole) == dict(zip(TESTS, (4, 2, 3, 5)))
    broken = rescore(stored(c="pppf"), rubric(tmp_path, GROUP))
    assert scores(broken) == dict(zip(TESTS, (4, 0, 0, 5)))
    one = next(test for test in broken.tests if test.id == "2A/one_server")
    assert (one.status, one.uncounted) == ("pass", 2.0) and "'both' counts only if all its tests pass" in one.message


def test_a_group_waits_while_one_of_its_tests_is_held(tmp_path: Path) -> None:
    waits = rescore(stored(c="ppph"), rubric(tmp_path, GROUP))
    assert (waits.status, waits.score, waits.held_score) == ("held", 9.0, 5.0)
    lost = rescore(stored(c="ppph", o="fppp"), rubric(tmp_path, GROUP))
    assert (lost.status, lost.score, lost.held_score) == ("graded", 9.0, 0.0)


def test_tiers_are_the_rubrics(tmp_path: Path) -> None:
    tests = '[[tests]]\nselect = "2A/initial_election"\n[[tests]]\nselect = "2B/perf_load"\npoints = 10\nsecret = 0\n'
    done = graded(judged(item(), *["pass"] * 4), judged(item("2B/perf_load", secret=0), "pass", "pass"))
    done.tests[1].figures = {
        "messages": results.Figure(1, 1, "partial"),
        "bytes": results.Figure(1, 1, "bonus"),
    }
    done.tests[1].message = "messages: 1"
    for text, points, status in [("", 7.5, "fail"), ("[tiers]\npartial = 0.8\nfull = 1\n", 9.0, "fail")]:
        test = rescore(done, rubric(tmp_path, text, tests)).tests[1]
        assert (test.score, test.status, test.message) == (points, status, "messages: 1")


def test_a_decision_sets_a_test_and_ends_its_being_held(tmp_path: Path) -> None:
    text = OVERRIDE.format(points=2, reason="seen in the exam") + 'test = "2A/chaos"\n'
    found = rescore(stored(c="hhhh"), rubric(tmp_path, text))
    assert (found.status, found.score, scores(found)["2A/chaos"]) == ("graded", 13.0, 2.0)
    [change] = found.adjustments
    assert (change.kind, change.test, change.by, change.on) == ("override", "2A/chaos", "tk", "2026-06-03")
    assert "points of 2A/chaos set by hand (+2), by tk on 2026-06-03: seen in the exam" in render_one(found)
    assert rescore(stored("bob", c="hhhh"), rubric(tmp_path, text)).status == "held"


def test_a_decision_about_the_whole_is_the_last_word(tmp_path: Path) -> None:
    text = "[late]\nper_day = 0.5\n" + OVERRIDE.format(points=7, reason="illness")
    late = stored()
    late.submission.late = 3
    found = rescore(late, rubric(tmp_path, text))
    assert (found.score, [change.kind for change in found.adjustments]) == (7.0, ["late", "override"])
    refused = Result("not-gradable", late.submission, late.basis, late.sandbox, message="no raft.py")
    decide_whole(
        refused, Policy(overrides=(OverridePart("alice", 3.0, "x", "y", datetime.date(2026, 6, 3)),)), ["alice"]
    )
    assert refused.status == "graded"


def test_a_decision_about_a_refused_submission_is_rescored_like_others(tmp_path: Path) -> None:
    decided = rubric(tmp_path, OVERRIDE.format(points=3, reason="seen in the exam"))
    refused = Result("not-gradable", stored().submission, stored().basis, stored().sandbox, message="no raft.py")
    once = rescore(refused, decided)
    assert (once.status, once.score, [change.points for change in once.adjustments]) == ("graded", 3.0, [3.0])
    assert rescore(once, decided) == once
    more = rescore(once, rubric(tmp_path, OVERRIDE.format(points=5, reason="a second look")))
    assert (more.status, more.score, [change.points for change in more.adjustments]) == ("graded", 5.0, [5.0])
    none = rescore(more, rubric(tmp_path))
    assert (none.status, none.score, none.max_score, none.message) == ("not-gradable", 0.0, 14.0, "no raft.py")
    with pytest.raises(NotRun, match="did not finish"):
        rescore(msgspec.structs.replace(refused, status="unfinished"), decided)


@pytest.mark.parametrize("test", ["", "2A/chaos"])
def test_a_decision_finds_its_student_in_any_case_of_letters(tmp_path: Path, test: str) -> None:
    text = OVERRIDE.replace('"alice"', '"Alice@Uni.EDU"').format(points=2, reason="x")
    text += f'test = "{test}"\n' if test else ""
    found = stored()
    found.submission.people = [results.Person(email="alice@uni.edu")]
    [change] = rescore(found, rubric(tmp_path, text)).adjustments
    assert (change.kind, change.test) == ("override", test)
    with pytest.raises(Usage, match=r"overrides\[1\]: sets .* of 'alice@uni.edu' again"):
        rubric(tmp_path, text + text.replace("Alice@Uni.EDU", "alice@uni.edu"))


# Late days.

DEADLINE = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "handed_in, days, share",
    [
        ("2026-06-01T11:59:00Z", 0.0, 0.0),
        ("2026-06-01T12:10:00Z", 0.0, 0.0),
        ("2026-06-01T12:16:00Z", 1, 0.0),
        ("2026-06-02T12:16:00Z", 2, 0.1),
        ("2026-06-04T12:00:00Z", 3, 0.2),
        ("2026-06-05T12:16:00Z", 5, 1.0),
    ],
)
def test_late_days_cost_their_share_after_grace_and_free_days(handed_in: str, days: float, share: float) -> None:
    late = LatePart(per_day=0.1, deadline=DEADLINE, grace_minutes=15, free_days=1, most_days=3)
    found = stored()
    counted = days_late(handed_in, 0.0, late)
    assert -(-counted // 1) == days
    charge(found, late, counted)
    assert found.score == round(16 * (1 - share), 2)


def test_an_extension_and_free_days_of_the_roster_count(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text(
        "id,name,email,group,late_days,extension\nalice,A,a@x.org,,,2026-06-03T14:00+02:00\nbob,B,b@x.org,g,4,\n",
        encoding="utf-8",
    )
    text = "[late]\nper_day = 0.5\ndeadline = 2026-06-01T12:00:00Z\n"
    found = rubric(tmp_path, text, roster=tmp_path / "roster.csv")
    assert found.sha256 == rubric(tmp_path, text).sha256, "an extension of one student makes no other rubric for all"
    for name, points in (("alice", 14.0), ("bob", 14.0), ("carol", 0.0)):
        late = stored(name)
        late.submission.handed_in = "2026-06-03T12:00:00Z"
        assert rescore(late, found).score == points
    assert entries_of(found.policy.roster, {"B@X.ORG"}) == [found.policy.roster[1]]
    assert entries_of(found.policy.roster, {"g"}) == [found.policy.roster[1]]


def test_an_extension_may_be_a_number_of_days_and_a_group_has_the_best_of_its_members(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("id,group,github,late_days,extension\na,g,ag,,1\nb,g,bg,2,\n")
    found = rubric(tmp_path, "[late]\nper_day = 0.5\ndeadline = 2026-06-01T12:00:00Z\n", roster=tmp_path / "roster.csv")
    for name, when, points in (("g", "2026-06-04T12:00:00Z", 14.0), ("ag", "2026-06-03T12:00:00Z", 7.0)):
        late = stored(name)
        late.submission.handed_in = when
        assert rescore(late, found).score == points


def test_late_days_wait_while_a_result_is_held(tmp_path: Path) -> None:
    late = stored(c="hhhh")
    late.submission.late = 1
    found = rescore(late, rubric(tmp_path, "[late]\nper_day = 0.5\n"))
    assert (found.status, found.score, found.held_score, found.adjustments) == ("held", 11.0, 3.0, [])


@pytest.mark.parametrize(
    "text, error",
    [
        ("name,email\nA,a\n", "the first line has no column 'id'"),
        ("id,shoe\n1,2\n", "there is no column 'shoe'"),
        ("id,id\n1,2\n", "the column 'id' is there twice"),
        ("id,name\n1,A\n1,B\n", "the id '1' is there twice"),
        ("id,email\n1,a\n2,A\n", "the email 'A' is there twice"),
        ("id,name\n,A\n", "row 2: the id is empty"),
        ("id,late_days\n1,many\n", "row 2: late_days 'many' is not a number of days"),
        ("id,extension\n1,2026-06-03\n", "row 2: extension '2026-06-03' is neither days, such as 2, nor a time"),
        ("id\n1,2\n", "row 2 has 2 cells, the first line 1"),
    ],
)
def test_a_mistake_in_a_roster_names_row_and_remedy(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    with pytest.raises(Usage, match=error):
        read_roster(tmp_path / "roster.csv")


def test_late_days_reveal_no_hidden_points(tmp_path: Path) -> None:
    tests = PLAIN.replace("points = 3", 'points = 3\nvisibility = "hidden"')
    late = stored()
    late.submission.late = 1
    found = rescore(late, rubric(tmp_path, "[late]\nper_day = 0.1\n", tests))
    assert found.score == 12.6
    view = student_view(found)
    assert (view.score, [change.points for change in view.adjustments]) == (9.9, [-1.1])
    content = gradescope.content(found)
    assert round(sum(test["score"] for test in content["tests"]), 2) == 12.6 and "score" not in content
    assert content["tests"][-1]["visibility"] == "hidden"
    assert "-1.1" not in classroom.text(late)


# Attempts, release.


def attempt(points: str, number: int) -> Result:
    found = stored(b=points)
    found.submission.attempt, found.submission.sha256 = number, f"{number:064}"
    return found


def test_the_best_or_the_last_attempt_counts(tmp_path: Path) -> None:
    both = [attempt("pppp", 1), attempt("ffff", 2)]
    assert rescore_attempts(both, rubric(tmp_path)).submission.attempt == 2
    path = tmp_path / "rubric.toml"
    path.write_text('attempts = "best"\n' + path.read_text())
    best = load(path)
    assert rescore_attempts(both, best).submission.attempt == 1
    assert rescore_attempts([both[0], attempt("hhhh", 2)], best).submission.attempt == 2
    assert choose([], best.policy) == -1


def test_the_last_attempt_is_the_one_that_was_graded_last_if_no_times_are_known(tmp_path: Path) -> None:
    first, second = (stored(b=points) for points in ("pppp", "ffff"))
    first.submission.sha256, second.submission.sha256 = "1" * 64, "2" * 64
    assert rescore_attempts([first, second, first], rubric(tmp_path)).submission.sha256 == "1" * 64
    assert rescore_attempts([first, second], rubric(tmp_path)).submission.sha256 == "2" * 64


def test_an_attempt_without_a_time_comes_after_those_that_were_stored_before_it(tmp_path: Path) -> None:
    dated = [stored() for _ in range(3)]
    for number, (one, when) in enumerate(zip(dated, ("2026-06-01T10:00:00Z", "2026-06-02T10:00:00Z", ""))):
        one.submission.sha256, one.submission.handed_in = f"{number:064}", when
    early, late, undated = dated
    assert rescore_attempts([early, late, undated], rubric(tmp_path)).submission == undated.submission
    assert rescore_attempts([late, early], rubric(tmp_path)).submission == late.submission
    assert rescore_attempts([early, undated, late], rubric(tmp_path)).submission == late.submission


RELEASED = "[release]\nafter_published = 2026-06-01T12:00:00Z\n"
BEFORE, AFTER = "2026-06-01T13:59:59+02:00", "2026-06-01T14:00+02:00"


def test_tests_are_visible_from_their_date_on_and_the_result_keeps_what_the_rubric_said(tmp_path: Path) -> None:
    hidden = PLAIN.replace("points = 3", 'points = 3\nvisibility = "after_published"')
    found = rescore(stored(), rubric(tmp_path, RELEASED, hidden))
    chaos = [test.id for test in found.tests].index("2A/chaos")
    seen = [released(found, datetime.datetime.fromisoformat(moment)) for moment in (BEFORE, AFTER)]
    assert [one.tests[chaos].visibility for one in (found, *seen)] == ["after_published", "after_published", "visible"]
    without = rescore(found, rubric(tmp_path, "", hidden))
    assert b'"release"' not in msgspec.json.encode(without)
    assert released(without, datetime.datetime.fromisoformat(AFTER)) == without


def test_before_the_date_no_command_shows_a_student_what_is_hidden_and_after_it_all_do(tmp_path: Path) -> None:
    rubric(tmp_path, RELEASED, PLAIN.replace("points = 3", 'points = 3\nvisibility = "after_published"'))
    grades, worksheet = on_shelf(tmp_path, stored(c="fppp")), tmp_path / "worksheet.csv"
    worksheet.write_text("Identifier,Email address,Grade,Feedback comments\nParticipant 1,alice,,\n")
    rescoring = ["rescore", str(grades), "--rubric", str(tmp_path / "rubric.toml")]
    commands = {
        "alice/feedback.txt": rescoring,
        "alice/feedback.json": rescoring,
        "alice/report.html": ["page", str(grades)],
        "worksheet-filled.csv": ["moodle", str(worksheet), "--results", str(grades), "--write"],
    }
    assert main([*rescoring, "--at", BEFORE]) == 0
    kept = (grades / "alice" / "result.json").read_bytes()
    for moment, is_shown in ((BEFORE, False), (AFTER, True), (BEFORE, False)):
        for name, command in commands.items():
            assert main([*command, "--at", moment]) == 0
            text = ((tmp_path if name.startswith("worksheet") else grades) / name).read_text()
            assert ("2A/chaos" in text) == is_shown, f"{name} at {moment}"
    assert (grades / "alice" / "result.json").read_bytes() == kept and Shelf(grades).history("alice")[1:] == []


def test_the_grade_command_releases_without_running_anything(tmp_path: Path) -> None:
    drill = '[[tests]]\nselect = "2A/drill_first_vote"\nvisibility = "after_published"\n' + RELEASED
    (tmp_path / "rubric.toml").write_text(HEAD.partition("basis")[0] + drill)
    words = ["grade", str(ROOT / "skeleton"), "--rubric", str(tmp_path / "rubric.toml"), "--as", "ada", "--runs", "1"]
    words += ["--out", str(tmp_path / "out"), "--export", "junit", "--at"]
    for moment, is_shown in ((BEFORE, False), (AFTER, True)):
        main([*words, moment])
        log = (tmp_path / "out" / "log.jsonl").read_text().splitlines()
        assert len(log) == 1, "it was graded again"
        for name in ("feedback.json", "junit.xml"):
            assert ("drill_first_vote" in (tmp_path / "out" / "ada" / name).read_text()) == is_shown, name


# What holds for every policy and all runs.

LETTERS = st.sampled_from("pfh")
RUNS = st.lists(LETTERS, min_size=4, max_size=4).map("".join)
POINTS = st.integers(0, 40).map(lambda number: number / 4)
POLICIES = st.fixed_dictionaries(
    {
        "points": st.lists(POINTS, min_size=4, max_size=4),
        "threshold": st.sampled_from([0.25, 0.5, 0.75, 1.0]),
        "partial": st.booleans(),
        "weight": st.sampled_from([0.5, 1, 3]),
        "group": st.booleans(),
        "late": st.sampled_from([0, 1, 2, 9]),
    }
)


def points_of(folder: Path, policy: dict[str, Any], runs: list[str]) -> Result:
    tests = "".join(
        f'[[tests]]\nselect = "{test}"\npoints = {points}\nthreshold = {policy["threshold"]}\n'
        f"partial = {str(policy['partial']).lower()}\n"
        for test, points in zip(TESTS, policy["points"])
    )
    late = "[late]\nper_day = 0.1\nmost_days = 5\n" if policy["late"] else ""
    tests = tests if not policy["group"] else tests + GROUP
    text = HEAD.replace('"election"\n', f'"election"\nweight = {policy["weight"]}\n')
    (folder / "property.toml").write_text(text + tests + late, encoding="utf-8")
    raw = stored(**dict(zip(("i", "o", "c", "b"), runs)))
    raw.submission.late = policy["late"]
    return rescore(raw, load(folder / "property.toml"))


@settings(max_examples=60, deadline=None)
@given(POLICIES, st.lists(RUNS, min_size=4, max_size=4), st.integers(0, 15))
def test_points_are_bounded_grow_with_passes_and_held_runs_neither_give_nor_take(
    tmp_path_factory: pytest.TempPathFactory, policy: dict[str, Any], runs: list[str], place: int
) -> None:
    folder = tmp_path_factory.getbasetemp()

    def with_run(letter: str) -> Result:
        changed = [list(letters) for letters in runs]
        changed[place // 4][place % 4] = letter
        return points_of(folder, policy, ["".join(letters) for letters in changed])

    lost, open_, won = (with_run(letter) for letter in "fhp")
    for found in (lost, open_, won):
        assert 0 <= found.score <= found.max_score and found.held_score >= 0
        assert round(found.score + found.held_score, 2) <= found.max_score
        assert all(0 <= test.score <= test.max_score for test in found.tests)
    if lost.has_grade and won.has_grade:
        assert lost.score <= won.score
    before_late = [round(sum(test.score for test in found.tests), 2) for found in (lost, open_, won)]
    assert before_late[1] <= before_late[0] <= before_late[2] or not lost.has_grade
    assert before_late[1] <= before_late[2]
    if won.has_grade:
        assert before_late[2] <= round(before_late[1] + sum(test.held_score for test in open_.tests), 2) + 0.01


@settings(max_examples=20, deadline=None)
@given(POLICIES, st.lists(RUNS, min_size=4, max_size=4))
def test_rescoring_twice_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, policy: dict[str, Any], runs: list[str]
) -> None:
    once = points_of(tmp_path_factory.getbasetemp(), policy, runs)
    assert rescore(once, load(tmp_path_factory.getbasetemp() / "property.toml")) == once


# Runs that were never made.


def test_a_rubric_that_needs_other_runs_names_them(tmp_path: Path) -> None:
    for text, error in [
        (PLAIN.replace("points = 3", "public = [1, 7, 8]"), "2A/chaos was not run with seeds 7, 8"),
        (PLAIN.replace("points = 3", "secret = 3"), "2A/chaos was not run with 3 secret seeds, but 2"),
        (PLAIN + '[[tests]]\nselect = "2B/basic_agreement"\n', "2B/basic_agreement was not part of its grading"),
    ]:
        with pytest.raises(NotRun, match=error):
            rescore(stored(), rubric(tmp_path, tests=text))


def test_fewer_seeds_need_no_run(tmp_path: Path) -> None:
    fewer = PLAIN.replace("points = 3", "points = 3\npublic = [2]\nsecret = 1")
    found = rescore(stored(c="fppp"), rubric(tmp_path, tests=fewer))
    assert scores(found)["2A/chaos"] == 3 and [run.seed for run in found.tests[2].runs] == [2, 1_000_001]


def test_a_run_that_settled_its_test_stands_for_the_seeds_after_it(tmp_path: Path) -> None:
    found = rescore(stored(c="n"), rubric(tmp_path, tests=PLAIN.replace("points = 3", "public = [5, 6]")))
    assert found.tests[2].status == "not-written"


# The command.


def on_shelf(folder: Path, *found: Result) -> Path:
    for one in found:
        Shelf(folder / "grades").keep(one.submission.name, one)
    return folder / "grades"


def test_a_changed_rubric_is_shown_then_written_with_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rubric(tmp_path)
    grades = on_shelf(tmp_path, stored(), stored("bob", c="pppf"))
    command = ["rescore", str(grades), "--rubric", str(tmp_path / "rubric.toml")]
    assert main(command) == 0
    capsys.readouterr()
    rubric(tmp_path, tests=PLAIN.replace("points = 3", "points = 3\nthreshold = 0.75"))
    before = {path: path.read_bytes() for path in grades.rglob("*") if path.is_file()}
    assert main([*command, "--diff"]) == exits.LESS
    shown = capsys.readouterr().out
    assert "bob" in shown and "2A/chaos 0 -> 3" in shown and "alice" not in shown
    assert {path: path.read_bytes() for path in grades.rglob("*") if path.is_file()} == before
    assert main([*command, "--reason", "chaos was too hard"]) == 0
    now = Shelf(grades).results()
    assert now["bob"].score == 14.0 and now["bob"].reason == "chaos was too hard"
    assert [one.score for one in Shelf(grades).history("bob")][-1] == 11.0
    assert "14.00" in (grades / "class.csv").read_text()
    log = [json.loads(line) for line in (grades / "log.jsonl").read_text().splitlines()]
    assert (log[-1]["folder"], log[-1]["before"], log[-1]["points"]) == ("bob", 11.0, 14.0)
    assert main([*command, "--diff"]) == 0 and "no points change" in capsys.readouterr().out


def test_pages_that_are_there_are_written_again_with_their_title(tmp_path: Path) -> None:
    rubric(tmp_path)
    grades = on_shelf(tmp_path, stored("bob", c="pppf"))
    command = ["rescore", str(grades), "--rubric", str(tmp_path / "rubric.toml")]
    assert main(command) == 0 and not (grades / CLASS).exists()
    assert main(["page", str(grades), "--title", "R&D <2026> 'b'"]) == 0
    rubric(tmp_path, tests=PLAIN.replace("points = 3", "points = 3\nthreshold = 0.75"))
    before = (grades / CLASS).read_bytes(), (grades / "bob" / STUDENT).read_bytes()
    assert main(command) == 0
    after = (grades / CLASS).read_bytes(), (grades / "bob" / STUDENT).read_bytes()
    assert before[0] != after[0] and before[1] != after[1]
    assert main(["page", str(grades), "--title", "R&D <2026> 'b'"]) == 0
    assert after == ((grades / CLASS).read_bytes(), (grades / "bob" / STUDENT).read_bytes())


def test_nothing_is_written_if_runs_are_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grades = on_shelf(tmp_path, stored(), stored("bob"))
    rubric(tmp_path, tests=PLAIN.replace("points = 3", "public = [1, 9]"))
    before = (grades / "bob" / "result.json").read_bytes()
    assert main(["rescore", str(grades), "--rubric", str(tmp_path / "rubric.toml")]) == exits.LESS
    said = capsys.readouterr().err
    assert "bob: 2A/chaos was not run with seed 9" in said and "nothing is written" in said
    assert (grades / "bob" / "result.json").read_bytes() == before


@pytest.mark.parametrize(
    "selection",
    [
        Selection(runs=1),
        Selection(3, True),
        Selection(only="2A/chaos"),
        Selection(2, True, "chaos --runs 7"),
        Selection(),
    ],
    ids=str,
)
def test_a_selection_can_be_read_from_a_result(selection: Selection) -> None:
    assert Selection.read(str(selection)) == selection


def test_a_part_of_a_rubric_is_rescored_as_it_was_graded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As after a first look at a class: `class --only 2A/ --runs 1`, then other points."""
    whole, options = rubric(tmp_path), dict[str, Any](only="2A/", runs=1)
    part = [rescore(stored(name), rubric(tmp_path, **options)) for name in ("alice", "bob")]
    assert [len(test.runs) for test in part[0].tests] == [1, 1, 1] and part[0].max_score == 9.0
    grades = on_shelf(tmp_path, *part)
    rubric(tmp_path, tests=PLAIN.replace("points = 3", "points = 6"))
    command = ["rescore", str(grades), "--rubric", str(tmp_path / "rubric.toml")]
    assert main([*command, "--runs", "2", "--only", "2A/"]) == exits.LESS
    assert "--replace --only 2A/ --runs 2" in capsys.readouterr().err
    assert main(command) == 0
    assert "as these results were graded, with --only 2A/ --runs 1" in capsys.readouterr().err
    now = Shelf(grades).results()["bob"]
    assert (now.score, now.basis.selection) == (12.0, "--only 2A/ --runs 1")
    on_shelf(tmp_path, msgspec.structs.replace(now, basis=msgspec.structs.replace(now.basis, selection="")))
    assert main(command) == exits.USAGE and "several selections, --only 2A/ --runs 1 and all tests" in (
        capsys.readouterr().err
    )
    assert whole.selection == ""


def test_attempts_that_were_never_graded_are_named_when_the_best_one_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last, all_of_them, only = stored("alice", c="fppp"), stored("bob"), stored("carol")
    last.submission.attempt, only.submission.attempt = 3, 1
    grades = on_shelf(tmp_path, last, only)
    for number in (1, 2):
        all_of_them.submission.attempt, all_of_them.submission.sha256 = number, f"{number}" * 64
        on_shelf(tmp_path, all_of_them)
    rubric(tmp_path)
    path = tmp_path / "rubric.toml"
    command = ["rescore", str(grades), "--rubric", str(path)]
    assert main(command) == 0 and capsys.readouterr().err == ""
    path.write_text('attempts = "best"\n' + path.read_text())
    assert main(command) == 0
    said = capsys.readouterr().err
    assert "earlier ones have no result: alice (1, 2). Then grade them, and nothing else: .venv/bin/python -m " in said
    assert f"grader class SUBMISSIONS --out {grades} --rubric {path}\n" in said


def test_nothing_is_rescored_while_a_class_is_graded_into_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fcntl = pytest.importorskip("fcntl", reason="folders are locked where there is flock")
    rubric(tmp_path, tests=PLAIN.replace("points = 3", "points = 3\nthreshold = 0.75"))
    grades = on_shelf(tmp_path, stored("bob", c="pppf"))
    command = ["rescore", str(grades), "--rubric", str(tmp_path / "rubric.toml")]
    handle = os.open(grades, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert main(command) == exits.USAGE and "another command is grading a class" in capsys.readouterr().err
        assert Shelf(grades).history("bob") == []
        assert main([*command, "--diff"]) == exits.LESS
    finally:
        os.close(handle)
    assert main(command) == 0


def test_a_wrong_time_and_no_results_are_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rubric(tmp_path)
    assert main(["rescore", str(tmp_path)]) == exits.USAGE
    grades = on_shelf(tmp_path, stored())
    command = ["rescore", str(grades), "--rubric", str(tmp_path / "rubric.toml"), "--at", "tomorrow"]
    assert main(command) == exits.USAGE and "is not a time with its zone" in capsys.readouterr().err


def test_adjustments_are_read_back_as_they_were(tmp_path: Path) -> None:
    late = stored()
    late.submission.late = 1
    found = rescore(late, rubric(tmp_path, "[late]\nper_day = 0.1\n"))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Result) == found
    assert found.adjustments[0].points == -1.4
