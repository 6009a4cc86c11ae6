"""The checker of heartbeats: a leader sends them at once and then often enough (Figure 2, Leaders 1)."""

from __future__ import annotations

import math

from labs.checking.checker import Checker, Violation
from labs.raft.checkers.shadow import Shadow
from labs.trace.events import Check, Crash, Deliver, Drop, Event, Pause, Resume, Role, Send, Timeout

AT_ONCE = 0.05
"""Virtual seconds after its election within which a leader must have written to every peer."""
ASKED_LATE = 0.2
"""Virtual seconds for which a candidate's request, and what follows it, may wait to leave."""
QUEUED = 1.0
"""Virtual seconds that it may take while older calls to the peer are open: some send one thing after the other."""
IDLE = 0.5
"""Virtual seconds that a leader may leave a peer without a word, if none of its calls to the peer is open."""
HELD_UP = 2.0
"""Virtual seconds that it may do so while a call is open: an answer can be long in coming, or never come."""
VOTE_STORM = 300
"""This many requests for one peer's vote in a virtual second serve no purpose, either."""
STORM = 10_000
"""This many requests of one server in a virtual second serve no purpose."""


class Heartbeats(Checker):
    """A leader is heard at once and then often enough."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._since: dict[int, float] = {}
        """When each server that leads became leader."""
        self._led: dict[int, int] = {}
        """The term that each server led last: a leader that hears from no majority may deny for a while that it
        leads."""
        self._open: dict[tuple[int, int], set[int]] = {}
        """The calls of a server to a peer that have not returned."""
        self._last: dict[tuple[int, int], float] = {}
        """When a leader last sent something to a peer, or a call to it came back."""
        self._sent: dict[tuple[int, int], float] = {}
        """When a leader last sent something to a peer."""
        self._began = [-math.inf] * len(shadow.servers)
        """For each server when a second began."""
        self._count = [0] * len(shadow.servers)
        """How many requests each has sent since."""
        self._asked: dict[tuple[int, int], tuple[int, float]] = {}
        """The term in which a server last asked a peer for its vote, and when."""
        self._votes_asked: dict[tuple[int, int], tuple[float, int]] = {}
        """For each candidate and peer when a second began, and how many votes were asked for since."""
        self._paused: set[int] = set()
        """The servers that stand still."""
        self._next_look = 0.0

    def on_role(self, event: Role) -> None:
        if event.is_leader:
            self._since[event.server] = event.time
            if self._led.get(event.server) == event.term:
                self._goes_on(event)
            self._led[event.server] = event.term
        else:
            self._end(event.server)
        if event.time >= self._next_look:
            self._look(event)

    def _goes_on(self, event: Role) -> None:
        """A leader reports again that it leads; it owes no first heartbeat: it sent that when it was elected."""
        for peer in range(len(self._shadow.servers)):
            self._last.setdefault((event.server, peer), event.time)
            self._sent.setdefault((event.server, peer), event.time)

    def on_crash(self, event: Crash) -> None:
        self._paused.discard(event.server)
        self._end(event.server)
        self._open = {pair: calls for pair, calls in self._open.items() if pair[0] != event.server}

    def on_pause(self, event: Pause) -> None:
        self._paused.add(event.server)

    def on_resume(self, event: Resume) -> None:
        """A leader that stood still owes its peers nothing for that time."""
        self._paused.discard(event.server)
        if event.server in self._since:
            self._since[event.server] = event.time
        for pair in [pair for pair in self._last if pair[0] == event.server]:
            self._last[pair] = self._sent[pair] = event.time

    def on_send_append_entries(self, event: Send) -> None:
        pair = (event.server, event.peer)
        opened = self._open.get(pair)
        if opened is None:
            opened = self._open[pair] = set()
        opened.add(event.rpc)
        self._last[pair] = self._sent[pair] = event.time
        self._sends(event)

    on_send_install_snapshot = on_send_append_entries

    def on_send_request_vote(self, event: Send) -> None:
        pair = (event.server, event.peer)
        self._open.setdefault(pair, set()).add(event.rpc)
        if not event.extra:  # one on trial may come first
            self._asked[pair] = (event.message.term, event.time)
        began, count = self._votes_asked.get(pair, (-math.inf, 0))
        if event.time > began + 1.0:
            began, count = event.time, 0
        elif count >= VOTE_STORM:
            when = f"from t={began:.3f} s to t={event.time:.3f} s"
            text = f"server {event.server} asked server {event.peer} for its vote {count} times {when}"
            raise Violation("RpcBudget", text, pair, event.time)
        self._votes_asked[pair] = (began, count + 1)
        self._sends(event)

    def _sends(self, event: Send) -> None:
        """Notice when each message causes others."""
        server = event.server
        self._count[server] += 1
        if event.time > self._began[server] + 1.0:
            self._began[server], self._count[server] = event.time, 1
        elif self._count[server] > STORM:
            count, began = self._count[server] - 1, self._began[server]
            text = f"server {server} sent {count} requests from t={began:.3f} s to t={event.time:.3f} s"
            raise Violation("RpcBudget", text, (server,), event.time)
        if event.time >= self._next_look:
            self._look(event)

    def on_deliver(self, event: Deliver) -> None:
        if event.leg == "reply":
            self._returned(event.server, event.peer, event.rpc, event.time)
        if event.time >= self._next_look:
            self._look(event)

    def on_timeout(self, event: Timeout) -> None:
        self._returned(event.server, event.peer, event.rpc, event.time)
        if event.time >= self._next_look:
            self._look(event)

    def on_check(self, event: Check) -> None:
        """Where all servers keep silent, only the test looks at the clock."""
        self._look(event)

    def on_drop(self, event: Drop) -> None:
        if event.reason == "abandoned":
            self._returned(event.peer, event.server, event.rpc, event.time)

    def _returned(self, server: int, peer: int, rpc: int, time: float) -> None:
        opened = self._open.get((server, peer))
        if opened and rpc in opened:
            opened.discard(rpc)
            if (server, peer) in self._last:
                self._last[server, peer] = time

    def _end(self, server: int) -> None:
        self._since.pop(server, None)
        for peer in range(len(self._shadow.servers)):
            self._last.pop((server, peer), None)
            self._sent.pop((server, peer), None)

    def _first_due(self, server: int, peer: int, since: float) -> float:
        """Return until when a new leader must have written to a peer: messages that wait to leave for it go first."""
        if self._open.get((server, peer)):
            return since + QUEUED
        term, asked = self._asked.get((server, peer), (0, -math.inf))
        return max(since, asked) + AT_ONCE if term == self._led.get(server) else since + ASKED_LATE

    def _look(self, event: Event) -> None:
        """Check whether a leader keeps silent; callers wait until `_next_look`, 0.02 s after the last look."""
        self._next_look = event.time + 0.02
        for server, since in self._since.items():
            for peer in range(len(self._shadow.servers)):
                if peer == server or server in self._paused or not self._shadow.servers[server].up:
                    continue
                last = self._last.get((server, peer))
                if last is None:
                    if event.time > self._first_due(server, peer, since):
                        text = (
                            f"server {server} became leader at t={since:.3f} s, but had sent nothing to server {peer} "
                            f"by t={event.time:.3f} s"
                        )
                        raise Violation("HeartbeatsSent", text, (server, peer), event.time)
                elif event.time > last + IDLE and not self._open.get((server, peer)):
                    text = (
                        f"server {server} leads since t={since:.3f} s, but sent nothing to server {peer} from "
                        f"t={last:.3f} s to t={event.time:.3f} s"
                    )
                    raise Violation("HeartbeatsSent", text, (server, peer), event.time)
                elif event.time > (sent := self._sent[server, peer]) + HELD_UP:
                    text = (
                        f"server {server} leads since t={since:.3f} s, but sent nothing to server {peer} from "
                        f"t={sent:.3f} s to t={event.time:.3f} s, while a call to it was not answered"
                    )
                    raise Violation("HeartbeatsSent", text, (server, peer), event.time)
