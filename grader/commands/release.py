"""`python -m grader release`, `make release`: builds what students get, or says what would leak."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from grader.exits import OUR_ERROR, require_writable
from grader.release.build import Leaking, build


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--out", type=Path, default=Path("out/release"), metavar="FOLDER", help="where to (out/release)"
    )


def run(options: argparse.Namespace) -> int:
    """Build, and say what was built; 3 if something would leak."""
    require_writable(options.out / "raft-lab.tar.gz")
    try:
        folder, archive = build(options.out)
    except Leaking as leaking:
        print(leaking, file=sys.stderr)
        print(
            "release: nothing was written, for these places must not leave. Take them out, and try again",
            file=sys.stderr,
        )
        return OUR_ERROR
    files = [path for path in folder.rglob("*") if path.is_file()]
    print(f"{folder}: {len(files)} files")
    print(f"{archive}: sha256 {hashlib.sha256(archive.read_bytes()).hexdigest()}")
    return 0
