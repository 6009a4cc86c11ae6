"""Lay out the code of a class for JPlag and Dolos, which find similar submissions; the skeleton is their base code.

OUT holds submissions/NAME/ for each submission, base/ with what all were given, and info.csv for Dolos. Nothing is
compared here, and nothing leaves this machine. A file that is equal to the skeleton's is left out.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grader.exits import FULL_POINTS, LESS
from labs.checking.words import counted


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("submissions", nargs="+", metavar="SUBMISSION", help="folder, zip, tar or git checkout")
    parser.add_argument("--out", type=Path, default=Path("out/similarity"), metavar="DIR", help="a new folder")


def run(options: argparse.Namespace) -> int:
    """Lay out; return 1 if a submission could not be taken in."""
    from grader.results.exports.similarity import lay_out
    from grader.results.students import from_paths

    sources = {hand_in.name: hand_in.source for hand_in in from_paths(options.submissions)}
    refused = lay_out(sources, options.out)
    print(f"{options.out}: {counted(len(sources) - len(refused), 'submission')}. Then one of:")
    print(f"  java -jar jplag.jar -l python3 -bc {options.out / 'base'} {options.out / 'submissions'}")
    print(f"  dolos run -l python -i {options.out / 'base' / 'raft.py'} {options.out / 'info.csv'}")
    for name, why in refused.items():
        print(f"left out {name}: {why}", file=sys.stderr)
    return LESS if refused else FULL_POINTS
