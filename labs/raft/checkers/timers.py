"""The checker of election timers: a server that hears nobody starts an election (Figure 2, Followers 2)."""

from __future__ import annotations

import math

from labs.checking.checker import Checker, Violation
from labs.raft.checkers.shadow import Shadow
from labs.trace.events import Check, Crash, Deliver, Drop, Pause, Restart, Resume, Send, Timeout

LONGEST = 5.0
"""No election timeout is longer: a leader is elected within this time after the network allows one."""
CALL = 7.0
"""A call returns within this time, even without a reply."""
LOOKS = 0.1
"""Virtual seconds from one look at all servers to the next."""


class Timers(Checker):
    """A server that hears nobody and asks nobody for so long has no election timer, or stopped it.

    Whether it could win an election does not matter: it cannot know. A request on trial counts, too, and so does
    whatever a leader sends, and a call that is not back: some servers have only one call to a peer at a time.
    """

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._since = [0.0] * len(shadow.servers)
        """For each server when it last heard or sent something, or was started."""
        self._open: list[set[int]] = [set() for _ in shadow.servers]
        """For each server its calls that are not back."""
        self._next_look = LONGEST

    def on_restart(self, event: Restart) -> None:
        self._since[event.server] = event.time

    def on_crash(self, event: Crash) -> None:
        self._open[event.server].clear()

    def on_pause(self, event: Pause) -> None:
        self._look(event.time)
        self._since[event.server] = math.inf  # it cannot campaign before it goes on

    def on_resume(self, event: Resume) -> None:
        self._since[event.server] = event.time

    def on_send(self, event: Send) -> None:
        self._look(event.time)
        self._since[event.server] = event.time
        self._open[event.server].add(event.rpc)

    def on_deliver(self, event: Deliver) -> None:
        self._look(event.time)
        self._since[event.server] = event.time
        if event.leg == "reply":
            self._open[event.server].discard(event.rpc)

    def on_timeout(self, event: Timeout) -> None:
        self._look(event.time)
        self._back(event.server, event.rpc, event.time)

    def on_drop(self, event: Drop) -> None:
        if event.reason == "abandoned":
            self._back(event.peer, event.rpc, event.time)

    def on_check(self, event: Check) -> None:
        self._look(event.time)

    def _back(self, server: int, rpc: int, time: float) -> None:
        if rpc in self._open[server]:
            self._open[server].discard(rpc)
            self._since[server] = time

    def _look(self, time: float) -> None:
        if time < self._next_look or len(self._since) == 1:
            return
        self._next_look = time + LOOKS
        for server, since in zip(self._shadow.servers, self._since, strict=True):
            limit = LONGEST + CALL if self._open[server.id] else LONGEST
            if server.up and time > since + limit:
                text = (
                    f"server {server.id} has heard from nobody and asked nobody for a vote from t={since:.3f} s to "
                    f"t={time:.3f} s: a server that hears no leader starts an election"
                )
                raise Violation("LeaderInTime", text, (server.id,), time)
