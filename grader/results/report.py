"""The terminal report, made from results alone: points by stage and part, then each cause of failures once."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from grader.results.basis import NOTHING_COUNTS, waits_for_basis
from grader.results.causes import Cause, causes_of
from grader.results.result import Held, Result, Test

PARTS = {"drill": "drills", "test": "tests", "hidden": "hidden tests", "performance": "performance"}
MOST = 12
"""Causes that the terminal shows in full, and tests that it names for each; feedback.txt has all of them."""
WORST = ("held", "error", "fail")
REPEATED = 3
"""Held runs of a test that are shown with their commands; result.json has all of them."""


def render(results: Sequence[Result], out: Path, previous: Mapping[str, Result]) -> str:
    """Return a report of one submission, or a table of several."""
    if len(results) == 1:
        [result] = results
        parts = [render_one(result, MOST)]
        before = previous.get(result.submission.name)
        if before is not None and before.status == "graded":
            parts.append(f"before: {_points(before)}" + _other_basis(before, result))
        return "\n".join([*parts, f"results: {out / result.submission.name}"])
    return render_table(results, out, previous)


def render_held(results: Sequence[Result]) -> str:
    """Return the results that wait for a decision, each with the commands that repeat its runs; "" if none does."""
    waiting = [result for result in results if result.status == "held"]
    lines = [f"{len(waiting)} held, without a grade until somebody has looked:"] if waiting else []
    for result in waiting:
        lines.append(f"{result.submission.name}: {result.points}")
        lines += [f"  {held.repeat}" for held in result.held[:REPEATED] if held.repeat]
        if result.held[REPEATED:]:
            lines.append(f"  and {len(result.held) - REPEATED} more in result.json")
    return "\n".join(lines)


def render_table(results: Sequence[Result], out: Path, previous: Mapping[str, Result]) -> str:
    """Return a table with one row per submission."""
    rows = [_row(result, previous.get(result.submission.name)) for result in results]
    stages = list(dict.fromkeys(stage.id for result in results for stage in result.stages))
    cells = [[row[0], *(row[1].get(stage, "") for stage in stages), *row[2:]] for row in rows]
    headers = ["submission", *stages, "points", "of", "notes"]
    align = ("left", *["right"] * len(stages), "right", "right", "left")
    table = tabulate(cells, headers=headers, tablefmt="simple", colalign=align, disable_numparse=True) if cells else ""
    return f"{table}\nresults: {out}, summed up in {out / 'class.csv'}".lstrip()


def _row(result: Result, before: Result | None) -> tuple[str, dict[str, str], str, str, str]:
    notes = []
    if result.status == "held":
        notes.append(result.points)
    elif result.status != "graded":
        notes.append(f"{result.status}: {result.message.splitlines()[0][:60]}")
    if result.held:
        notes.append(f"{len(result.held)} held")
    if before is not None and before.status == "graded" and before.score != result.score:
        notes.append(f"before: {before.score:g}{_other_basis(before, result)}")
    stages = {stage.id: "held" if stage.status == "held" else f"{stage.score:g}" for stage in result.stages}
    points = f"{result.score:g}" if result.status == "graded" else result.status
    return result.submission.name, stages, points, f"{result.max_score:g}", "; ".join(notes)


def _other_basis(before: Result, result: Result) -> str:
    return "" if before.basis.mixes_with(result.basis) else f"   ({before.basis.in_words})"


def render_one(result: Result, most: int = 1000) -> str:
    """Return the report of one submission, with at most this many causes of failures in full."""
    head = f"{result.submission.name}: {_points(result)}"
    if result.held and not result.held[0].test:
        return "\n".join([head, *_wrapped(result.message), *_held(result.held[:1])])
    if result.status not in ("graded", "held"):
        return "\n".join([head, *_wrapped(f"{result.status}: {result.message}")])
    lost = [stage.message for stage in result.stages if stage.basis_status in NOTHING_COUNTS and stage.message]
    parts = ["\n".join(_wrapped(head)), _table(result), *map(_paragraph, lost), *_gathered(result.tests)]
    broken = [test for test in result.tests if test.status in WORST and not waits_for_basis(test)]
    broken.sort(key=lambda test: test.status != "held")
    found = causes_of(broken)
    parts += [
        _failure(cause, [held for held in result.held if held.test == cause.shown.id], most) for cause in found[:most]
    ]
    if found[most:]:
        rest = ", ".join(cause.shown.id for cause in found[most:])
        parts.append(textwrap.fill(f"and {len(found) - most} more causes: {rest}", _width(), subsequent_indent="    "))
    parts += [_paragraph(f"note: {change.words}") for change in result.adjustments]
    parts += [_paragraph(f"note: {line}") for line in result.message.splitlines() if line not in lost]
    if result.warnings:
        parts.append("\n".join(f"note: {warning}" for warning in result.warnings))
    return "\n\n".join(parts)


def _paragraph(text: str) -> str:
    return textwrap.fill(text, _width(), subsequent_indent="      ", break_on_hyphens=False)


def _points(result: Result) -> str:
    inline = result.sandbox.hosts == "inline"
    where = "servers in one process, no sandbox" if inline else f"sandbox level {result.sandbox.level}"
    return f"{result.points}   ({where})"


def _table(result: Result) -> str:
    rows: list[tuple[str | int, ...]] = []
    for stage in result.stages:
        head = f"{stage.id} {stage.title}"
        for kind, name in PARTS.items():
            tests = [test for test in result.tests if test.stage == stage.id and test.kind == kind]
            if not tests:
                continue
            passed = sum(test.status == "pass" for test in tests)
            runs = sum(len(test.runs) for test in tests)
            score, most = (sum(getattr(test, field) for test in tests) for field in ("score", "max_score"))
            waits = sum(test.held_score for test in tests)
            rows.append((head, name, f"{passed}/{len(tests)}", runs, f"{score:g}", f"{most:g}", f"{waits:g}"))
            head = ""
    headers, align = ["stage", "", "passed", "runs", "points", "of", "held"], ["left", "left", *["right"] * 5]
    if not result.held_score:
        headers, align, rows = headers[:-1], align[:-1], [row[:-1] for row in rows]
    return str(tabulate(rows, headers=headers, tablefmt="simple", colalign=align, disable_numparse=True))


def _gathered(tests: Sequence[Test]) -> list[str]:
    """Return one line per unwritten method, or per reason why tests are not run."""
    found: dict[str, int] = {}
    for test in tests:
        if test.status in ("not-written", "skip") or waits_for_basis(test):
            key = f"{test.stage}  {test.message}"
            found[key] = found.get(key, 0) + 1
    lines = [f"{text}: {count} tests" if count > 1 else text for text, count in found.items()]
    return ["\n".join(textwrap.fill(line, _width(), subsequent_indent="    ") for line in lines)] if lines else []


def verdict(test: Test) -> str:
    """Return a test's status in a word; a performance test that brings a part of its points is partial."""
    return "partial" if test.status == "fail" and test.figures and test.score > 0 else test.status


def _failure(cause: Cause, held: Sequence[Held], most: int) -> str:
    """Return the test of a cause that is to be looked at, and the names of at most this many others."""
    test = cause.shown
    seeds = ", ".join(map(str, test.failing_seeds[:5])) + (", …" if len(test.failing_seeds) > 5 else "")
    secret = f"{test.failing_secret_seeds} secret" if test.failing_secret_seeds else ""
    where = " and ".join(part for part in (seeds, secret) if part)
    where = f"   seed{'s' if not where.isdigit() else ''} {where}" if where else ""
    together = f"   {len(cause.tests)} tests fail so" if cause.others else ""
    title = f"{verdict(test)}  {test.id}  {test.title}{where}{together}"
    lines = textwrap.wrap(title, _width(), subsequent_indent="      ")
    lines += [f"      {line}" for line in _wrapped(test.message, 6)]
    for word, text in (("hint", test.hint), ("replay", test.replay)):
        if text:
            lines += _told(word, text)
    if cause.others:
        more = f", and {len(cause.others) - most} more in feedback.txt" if cause.others[most:] else ""
        lines += _told("also", ", ".join(other.id for other in cause.others[:most]) + more)
    return "\n".join(lines + (_held(held) if test.status == "held" else []))


def _held(held: Sequence[Held]) -> list[str]:
    """Return where to look for the cause of ungraded runs, and the commands that repeat them."""
    lines = [
        line for finding in dict.fromkeys(run.finding for run in held if run.finding) for line in _told("look", finding)
    ]
    for run in held[:REPEATED]:
        if run.repeat:
            lines += _told("repeat", run.repeat)
    if held[REPEATED:] and held[0].repeat:
        lines += _told("", f"and {len(held) - REPEATED} more in result.json")
    return lines


def _told(word: str, text: str) -> list[str]:
    first, rest = " " * 6, " " * 14
    return textwrap.wrap(
        f"{word:8}{text}", _width() - 6, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
    )


def _wrapped(text: str, indent: int = 0) -> list[str]:
    return [line for paragraph in text.splitlines() for line in textwrap.wrap(paragraph, _width() - indent) or [""]]


def _width() -> int:
    return max(60, min(100, shutil.get_terminal_size((80, 24)).columns))
