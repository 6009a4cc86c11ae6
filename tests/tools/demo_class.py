"""`make demo-class`: a made-up class of known-wrong servers, unusual correct ones, hostile ones, skeletons and broken
archives, graded as an instructor would, with its pages.

Sixty submissions with the whole rubric take a while; `--count 6 --only 2A/ --runs 1` shows the same in a minute.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.corpora import mutants, variants
from tests.corpora.attacks import archives, corpus
from tests.running import REFERENCE, ROOT

FOLDER = Path("out") / "demo-class"
NAMES = ("Ada", "Bjarne", "Chen", "Dara", "Émile", "Fatima", "Grace", "Hiro", "Ines", "Jörg", "Kofi", "Lucía")
Writer = Callable[[Path], object]


def main() -> int:
    """Make the class and grade it; return the grader's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.demo_class", description=__doc__)
    parser.add_argument("--count", type=int, default=60, metavar="N", help="submissions (60)")
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help=f"where to ({FOLDER})")
    parser.add_argument("--only", default="", metavar="TEXT", help="only tests with this in their id")
    parser.add_argument("--runs", metavar="N", help="seeds for each test")
    parser.add_argument("--only-make", action="store_true", help="make the submissions, and grade nothing")
    options = parser.parse_args()
    submissions = make(options.out / "submissions", options.count)
    print(f"{submissions}: {options.count} submissions", flush=True)
    if options.only_make:
        return 0
    command = [sys.executable, "-m", "grader", "class", str(submissions), "--out", str(options.out / "grades")]
    command += ["--only", options.only] if options.only else []
    command += ["--runs", options.runs] if options.runs else []
    code = subprocess.run(command, cwd=ROOT).returncode
    print(f"open {options.out / 'grades' / 'class.html'}")
    return code


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
