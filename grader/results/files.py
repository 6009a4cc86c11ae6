"""The files of graded submissions beside result.json: those for students, the exports, and the class's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.results import exports, report
from grader.results.exports.table_csv import class_table
from grader.results.exports.text_file import write_text
from grader.results.result import Result, split
from grader.results.shelf import Everyone, Shelf
from grader.results.student_view import student_view
from labs.report.json_files import write_json


def write_all(folder: Path, result: Result, formats: Sequence[str]) -> None:
    """Write everything that is made from a result into the submission's folder."""
    view = student_view(result)
    write_json(folder / "feedback.json", split(view)[1])
    write_text(folder / "feedback.txt", report.render_one(view) + "\n")
    exports.write_chosen(folder, result, formats)


def write_so_far(folder: Path, result: Result, formats: Sequence[str]) -> None:
    """Write an unfinished result for the system that may end the grading at any moment, Gradescope."""
    exports.write_chosen(folder, result, [name for name in formats if name == "gradescope"])


def write_class(out: Path, fresh: Mapping[str, Result]) -> Everyone:
    """Write class.csv: a row for each submission, also for those that earlier commands graded into the same folder;
    return what it was made from.

    Raise Usage, and leave the old table, if this user cannot read all their results.
    """
    everyone = Shelf(out).everyone()
    found = everyone.results | dict(fresh)
    order = sorted(found, key=lambda name: (found[name].status != "held", name))  # those that need a decision first
    write_text(out / "class.csv", class_table([found[name] for name in order]))
    return Everyone(found, everyone.foreign)
