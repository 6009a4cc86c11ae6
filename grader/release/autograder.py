"""Build the autograder zip for Gradescope: labs, grader, reference, and how to run them.

The zip holds the hidden tests, and the course secret if there are secret seeds: give it only to Gradescope.
The same files give the same zip, byte for byte.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from grader.exits import require_writable
from grader.grading.rubric import load
from grader.grading.seeds import course_secret
from grader.places import ROOT

HERE = Path(__file__).parent / "gradescope"
FOLDERS = ("labs", "grader", "reference")
STAMP = (2020, 1, 1, 0, 0, 0)
SECRET = "grader/.secret"


def build(out: Path, rubric_file: Path, runs: int | None, public: bool) -> int:
    """Write the zip, whole or not at all; return how many files are in it."""
    rubric = load(rubric_file, runs, public)
    files = dict(_files(rubric_file, runs, public))
    if any(item.secret for item in rubric.items):
        files[SECRET] = course_secret() + b"\n"
    require_writable(out)
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(files):
                _add(archive, path, files[path])
        os.replace(name, out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return len(files)


def _files(rubric: Path, runs: int | None, public: bool) -> Iterator[tuple[str, bytes]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.is_file() and not path.is_symlink() and _belongs(name, public):
                yield name, path.read_bytes()
    yield "pyproject.toml", (ROOT / "pyproject.toml").read_bytes()
    yield "grader/rubric.toml", rubric.read_bytes()
    yield "setup.sh", (HERE / "setup.sh").read_bytes()
    chosen = [f"--runs {runs}"] if runs else []
    chosen += ["--public"] if public else []
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
