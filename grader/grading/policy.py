"""The course's policy as the rubric's file states it: late days, attempts, groups, tiers, release dates, and points set
by hand. Data and its checks; it changes no result (grader.grading.adjusting does) and reads no clock.
"""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, NoReturn, TypeAlias

import msgspec

from grader.intake.roster import Entry

Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
Points: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Days: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=366)]
Attempts: TypeAlias = Literal["last", "best"]
Fail: TypeAlias = Callable[[str, str, str], NoReturn]
"""Called with the key, what is wrong with it, and what to do."""


class TiersPart(msgspec.Struct, forbid_unknown_fields=True):
    """The share of a performance test's points that a figure in the partial and in the full tier brings.

    The bonus tier brings as much as the full one: points never exceed the maximum.
    """

    partial: Share = 0.5
    full: Share = 1.0


class LatePart(msgspec.Struct, forbid_unknown_fields=True):
    """The price of late days. A day counts when it has begun, after `grace_minutes`; `free_days` cost nothing, each
    further one takes `per_day` of the points, and after `most_days` further ones nothing is left.

    With a `deadline` lateness is counted from the time of the hand-in, else it is the platform's. A roster may give a
    student another number of free days, or a later deadline.
    """

    per_day: Share
    deadline: datetime.datetime | None = None
    grace_minutes: Points = 0.0
    free_days: Days = 0.0
    most_days: Days | None = None


class GroupPart(msgspec.Struct, forbid_unknown_fields=True):
    """Tests of one stage that give points only if all of them pass; `tests` are patterns of ids."""

    title: str
    tests: list[str]


class OverridePart(msgspec.Struct, forbid_unknown_fields=True):
    """Points that an instructor sets by hand, for a test or, without `test`, for the whole; all other keys are needed
    for the audit. `student` is the name of the folder of results, or an identity of the student."""

    student: str
    points: Points
    reason: str
    by: str
    on: datetime.date
    test: str = ""


class ReleasePart(msgspec.Struct, forbid_unknown_fields=True):
    """When tests of each visibility become visible to students; `hidden` ones never do."""

    after_due_date: datetime.datetime | None = None
    after_published: datetime.datetime | None = None


@dataclass(frozen=True)
class Group:
    """An all-or-nothing group with the ids of its tests."""

    title: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Everything in the rubric that is not about a single test."""

    tiers: TiersPart = field(default_factory=TiersPart)
    late: LatePart | None = None
    attempts: Attempts = "last"
    overrides: tuple[OverridePart, ...] = ()
    release: ReleasePart = field(default_factory=ReleasePart)
    roster: tuple[Entry, ...] = ()


def check_policy(policy: Policy, points: dict[str, float], total: float, fail: Fail) -> None:
    """Check what a rubric states against itself; `points` are those of each test that counts."""
    if policy.tiers.partial > policy.tiers.full:
        fail("tiers.partial", f"{policy.tiers.partial:g} is more than full, {policy.tiers.full:g}", "lower it")
    moments = {
        "late.deadline": policy.late.deadline if policy.late else None,
        "release.after_due_date": policy.release.after_due_date,
        "release.after_published": policy.release.after_published,
    }
    for key, moment in moments.items():
        if moment is not None and moment.tzinfo is None:
            fail(key, f"{moment.isoformat()} has no time zone", f"write {moment.isoformat()}Z for UTC, or +02:00")
    seen: set[tuple[str, str]] = set()
    for number, override in enumerate(policy.overrides):
        _check_override(f"overrides[{number}]", override, points, total, fail)
        decided = override.student.casefold(), override.test
        if decided in seen:
            fail(
                f"overrides[{number}]",
                f"sets {override.test or 'the whole'} of {override.student!r} again",
                "keep the last one",
            )
        seen.add(decided)


def _check_override(key: str, override: OverridePart, points: dict[str, float], total: float, fail: Fail) -> None:
    for name in ("student", "reason", "by"):
        if not getattr(override, name).strip():
            fail(f"{key}.{name}", "is empty", "the audit needs it")
    if override.test and override.test not in points:
        fail(f"{key}.test", f"no test {override.test!r} counts", "see the ids with: make list")
    most = points[override.test] if override.test else total
    if override.points > most:
        fail(f"{key}.points", f"{override.points:g} is more than the maximum, {most:g}", "lower it")


def groups_of(parts: Sequence[GroupPart], tests: Iterable[str], left_out: Iterable[str], fail: Fail) -> list[Group]:
    """Return the groups with the ids of their tests, which no two groups share; tests that are `left_out` exist, but
    do not count now."""
    counted, taken, found = list(tests), dict[str, str](), []
    known = [*counted, *left_out]
    for number, part in enumerate(parts):
        key = f"groups[{number}].tests"
        for pattern in part.tests:
            if not fnmatch.filter(known, pattern):
                fail(key, f"no test that counts is called {pattern!r}", "see the ids with: make list")
        members = tuple(test for test in known if any(fnmatch.fnmatchcase(test, pattern) for pattern in part.tests))
        if len({test.partition("/")[0] for test in members}) != 1:
            fail(key, "are not tests of one stage", "make a group for each stage")
        for test in members:
            if test in taken:
                fail(key, f"{test!r} is in the group {taken[test]!r}, too", "a test belongs to one group")
            taken[test] = part.title
        if counting := tuple(test for test in members if test in counted):
            found.append(Group(part.title, counting))
    return found
