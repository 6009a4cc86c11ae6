"""The rubric: which tests count, for how many points, with which seeds, and what students see of each.

It is read from a TOML file and checked against the existing scenarios; an error names file and key, and what to write.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeAlias, TypeVar

import msgspec

from grader.execution import scenarios
from grader.exits import Usage
from grader.grading.policy import (
    Attempts,
    Group,
    GroupPart,
    LatePart,
    OverridePart,
    Points,
    Policy,
    ReleasePart,
    Share,
    TiersPart,
    check_policy,
    groups_of,
)
from grader.intake.roster import read_roster
from grader.places import RUBRIC
from grader.results.result import Detail, Kind, Visibility
from labs.raft.rules import RULES
from labs.testing.scenario import Scenario

T = TypeVar("T")
GONE = (
    "there is no such choice; a run that the grader cannot grade is held for review, for no points and at no cost, "
    "and result.json has the command that repeats it. Take this line out"
)
Seed: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class SeedsPart(msgspec.Struct, forbid_unknown_fields=True):
    """`public` seeds are the students' own; `secret` is the number of those drawn for each submission."""

    public: list[Seed]
    secret: Count = 0


class StagePart(msgspec.Struct, forbid_unknown_fields=True):
    """A stage's share of the points: `weight` multiplies those of all its tests.

    It is skipped unless each stage that it `needs` has at least `needs_share` of its points. None of its points count
    if a test of its `basis` fails with all seeds, or if any run breaks one of its `forfeits` rules, which can only be
    broken on purpose; then the stages that need it are skipped.
    """

    title: str
    weight: Points = 1.0
    needs: list[str] = []
    needs_share: Share = 0.25
    basis: list[str] = []
    forfeits: list[str] = []


class TestsPart(msgspec.Struct, forbid_unknown_fields=True):
    """Facts of all tests whose id matches the pattern `select`, and no earlier pattern. Without `points`: the test's
    own.

    A test needs a `threshold` of its runs to pass for its points; if `partial`, fewer bring a share. `public` and
    `secret` replace the rubric's seeds.
    """

    select: str
    points: Points | None = None
    threshold: Share = 1.0
    partial: bool = False
    visibility: Visibility = "visible"
    detail: Detail = "full"
    public: list[Seed] | None = None
    secret: Count | None = None


class RubricFile(msgspec.Struct, forbid_unknown_fields=True):
    """The file as it is written. `total`, if given, is the required sum of all points."""

    format: Literal["raft-rubric/1"]
    title: str
    seeds: SeedsPart
    stages: dict[str, StagePart]
    tests: list[TestsPart]
    give_up_after: Count = 4
    """After this many tests in which a server never yields (NoStall), or the servers take too much CPU time
    (CpuBudget), no further test of the submission is run, and those give no points; 0: all are run, however long that
    takes."""
    total: Points | None = None
    groups: list[GroupPart] = []
    tiers: TiersPart = msgspec.field(default_factory=TiersPart)
    late: LatePart | None = None
    attempts: Attempts = "last"
    """Which of a student's graded attempts counts: the last one, or the one with most points."""
    overrides: list[OverridePart] = []
    release: ReleasePart = msgspec.field(default_factory=ReleasePart)


@dataclass(frozen=True)
class Item:
    """One test as it is graded."""

    scenario: Scenario
    kind: Kind
    points: float
    threshold: float
    partial: bool
    visibility: Visibility
    detail: Detail
    public: tuple[int, ...]
    secret: int

    def cut(self, runs: int) -> Item:
        """Return the same with this many runs: public seeds first, then secret ones, then more public ones."""
        public, secret = self.public[:runs], min(self.secret, max(0, runs - len(self.public)))
        last = max(self.public, default=0)
        more = tuple(range(last + 1, last + 1 + runs - len(public) - secret))
        return replace(self, public=public + more, secret=secret)


@dataclass(frozen=True)
class Stage:
    """A stage with its tests, in the order in which they are shown."""

    id: str
    title: str
    needs: tuple[str, ...]
    needs_share: float
    items: tuple[Item, ...]
    basis: tuple[str, ...] = ()
    forfeits: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()

    @property
    def in_order(self) -> list[Item]:
        """Return its tests in running order: those of its basis first, so that they are run in any case."""
        return sorted(self.items, key=lambda item: item.scenario.id not in self.basis)

    def only(self, text: str) -> Stage:
        """Return the same with only the tests whose id holds a text; it needs no other stage, and its basis and groups
        are what is left of them."""
        items = tuple(item for item in self.items if text in item.scenario.id)
        basis = tuple(test for test in self.basis if text in test)
        groups = tuple(replace(group, tests=tuple(t for t in group.tests if text in t)) for group in self.groups)
        return replace(self, items=items, needs=(), basis=basis, groups=tuple(g for g in groups if g.tests))


@dataclass(frozen=True)
class Rubric:
    """Everything that is graded. `sha256` covers the file and the options of the command line."""

    title: str
    stages: tuple[Stage, ...]
    sha256: str
    give_up_after: int = 0
    selection: str = ""
    """The options of the command line that select a part of it, as typed; "" for all of it."""
    policy: Policy = field(default_factory=Policy)

    @property
    def items(self) -> list[Item]:
        return [item for stage in self.stages for item in stage.items]

    @property
    def runs(self) -> int:
        """The number of runs of a submission, if all are worth doing."""
        return sum(len(item.public) + item.secret for item in self.items)


@dataclass(frozen=True)
class Selection:
    """The options of the command line that select a part of a rubric; a result has them as typed."""

    runs: int | None = None
    public_only: bool = False
    only: str = ""

    def __str__(self) -> str:
        runs = [f"--runs {self.runs}"] * (self.runs is not None)
        return " ".join([*[f"--only {self.only}"] * bool(self.only), *runs, *["--public"] * self.public_only])

    @property
    def typed(self) -> str:
        """The same for a shell."""
        return str(replace(self, only=shlex.quote(self.only) if self.only else ""))

    @classmethod
    def read(cls, text: str) -> Selection:
        """Return the selection with this text."""
        found = re.fullmatch(r"(?:--only (.+?))??(?: ?--runs (\d+))?( ?--public)?", text, re.DOTALL)
        only, runs, public = found.groups() if found else (None, None, None)
        return cls(int(runs) if runs else None, bool(public), only or "")


def load(
    path: Path = RUBRIC,
    runs: int | None = None,
    public_only: bool = False,
    only: str = "",
    roster: Path | None = None,
) -> Rubric:
    """Read and check a rubric. `runs`: how many for each test; `only`: tests whose id holds that text; `roster`: the
    students' own late days and extensions (grader.intake.roster).

    `public_only` leaves out hidden tests and secret seeds. Raises Usage if a file is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"cannot read the rubric {path}: {error}; give one with --rubric FILE") from None
    file = _parse(path, text)
    check = _Check(path, file)
    stages = tuple(check.stages(public_only))
    check.check_total(stages, public_only)
    entries = tuple(read_roster(roster)) if roster is not None else ()
    policy = replace(check.policy(stages, public_only), roster=entries)
    if only:
        stages = tuple(stage for stage in (stage.only(only) for stage in stages) if stage.items)
        if not stages:
            raise Usage(f"no test of {path} has {only!r} in its id; see: make list")
    if runs is not None:
        stages = tuple(replace(stage, items=tuple(item.cut(runs) for item in stage.items)) for stage in stages)
    digest = hashlib.sha256(repr((text, runs, public_only, only)).encode()).hexdigest()  # a roster is about students
    return Rubric(file.title, stages, digest, file.give_up_after, str(Selection(runs, public_only, only)), policy)


def _parse(path: Path, text: str) -> RubricFile:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Usage(f"{path} is not TOML: {error}") from None
    if "when_grader_fails" in found:
        raise Usage(f"{path}: when_grader_fails: {GONE}")
    stages = found.get("stages")
    for name, part in stages.items() if isinstance(stages, dict) else ():
        _convert(path, part, StagePart, f"stages.{name}")
    return _convert(path, found, RubricFile)


def _convert(path: Path, value: Any, kind: type[T], prefix: str = "") -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        key = (prefix + where.rstrip("`").removesuffix("[...]")).lstrip(".") or "at the top"
        what = what[:1].lower() + what[1:].replace("`", "'")
        raise Usage(
            f"{path}: {key}: {what}. The keys are explained in grader/grading/rubric.py and policy.py"
        ) from None


class _Check:
    """Checks a rubric against itself and the scenarios, and puts them together."""

    def __init__(self, path: Path, file: RubricFile) -> None:
        self._path, self._file = path, file

    def stages(self, public_only: bool) -> Iterator[Stage]:
        everything = dict(scenarios.public()) | ({} if public_only else scenarios.hidden())
        chosen = self._choose(everything, public_only)
        groups: dict[str, list[Group]] = {name: [] for name in self._file.stages}
        for group in groups_of(self._file.groups, chosen, scenarios.hidden() if public_only else (), self._fail):
            groups[group.tests[0].partition("/")[0]].append(group)
        for name, part in self._file.stages.items():
            self._check_needs(name, part)
            items = [self._item(everything[test], chosen[test], part) for test in chosen if test.startswith(f"{name}/")]
            if not items and not public_only:
                self._fail(f"stages.{name}", "no test belongs to it", f"add [[tests]] with select = '{name}/*'")
            items = [replace(item, secret=0) if public_only else item for item in items]
            self._check_basis(name, part, chosen, public_only)
            basis = tuple(test for test in part.basis if test in chosen)
            parts = (tuple(part.needs), part.needs_share, tuple(items), basis, tuple(part.forfeits))
            yield Stage(name, part.title, *parts, tuple(groups[name]))

    def _choose(self, everything: dict[str, Scenario], public_only: bool) -> dict[str, TestsPart]:
        """Return for each test that counts the first part whose pattern it matches."""
        for number, part in enumerate(self._file.tests):
            key = f"tests[{number}].select"
            known = [*everything, *(scenarios.hidden() if public_only else ())]
            if not any(fnmatch.fnmatchcase(test, part.select) for test in known) and not (
                public_only and "hidden" in part.select
            ):
                self._fail(key, f"no test is called {part.select!r}", "see the ids with: make list")
            if part.threshold == 0:
                self._fail(f"tests[{number}].threshold", "0 would be passed by everybody", "write more than 0")
        chosen: dict[str, TestsPart] = {}
        for test in everything:
            fitting = [part for part in self._file.tests if fnmatch.fnmatchcase(test, part.select)]
            if not fitting:
                continue
            if everything[test].stage not in self._file.stages:
                self._fail(f"stages.{everything[test].stage}", f"is missing, but {test} counts", "add it")
            chosen[test] = fitting[0]
        return chosen

    def _check_needs(self, name: str, part: StagePart) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]+", name):
            self._fail(f"stages.{name}", "is not a stage's name", "use letters and digits, as in 2A")
        before = list(self._file.stages)[: list(self._file.stages).index(name)]
        for other in part.needs:
            if other not in before:
                known = ", ".join(before) or "none"
                self._fail(f"stages.{name}.needs", f"{other!r} is not a stage above it", f"those above are: {known}")

    def _check_basis(self, name: str, part: StagePart, chosen: dict[str, TestsPart], public_only: bool) -> None:
        key = f"stages.{name}.basis"
        for test in part.basis:
            if not test.startswith(f"{name}/"):
                self._fail(key, f"{test!r} is not a test of {name}", f"name tests that begin with {name}/, or none: []")
            if part.basis.count(test) > 1:
                self._fail(key, f"has {test!r} twice", "once is enough")
            known = test in scenarios.public() or test in scenarios.hidden()
            if not known:
                self._fail(key, f"no test is called {test!r}", "see the ids with: make list")
            if test not in chosen and not public_only:
                self._fail(key, f"{test!r} does not count here", f"add [[tests]] with select = {test!r}")
        for rule in part.forfeits:
            if rule not in RULES:
                names = "see their names in handouts/rules.md"
                self._fail(f"stages.{name}.forfeits", f"no rule is called {rule!r}", names)

    def _item(self, scenario: Scenario, part: TestsPart, stage: StagePart) -> Item:
        points = part.points if part.points is not None else float(scenario.points)
        seeds = self._file.seeds
        public = seeds.public if part.public is None else part.public
        secret = seeds.secret if part.secret is None else part.secret
        if not public and not secret:
            self._fail(f"the tests {part.select!r}", "have no seeds", "give public = [1, 2] or secret = 2")
        if len(set(public)) < len(public):
            self._fail(f"the tests {part.select!r}", f"have a public seed twice: {public}", "each counts once")
        kind = scenarios.kind_of(scenario)
        points = round(points * stage.weight, 2)
        return Item(
            scenario, kind, points, part.threshold, part.partial, part.visibility, part.detail, tuple(public), secret
        )

    def policy(self, stages: tuple[Stage, ...], public_only: bool) -> Policy:
        """Return what is not about a single test, checked against the points. Without hidden tests it leaves out what
        an instructor decided."""
        file = self._file
        overrides = () if public_only else tuple(file.overrides)
        found = Policy(file.tiers, file.late, file.attempts, overrides, file.release)
        points = {item.scenario.id: item.points for stage in stages for item in stage.items}
        check_policy(found, points, round(sum(points.values()), 2), self._fail)
        return found

    def check_total(self, stages: tuple[Stage, ...], public_only: bool) -> None:
        """Compare the sum of all points with the file's total; without hidden tests there is nothing to compare."""
        found = round(sum(item.points for stage in stages for item in stage.items), 2)
        if self._file.total is not None and not public_only and found != round(self._file.total, 2):
            self._fail("total", f"is {self._file.total:g}, but the points add up to {found:g}", "change one of them")

    def _fail(self, key: str, what: str, remedy: str) -> NoReturn:
        raise Usage(f"{self._path}: {key}: {what}; {remedy}")
