"""`make demo-class`: a made-up class of known-wrong servers, unusual correct ones, hostile ones, skeletons and broken
archives, graded as an instructor would, with its pages.

Sixty submissions with the whole rubric take a while; `--count 6 --only 2A/ --runs 1` shows the same in a minute. At
the end it prints wall time, CPU time and memory. With `--kill-every 20` the class is graded once more, into another
folder, by a grader that is killed (SIGKILL) every 20 seconds: the results must be the same, byte for byte, except for
files with times in them (grading.json, log.jsonl, class.html, report.html).
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.corpora import mutants, variants
from tests.corpora.attacks import archives, corpus
from tests.running import REFERENCE, ROOT
from tests.tools import killing

FOLDER = Path("out") / "demo-class"
NAMES = ("Ada", "Bjarne", "Chen", "Dara", "Émile", "Fatima", "Grace", "Hiro", "Ines", "Jörg", "Kofi", "Lucía")
WITH_TIMES = ("grading.json", "log.jsonl", "class.html", "report.html")
"""Files that hold times of the grading, or are made from those."""
Writer = Callable[[Path], object]


def main() -> int:
    """Make the class and grade it; return the grader's exit code, or 1 if a killed grader has other results."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.demo_class", description=__doc__)
    parser.add_argument("--count", type=int, default=60, metavar="N", help="submissions (60)")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help=f"where to ({FOLDER})")
    parser.add_argument("--only", default="", metavar="TEXT", help="only tests with this in their id")
    parser.add_argument("--runs", metavar="N", help="seeds for each test")
    parser.add_argument("--only-make", action="store_true", help="make the submissions, and grade nothing")
    parser.add_argument("--kill-every", type=float, metavar="SECONDS", help="grade again, killed again and again")
    options = parser.parse_args()
    out = options.out.resolve()
    submissions = make(out / "submissions", options.count)
    print(f"{submissions}: {options.count} submissions", flush=True)
    if options.only_make:
        return 0
    words = [*(["--only", options.only] if options.only else []), *(["--runs", options.runs] if options.runs else [])]
    code = _grade(out / "grades", submissions, words)
    print(f"open {out / 'grades' / 'class.html'}")
    if options.kill_every is None:
        return code
    shutil.rmtree(out / "killed", ignore_errors=True)
    _grade(out / "killed", submissions, words, killing.Every(options.kill_every))
    differing = differences(out / "grades", out / "killed")
    print("\n".join(["the killed grader has other results:", *differing] if differing else ["the same results"]))
    return 1 if differing else code


def _grade(out: Path, submissions: Path, words: list[str], is_due: killing.IsDue | None = None) -> int:
    """Grade the class, and print what that has cost; return the grader's exit code."""
    known = len(list(out.glob("*/result.json")))
    command = [sys.executable, "-m", "grader", "class", str(submissions), "--out", str(out), *words]
    with tempfile.TemporaryDirectory(prefix="demo-class-", ignore_cleanup_errors=True) as temporary:
        ended = killing.run(command, {**os.environ, "TMPDIR": temporary}, is_due)
        left = sorted(path.name for path in Path(temporary).iterdir())
    print(
        f"{ended.in_words}; {known} were graded before; temporary files left: {', '.join(left) or 'none'}", flush=True
    )
    return ended.code


def differences(one: Path, other: Path) -> list[str]:
    """Return the names of files that differ between two folders of results, but for those that hold times."""
    first, second = contents(one), contents(other)
    return [name for name in sorted({*first, *second}) if first.get(name) != second.get(name)]


def contents(out: Path) -> dict[str, bytes]:
    """Return all files below a folder of results that must be the same each time, by their paths in it."""
    files = [path for path in out.rglob("*") if path.is_file() and path.name not in WITH_TIMES]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(files)}


def make(folder: Path, count: int) -> Path:
    """Write this many submissions into a new folder, and return it; the same ones each time."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, (kind, write) in zip(range(count), kinds()):
        write(folder / f"{NAMES[number % len(NAMES)]} {number:02} {kind}")
    return folder


def kinds() -> Iterator[tuple[str, Writer]]:
    """Yield kinds of submissions with what writes them, in the proportions of a class: most have one fault."""
    wrong = itertools.cycle([mutant.write for mutant in mutants.corpus()][::11])
    unusual = itertools.cycle([variant.write for variant in variants.corpus()][::5])
    hostile = itertools.cycle([attack.write for attack in corpus.attacks() if not attack.slow][::7])
    broken = itertools.cycle(list(archives.ARCHIVES.values()))
    while True:
        yield "whole", _copy(REFERENCE)
        yield "wrong", next(wrong)
        yield "blank", _copy(ROOT / "skeleton")
        yield "archive", _archive(next(broken))
        yield "hostile", next(hostile)
        yield "unusual", next(unusual)
        for _ in range(4):
            yield "wrong", next(wrong)


def _copy(server: Path) -> Writer:
    return lambda place: shutil.copytree(server, place, ignore=shutil.ignore_patterns("__pycache__"))


def _archive(made: Callable[[], archives.Made]) -> Writer:
    def write(place: Path) -> None:
        name, content, _ = made()
        place.with_name(place.name + "".join(Path(name).suffixes)).write_bytes(content)

    return write


if __name__ == "__main__":
    sys.exit(main())
