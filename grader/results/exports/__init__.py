"""Writers: our result in the formats of other systems. Each is made only from a Result. Exports for students are made
from their view of it (grader.results.student_view). Texts in a result are clean already; each writer escapes what is
special in its own format. A held result has no grade: each writer states that, and gives the other system nothing that
it could mistake for a grade.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from grader.exits import Usage
from grader.results.exports import classroom, classroom50, github, gradescope, junit, prairielearn
from grader.results.exports.text_file import write_text
from grader.results.result import Result

WRITERS: dict[str, tuple[str, Callable[[Result], str]]] = {
    "junit": ("junit.xml", junit.text),
    "gradescope": ("gradescope.json", gradescope.text),
    "classroom50": ("classroom50.json", classroom50.text),
    "classroom": ("classroom.txt", classroom.text),
    "prairielearn": ("prairielearn.json", prairielearn.text),
    "github": ("github.log", github.text),
    "summary": ("summary.md", github.summary),
}
"""The file's name, and the function that makes its text."""
HELP = f"additional files for each submission ({','.join(WRITERS)}, or none)"


def chosen(text: str) -> list[str]:
    """Return the formats of a list such as "junit,github"."""
    names = [name for name in text.split(",") if name and name != "none"]
    for name in names:
        if name not in WRITERS:
            raise Usage(f"--export: there is no format {name!r}; formats are {', '.join(WRITERS)}")
    return names


def write_chosen(folder: Path, result: Result, names: Sequence[str]) -> None:
    """Write these formats."""
    for name in names:
        file, writer = WRITERS[name]
        write_text(folder / file, writer(result))
