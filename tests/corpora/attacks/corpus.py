"""Lists the attacks, and makes submissions of them.

Each is a raft.py that does something hostile and is otherwise the untouched skeleton (`blank`) or a server that can do
2A and nothing else (`elected`); both lie beside it. Its head has lines that start with "Verdict:" (a regular expression
that the verdict of one of its runs has to match), and maybe "Test:" (others than the usual ones) and "Slow: yes".
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from tests.corpora.attacks.folders import FOLDERS
from tests.running import ROOT

HOSTILE = Path(__file__).parent / "hostile"
BASES = {
    "blank": ROOT / "skeleton" / "raft.py",
    "elected": ROOT / "tests" / "corpora" / "variants" / "only_2a" / "raft.py",
}
KEEPS_CHANNEL = """

class Raft(Raft):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        self.apply_ch = apply_ch
"""
TESTS = ("2A/initial_election", "2B/basic_agreement")


@dataclass(frozen=True)
class Attack:
    """One hostile submission: its files by name, and what is expected of grading it."""

    name: str
    about: str
    files: dict[str, str | bytes]
    verdict: str
    tests: tuple[str, ...] = TESTS
    slow: bool = False

    @property
    def family(self) -> str:
        return self.name.partition("_")[0]

    @property
    def base(self) -> str:
        """The harmless twin: the same server without the attack."""
        return "elected" if b"from elected import" in _bytes(self.files["raft.py"]) else "blank"

    def write(self, folder: Path) -> Path:
        """Write the submission into a folder."""
        return _write(folder, self.files | _bases())


def twin(base: str, folder: Path) -> Path:
    """Write the harmless twin of attacks into a folder."""
    return _write(folder, {"raft.py": f"from {base} import Raft\n", **_bases()})


def attacks() -> list[Attack]:
    """Return all attacks that are submissions, in the order of their names."""
    files = [_from_file(path) for path in HOSTILE.glob("*.py")]
    folders = [_make(name, head, contents) for name, (head, contents) in FOLDERS.items()]
    return sorted(files + folders, key=lambda attack: attack.name)


def _from_file(path: Path) -> Attack:
    text = path.read_text("utf-8")
    return _make(path.stem, ast.get_docstring(ast.parse(text)) or "", {"raft.py": text})


def _make(name: str, head: str, files: dict[str, str | bytes]) -> Attack:
    facts = dict(re.findall(r"^(Idea|Verdict|Test|Slow): (.+)$", head, re.MULTILINE))
    tests = tuple(facts["Test"].split(", ")) if "Test" in facts else TESTS[:1] if "Slow" in facts else TESTS
    return Attack(name, head.partition("\n")[0], files, facts["Verdict"], tests, "Slow" in facts)


def _bases() -> dict[str, str | bytes]:
    return {f"{name}.py": path.read_text("utf-8") + KEEPS_CHANNEL for name, path in BASES.items()}


def _write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(_bytes(content))
    return folder


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()
