"""Write the results of a class for other programs: INTO.csv has one row per test, INTO.jsonl one object per submission.

Points that are not a grade, because they wait for a review or nothing could be graded, are left out. Hidden tests are
in it: it is for you.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.exits import FULL_POINTS, Usage, require_writable
from grader.places import GRADES
from labs.checking.words import counted


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("into", type=Path, metavar="INTO", help="the file to write, ending in .csv or .jsonl")
    parser.add_argument("--results", type=Path, default=GRADES, metavar="DIR", help="results (out/grades)")


def run(options: argparse.Namespace) -> int:
    """Write the file, and print how much is in it."""
    from grader.results.exports import rows
    from grader.results.exports.text_file import write_text
    from grader.results.shelf import results_in

    writers = {".csv": rows.as_csv, ".jsonl": rows.as_json_lines}
    writer = writers.get(options.into.suffix)
    if writer is None:
        raise Usage(f"{options.into}: there is no such format; end the name in {' or '.join(writers)}")
    results = list(results_in(options.results).values())
    require_writable(options.into)
    write_text(options.into, writer(results))
    print(f"{options.into}: {counted(len(results), 'submission')}")
    return FULL_POINTS
