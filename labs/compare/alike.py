"""Finds how far two runs are alike. Knows events, but not how they are printed, nor how a run is made.

Two runs with one seed are compared event by event. With different seeds everything differs at once, times, delays, and
which server plays which part; so the landmarks are compared: leaders, proposals, faults, checks of the test, and
the end. The servers of one run may have other numbers in the other, as long as it is always the same server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from labs.trace import events as ev

Words: TypeAlias = Callable[[ev.Event], str]
"""What a reader sees of an event."""


@dataclass(frozen=True)
class Landmark:
    """An event that another run has, too, if the same happens in it: its place, its kind, and its servers."""

    position: int
    kind: tuple[object, ...]
    servers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Alike:
    """How far two runs are alike."""

    left: int
    """The position of the first event of the left run that differs."""
    right: int
    common: tuple[tuple[int, int], ...]
    """The positions of the events, or landmarks, that are alike, in both runs."""
    parts: tuple[tuple[int, int], ...] = ()
    """Which server of the left run plays the part of which of the right one, as far as that is known."""


@dataclass(frozen=True)
class Comparison:
    """How two runs were compared, and how far they are alike."""

    alike: Alike
    is_by_event: bool
    """Whether their events were compared, and not only their landmarks."""
    earlier: Alike | None = None
    """How far the events are alike, if the landmarks are for longer."""


def compare(
    left: Sequence[ev.Event], right: Sequence[ev.Event], words: Words, are_same_test_and_seed: bool
) -> Comparison:
    """Compare two runs event by event if they have one seed and differ at once; else by their landmarks."""
    if not are_same_test_and_seed:
        return Comparison(by_landmark(left, right, words), is_by_event=False)
    exact = by_event(left, right, words)
    loose = by_landmark(left, right, words)
    if loose.common and loose.common[-1][0] > exact.left and loose.common[-1][1] > exact.right:
        return Comparison(loose, is_by_event=False, earlier=exact)
    return Comparison(exact, is_by_event=True)


def by_event(left: Sequence[ev.Event], right: Sequence[ev.Event], words: Words) -> Alike:
    """Compare runs event by event, without the servers' own notes."""
    kept = [[position for position, event in enumerate(run) if _counts(event)] for run in (left, right)]
    common: list[tuple[int, int]] = []
    for here, there in zip(*kept):
        if _seen(left[here], words) != _seen(right[there], words):
            return Alike(here, there, tuple(common))
        common.append((here, there))
    return Alike(_after(kept[0], len(common), left), _after(kept[1], len(common), right), tuple(common))


def _after(positions: Sequence[int], count: int, run: Sequence[ev.Event]) -> int:
    return positions[count] if count < len(positions) else len(run)


def _counts(event: ev.Event) -> bool:
    return not isinstance(event, ev.Note)


def _seen(event: ev.Event, words: Words) -> tuple[object, ...]:
    """Return what a reader sees of an event; the numbers of calls are not compared."""
    return type(event), event.time, event.server, re.sub(r"#\d+", "#", words(event))


def by_landmark(left: Sequence[ev.Event], right: Sequence[ev.Event], words: Words) -> Alike:
    """Compare the landmarks of two runs."""
    here, there = landmarks(left, words), landmarks(right, words)
    parts, common = _Parts(), []
    for one, other in zip(here, there):
        if one.kind != other.kind or not parts.fit(one.servers, other.servers):
            break
        common.append((one.position, other.position))
    count = len(common)
    first = [found[count].position if count < len(found) else len(run) for found, run in ((here, left), (there, right))]
    return Alike(first[0], first[1], tuple(common), tuple(sorted(parts.of_left.items())))


class _Parts:
    """Which server of the left run plays the part of which of the right one: found out as they go on."""

    def __init__(self) -> None:
        self.of_left: dict[int, int] = {}
        self._of_right: dict[int, int] = {}

    def fit(self, left: Sequence[int], right: Sequence[int]) -> bool:
        """Return whether these servers can play the same parts; take that down if they can."""
        if len(left) != len(right):
            return False
        pairs = list(zip(left, right))
        if any(self.of_left.get(a, b) != b or self._of_right.get(b, a) != a for a, b in pairs):
            return False
        self.of_left.update(pairs)
        self._of_right.update((b, a) for a, b in pairs)
        return True


def landmarks(run: Sequence[ev.Event], words: Words) -> list[Landmark]:
    """Return the landmarks of a run, in order."""
    return [mark for position, event in enumerate(run) if (mark := _landmark(position, event, words)) is not None]


def _landmark(position: int, event: ev.Event, words: Words) -> Landmark | None:
    match event:
        case ev.Role(is_leader=True):
            return Landmark(position, ("leads",), (event.server,))
        case ev.Start(is_leader=True):
            return Landmark(position, ("start",), (event.server,))
        case ev.Crash():
            return Landmark(position, ("crash", event.at), (event.server,))
        case ev.Restart() if event.incarnation:
            return Landmark(position, ("restart",), (event.server,))
        case ev.Cut() | ev.Connect():
            return Landmark(position, (type(event), len(event.links)), _centre(event.links))
        case ev.NetworkChange() | ev.Check():
            return Landmark(position, (type(event), re.sub(r"\d+", "", words(event))))
        case ev.Verdict():
            return Landmark(position, (event.status, event.rule))
    return None


def _centre(links: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return the server that all links have in common, if there is just one."""
    shared = set.intersection(*(set(link) for link in links)) if links else set()
    return tuple(sorted(shared)) if len(shared) == 1 else ()
