"""What changed between two results of a student, in a sentence: points, tests, and the cause."""

from __future__ import annotations

from grader.results.result import Basis, Result

MOST = 4
"""Tests that are named."""


def describe(before: Result, after: Result) -> str:
    """Return what changed and why; "" if neither status nor points did."""
    if (before.status, before.score) == (after.status, after.score):
        return ""
    first, second = (f"{one.score:g}" if one.has_grade else one.status for one in (before, after))
    known = {test.id: test for test in before.tests}
    tests = [
        f"{test.id} {known[test.id].status} -> {test.status}"
        for test in after.tests
        if test.id in known and known[test.id].status != test.status
    ]
    more = f" and {len(tests) - MOST} more" if tests[MOST:] else ""
    causes = [*_causes(before, after), *([after.reason] if after.reason else [])]
    parts = [f"{first} -> {second}", *([", ".join(tests[:MOST]) + more] if tests else [])]
    return "; ".join([*parts, f"because of {', '.join(causes)}" if causes else "no cause is known"])


def _causes(before: Result, after: Result) -> list[str]:
    causes = ["other files"] if before.submission.sha256 != after.submission.sha256 else []
    names = {
        "rubric_sha256": "another rubric or selection",
        "lab_sha256": "another version of the lab",
        "secret": "another secret",
    }
    causes += [words for name, words in names.items() if _fact(before.basis, name) != _fact(after.basis, name)]
    if (before.sandbox.hosts, before.sandbox.level) != (after.sandbox.hosts, after.sandbox.level):
        causes.append(f"sandbox {before.sandbox.level} -> {after.sandbox.level}")
    return causes


def _fact(basis: Basis, name: str) -> str:
    return str(getattr(basis, name))
