"""Build the autograder zip for Gradescope: labs, grader, reference, and how to run them.

The zip holds the hidden tests, and the course secret if there are secret seeds: give it only to Gradescope.
The same files give the same zip, byte for byte.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.exits import FULL_POINTS, Usage
from grader.places import RUBRIC
from labs.report.numbers import positive


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, metavar="OUT.zip", help="the file to write")
    parser.add_argument(
        "--rubric", type=Path, default=RUBRIC, metavar="FILE", help="points and seeds (grader/rubric.toml)"
    )
    parser.add_argument("--runs", type=positive, metavar="N", help="seeds for each test: Gradescope allows 10 minutes")
    parser.add_argument("--public", action="store_true", help="leave out hidden tests and secret seeds")


def run(options: argparse.Namespace) -> int:
    """Write the zip, and print where to upload it."""
    from grader.release.autograder import build

    if options.out.suffix != ".zip":
        raise Usage(f"{options.out} is not the name of a zip: end it in .zip")
    count = build(options.out, options.rubric, options.runs, options.public)
    print(f"{options.out}: {count} files, {options.out.stat().st_size:,} bytes. In Gradescope: Configure Autograder,")
    print("Ubuntu 24.04, upload it, and raise the time limit to 40 minutes and the container to the largest.")
    print("The grader stops after 36 minutes; with another limit, set GRADER_MINUTES in run_autograder.")
    return FULL_POINTS
