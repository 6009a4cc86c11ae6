"""The terminal report, made from results alone: points by stage and part, then each failure with its reason."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from grader.result import Result, Test

PARTS = {"drill": "drills", "test": "tests", "hidden": "hidden tests", "performance": "performance"}
MOST = 12
"""Failures that the terminal shows in full; feedback.txt has all of them."""
WORST = ("error", "fail", "grader-error")


def render(results: Sequence[Result], out: Path, previous: Mapping[str, Result]) -> str:
    """Return a report of one submission, or a table of several."""
    if len(results) == 1:
        [result] = results
        parts = [render_one(result, MOST)]
        before = previous.get(result.submission.name)
        if before is not None and before.status == "graded":
            parts.append(f"before: {_points(before)}")
        return "\n".join([*parts, f"results: {out / result.submission.name}"])
    rows = [_row(result, previous.get(result.submission.name)) for result in results]
    stages = list(dict.fromkeys(stage.id for result in results for stage in result.stages))
    cells = [[row[0], *(row[1].get(stage, "") for stage in stages), *row[2:]] for row in rows]
    headers = ["submission", *stages, "points", "of", "notes"]
    align = ("left", *["right"] * len(stages), "right", "right", "left")
    table = tabulate(cells, headers=headers, tablefmt="simple", colalign=align, disable_numparse=True) if cells else ""
    return f"{table}\nresults: {out}, summed up in {out / 'class.csv'}".lstrip()


def _row(result: Result, before: Result | None) -> tuple[str, dict[str, str], str, str, str]:
    notes = [] if result.status == "graded" else [f"{result.status}: {result.message.splitlines()[0][:60]}"]
    if result.our_errors:
        notes.append(f"{len(result.our_errors)} errors of the grader")
    if before is not None and before.status == "graded" and before.score != result.score:
        notes.append(f"before: {before.score:g}")
    stages = {stage.id: f"{stage.score:g}" for stage in result.stages}
    return result.submission.name, stages, f"{result.score:g}", f"{result.max_score:g}", "; ".join(notes)


def render_one(result: Result, most: int = 1000) -> str:
    """Return the report of one submission, with at most so many failures told in full."""
    head = f"{result.submission.name}: {_points(result)}"
    if result.status != "graded":
        return "\n".join([head, *_wrapped(f"{result.status}: {result.message}")])
    parts = [head, _table(result), *_gathered(result.tests)]
    broken = [test for test in result.tests if test.status in WORST]
    parts += [_failure(test) for test in broken[:most]]
    if broken[most:]:
        rest = ", ".join(test.id for test in broken[most:])
        parts.append(textwrap.fill(f"and {len(broken) - most} more: {rest}", _width(), subsequent_indent="    "))
    if result.message:
        parts.append(textwrap.fill(f"note: {result.message}", _width(), subsequent_indent="      "))
    if result.warnings:
        parts.append("\n".join(f"note: {warning}" for warning in result.warnings))
    return "\n\n".join(parts)


def _points(result: Result) -> str:
    inline = result.sandbox.hosts == "inline"
    where = "servers in one process, no sandbox" if inline else f"sandbox level {result.sandbox.level}"
    return f"{result.score:g} of {result.max_score:g} points   ({where})"


def _table(result: Result) -> str:
    rows = []
    for stage in result.stages:
        head = f"{stage.id} {stage.title}"
        for kind, name in PARTS.items():
            tests = [test for test in result.tests if test.stage == stage.id and test.kind == kind]
            if not tests:
                continue
            passed = sum(test.status == "pass" for test in tests)
            runs = sum(len(test.runs) for test in tests)
            score, most = (sum(getattr(test, field) for test in tests) for field in ("score", "max_score"))
            rows.append((head, name, f"{passed}/{len(tests)}", runs, f"{score:g}", f"{most:g}"))
            head = ""
    headers, align = ("stage", "", "passed", "runs", "points", "of"), ("left", "left", *["right"] * 4)
    return str(tabulate(rows, headers=headers, tablefmt="simple", colalign=align, disable_numparse=True))


def _gathered(tests: Sequence[Test]) -> list[str]:
    """Return a line for each thing that is not written, or that keeps tests from being run."""
    found: dict[str, int] = {}
    for test in tests:
        if test.status in ("not-written", "skip"):
            key = f"{test.stage}  {test.message}"
            found[key] = found.get(key, 0) + 1
    lines = [f"{text}: {count} tests" if count > 1 else text for text, count in found.items()]
    return ["\n".join(textwrap.fill(line, _width(), subsequent_indent="    ") for line in lines)] if lines else []


def _failure(test: Test) -> str:
    seeds = ", ".join(map(str, test.failing_seeds[:5])) + (", …" if len(test.failing_seeds) > 5 else "")
    secret = f"{test.failing_secret_seeds} secret" if test.failing_secret_seeds else ""
    where = " and ".join(part for part in (seeds, secret) if part)
    where = f"   seed{'s' if not where.isdigit() else ''} {where}" if where else ""
    title = f"{test.status}  {test.id}  {test.title}{where}"
    lines = textwrap.wrap(title, _width(), subsequent_indent="      ")
    lines += [f"      {line}" for line in _wrapped(test.message, 6)]
    for word, text in (("hint", test.hint), ("replay", test.replay)):
        if text:
            lines += textwrap.wrap(f"{word:8}{text}", _width() - 6, initial_indent="      ", subsequent_indent=" " * 14)
    return "\n".join(lines)


def _wrapped(text: str, indent: int = 0) -> list[str]:
    return [line for paragraph in text.splitlines() for line in textwrap.wrap(paragraph, _width() - indent) or [""]]


def _width() -> int:
    return max(60, min(100, shutil.get_terminal_size((80, 24)).columns))
