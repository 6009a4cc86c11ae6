"""Known-wrong servers as small named changes to the reference: applied mechanically, and loudly if it has moved.

`python -m tests.corpora.mutants.patching NAME FOLDER` writes one to a folder, to run or read it. `--list` names them all.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "reference" / "raft.py"


class Moved(Exception):
    """The reference no longer has the text that a change replaces, or has it more than once."""


@dataclass(frozen=True)
class Mutant:
    """One known-wrong server."""

    name: str
    """The bug's id and a word for it, as "E08_no_up_to_date_check"."""
    source: str
    """Where the bug was seen: a project, a paper, a guide, a forum."""
    stage: str
    """The stage that teaches what is broken."""
    wrong: str
    """What is wrong, in a sentence."""
    rules: tuple[str, ...]
    """The rules that may name it, the best first."""
    changes: tuple[tuple[str, str], ...]
    """What to replace by what in the reference; each old text must stand there exactly once."""
    base: str = ""
    """The variant that is changed instead of the reference: a folder of tests/corpora/variants."""
    file: str = "raft.py"
    """The file of that folder that is changed; the others stay as they are."""
    origin: str = ""
    """How it came into the corpus: "blind" if its author had not seen the checkers; empty if nobody noted it."""
    at_first_sight: bool | None = None
    """Whether one seed killed it when it was run for the first time; None if that was not recorded."""

    @property
    def folder(self) -> Path:
        """The folder of the server that is changed."""
        return ROOT / "tests" / "corpora" / "variants" / self.base if self.base else REFERENCE.parent

    @property
    def original(self) -> Path:
        """The file that is changed."""
        return self.folder / self.file

    def text(self) -> str:
        """Return the changed server's source; raise Moved if a change does not fit."""
        text = self.original.read_text(encoding="utf-8")
        for old, new in self.changes:
            count = text.count(old)
            if count != 1:
                raise Moved(
                    f"{self.name}: {self.base or 'the reference'} has this text {count} times, not once:\n{old}"
                )
            text = text.replace(old, new)
        return text

    def write(self, folder: Path) -> Path:
        """Write the changed server to a folder, with the files beside it; return the folder."""
        for path in sorted(self.folder.rglob("*.py")):
            copy = folder / path.relative_to(self.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
        (folder / self.file).write_text(self.text(), encoding="utf-8")
        return folder

    def diff(self) -> str:
        """Return the change as a unified diff."""
        before = self.original.read_text(encoding="utf-8").splitlines(keepends=True)
        origin = self.base or "reference"
        lines = difflib.unified_diff(before, self.text().splitlines(keepends=True), origin, self.name, n=2)
        return "".join(lines)


def main() -> int:
    """Write, show or list mutants."""
    from tests.corpora.mutants import corpus

    parser = argparse.ArgumentParser(prog="python -m tests.corpora.mutants.patching", description=__doc__)
    parser.add_argument("name", nargs="?", help="a mutant's name, or its beginning")
    parser.add_argument("folder", nargs="?", type=Path, help="where to write raft.py; without one, the diff is shown")
    parser.add_argument("--list", action="store_true", help="list all mutants")
    options = parser.parse_args()
    if options.list or not options.name:
        for mutant in corpus():
            print(f"{mutant.stage}  {mutant.name:50} {mutant.wrong}")
        return 0
    found = [mutant for mutant in corpus() if mutant.name.startswith(options.name)]
    if len(found) != 1:
        print(f"{options.name!r} is {len(found)} mutants; see --list", file=sys.stderr)
        return 2
    if options.folder is None:
        print(found[0].diff())
    else:
        print(found[0].write(options.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
