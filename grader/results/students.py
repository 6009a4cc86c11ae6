"""Students and their hand-ins: one stable identity each, and the name of the folder that keeps a student's results.

The identity is that of the roster or of the platform's download; without either it is the submission's path as given.
So it never depends on what else is graded by the same command. Two students whose folders would have one name are
refused. Touches no submission.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.cleaning import one_line
from grader.exits import Usage
from grader.results.result import Origin, Person, Submission

ENDINGS = (".tar.gz", ".tar.xz", ".tar.bz2", ".tgz", ".txz", ".tbz2", ".tbz", ".tar", ".zip", ".py")
"""How the names of packed submissions end."""
BETWEEN = "--"
"""Stands between the parts of a path in a folder's name."""
LONGEST = 120
"""Bytes of a folder's name, without the hash that a longer one gets."""
_KEPT = frozenset("-_.,@+ ")


@dataclass(frozen=True)
class HandIn:
    """What one student, or one group, handed in."""

    student: str
    """The identity: no other student has it."""
    source: str
    """The path, as given or as found in a download."""
    origin: Origin = "path"
    people: tuple[Person, ...] = ()
    handed_in: str = ""
    late: float = 0.0
    attempt: int = 0
    trouble: str = ""
    """Why there is nothing to grade, although the student is known; "" if there is."""
    earlier: tuple[HandIn, ...] = ()
    """The attempts before this one, in order, that the same download holds."""

    @property
    def attempts(self) -> tuple[HandIn, ...]:
        """All attempts, this one last, each of the student and the people whom the last one is of."""
        others = (replace(one, student=self.student, origin=self.origin, people=self.people) for one in self.earlier)
        return *others, replace(self, earlier=())

    @property
    def name(self) -> str:
        """The name of the student's folder of results."""
        return folder_name(self.student)

    def describe(self, submission: Submission) -> None:
        """Write into a result's submission whose it is, and where it is from."""
        submission.name, submission.student, submission.origin = self.name, self.student, self.origin
        submission.source, submission.people = (
            one_line(os.path.abspath(self.source), 1000) if self.source else "",
            list(self.people),
        )
        submission.handed_in, submission.late, submission.attempt = self.handed_in, self.late, self.attempt


def last_of(attempts: Sequence[HandIn]) -> HandIn:
    """Return the last of a student's attempts, given in order, after the others that hold a submission.

    They are numbered if there are several.
    """
    if len(attempts) == 1:
        return attempts[0]
    *others, last = (replace(one, attempt=number) for number, one in enumerate(attempts, 1))
    return replace(last, earlier=tuple(other for other in others if not other.trouble))


@dataclass
class Names:
    """The students of a command and of the folder of results, by the names of their folders."""

    known: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, student: str, where: str) -> None:
        """Add a student; raise Usage if the name belongs to another one, also if only the case of its letters differs,
        because some systems do not distinguish that."""
        before = self.known.setdefault(name.casefold(), student)
        if before != student:
            raise Usage(
                f"{name!r} would mean two students: {before} and {student} ({where}). Rename one of them, give "
                "--as NAME with a single submission, or use another --out"
            )


def from_paths(sources: Sequence[str], given: str = "") -> list[HandIn]:
    """Return the hand-ins of a command line, in its order; `given` is the identity of a single one."""
    found: dict[str, HandIn] = {}
    for source in dict.fromkeys(os.path.normpath(source) for source in sources):
        if not os.path.lexists(source):
            raise Usage(f"there is no {source}. Give a folder with raft.py, a zip, or a tar")
        found[source] = HandIn(given, source, "given") if given else HandIn(identity_of(source), source)
    if given and len(found) > 1:
        raise Usage(f"--as names one student, but {len(found)} submissions are given")
    require_distinct(found.values())
    return list(found.values())


def require_distinct(hand_ins: Iterable[HandIn]) -> None:
    """Raise Usage if two students would have one folder of results, or two submissions belong to one student."""
    names, sources = Names(), dict[str, str]()
    for hand_in in hand_ins:
        names.add(hand_in.name, hand_in.student, hand_in.source)
        before = sources.setdefault(hand_in.student, hand_in.source)
        if before != hand_in.source:
            raise Usage(f"{hand_in.student} has two submissions here: {before} and {hand_in.source}. Give one of them")


def identity_of(source: str) -> str:
    """Return the identity of a submission that has no other one: its path as given, without an archive's ending.

    A path with `..` means another place in each folder, so it is made absolute; one into this folder is made relative.
    """
    path, here = Path(os.path.normpath(source)), Path.cwd()
    if path.parts[:1] == ("..",) or path == Path("."):
        path = Path(os.path.normpath(here / path))
    if path.is_relative_to(here) and path != here:
        path = path.relative_to(here)
    name = path.name
    if not path.is_dir():
        name = next((name[: -len(end)] for end in ENDINGS if name.lower().endswith(end)), name) or name
    return unicodedata.normalize("NFC", path.with_name(name).as_posix() if name != path.name else path.as_posix())


def folder_name(student: str) -> str:
    """Return the name of a student's folder of results: the identity, with the letters of all scripts. If a sign has to
    be replaced, a hash of the identity is added, so that different identities have different names."""
    parts = student.strip("/").split("/")
    plain = BETWEEN.join("".join(letter if _is_kept(letter) else "_" for letter in part) for part in parts)
    readable = plain.lstrip(".- ").rstrip(". ") or "submission"
    short = readable.encode()[-LONGEST:].decode(errors="ignore").lstrip(".- ")
    ambiguous = any(BETWEEN in part or part.startswith("-") or part.endswith("-") for part in parts)
    if short == BETWEEN.join(parts) and not ambiguous:
        return short
    return f"{short}-{hashlib.sha256(student.encode(errors='surrogateescape')).hexdigest()[:8]}"


def _is_kept(letter: str) -> bool:
    return letter in _KEPT or unicodedata.category(letter)[0] in "LMN"
