"""`.venv/bin/python -m grader release`, `make release`: builds what students get, or shows what would leak."""

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
    """Build, and print what was built; return 3 if something would leak."""
    require_writable(options.out / "raft-lab.tar.gz")
    try:
        folder, archive = build(options.out)
    except Leaking as leaking:
        print(leaking, file=sys.stderr)
        print(
            "release: nothing was written, because these places must not leave. Remove them, and try again",
            file=sys.stderr,
        )
        return OUR_ERROR
    files = [path for path in folder.rglob("*") if path.is_file()]
    print(f"{folder}: {len(files)} files")
    print(f"{archive}: sha256 {hashlib.sha256(archive.read_bytes()).hexdigest()}")
    return 0
