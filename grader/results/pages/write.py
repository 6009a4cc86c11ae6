"""Writes the pages of a folder of results: class.html, and report.html in each student's folder."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path

from grader.results.exports.text_file import write_text
from grader.results.pages.class_page import class_page, link
from grader.results.pages.student_page import student_page
from grader.results.pages.traces import traces_of
from grader.results.result import Result

CLASS, STUDENT = "class.html", "report.html"


def write_student(folder: Path, result: Result) -> None:
    """Write the page of a student into the folder with the result."""
    write_text(folder / STUDENT, student_page(result, traces_of(folder, result)))


def write_pages(out: Path, title: str, found: Mapping[str, Result]) -> int:
    """Write the pages of a folder of results, all of which are given by the names of their folders; return how many
    students there are."""
    for name, result in found.items():
        write_student(out / name, result)
    results = [found[name] for name in sorted(found)]
    pages = {result.submission.name: link(name) for name, result in found.items()}
    write_text(out / CLASS, class_page(results, title, pages))
    return len(results)


def write_pages_again(out: Path, results: Mapping[str, Result]) -> None:
    """Write the pages again with these results, under their title; none if there is no page of the class."""
    try:
        found = re.search("<title>(.*?)</title>", (out / CLASS).read_text(encoding="utf-8"), re.DOTALL)
    except FileNotFoundError:
        return
    if found is not None:
        write_pages(out, html.unescape(found.group(1)), results)
