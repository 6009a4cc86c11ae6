"""Folds the heartbeats of a trace: what changes nothing becomes one line, so that what matters fits a screen.

Knows only events, not how they are printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from labs.messages import AppendEntriesArgs, AppendEntriesReply
from labs.trace import events as ev

KEPT = 6
"""How many events at the end of a run are always shown: a heartbeat among them may be what broke the rule."""


@dataclass(frozen=True)
class Fold:
    """Events of heartbeats, next to each other, that changed nothing."""

    begin: float
    count: int


Line: TypeAlias = ev.Event | Fold


def is_idle(event: ev.Event) -> bool:
    """Return whether an event belongs to an AppendEntries without entries that was not refused."""
    message = getattr(event, "message", None)
    if isinstance(message, AppendEntriesArgs):
        return not message.entries
    return isinstance(message, AppendEntriesReply) and message.success


class Heartbeats:
    """Knows the calls that were heartbeats: where one is lost or not answered, the event has only the call's number."""

    def __init__(self) -> None:
        self._calls: set[int] = set()

    def note(self, event: ev.Event) -> None:
        """Take up an event; call this for each event of a run, in order."""
        if isinstance(event, ev.Send | ev.Deliver) and isinstance(event.message, AppendEntriesArgs) and is_idle(event):
            self._calls.add(event.rpc)

    def has(self, event: ev.Event) -> bool:
        """Return whether an event belongs to a heartbeat; an answer that refuses does not."""
        if isinstance(event, ev.Drop | ev.Timeout):
            return event.rpc in self._calls
        return isinstance(event, ev.Send | ev.Reply | ev.Deliver) and event.rpc in self._calls and is_idle(event)


def fold(events: Sequence[ev.Event], heartbeats: Heartbeats) -> list[Line]:
    """Return events, with the heartbeats next to each other as one Fold."""
    lines: list[Line] = []
    waiting: list[ev.Event] = []
    for number, event in enumerate(events):
        is_last = number >= len(events) - KEPT
        if not is_last and heartbeats.has(event) and not _changes(event, events[number + 1 :]):
            waiting.append(event)
            continue
        lines += _folded(waiting)
        waiting = []
        lines.append(event)
    return [*lines, *_folded(waiting)]


def _folded(events: Sequence[ev.Event]) -> Iterable[Line]:
    """Return one Fold; a single event stays as it is."""
    return [Fold(events[0].time, len(events))] if len(events) > 1 else events


def _changes(event: ev.Event, following: Sequence[ev.Event]) -> bool:
    """Return whether a message that arrives makes its server do more than answer, at the same instant."""
    if not isinstance(event, ev.Deliver):
        return False
    for other in following:
        if other.time != event.time:
            return False
        if other.server == event.server and not isinstance(other, ev.Send | ev.Reply | ev.Deliver):
            return True
    return False
