"""JUnit XML, in the form that pytest writes: a suite for each stage, points and seeds as properties.

A test that is held is an error, and has no points; a result that is held or not graded has a case that states it.
"""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from grader.results.result import Result, Test
from grader.results.student_view import student_view

OURS = "held"


def text(result: Result) -> str:
    """Return the XML for students."""
    view = student_view(result)
    suites = Xml.Element("testsuites", name=view.submission.name)
    for stage in view.stages:
        _add_suite(suites, stage.id, [test for test in view.tests if test.stage == stage.id], view)
    if view.status != "graded":
        suite = Xml.SubElement(suites, "testsuite", name="grading", tests="1", errors="1", failures="0", skipped="0")
        case = Xml.SubElement(suite, "testcase", classname="grading", name=_TITLES[view.status == "held"], time="0")
        message = f"{view.points}; {view.message}" if view.status == "held" else view.message
        Xml.SubElement(case, "error", message=message, type=view.status)
    Xml.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(suites, encoding="unicode") + "\n"


_TITLES = ("the submission can be graded", "all points are judged")


def _add_suite(suites: Xml.Element, name: str, tests: list[Test], view: Result) -> None:
    count = {
        "errors": sum(test.status in ("error", OURS) for test in tests),
        "failures": sum(test.status in ("fail", "not-written") for test in tests),
        "skipped": sum(test.status == "skip" for test in tests),
        "tests": len(tests),
    }
    suite = Xml.SubElement(suites, "testsuite", {"name": name, **{key: str(value) for key, value in count.items()}})
    suite.set("time", f"{sum(_seconds(test) for test in tests):.3f}")
    suite.set("timestamp", view.started_at.rstrip("Z"))
    for test in tests:
        _add_case(suite, test)


def _add_case(suite: Xml.Element, test: Test) -> None:
    case = Xml.SubElement(suite, "testcase", classname=f"{test.stage}.{test.kind}", name=f"{test.id}: {test.title}")
    case.set("time", f"{_seconds(test):.3f}")
    properties = Xml.SubElement(case, "properties")
    facts = {"points": f"{test.score:g}"} if test.status != OURS else {"held_points": f"{test.held_score:g}"}
    facts |= {"max_points": f"{test.max_score:g}", "stage": test.stage}
    facts |= {"note": test.message} if test.status == "pass" and test.message else {}
    facts |= {"rule": test.rule} if test.rule else {}
    facts |= {"failing_seeds": " ".join(map(str, test.failing_seeds))} if test.failing_seeds else {}
    for name, value in facts.items():
        Xml.SubElement(properties, "property", name=name, value=value)
    if test.status == "pass":
        return
    tag = {"skip": "skipped", "error": "error", OURS: "error"}.get(test.status, "failure")
    problem = Xml.SubElement(case, tag, message=test.message, type=test.rule or test.status)
    problem.text = "\n".join(line for line in (test.message, test.hint, test.replay) if line)


def _seconds(test: Test) -> float:
    return sum(run.wall_time for run in test.runs)
