"""Draws a span of a trace as a moving picture in SVG: servers in a ring, messages on their way between them.

It is shown over and over.

The picture needs no script, and where a reader prefers less motion it shows the last moment. Time is not to scale: what
happens quickly is slower, and where nothing happens, it is cut short. Knows only events.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import TypeAlias

from labs.codec.rpcs import RPCS
from labs.messages import LogEntry
from labs.raft.events import Save
from labs.trace import events as ev

WIDTH, HEIGHT = 620, 330
"""Pixels of the whole picture."""
CENTRE, SPAN = (WIDTH / 2, 150.0), (210.0, 100.0)
"""The middle of the ring, and how far it reaches to the sides and upwards."""
RADIUS, SQUARE = 24, 17
"""Pixels of a server, and of an entry of its log."""
SLOWER, SHORTEST, LONGEST, FADING = 42.0, 0.35, 1.0, 2.0
"""How many times slower than virtual time it goes; the seconds of the picture between two events at least and at most;
and those before it begins again."""
SNAPSHOT = 28
"""Pixels of the square for all that is only in a snapshot."""
STYLE = """
svg.moving { font: 12px system-ui, sans-serif; --ink: #1f2328; --soft: #6e7781; --paper: #ffffff; }
svg.moving { --leader: #1a7f37; --candidate: #b46a00; --follower: #8c959f; --msg: #3b6fb6; --bad: #c9252d; }
svg.moving { --even: #dbe7f5; --odd: #f6e3c8; }
@media (prefers-color-scheme: dark) {
svg.moving { --ink: #e6edf3; --soft: #8d96a0; --paper: #0d1117; --msg: #79b8ff; --bad: #ff7b72; }
svg.moving { --leader: #3fb950; --candidate: #d29922; --follower: #6e7681; --even: #1f3a5f; --odd: #5a4220; }
}
.moving text { fill: var(--ink); text-anchor: middle; }
.moving text.soft { fill: var(--soft); }
.moving .ring { fill: none; stroke: var(--soft); stroke-dasharray: 2 6; }
.moving .server { fill: var(--paper); stroke: var(--follower); stroke-width: 3; }
.moving .leader { stroke: var(--leader); stroke-width: 6; }
.moving .candidate { stroke: var(--candidate); stroke-width: 5; stroke-dasharray: 9 3; }
.moving .down { stroke-dasharray: 2 5; opacity: 0.5; }
.moving .message { fill: var(--msg); }
.moving .reply { fill: var(--paper); stroke: var(--msg); stroke-width: 2; }
.moving .lost { stroke: var(--bad); stroke-width: 2.5; }
.moving rect { stroke: var(--soft); }
.moving .even { fill: var(--even); }
.moving .odd { fill: var(--odd); }
.moving .applied { stroke: var(--ink); stroke-width: 2; }
.moving .a { opacity: 0; animation-iteration-count: infinite; animation-timing-function: linear; }
.moving .last { opacity: 1; }
svg.moving:hover .a { animation-play-state: paused; }
@media (prefers-reduced-motion: reduce) { .moving .a { animation: none !important; } }
@media print { .moving .a { animation: none !important; } }
"""
Place: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Moment:
    """What is shown of a server from a time on."""

    since: int
    """The position of the event."""
    role: str
    term: int
    terms: tuple[int, ...]
    """The terms of the log's entries."""
    base: int
    """The last index that is only in a snapshot."""
    applied: int


@dataclass
class _Server:
    """A server, as events change it."""

    role: str = "follower"
    term: int = 0
    log: list[LogEntry] = field(default_factory=list)
    base: int = 0
    applied: int = 0

    def take(self, event: ev.Event) -> None:
        match event:
            case ev.Send(call="RequestVote"):
                self.role = "candidate"
            case ev.Send(call="AppendEntries" | "InstallSnapshot"):
                self.role = "leader"
            case ev.Deliver(leg="request", message=message) if hasattr(message, "leader_id"):
                self.role = "follower" if message.term >= self.term else self.role
            case ev.Role():
                stands = self.role == "candidate" and event.term == self.term
                self.role = "leader" if event.is_leader else "candidate" if stands else "follower"
                self.term = event.term
            case ev.Crash():
                self.role, self.applied = "down", 0
            case ev.Restart():
                self.role = "follower"
            case Save():
                kept = self.log[event.last_included_index - self.base :][
                    : max(0, event.first_index - 1 - event.last_included_index)
                ]
                self.log, self.base = [*kept, *event.entries], event.last_included_index
                self.role = "follower" if event.current_term > self.term else self.role
                self.term = event.current_term
            case ev.Apply() | ev.ApplySnap():
                self.applied = event.index

    def moment(self, position: int) -> Moment:
        return Moment(position, self.role, self.term, tuple(entry.term for entry in self.log), self.base, self.applied)


@dataclass(frozen=True)
class _Flight:
    """A message on its way."""

    words: str
    source: int
    target: int
    left: int
    ended: int
    """The positions of the events."""
    is_reply: bool
    is_lost: bool


def draw(events: Sequence[ev.Event], servers: int, title: str, name: str, begin: float, end: float) -> str:
    """Return an SVG document of a span of a run; `title` describes it in words.

    `name` begins the names of its movements, so that several pictures fit on one page.
    """
    span = [position for position, event in enumerate(events) if begin <= event.time <= end]
    first, last = span[0], span[-1]
    picture = _Picture(name, events, first, last)
    for server, shown in enumerate(_moments(events[: last + 1], servers, first)):
        picture.add_server(_place(server, servers), server, shown)
    for flight in _flights(events):
        if flight.ended >= first and flight.left <= last:
            picture.add_flight(flight, _place(flight.source, servers), _place(flight.target, servers))
    picture.add_times(events)
    return picture.svg(title)


def _moments(events: Sequence[ev.Event], count: int, first: int) -> list[list[Moment]]:
    """Return for each server what is shown of it, from which event on; the events before the first are summed up."""
    servers = [_Server() for _ in range(count)]
    shown: list[list[Moment]] = [[server.moment(first)] for server in servers]
    for position, event in enumerate(events):
        if not 0 <= event.server < count:
            continue
        servers[event.server].take(event)
        moment = servers[event.server].moment(max(position, first))
        known = shown[event.server]
        if known[-1].since == moment.since:
            known[-1] = moment
        elif _content(known[-1]) != _content(moment):
            known.append(moment)
    return shown


def _content(moment: Moment) -> tuple[str, int, tuple[int, ...], int, int]:
    return moment.role, moment.term, moment.terms, moment.base, moment.applied


def _flights(events: Sequence[ev.Event]) -> Iterator[_Flight]:
    """Yield the messages of a run, in the order in which they end."""
    sent: dict[tuple[int, str], tuple[int, ev.Send | ev.Reply]] = {}
    for position, event in enumerate(events):
        match event:
            case ev.Send():
                sent[event.rpc, "request"] = position, event
            case ev.Reply():
                sent[event.rpc, "reply"] = position, event
            case ev.Deliver() | ev.Drop() if (event.rpc, event.leg) in sent:
                is_lost = isinstance(event, ev.Drop)
                left, message = sent[event.rpc, event.leg]
                ends, is_reply = (message.server, message.peer), event.leg == "reply"
                yield _Flight(_words(message), *ends, left, position, is_reply, is_lost)


def _words(event: ev.Send | ev.Reply) -> str:
    message = event.message
    if isinstance(event, ev.Reply):
        good = getattr(message, "vote_granted", getattr(message, "success", None))
        return {None: "", True: "yes" if event.call == "RequestVote" else "ok", False: "no"}[good]
    entries = len(getattr(message, "entries", ()))
    return f"{RPCS[event.call].short} t{message.term}" + (f" +{entries}" if entries else "")


def _place(server: int, count: int) -> Place:
    angle = 2 * math.pi * server / count - math.pi / 2
    return CENTRE[0] + SPAN[0] * math.cos(angle), CENTRE[1] + SPAN[1] * math.sin(angle)


def _clock(events: Sequence[ev.Event], first: int, last: int) -> dict[int, float]:
    """Return for each event its second in the picture; what one server sends at once leaves together."""
    shown = {first: 0.3}
    for position, (one, other) in enumerate(pairwise(events[first : last + 1]), first + 1):
        together = isinstance(one, ev.Send) and isinstance(other, ev.Send) and one.server == other.server
        gap = 0.0 if together else min(max(SLOWER * (other.time - one.time), SHORTEST), LONGEST)
        shown[position] = shown[position - 1] + gap
    return shown


class _Picture:
    """An unfinished picture."""

    def __init__(self, name: str, events: Sequence[ev.Event], first: int, last: int) -> None:
        self._name, self._clock = name, _clock(events, first, last)
        clock = self._clock
        self._seconds = max(clock.values()) + FADING
        self._parts: list[str] = []
        self._frames: list[str] = []

    def add_server(self, place: Place, server: int, shown: Sequence[Moment]) -> None:
        x, y = place
        ends = [moment.since for moment in shown[1:]]
        self._parts.append(f'<text x="{x:.0f}" y="{y - RADIUS - 9:.0f}">server {server}</text>')
        for moment, end in zip(shown, [*ends, None]):
            inner = [f'<circle class="server {moment.role}" cx="{x:.0f}" cy="{y:.0f}" r="{RADIUS}"/>']
            inner.append(f'<text x="{x:.0f}" y="{y + 4:.0f}">t{moment.term}</text>')
            word = "" if moment.role == "follower" else moment.role
            if word:
                inner.append(f'<text class="soft" x="{x:.0f}" y="{y + RADIUS + 15:.0f}">{word}</text>')
            inner += _log(moment, x, y + RADIUS + 21)
            until = None if end is None else self._share(end)
            self._show("".join(inner), self._share(moment.since), until, is_last=end is None)

    def add_flight(self, flight: _Flight, source: Place, target: Place) -> None:
        first, last = min(self._clock), max(self._clock)
        left, ended = max(flight.left, first), min(flight.ended, last)
        begin, end = self._share(left), self._share(ended)
        far = 0.55 if flight.is_lost else 1.0
        a, b = _edges(source, target)
        goal = a[0] + far * (b[0] - a[0]), a[1] + far * (b[1] - a[1])
        kind = "reply" if flight.is_reply else "message"
        label = f'<text y="-9">{escape(flight.words)}</text>' if flight.words else ""
        mark = f'<circle class="{kind}" r="5"/>'
        here, there = (f"transform:translate({x:.0f}px,{y:.0f}px)" for x, y in (a, goal))
        arrived = max(end, _after(_after(begin)))
        frames = f"0%,{begin}%{{opacity:0;{here}}}{_after(begin)}%{{opacity:1;{here}}}"
        frames += f"{arrived}%{{opacity:1;{there}}}{_after(arrived)}%,100%{{opacity:0;{there}}}"
        self._animate(mark + label, frames)
        if flight.is_lost:
            x, y = goal
            cross = f"M{x - 6:.0f},{y - 6:.0f} l12,12 M{x - 6:.0f},{y + 6:.0f} l12,-12"
            self._show(f'<path class="lost" d="{cross}"/>', end, min(99.0, round(end + 4, 2)), is_last=False)

    def add_times(self, events: Sequence[ev.Event]) -> None:
        """Show the virtual time below."""
        times = [(f"{events[position].time:.3f}", position) for position in self._clock]
        changes = [times[0], *(after for one, after in pairwise(times) if one[0] != after[0])]
        for (words, position), after in zip(changes, [*changes[1:], None]):
            until = None if after is None else self._share(after[1])
            text = f'<text class="soft" x="{WIDTH / 2:.0f}" y="{HEIGHT - 8}">{words} s</text>'
            self._show(text, self._share(position), until, is_last=after is None)

    def _share(self, position: int) -> float:
        """Return when an event is shown, in percent of the picture's length."""
        return round(100 * self._clock[position] / self._seconds, 2)

    def _show(self, inner: str, begin: float, end: float | None, is_last: bool) -> None:
        """Show something from a moment on, until another one, or to the end."""
        before = "" if begin <= self._share(min(self._clock)) else f"0%,{begin}%{{opacity:0}}"
        after = "100%{opacity:1}" if end is None else f"{max(end, _after(begin))}%{{opacity:1}}"
        gone = "" if end is None else f"{_after(max(end, _after(begin)))}%,100%{{opacity:0}}"
        start = f"{_after(begin)}%{{opacity:1}}" if before else "0%{opacity:1}"
        self._animate(inner, before + start + after + gone, " last" if is_last else "")

    def _animate(self, inner: str, frames: str, more: str = "") -> None:
        name = f"{self._name}-{len(self._frames)}"
        self._frames.append(f"@keyframes {name}{{{frames}}}")
        timing = f"animation-name:{name};animation-duration:{self._seconds:.1f}s"
        self._parts.append(f'<g class="a{more}" style="{timing}">{inner}</g>')

    def svg(self, title: str) -> str:
        x, y = CENTRE
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="moving" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}{chr(10).join(self._frames)}\n</style>",
            f'<ellipse class="ring" cx="{x:.0f}" cy="{y:.0f}" rx="{SPAN[0]:.0f}" ry="{SPAN[1]:.0f}"/>',
        ]
        return "\n".join([*head, *self._parts, "</svg>", ""])


def _after(percent: float) -> float:
    """Return the next moment, in percent."""
    return round(min(percent + 0.01, 100.0), 2)


def _edges(source: Place, target: Place) -> tuple[Place, Place]:
    """Return where a message leaves one server's circle, and where it reaches the other's."""
    long = math.dist(source, target) or 1.0
    x, y = ((b - a) / long * (RADIUS + 4) for a, b in zip(source, target))
    return (source[0] + x, source[1] + y), (target[0] - x, target[1] - y)


def _log(moment: Moment, x: float, y: float) -> Iterator[str]:
    """Yield the squares of a log: each has the term of its entry; those that were applied have a thick border."""
    squares = [(str(term), SQUARE, moment.base + number) for number, term in enumerate(moment.terms, 1)]
    if moment.base:
        squares.insert(0, (f"..{moment.base}", SNAPSHOT, moment.base))
    left = x - sum(wide for _, wide, _ in squares) / 2
    for words, wide, index in squares:
        parity = "odd" if words.isdigit() and int(words) % 2 else "even"
        applied = " applied" if index <= moment.applied else ""
        yield f'<rect class="{parity}{applied}" x="{left:.1f}" y="{y:.1f}" width="{wide - 2}" height="{SQUARE - 2}"/>'
        yield f'<text font-size="11" x="{left + wide / 2 - 1:.1f}" y="{y + 12:.1f}">{words}</text>'
        left += wide
