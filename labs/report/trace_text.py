"""Prints a trace for reading: virtual time on the left, one column per server, one line per event."""

from __future__ import annotations

import shutil
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labs.codec import states
from labs.codec.rpcs import RPCS
from labs.codec.safe_repr import short
from labs.raft import protocol as raft
from labs.raft.stages.catalogue import RAFT_STAGES
from labs.report import columns, terminal
from labs.report.folding import Fold, Heartbeats, Line, fold
from labs.trace import events as ev
from labs.trace.reader import kinds, read
from labs.trace.recorder import Header
from labs.warmup import protocol as warmup

PROTOCOLS = (raft, warmup)
"""Those whose traces can be read."""

LAST_SECONDS = 2.0
"""What is shown of a run by default."""
LAST_LINES, LEAST_LINES = 200, 8
"""How many lines of it, where no terminal limits them, and how many in the lowest one."""
LAST_EVENTS = 5000
"""How many events are looked at for these lines: most of them may be heartbeats."""
LEGEND = "→ request sent  ← arrived   ⇢ answer sent  ⇠ arrived   ✗ lost   ⌛ no answer"
ABBREVIATIONS = "RV RequestVote  AE AppendEntries  IS InstallSnapshot  t term  c leader_commit"
LONG_HEAD = 10
"""The width from which on a column has "server 0" as its head, and not only "s0"."""
NOTHING = "… no events match these filters, or the run has none …"
TIME_WIDTH = 10
KINDS = [str(kind.__struct_config__.tag) for kind in kinds(states.EVENTS)]
"""The names of the kinds of events in the trace file."""


@dataclass(frozen=True)
class Filter:
    """What to print; None means no limit.

    Without limits, only the end of the run is shown, unless `everything` is set.
    """

    servers: list[int] | None = None
    kinds: list[str] | None = None
    begin: float | None = None
    end: float | None = None
    everything: bool = False

    def lets(self, event: ev.Event) -> bool:
        if self.servers is not None and event.server not in self.servers and event.server != -1:
            return False
        if self.kinds is not None and kind_of(event) not in self.kinds:
            return False
        return (self.begin is None or event.time >= self.begin) and (self.end is None or event.time <= self.end)

    @property
    def only_the_end(self) -> bool:
        return not self.everything and self.begin is None and self.end is None


def kind_of(event: ev.Event) -> str:
    """Return the name of this kind of event in the trace file."""
    return str(event.__struct_config__.tag)


def show(path: Path, which: Filter, after: str = "") -> None:
    """Print a trace file to standard output, and a text after it.

    The end of a run is folded (labs.report.folding), and fits the terminal together with that text.
    """
    header, all_events = read(path)
    if which.only_the_end:
        _show_the_end(header, all_events, which, after)
        return
    title = f"{header.test}  {header.title}   seed {header.seed}, {header.servers} servers, {header.submission}"
    column = _column(header.servers)
    print(f"{title}\n{_heads(header.servers, column)}")
    none = True
    for event in all_events:
        if which.lets(event):
            sys.stdout.write(line(event, column) + "\n")
            none = False
    if none:
        print(NOTHING)
    if after:
        print(after)


def _show_the_end(header: Header, events: Iterable[ev.Event], which: Filter, after: str) -> None:
    column, width, height = _column(header.servers), columns.room(), terminal.height()
    head = [f"{header.test}   seed {header.seed}, {header.servers} servers, {header.submission}", LEGEND]
    if header.test.partition("/")[0] in RAFT_STAGES:
        head.append(ABBREVIATIONS)
    foot = terminal.lines(after) if after else 0
    room = LAST_LINES if height is None else max(LEAST_LINES, height - len(head) - 2 - foot)
    lines, left_out = _the_end(events, which, room)
    print("\n".join(head if width is None else [columns.shortened(text, width) for text in head]))
    if left_out:
        print(f"… {left_out} events before (--all shows them) …")
    print(_heads(header.servers, column))
    for one in lines:
        text = _folded(one) if isinstance(one, Fold) else line(one, column, is_brief=bool(after))
        print(text if width is None else columns.shortened(text, width))
    if not lines:
        print(NOTHING)
    if after:
        print(after)


def _heads(servers: int, column: int) -> str:
    word = "server " if column >= LONG_HEAD else "s"
    return " " * TIME_WIDTH + "".join(f"{word}{server}".ljust(column) for server in range(servers)).rstrip()


def _column(servers: int) -> int:
    """Return the width of a server's column: its text may go on over the next ones."""
    width = shutil.get_terminal_size((110, 24)).columns
    return max(6, min(28, (width - TIME_WIDTH - 30) // servers))


def _the_end(events: Iterable[ev.Event], which: Filter, room: int) -> tuple[list[Line], int]:
    """Return the last lines, and how many events came before them."""
    kept: deque[ev.Event] = deque(maxlen=LAST_EVENTS)
    heartbeats = Heartbeats()
    count = 0
    for event in events:
        heartbeats.note(event)
        if which.lets(event):
            kept.append(event)
            count += 1
    last = [event for event in kept if event.time >= kept[-1].time - LAST_SECONDS]
    lines = fold(last, heartbeats)[-room:]
    return lines, count - sum(one.count if isinstance(one, Fold) else 1 for one in lines)


def brief(one: Line) -> str:
    """Return what a line is about: a verdict without its message, or how many heartbeats are folded."""
    if isinstance(one, Fold):
        return f"… {one.count} events of heartbeats …"
    return f"{one.status.upper()} {one.rule or ''}".rstrip() if isinstance(one, ev.Verdict) else describe(one)


def _folded(fold: Fold) -> str:
    return f"{fold.begin:.4f}".rjust(TIME_WIDTH - 2) + f"  {brief(fold)}"


def line(event: ev.Event, column: int, is_brief: bool = False) -> str:
    """Return one event as a line of text; its text begins in its server's column.

    A brief line has a verdict without its message, for that is printed elsewhere.
    """
    time = f"{event.time:.4f}".rjust(TIME_WIDTH - 2) + "  "
    text = brief(event) if is_brief else describe(event)
    return f"{time}== {text}" if event.server < 0 else time + " " * (column * event.server) + text


def describe(event: ev.Event) -> str:
    """Return the content of an event, in few words."""
    match event:
        case ev.Send():
            return f"→{event.peer} {_message(event)}"
        case ev.Reply():
            return f"⇢{event.peer} {_message(event)}"
        case ev.Deliver():
            arrow, again = ("←" if event.leg == "request" else "⇠"), " (again)" if event.copy else ""
            return f"{arrow}{event.peer} {_message(event)}{again}"
        case ev.Drop():
            return f"✗{event.peer} {event.leg} #{event.rpc} dropped: {event.reason}"
        case ev.Timeout():
            return f"⌛{event.peer} no answer to #{event.rpc}"
        case ev.AnySave():
            snapshot = f" + snapshot {len(event.snapshot)} B" if event.snapshot is not None else ""
            return f"save {states.kind_shown_by(event).words(event)}{snapshot}"
        case ev.Apply():
            return f"apply {event.index}: {short(event.command)}"
        case ev.ApplySnap():
            return f"apply snapshot {event.index} (term {event.term})"
        case ev.Start():
            answer = f"index {event.index} term {event.term}" if event.is_leader else "not leader"
            return f"start {short(event.command)}: {answer}"
        case ev.TakeSnapshot():
            return f"snapshot({event.index}) asked for"
        case ev.Crash():
            return f"CRASH {_crash_point(event.at)}".rstrip()
        case ev.Restart():
            return "START" if event.incarnation == 0 else f"RESTART, incarnation {event.incarnation + 1}"
        case ev.Pause():
            return "PAUSE: it stands still"
        case ev.Resume():
            return "RESUME"
        case ev.Connect():
            return f"links work again: {_links(event.links)}"
        case ev.Cut():
            return f"links cut: {_links(event.links)}"
        case ev.NetworkChange():
            return f"network: {event.text}"
        case ev.Note():
            return f"{'print' if event.printed else 'note'}: {event.text}"
        case ev.Role():
            return f"{'LEADER in' if event.is_leader else 'in'} term {event.term}"
        case ev.Check():
            return f"✓ {event.text}"
        case ev.Verdict():
            return f"{event.status.upper()} {event.message}"
    return kind_of(event)


def _crash_point(at: str | None) -> str:
    side, _, what = (at or "").rpartition(" ")
    return f"{side or 'at'} its {what}" if what else ""


def _message(event: ev.Send | ev.Reply | ev.Deliver) -> str:
    rpc = RPCS[event.call]
    return f"{rpc.short or rpc.name} {rpc.words(event.message)}"


def _links(links: list[tuple[int, int]]) -> str:
    """Name links briefly: pairs cut both ways once."""
    both = [(a, b) for a, b in links if a < b and (b, a) in links]
    one = [(a, b) for a, b in links if (b, a) not in links]
    return ", ".join([f"{a}–{b}" for a, b in both] + [f"{a}→{b}" for a, b in one])
