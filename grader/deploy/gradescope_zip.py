"""Build the zip that one uploads to Gradescope as the autograder: labs, grader, reference, and how to run them.

The zip holds the hidden tests, and the course secret if there are secret seeds: give it to nobody but Gradescope.
The same files give the same zip, byte for byte.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from grader.exits import FULL_POINTS, Usage, require_writable
from grader.intake import ROOT
from grader.rubric import DEFAULT, load
from grader.seeds import course_secret
from labs.report.numbers import positive

HERE = Path(__file__).parent / "gradescope"
FOLDERS = ("labs", "grader", "reference")
STAMP = (2020, 1, 1, 0, 0, 0)
SECRET = "grader/.secret"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, metavar="OUT.zip", help="the file to write")
    parser.add_argument(
        "--rubric", type=Path, default=DEFAULT, metavar="FILE", help="points and seeds (grader/rubric.toml)"
    )
    parser.add_argument(
        "--runs", type=positive, metavar="N", help="so many seeds for each test: Gradescope allows 10 minutes"
    )
    parser.add_argument("--public", action="store_true", help="leave out hidden tests and secret seeds")


def run(options: argparse.Namespace) -> int:
    """Write the zip, whole or not at all."""
    rubric = load(options.rubric, options.runs, options.public)
    if options.out.suffix != ".zip":
        raise Usage(f"{options.out} is no name of a zip: end it in .zip")
    files = dict(_files(options))
    if any(item.secret for item in rubric.items):
        files[SECRET] = course_secret() + b"\n"
    require_writable(options.out)
    handle, name = tempfile.mkstemp(dir=options.out.parent, prefix=f".{options.out.name}.")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(files):
                _add(archive, path, files[path])
        os.replace(name, options.out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    print(
        f"{options.out}: {len(files)} files, {options.out.stat().st_size:,} bytes. In Gradescope: Configure Autograder,"
    )
    print("Ubuntu 24.04, upload it, and raise the time limit to 40 minutes and the container to the largest.")
    return FULL_POINTS


def _files(options: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and not path.is_symlink() and _belongs(name, options.public):
                yield name, path.read_bytes()
    yield "pyproject.toml", (ROOT / "pyproject.toml").read_bytes()
    yield "grader/rubric.toml", options.rubric.read_bytes()
    yield "setup.sh", (HERE / "setup.sh").read_bytes()
    chosen = [f"--runs {options.runs}"] if options.runs else []
    chosen += ["--public"] if options.public else []
    text = (HERE / "run_autograder").read_text(encoding="utf-8").replace("GRADER_OPTIONS", " ".join(chosen))
    yield "run_autograder", text.encode()


def _belongs(name: str, public: bool) -> bool:
    hidden = name.startswith("grader/hidden/test_")
    return "__pycache__" not in name and name != SECRET and not (public and hidden)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, STAMP)
    info.compress_type = zipfile.ZIP_DEFLATED
    executable = name in ("setup.sh", "run_autograder")
    info.external_attr = (0o100755 if executable else 0o100644) << 16
    archive.writestr(info, content)
