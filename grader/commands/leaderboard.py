"""`.venv/bin/python -m grader leaderboard RESULTS…`: one table of all who want to be on it, from `make test-perf`.

A record without an alias is not shown anywhere. A record with a run that the lab could not grade is held: it has no
place, and the board states that. The figures come from the files: before you award anything, measure again
(`.venv/bin/python -m labs perf --submission …`).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from grader.exits import require_writable


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="files of make test-perf")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the board as a file, too")


def run(options: argparse.Namespace) -> int:
    """Merge, print and write."""
    from tabulate import tabulate

    from grader.results.leaderboard import clean, merge, read
    from labs.report.json_files import write_json

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
