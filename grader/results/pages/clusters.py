"""Submissions that fail alike: grouped by the tests that they fail and the rules that they break there.

A submission joins the first group with whose leader it shares most of its failures; leaders are those with the most
failures. So the groups do not depend on the order of the class, and one reads what a group has in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from grader.results.result import Result

ALIKE = 0.6
"""The share of all failures of two submissions that both have, from which on they are alike."""
SHOWN = 8
"""Common failures that are named for a group."""
Failure: TypeAlias = tuple[str, str]
"""A test and the rule broken in it, or its status if there is none."""


class Cluster(msgspec.Struct):
    """Submissions that fail alike, by name; `common` are failures of at least half of them, tests before
    drills, the most frequent first."""

    members: list[str]
    common: list[tuple[str, str, int]]
    """Test, rule or status, and how many of the members fail it so."""
    more: int = 0
    """Common failures that are not named."""


def failures_of(result: Result) -> frozenset[Failure]:
    """Return what a submission fails."""
    found = ((test.id, test.rule or test.status) for test in result.tests if test.status in ("fail", "error"))
    return frozenset(found)


def clusters(results: Sequence[Result]) -> list[Cluster]:
    """Return the groups of two or more, the largest first."""
    failing = {result.submission.name: failures_of(result) for result in results}
    order = sorted((name for name in failing if failing[name]), key=lambda name: (-len(failing[name]), name))
    groups: dict[str, list[str]] = {}
    for name in order:
        leader = next((other for other in groups if _alike(failing[name], failing[other])), name)
        groups.setdefault(leader, []).append(name)
    found = [_cluster(sorted(members), failing) for members in groups.values() if len(members) > 1]
    return sorted(found, key=lambda cluster: (-len(cluster.members), cluster.members))


def identical(results: Sequence[Result]) -> list[list[str]]:
    """Return the names of submissions with the same files, byte for byte."""
    by_hash: dict[str, list[str]] = {}
    for result in results:
        if result.submission.sha256:
            by_hash.setdefault(result.submission.sha256, []).append(result.submission.name)
    return sorted(sorted(names) for names in by_hash.values() if len(names) > 1)


def _alike(one: frozenset[Failure], other: frozenset[Failure]) -> bool:
    shared = len(one & other)
    return shared >= ALIKE * (len(one) + len(other) - shared)


def _cluster(members: list[str], failing: dict[str, frozenset[Failure]]) -> Cluster:
    count = Counter(failure for name in members for failure in failing[name])
    often = [item for item in count.items() if 2 * item[1] >= len(members)]
    common = sorted(often, key=lambda item: ("/drill_" in item[0][0], -item[1], item))
    named = [(test, rule, number) for (test, rule), number in common[:SHOWN]]
    return Cluster(members, named, len(common[SHOWN:]))
