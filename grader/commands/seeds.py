"""Print the secret seeds of a submission, to publish them: as commands that replay its runs (grader.grading.seeds)."""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.exits import FULL_POINTS, Usage
from grader.places import RUBRIC


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submission", metavar="SUBMISSION", help="folder, zip or tar, as it was graded")
    parser.add_argument("--rubric", type=Path, default=RUBRIC, metavar="FILE", help="as for grade")
    parser.add_argument("--runs", type=int, metavar="N", help="as for grade")
    parser.add_argument("--hidden", action="store_true", help="also the seeds of hidden tests")


def run(options: argparse.Namespace) -> int:
    """Print the secret seeds of a submission, as commands that replay them."""
    from grader.grading.rubric import load
    from grader.grading.seeds import course_secret, seeds_of
    from grader.intake.taken import take_in

    rubric = load(options.rubric, options.runs)
    with take_in(options.submission) as taken:
        if taken.refused:
            raise Usage(f"{options.submission} cannot be graded: {taken.refused}")
        sha256 = taken.sha256
    items = [item for item in rubric.items if options.hidden or item.kind != "hidden"]
    print(f"# secret seeds of {options.submission} ({sha256[:16]})")
    for test, (_, secret) in seeds_of(items, sha256, course_secret()).items():
        for seed in secret:
            print(f"make replay TEST={test} SEED={seed}")
    return FULL_POINTS
