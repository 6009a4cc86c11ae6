"""What a run has reached, so that the explorer sees something new: states of all servers side by side.

The situations of the protocol are counted by labs.raft.checkers.situations; this watches in which roles, terms and log
lengths the servers stand together. Checks nothing.
"""

from __future__ import annotations

from labs.checking.checker import Checker
from labs.raft.events import Save
from labs.trace.events import Crash, Cut, Event, Pause, Restart, Resume, Role, Send


class Together(Checker):
    """Collects the combinations of states that the servers were in at the same time."""

    def __init__(self, servers: int) -> None:
        self.seen: dict[str, None] = {}
        self._role = ["f"] * servers
        self._term = [0] * servers
        self._last = [0] * servers
        self._base = [0] * servers
        self._last_term = [0] * servers

    def on_role(self, event: Role) -> None:
        self._role[event.server] = "L" if event.is_leader else "f"
        self._term[event.server] = event.term
        self._look(event)

    def on_send_request_vote(self, event: Send) -> None:
        if self._role[event.server] == "f":
            self._role[event.server] = "c"
            self._look(event)

    def on_save(self, event: Save) -> None:
        server = event.server
        state = (event.last_index, event.last_included_index)
        if state != (self._last[server], self._base[server]):
            self._last[server], self._base[server] = state
            if event.entries:
                self._last_term[server] = event.entries[-1].term
            self._look(event)

    def on_crash(self, event: Crash) -> None:
        self._role[event.server] = f"x{event.at or ''}"
        self._look(event)

    def on_restart(self, event: Restart) -> None:
        self._role[event.server] = "f"

    def on_pause(self, event: Pause) -> None:
        self._role[event.server] += "p"
        self._look(event)

    def on_resume(self, event: Resume) -> None:
        self._role[event.server] = self._role[event.server].rstrip("p")

    def on_cut(self, event: Cut) -> None:
        self._look(event)

    def _look(self, event: Event) -> None:
        """Note how the servers stand: each with its role, and the ranks of its term, log and snapshot among all."""
        ranks = [_ranks(values) for values in (self._term, self._last_term, self._last, self._base)]
        states = (f"{role}{''.join(str(rank[n]) for rank in ranks)}" for n, role in enumerate(self._role))
        self.seen[" ".join(sorted(states))] = None


def _ranks(values: list[int]) -> list[int]:
    order = sorted(set(values))
    return [order.index(value) for value in values]
