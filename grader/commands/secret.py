"""The course secret, from which secret seeds are drawn: show its fingerprint, export it, or import it.

Every machine that grades the same course needs the same secret: with another one the same code gets other seeds. The
fingerprint is in every result whose seeds depend on the secret, and gives nothing away. Give an exported file only to
people who grade, and delete it then.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.exits import FULL_POINTS


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=("show", "export", "import"), default="show", help="show the fingerprint (show)"
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="to write to, or to read from")
    parser.add_argument("--replace", action="store_true", help="import in place of another secret")


def run(options: argparse.Namespace) -> int:
    """Show, export or import."""
    from grader.exits import Usage
    from grader.grading import seeds

    if options.action == "show":
        print(f"fingerprint {seeds.fingerprint(seeds.course_secret())}, of the secret in {seeds.place()}")
        return FULL_POINTS
    if options.file is None:
        raise Usage(f"name the file: .venv/bin/python -m grader secret {options.action} FILE")
    if options.action == "export":
        print(f"{options.file}: the secret {seeds.export_to(options.file)}; give it only to people who grade")
    else:
        print(f"{seeds.place()}: the secret {seeds.import_from(options.file, options.replace)}")
    return FULL_POINTS
