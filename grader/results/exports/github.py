"""The output of a job of GitHub Actions: annotations at the student's own lines, the report, and a step summary.

A runner obeys lines that begin with `::`. So annotations are escaped, and the report is between a line that stops such
commands and one that allows them again, with an unpredictable word.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from grader.intake.names import SERVER
from grader.results import report
from grader.results.result import Result, Test
from grader.results.student_view import student_view
from labs.report.github import MOST, command, line_for, lines_in, plain


def text(result: Result) -> str:
    """Return the lines to print."""
    view = student_view(result)
    word = secrets.token_hex(16)
    source = Path(result.submission.source) if result.submission.source else None
    lines = [f"::stop-commands::{word}", report.render_one(view), f"::{word}::", *annotate(view, source)]
    return "\n".join(lines) + "\n"


def annotate(view: Result, source: Path | None = None) -> list[str]:
    """Return workflow commands: the worst failures first, each at the line that it names, otherwise, if `source` is the
    folder of the submission, at the method that the broken rule is about."""
    if view.status not in ("graded", "held"):
        return [command("error", _place(view.message, view), "not graded", view.message)]
    broken = [test for test in view.tests if test.status in ("error", "fail")]
    found = [
        command(
            "error",
            _place(test.message, view) or _method(test, view, source),
            f"{test.id}: {test.title}",
            _words(test),
        )
        for test in broken
    ]
    if len(found) > MOST:
        found = [
            *found[: MOST - 1],
            command("error", {}, "more", f"{len(found) - MOST + 1} more tests failed; see the log"),
        ]
    ours = [test for test in view.tests if test.status == "held"]
    found += [command("warning", {}, f"{test.id}: held", test.message) for test in ours[:MOST]]
    if view.status == "held":  # without the words that a classroom takes for points
        return [*found, command("error", {}, "No grade yet", f"{view.points}; {view.message}")]
    points = f"Points {view.score:g}/{view.max_score:g}"
    return [*found, command("notice", {}, "Grade", points)]


def _words(test: Test) -> str:
    return "\n".join(line for line in (test.message, test.hint, test.replay) if line)


def _place(message: str, view: Result) -> dict[str, str]:
    """Return file and line of the submission that a message names."""
    for file, line in lines_in(message):
        if file in view.submission.files:
            return {"file": f"{view.submission.root}/{file}".lstrip("/"), "line": line}
    return {}


def _method(test: Test, view: Result, source: Path | None) -> dict[str, str]:
    """Return file and line of the method that the broken rule is about."""
    from labs.raft.rules import RULES  # imports the lab, which most commands need not

    server = f"{view.submission.root}/{SERVER}".lstrip("/")
    if source is None or test.rule not in RULES or not source.is_dir():
        return {}
    number = line_for(source / server, RULES[test.rule])
    return {"file": server, "line": str(number)} if number else {}


def summary(result: Result) -> str:
    """Return the step summary, as Markdown in which no text of a submission acts as markup."""
    view = student_view(result)
    lines = [f"## {plain(view.submission.name)}: {view.points}", ""]
    if view.status not in ("graded", "held"):
        return "\n".join([*lines, plain(view.message), ""])
    lines += [part for line in view.message.splitlines() for part in (plain(line), "")]
    lines += ["| stage | points | of |", "|---|---:|---:|"]
    for stage in view.stages:
        points = "held" if stage.status == "held" else f"{stage.score:g}"
        lines.append(f"| {stage.id} {plain(stage.title)} | {points} | {stage.max_score:g} |")
    broken = [test for test in view.tests if test.status not in ("pass", "skip")]
    if broken:
        lines += ["", "| test | verdict | why |", "|---|---|---|"]
        lines += [f"| {plain(test.id)} | {test.status} | {plain(_words(test))} |" for test in broken]
    return "\n".join(lines) + "\n"
