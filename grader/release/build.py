"""Builds what students get: a folder and a tar.gz, the same byte for byte at any time and place.

Takes the files that the project keeps (never caches, nor files that git ignores); adds the students' own README,
workflow and container; derives their Makefile and pyproject.toml from the project's. Refuses if anything leaks
(grader.release.leaks).
"""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from grader.release import leaks

ROOT = Path(__file__).parent.parent.parent
STUDENT = Path(__file__).parent / "student"
NAME = "raft-lab"
RELEASED = ("labs", "skeleton", "handouts", "scripts")
KEPT_BACK = ("handouts/instructor",)
SECRET = ("reference", "grader", "tests/corpora/variants", "tests/corpora/mutants", "tests/corpora/first_hour")
"""Folders whose code must not leave: the solution, the grader, and servers of the project's own tests."""
FOR_STUDENTS = {
    *(
        "help",
        "setup",
        ".venv/ready",
        ".venv/readyhandouts",
        "test",
        "$(STAGES:%=test-%)",
        "test-%",
        "test_%",
        "test-perf",
        "drills",
        "again",
        "watch",
        "submit",
        "explore",
        "shrink",
        "keep",
        "list",
    ),
    *("replay", "trace", "page", "play", "diff", "handouts", "demo-byzantine demo-stale-read", "clean"),
}
"""The targets of the project's Makefile that students have, too; a test requires that every other one is the
instructor's."""
TESTS = '[tool.pytest.ini_options]\ntestpaths = ["labs"]\n'
"""What an editor reads that looks for tests."""
CACHES = {"__pycache__", ".venv", "out", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".git"}


class Leaking(Exception):
    """The release would contain something that must not leave; `found` lists what and where."""

    def __init__(self, found: list[leaks.Leak]) -> None:
        super().__init__("\n".join(map(str, found)))
        self.found = found


def build(out: Path, root: Path = ROOT) -> tuple[Path, Path]:
    """Write the release below `out`; return folder and archive. Raise Leaking, and write nothing, if it leaks."""
    files = collect(root)
    check(files, root)
    out.mkdir(parents=True, exist_ok=True)
    folder, archive = out / NAME, out / f"{NAME}.tar.gz"
    with tempfile.TemporaryDirectory(dir=out) as temporary:
        fresh = Path(temporary) / NAME
        for name, data in sorted(files.items()):
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(data)
        packed = Path(temporary) / archive.name
        packed.write_bytes(pack(files, epoch()))
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
        packed.replace(archive)
    return folder, archive


def check(files: dict[str, bytes], root: Path = ROOT) -> None:
    """Raise Leaking if one of the files has something that must not leave."""
    secret = leaks.read(root, names(root, SECRET))
    secret = {name: data for name, data in secret.items() if not name.startswith("grader/release/student/")}
    found = leaks.find(files, secret, leaks.read(root, names(root, ("labs", "skeleton"))))
    if found:
        raise Leaking(found)


def collect(root: Path = ROOT) -> dict[str, bytes]:
    """Return all files of the release, by their path in it."""
    kept = [name for name in names(root, RELEASED) if not name.startswith(tuple(f"{part}/" for part in KEPT_BACK))]
    files = leaks.read(root, kept)
    files.update({path.relative_to(STUDENT).as_posix(): path.read_bytes() for path in _files_in(STUDENT)})
    files["Makefile"] = makefile((root / "Makefile").read_text(encoding="utf-8")).encode()
    files["pyproject.toml"] = project((root / "pyproject.toml").read_text(encoding="utf-8")).encode()
    return files


def names(root: Path, parts: tuple[str, ...]) -> list[str]:
    """Return the names of all files in these folders except caches."""
    return sorted(path.relative_to(root).as_posix() for part in parts for path in _files_in(root / part))


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield a folder's files; links are not followed, so nothing comes in from elsewhere."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in CACHES and not name.endswith(".egg-info"))
        yield from (Path(place, name) for name in sorted(files) if not name.endswith((".pyc", ".partial")))


def makefile(text: str) -> str:
    """Return the students' Makefile: the project's without the instructor's parts."""
    head, rules = text.split("\nhelp:\n", 1)
    head = re.sub(r"\nFor work on the lab itself\n.*?(?=^endef)", "", head, count=1, flags=re.S | re.M)
    head = re.sub(r"^(TYPED :=|SCRIPTS :=|LINT :=).*?(?<!\\)\n", "", head, flags=re.S | re.M)
    blocks = [block for block in f"help:\n{rules}".split("\n\n") if targets_of(block) & FOR_STUDENTS]
    known = " ".join(sorted(target for target in FOR_STUDENTS if not re.match(r"\.|test.%", target)))
    head = re.sub(r"^\.PHONY:.*?(?<!\\)\n", f".PHONY: {known} no-python\n", head, flags=re.S | re.M)
    return head + "\n" + "\n\n".join(blocks).rstrip() + "\n"


def targets_of(block: str) -> set[str]:
    """Return the target, or the targets as they are written, of a rule of the Makefile."""
    return set(re.findall(r"^([^\t\n#].*?):(?= |$)", block, re.M)) - {".PHONY"}


def project(text: str) -> str:
    """Return the students' pyproject.toml: the project's without the parts that only its own tests need."""
    tables = re.split(r"\n(?=\[)", text)
    wanted = ("[build-system]", "[project]", "[project.optional-dependencies]", "[tool.setuptools")
    kept = "\n".join(table for table in tables if table.startswith(wanted))
    return re.sub(r"^dev = .*\n", "", kept, flags=re.M).rstrip() + "\n\n" + TESTS


def epoch() -> int:
    """Return the time that all files in the archive have: SOURCE_DATE_EPOCH, or the beginning of 2026."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", "1767225600"))


def pack(files: dict[str, bytes], when: int) -> bytes:
    """Return a tar.gz of the files: sorted, without owners, and all with one time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{NAME}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), when, 0o644
            archive.addfile(entry, io.BytesIO(data))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=when) as file:
        file.write(plain.getvalue())
    return packed.getvalue()
