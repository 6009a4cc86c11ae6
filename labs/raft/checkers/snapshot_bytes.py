"""The checker of snapshots' bytes, which stay as a service made them when saved, sent and applied (§7)."""

from __future__ import annotations

from labs.checking.checker import Checker, Violation
from labs.codec.messages import encode_command
from labs.raft.checkers.shadow import Shadow
from labs.raft.curriculum import SNAPSHOTS
from labs.raft.events import Save
from labs.sim.server.service import decode_snapshot, fold
from labs.trace.events import Apply, ApplySnap, Deliver, Send, TakeSnapshot


class SnapshotBytes(Checker):
    """A snapshot's bytes show what its service had applied; here that is applied once more, and compared."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._taken = shadow.stage.has(SNAPSHOTS)
        """Whether services take snapshots at all."""
        self._history: dict[int, bytes] = {0: b""}
        """For each index what a service that has applied all up to there is known to hold."""
        self._sizes: dict[int, set[int]] = {}
        """For each index the sizes of the snapshots that services took there."""
        self._floor = 0

    def on_apply(self, event: Apply) -> None:
        index, history = event.index, self._history
        if self._taken and index not in history and index - 1 in history:
            history[index] = fold(history[index - 1], encode_command(event.command))

    def on_take_snapshot(self, event: TakeSnapshot) -> None:
        self._sizes.setdefault(event.index, set()).add(event.size)

    def on_deliver_install_snapshot(self, event: Deliver) -> None:
        """Learn the snapshot of a server that the test plays: its service is seen nowhere else."""
        found = decode_snapshot(event.message.data) if self._shadow.servers[event.peer].incarnation < 0 else None
        if found is not None:
            self._history.setdefault(found.index, found.history)
            self._sizes.setdefault(found.index, set()).add(len(event.message.data))

    def on_send_install_snapshot(self, event: Send) -> None:
        message, index = event.message, event.message.last_included_index
        what = f"sent InstallSnapshot of index {index}"
        # Bytes that are not a snapshot may be a piece of one; the whole is visible when it is saved.
        if decode_snapshot(message.data) is not None:
            self._check(event, message.data, what, index)
        elif index > self._floor and index not in self._sizes:
            self._wrong(event, what, f"no service has taken a snapshot of index {index}")

    def on_save(self, event: Save) -> None:
        if event.snapshot and self._taken:
            self._check(event, event.snapshot, "saved a snapshot")
        if event.snapshot_index:
            self._forget()

    def on_apply_snap(self, event: ApplySnap) -> None:
        if not self._taken:
            what = f"handed its service a snapshot as one of index {event.index}"
            # Bytes that are like a service's cannot be there by mistake: no service has made any.
            rule = "WellFormed" if decode_snapshot(event.data) is None else "SnapshotIsTheServices"
            self._wrong(event, what, "no service has taken any: they do so in stage 2D", rule)
        self._check(event, event.data, f"handed its service a snapshot as one of index {event.index}", event.index)

    def _check(self, event: Send | Save | ApplySnap, data: bytes, what: str, index: int | None = None) -> None:
        found = decode_snapshot(data)
        if found is None:
            self._wrong(event, what, f"its {len(data)} bytes are not those that a service handed over")
        elif index is not None and found.index != index:
            self._wrong(event, what, f"its bytes are a service's of index {found.index}")
        elif found.index < self._floor:
            return  # too old to be remembered
        elif found.history != self._history.get(found.index):
            self._wrong(event, what, f"its bytes do not hold what was applied up to index {found.index}")
        elif len(data) not in self._sizes.get(found.index, ()):
            self._wrong(event, what, f"no service handed over such bytes: {len(data)}, of index {found.index}")

    def _wrong(self, event: Send | Save | ApplySnap, what: str, why: str, rule: str = "SnapshotIsTheServices") -> None:
        raise Violation(rule, f"server {event.server} {what}, but {why}", (event.server,), event.time)

    def _forget(self) -> None:
        """Drop what every server's snapshot covers."""
        floor = min(server.disk_snapshot for server in self._shadow.servers)
        for index in range(self._floor, floor):
            self._history.pop(index, None)
            self._sizes.pop(index, None)
        self._floor = max(self._floor, floor)
