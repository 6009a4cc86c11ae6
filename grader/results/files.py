"""The files of graded submissions beside result.json: those for students, the exports, and the class's table."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.exits import Usage
from grader.results import exports, report
from grader.results.exports.table_csv import class_table
from grader.results.exports.text_file import write_text
from grader.results.result import Result, read, write
from grader.results.student_view import student_view


def write_all(folder: Path, result: Result, formats: Sequence[str]) -> None:
    """Write everything that is made from a result into the submission's folder."""
    view = student_view(result)
    write(folder / "feedback.json", view)
    write_text(folder / "feedback.txt", report.render_one(view) + "\n")
    exports.write_chosen(folder, result, formats)


def write_class(out: Path, fresh: Mapping[str, Result]) -> None:
    """Write class.csv: a row for each submission, also for those that earlier commands graded into the same folder."""
    write_text(out / "class.csv", class_table(_all_in(out, fresh)))


def _all_in(out: Path, fresh: Mapping[str, Result]) -> list[Result]:
    """Return the results of all submissions that were graded into a folder, by name."""
    found = dict(fresh)
    for path in out.glob("*/result.json"):
        with contextlib.suppress(Usage):  # of another version, or not ours
            found.setdefault(path.parent.name, read(path))
    return [found[name] for name in sorted(found)]
