"""What a job of GitHub Actions shows of failures: annotations at the student's lines, and a step summary.

A runner obeys lines that begin with `::`, and a summary is Markdown; so everything that a server wrote is escaped here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labs.checking.rule import Rule
from labs.report.page import page_name

if TYPE_CHECKING:  # it needs the simulator, which the grader's command line does without
    from labs.testing.run import RunRecord

MOST = 10
"""Annotations of a kind that one step may make."""
_LINE = re.compile(r"\b([\w./-]+\.py):(\d+)\b")
HANDLERS = {
    "RequestVote": "request_vote",
    "AppendEntries": "append_entries",
    "Followers": "append_entries",
    "Figure 13": "install_snapshot",
    "§7": "install_snapshot",
    "start": "start",
}
"""The method that a rule is about, by words of its place in the paper."""


def command(kind: str, place: Mapping[str, str], title: str, message: str) -> str:
    """Return a line that the runner obeys: an annotation of a kind, such as error, at a place of the repository."""
    properties = ",".join(f"{key}={_escaped(value, more=True)}" for key, value in {**place, "title": title}.items())
    return f"::{kind} {properties}::{_escaped(message)}"


def lines_in(message: str) -> list[tuple[str, str]]:
    """Return the files and lines that a message names, in its order."""
    return _LINE.findall(message)


def plain(text: str) -> str:
    """Return text that Markdown shows unchanged, on one line: HTML and all of Markdown's own signs are escaped."""
    text = _visible(" ".join(text.split()))[:500].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#+!|~@:-])", lambda found: f"&#{ord(found.group())};", text)


def annotate(records: Sequence[RunRecord], submission: Path, rules: Mapping[str, Rule]) -> list[str]:
    """Return one annotation for each failing test.

    It is at the line that its message names, else at the method that the broken rule is about.
    """
    failed = _first_failures(records)
    found = [
        command("error", _place(record, submission, rules), f"{record.test}: {record.title}", _words(record))
        for record in failed[: MOST if len(failed) <= MOST else MOST - 1]
    ]
    if len(failed) > MOST:
        found.append(command("error", {}, "more", f"{len(failed) - MOST + 1} more tests failed; see the summary"))
    return found


def summary(records: Sequence[RunRecord], title: str, rules: Mapping[str, Rule], pages: Iterable[str] = ()) -> str:
    """Return the step summary; `pages` are the names of the pages of runs that the job keeps."""
    failed, there = _first_failures(records), set(pages)
    tests = {record.test for record in records}
    lines = [f"## {plain(title)}: {len(tests) - len(failed)} of {len(tests)} tests pass", ""]
    if failed:
        lines += ["| test | seed | broken rule | what happened | page in the artefact |", "|---|---:|---|---|---|"]
    for record in failed:
        rule = rules.get(record.rule or "")
        broken = plain(f"{rule.id} ({rule.place}): {rule.says}" if rule else record.rule or record.status)
        page = page_name(record.test, record.seed)
        shown = plain(page) if page in there else ""
        words = plain("; ".join(part for part in (record.message, record.hint) if part))
        lines.append(f"| {plain(record.test)} | {record.seed} | {broken} | {words} | {shown} |")
    return "\n".join(lines) + "\n"


def _first_failures(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the first failing run of each test."""
    found: dict[str, RunRecord] = {}
    for record in records:
        if record.status != "pass":
            found.setdefault(record.test, record)
    return list(found.values())


def _words(record: RunRecord) -> str:
    replay = f"make replay TEST={record.test} SEED={record.seed}"
    return "\n".join(line for line in (record.rule or record.status, record.message, record.hint, replay) if line)


def _place(record: RunRecord, submission: Path, rules: Mapping[str, Rule]) -> dict[str, str]:
    folder = submission if submission.is_dir() else submission.parent
    for file, line in lines_in(record.message):
        if ".." not in Path(file).parts and not Path(file).is_absolute() and (folder / file).is_file():
            return {"file": (folder / file).as_posix(), "line": line}
    server = folder / "raft.py" if submission.is_dir() else submission
    number = line_for(server, rules.get(record.rule or ""))
    return {"file": server.as_posix(), "line": str(number)} if number else {}


def line_for(server: Path, rule: Rule | None) -> int:
    """Return the line of a server's file on which the method begins that a rule is about, 0 if it cannot be found."""
    method = next((name for words, name in HANDLERS.items() if rule and words in rule.place), "__init__")
    return _line_of(server, method)


def _line_of(server: Path, method: str) -> int:
    """Return the line on which a method begins, 0 if it cannot be found."""
    try:
        lines = server.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    found = (number for number, line in enumerate(lines, 1) if re.match(rf"\s*(async )?def {method}\b", line))
    return next(found, 0)


def _visible(text: str) -> str:
    kept = (letter if letter.isprintable() or letter in "\r\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return "".join(kept)


def _escaped(text: str, more: bool = False) -> str:
    text = _visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if more else text
