"""The two checkers that every run has: one leader in a term, and one command at an index, in order."""

from __future__ import annotations

from labs.checking.checker import Checker, Violation
from labs.codec.safe_repr import short
from labs.raft.events import Save
from labs.trace.events import Apply, ApplySnap, Restart, Role, Send, Start


class OneLeader(Checker):
    """Election safety: at most one server acts as leader in a term (Figure 3)."""

    def __init__(self) -> None:
        self._leader_of: dict[int, tuple[int, str]] = {}

    def on_send_append_entries(self, event: Send) -> None:
        known = self._leader_of.get(event.message.term)
        if known is None or known[0] != event.server:
            self._leads(event.server, event.message.term, f"sent {event.call}", event.time)

    on_send_install_snapshot = on_send_append_entries

    def on_start(self, event: Start) -> None:
        if event.is_leader:
            self._leads(event.server, event.term, "accepted a command", event.time)

    def on_role(self, event: Role) -> None:
        if event.is_leader:
            self._leads(event.server, event.term, "claims in get_state that it leads", event.time)

    def _leads(self, server: int, term: int, how: str, time: float) -> None:
        known = self._leader_of.setdefault(term, (server, how))
        if known[0] != server:
            text = f"server {server} {how} in term {term}, but server {known[0]} {known[1]} in the same term"
            raise Violation("ElectionSafety", text, (known[0], server), time)


class OneHistory(Checker):
    """State machine safety and apply order (Figure 3; Figure 2, Rules for all servers 1).

    Remembers commands only from the oldest snapshot on, so its memory is bounded where logs are trimmed.
    """

    def __init__(self, servers: int) -> None:
        self._command_at: dict[int, tuple[int, object]] = {}
        self._applied = [0] * servers
        self._fresh = [True] * servers
        self._base = [0] * servers
        """The index before the first entry of each server's log, on its disk."""
        self._snapshot = [0] * servers
        """The index of the snapshot on its disk, which may cover entries that the log has still."""
        self._forgotten = 0

    def on_restart(self, event: Restart) -> None:
        self._applied[event.server] = max(self._base[event.server], self._snapshot[event.server])
        self._fresh[event.server] = True

    def on_save(self, event: Save) -> None:
        self._snapshot[event.server] = max(self._snapshot[event.server], event.snapshot_index or 0)
        if event.last_included_index > self._base[event.server]:
            self._base[event.server] = event.last_included_index
            oldest = min(self._base)
            for index in range(self._forgotten + 1, oldest + 1):
                self._command_at.pop(index, None)
            self._forgotten = max(self._forgotten, oldest)

    def on_apply(self, event: Apply) -> None:
        server, index, last = event.server, event.index, self._applied[event.server]
        if index != last + 1 and not (self._fresh[server] and 0 < index <= last):
            text = f"server {server} applied index {index}, but the last that it had applied was {last}"
            raise Violation("ApplyInOrder", text, (server,), event.time)
        self._applied[server], self._fresh[server] = index, False
        if index <= self._forgotten:
            return
        other, command = self._command_at.setdefault(index, (server, event.command))
        if command != event.command or type(command) is not type(event.command):
            text = (
                f"server {server} applied {short(event.command)} at index {index}, "
                f"but server {other} applied {short(command)}"
            )
            raise Violation("StateMachineSafety", text, (other, server), event.time)

    def on_apply_snap(self, event: ApplySnap) -> None:
        server, last = event.server, self._applied[event.server]
        if event.index < last and not self._fresh[server]:
            text = f"server {server} applied a snapshot of index {event.index}, but it had applied {last} before"
            raise Violation("SnapshotNotRolledBack", text, (server,), event.time)
        self._applied[server], self._fresh[server] = event.index, False
