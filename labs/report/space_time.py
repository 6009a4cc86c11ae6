"""Draws a span of a trace as a space-time diagram in SVG: one lane per server, time downwards, one row per event.

The drawing is not to scale: only the order matters, and the times are at the left. Knows only events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from labs.codec.rpcs import RPCS
from labs.codec.states import kind_shown_by
from labs.report.folding import is_idle
from labs.report.trace_text import describe
from labs.trace import events as ev

TOP, LEFT, ROW, TEXT_WIDTH = 46, 74, 24, 6.7
"""Pixels: above the first row, left of the first lane, from row to row, and of one letter."""

STYLE = """
svg.spacetime { font: 11px ui-monospace, Menlo, Consolas, monospace; }
svg.spacetime { --ink: #1f2328; --soft: #6e7781; --paper: #ffffff; --msg: #3b6fb6; --bad: #c9252d; }
svg.spacetime { --leader: #1a7f37; --candidate: #b46a00; --follower: #8c959f; --disk: #6639a6; }
@media (prefers-color-scheme: dark) {
svg.spacetime { --ink: #e6edf3; --soft: #8d96a0; --paper: #0d1117; --msg: #79b8ff; --bad: #ff7b72; }
svg.spacetime { --leader: #3fb950; --candidate: #d29922; --follower: #6e7681; --disk: #b392f0; }
}
"""
RULES = """
.spacetime rect.paper { fill: var(--paper); }
.spacetime text { fill: var(--ink); stroke: var(--paper); stroke-width: 3px; paint-order: stroke; }
.spacetime text.time { fill: var(--soft); }
.spacetime text.head { font-weight: bold; }
.spacetime text.message { fill: var(--msg); }
.spacetime text.save { fill: var(--disk); }
.spacetime text.bad { fill: var(--bad); font-weight: bold; }
.spacetime path.message { stroke: var(--msg); fill: none; stroke-width: 1.3; marker-end: var(--tip, url(#tip)); }
.spacetime path.reply { stroke-dasharray: 5 3; }
.spacetime path.lost { marker-end: none; }
.spacetime .tip { fill: var(--msg); }
.spacetime path.lane { stroke: var(--follower); stroke-width: 3; }
.spacetime path.leader { stroke: var(--leader); stroke-width: 5; }
.spacetime path.candidate { stroke: var(--candidate); stroke-width: 5; }
.spacetime path.down { stroke: var(--follower); stroke-width: 1.5; stroke-dasharray: 2 5; }
.spacetime path.cross { stroke: var(--bad); stroke-width: 2; }
.spacetime path.wide { stroke: var(--soft); stroke-dasharray: 3 4; }
.spacetime .disk { fill: var(--disk); }
.spacetime .dot { fill: var(--ink); }
.spacetime .ring { fill: none; stroke: var(--bad); stroke-width: 2.5; }
"""


@dataclass(frozen=True)
class View:
    """Which part of a run to draw: the last `rows` events, of some servers, kinds of event and times."""

    rows: int = 14
    servers: tuple[int, ...] | None = None
    hide: tuple[str, ...] = ()
    """Kinds of events, by their names in the trace file, or "heartbeats", or "lost" for messages that never arrive."""
    begin: float = 0.0
    end: float = float("inf")

    def lets(self, event: ev.Event) -> bool:
        if not self.begin <= event.time <= self.end or str(event.__struct_config__.tag) in self.hide:
            return False
        if "heartbeats" in self.hide and is_idle(event):
            return False
        ends = {event.server, getattr(event, "peer", event.server)} - {-1}
        return self.servers is None or ends <= set(self.servers)


def draw(events: Sequence[ev.Event], servers: int, title: str, view: View | None = None) -> str:
    """Return an SVG document of a part of a run; `title` describes it in words."""
    view = view or View()
    lanes = view.servers if view.servers is not None else tuple(range(servers))
    lost = {(event.rpc, event.leg) for event in events if isinstance(event, ev.Drop)} if "lost" in view.hide else set()
    drawable = [event for event in events if _class_of(event) in _DRAW and view.lets(event) and _leg(event) not in lost]
    chosen = drawable[-view.rows :]
    drawing = _Drawing(lanes)
    drawing.take_up(events[: _position(events, chosen[0])] if chosen else [])
    for event in chosen:
        drawing.add(event)
    return drawing.svg(title)


def _leg(event: ev.Event) -> tuple[int, str]:
    """Return which message an event sends or loses, as (RPC, leg)."""
    leg = {ev.Send: "request", ev.Reply: "reply"}.get(type(event)) or getattr(event, "leg", "")
    return getattr(event, "rpc", 0), "" if isinstance(event, ev.Deliver) else str(leg)


def _position(events: Sequence[ev.Event], event: ev.Event) -> int:
    return next(number for number, other in enumerate(events) if other is event)


@dataclass
class _Drawing:
    """An unfinished drawing: rows are added at its lower end."""

    lanes: tuple[int, ...]
    parts: list[str] = field(default_factory=list)
    row: int = -1
    role: dict[int, str] = field(default_factory=dict)
    """The role of each lane now; a server without any event so far is a follower."""
    since: dict[int, int] = field(default_factory=dict)
    """The row in which that role began."""
    stands: dict[int, int] = field(default_factory=dict)
    """The term in which each server last stood for election."""
    sent: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    """Messages on their way, by (RPC, leg): the lane and the row in which they left."""
    shown: float = -1.0

    def take_up(self, earlier: Iterable[ev.Event]) -> None:
        """Learn the roles from the events before the drawing."""
        for event in earlier:
            self._note_role(event)

    def add(self, event: ev.Event) -> None:
        self.row += 1
        if event.time != self.shown:
            self.shown = event.time
            self.text(12, self.y(), f"{event.time:.3f}", "time")
        self._note_role(event)
        _DRAW[_class_of(event)](self, event)

    def _note_role(self, event: ev.Event) -> None:
        match event:
            case ev.Send(call="RequestVote", message=message):
                self._turn(event.server, "candidate")
                self.stands[event.server] = message.term
            case ev.Role(is_leader=False, term=term) if self.stands.get(event.server) == term:
                pass  # its candidacy in this term is known already
            case ev.Role():
                self._turn(event.server, "leader" if event.is_leader else "lane")
            case ev.Crash():
                self._turn(event.server, "down")
            case ev.Restart():
                self._turn(event.server, "lane")

    def _turn(self, server: int, role: str) -> None:
        if self.role.get(server, "lane") != role:
            self._finish_lane(server)
            self.role[server], self.since[server] = role, max(self.row, 0)

    def _finish_lane(self, server: int) -> None:
        begun = self.since.get(server, -1)
        if server in self.lanes and self.row > begun:
            top = TOP - 12 if begun <= 0 else self.y(begun)
            self.parts.insert(0, _path(self.role.get(server, "lane"), self.x(server), top, self.x(server), self.y()))

    # Places.

    @property
    def spacing(self) -> float:
        return {1: 300, 2: 260, 3: 230, 4: 190}.get(len(self.lanes), 160)

    def width(self) -> float:
        return LEFT + self.spacing * len(self.lanes) + 40

    def x(self, server: int) -> float:
        return LEFT + self.spacing * (self.lanes.index(server) + 0.12)

    def y(self, row: int | None = None) -> float:
        return TOP + ROW * ((self.row if row is None else row) + 0.7)

    # Marks.

    def text(self, x: float, y: float, words: str, kind: str, end: bool = False) -> None:
        anchor = ' text-anchor="end"' if end else ""
        self.parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y + 3.5:.1f}"{anchor}>{escape(words)}</text>')

    def beside(self, server: int, words: str, kind: str = "", gap: float = 12) -> None:
        """Write to the right of a lane, over the next lanes if this row has nothing there, cut to what fits."""
        end = min(self.width(), self.x(server) + 1.9 * self.spacing)
        room = int((end - self.x(server) - gap) / TEXT_WIDTH)
        self.text(self.x(server) + gap, self.y(), words if len(words) <= room else words[: room - 1] + "…", kind)

    def leave(self, event: ev.Send | ev.Reply, leg: ev.Leg) -> None:
        self.sent[event.rpc, leg] = (event.server, self.row)
        words = _words_for(event) if leg == "request" else RPCS[event.call].label(event.message)
        right = self.x(event.peer) > self.x(event.server)
        self.text(self.x(event.server) + (10 if right else -10), self.y() - 5, words, "message", end=not right)

    def arrive(self, event: ev.Deliver) -> None:
        key = (event.rpc, event.leg)
        source, row = self.sent.get(key, (event.peer, self.row))
        if key not in self.sent and event.leg == "request":  # a fake peer, or a message that left before the first row
            words = _words_for(event)
            right = self.x(event.server) > self.x(event.peer)
            self.text(self.x(event.peer) + (10 if right else -10), self.y() - 5, words, "message", end=not right)
        self.arrow(source, row, event.server, event.leg)

    def arrow(self, source: int, row: int, target: int, leg: str) -> None:
        end = self.x(target) + (-5 if self.x(target) > self.x(source) else 5)
        kind = "message reply" if leg == "reply" else "message"
        self.parts.append(_path(kind, self.x(source), self.y(row), end, self.y()))

    def lose(self, event: ev.Drop) -> None:
        source, row = self.sent.get((event.rpc, event.leg), (event.server, self.row))
        x = self.x(source) + 0.55 * (self.x(event.peer) - self.x(source))
        kind = "message reply lost" if event.leg == "reply" else "message lost"
        self.parts.append(_path(kind, self.x(source), self.y(row), x, self.y()))
        self.cross(x, 4)
        self.text(x + 8, self.y(), event.reason, "bad")

    def cross(self, x: float, size: float) -> None:
        y = self.y()
        self.parts.append(_path("cross", x - size, y - size, x + size, y + size))
        self.parts.append(_path("cross", x - size, y + size, x + size, y - size))

    def save(self, event: ev.AnySave) -> None:
        x, y = self.x(event.server), self.y()
        self.parts.append(f'<ellipse class="disk" cx="{x:.1f}" cy="{y:.1f}" rx="7" ry="4.5"/>')
        snapshot = f" snapshot {event.snapshot_index}" if event.snapshot_index is not None else ""
        self.beside(event.server, f"save {kind_shown_by(event).label(event)}{snapshot}", "save")

    def dot(self, event: ev.Event) -> None:
        self.parts.append(f'<circle class="dot" cx="{self.x(event.server):.1f}" cy="{self.y():.1f}" r="4"/>')
        self.beside(event.server, describe(event))

    def crash(self, event: ev.Event) -> None:
        self.cross(self.x(event.server), 7)
        self.beside(event.server, describe(event), "bad")

    def wide(self, event: ev.Event) -> None:
        self.parts.append(_path("wide", LEFT, self.y(), self.width() - 8, self.y()))
        self.text(LEFT + self.spacing * 0.3, self.y() - 6, describe(event), "time")

    def verdict(self, event: ev.Verdict) -> None:
        if event.status == "pass":
            self.row -= 1
            return
        server = event.server if event.server in self.lanes else self.lanes[0]
        self.parts.append(f'<circle class="ring" cx="{self.x(server):.1f}" cy="{self.y():.1f}" r="9"/>')
        self.beside(server, f"breaks {event.rule}", "bad", gap=16)

    # The whole.

    def svg(self, title: str) -> str:
        self.row += 1
        for server in self.lanes:
            self._finish_lane(server)
            self.text(self.x(server) - 20, TOP - 26, f"server {server}", "head")
        height = self.y() + 10
        box = f'viewBox="0 0 {self.width():.0f} {height:.0f}" width="{self.width():.0f}" height="{height:.0f}"'
        tip = '<path class="tip" d="M0,0 L8,3.5 L0,7 z"/>'
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="spacetime" role="img" {box}>',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}{RULES}</style>",
            f'<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="7" refY="3.5" orient="auto" '
            f'markerUnits="userSpaceOnUse">{tip}</marker></defs>',
            '<rect class="paper" width="100%" height="100%"/>',
        ]
        return "\n".join([*head, *self.parts, "</svg>", ""])


def _path(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path class="{kind}" d="M{x1:.1f},{y1:.1f} L{x2:.1f},{y2:.1f}"/>'


_DRAW: dict[type[ev.Event], Callable[[_Drawing, object], None]] = {
    ev.Send: lambda drawing, event: drawing.leave(event, "request"),  # type: ignore[arg-type]
    ev.Reply: lambda drawing, event: drawing.leave(event, "reply"),  # type: ignore[arg-type]
    ev.Deliver: lambda drawing, event: drawing.arrive(event),  # type: ignore[arg-type]
    ev.Drop: lambda drawing, event: drawing.lose(event),  # type: ignore[arg-type]
    ev.AnySave: lambda drawing, event: drawing.save(event),  # type: ignore[arg-type]
    ev.Crash: lambda drawing, event: drawing.crash(event),  # type: ignore[arg-type]
    ev.Cut: lambda drawing, event: drawing.wide(event),  # type: ignore[arg-type]
    ev.Connect: lambda drawing, event: drawing.wide(event),  # type: ignore[arg-type]
    ev.Verdict: lambda drawing, event: drawing.verdict(event),  # type: ignore[arg-type]
    ev.Pause: lambda drawing, event: drawing.dot(event),  # type: ignore[arg-type]
    ev.Resume: lambda drawing, event: drawing.dot(event),  # type: ignore[arg-type]
    **{
        kind: lambda drawing, event: drawing.dot(event)  # type: ignore[arg-type]
        for kind in (ev.Apply, ev.ApplySnap, ev.Start, ev.TakeSnapshot, ev.Restart, ev.Note, ev.Role)
    },
}


def _class_of(event: ev.Event) -> type[ev.Event]:
    """Return the class by which it is drawn: all saves look alike, whatever the protocol."""
    return ev.AnySave if isinstance(event, ev.AnySave) else type(event)


def _words_for(event: ev.Send | ev.Reply | ev.Deliver) -> str:
    """Return the label of a request's arrow."""
    rpc = RPCS[event.call]
    return f"{rpc.name if rpc.shown is None else rpc.shown} {rpc.label(event.message)}".strip()
