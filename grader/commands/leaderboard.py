"""`python -m grader leaderboard RESULTS…`: one table of everybody who wants to be on it, from `labs perf --json` files.

A record without an alias is not shown anywhere. A record with a run that the lab could not grade is held: it has no
place, and the board states that. The figures come from the files: before you award anything, measure again
(`python -m labs perf --submission …`).
"""

from __future__ import annotations

import argparse
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
from tabulate import tabulate

from grader.exits import Usage, require_writable
from labs.report.json_files import write_json
from labs.report.performance import FORMAT, VERSION, Performance

LONGEST = 24
"""The longest alias that is shown."""


class Row(msgspec.Struct):
    """One place on the board; `best_at` has the metrics in which nobody is better."""

    place: int
    alias: str
    points: int
    bonuses: int
    best_at: list[str]


class Leaderboard(msgspec.Struct):
    """The file for a class."""

    rows: list[Row]
    held: list[str] = []
    """Aliases whose record needs review, so that they have no place."""
    format: str = "raft-leaderboard"
    version: int = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="files of python -m labs perf --json")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the board as a file, too")


def run(options: argparse.Namespace) -> int:
    """Merge, print and write."""
    records = [read(path) for path in options.results]
    board = merge(records)
    hidden = sum(record.alias is None for record in records)
    if options.json:
        require_writable(options.json)
        write_json(options.json, board)
    rows = [(row.place, row.alias, row.points, row.bonuses, ", ".join(row.best_at)) for row in board.rows]
    headers = ("place", "alias", "points", "bonuses", "nobody better in")
    align = ("right", "left", "right", "right", "left")
    print(
        tabulate(rows, headers=headers, tablefmt="simple", colalign=align, disable_numparse=True) if rows else "empty"
    )
    for alias, count in Counter(clean(record.alias) for record in records if record.alias is not None).items():
        if count > 1:
            print(f"{alias}: {count} records; the one given last counts", file=sys.stderr)
    for alias in board.held:
        print(f"{alias}: held, needs review: the lab could not grade one of its runs; measure again", file=sys.stderr)
    if hidden:
        print(f"{hidden} without an alias, not shown", file=sys.stderr)
    return 0


def read(path: Path) -> Performance:
    """Return a record; raise Usage if the file is not one."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Performance)
    except (OSError, msgspec.MsgspecError) as error:
        raise Usage(f"{path} is not a record of python -m labs perf --json: {error}") from None
    if (found.format, found.version) != (FORMAT, VERSION):
        raise Usage(f"{path} is {found.format} {found.version}, not {FORMAT} {VERSION}")
    return found


def merge(records: Iterable[Performance]) -> Leaderboard:
    """Return the board: by points, then by alias; equal points mean the same place. Of several records with one alias
    the last counts. A held record has no place, and sets no mark for others.
    """
    last = {clean(record.alias): record for record in records if record.alias is not None}
    held = sorted(alias for alias, record in last.items() if is_held(record))
    by_alias = {alias: record for alias, record in last.items() if alias not in held}
    best: dict[str, float] = {}
    for record in by_alias.values():
        for one in record.measurements:
            best[one.metric] = max(best.get(one.metric, 0.0), one.ratio)
    points = {alias: sum(one.points for one in record.measurements) for alias, record in by_alias.items()}
    rows = []
    for alias, record in sorted(by_alias.items(), key=lambda item: (-points[item[0]], item[0])):
        place = 1 + sum(other > points[alias] for other in points.values())
        found = [one.metric for one in record.measurements if one.ratio > 0 and one.ratio == best[one.metric]]
        rows.append(Row(place, alias, points[alias], sum(one.tier == "bonus" for one in record.measurements), found))
    return Leaderboard(rows, held)


def is_held(record: Performance) -> bool:
    """Return whether the lab could not grade a run of a record: then a missing figure is not the server's fault."""
    return any(run.status not in ("pass", "fail", "error") for run in record.runs)


def clean(alias: str) -> str:
    """Return an alias that is safe wherever a board is shown: a short one of letters, digits, and a few signs between
    them. So it cannot be markup of a terminal, of HTML or of Markdown, nor a formula of a spreadsheet.
    """
    letters = (letter for letter in unicodedata.normalize("NFC", alias) if letter.isalnum() or letter in " -_.")
    return "".join(letters).strip(" -_.")[:LONGEST].rstrip(" -_.") or "nameless"
