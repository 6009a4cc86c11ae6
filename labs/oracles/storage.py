"""The judges of the disk: saved before promised, restored after a crash, snapshots and logs together (stages 2C, 2D)."""

from __future__ import annotations

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.oracles.shadow import Shadow, ShadowServer, is_trial
from labs.oracles.violation import Oracle, Violation
from labs.trace.events import Reply, Save, Send


class Saved(Oracle):
    """What a message promises is on the disk before it leaves (Figure 2, persistent state). Judged from 2C on."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow

    def on_reply(self, event: Reply) -> None:
        if event.rpc in self._shadow.trials:
            return
        server, reply = self._shadow.servers[event.server], event.message
        term = getattr(reply, "term", 0)
        if term > server.disk_term:
            self._missing(server, f"answered {event.call} with term {term}", f"term {server.disk_term}", event)
        request = server.pending.get(event.rpc) or self._shadow.requests.get(event.rpc)
        if isinstance(reply, RequestVoteReply) and isinstance(request, RequestVoteArgs):
            if reply.vote_granted and server.disk_term == request.term and server.disk_vote != request.candidate_id:
                said = f"voted for server {request.candidate_id} in term {request.term}"
                self._missing(server, said, _vote(server), event)
        elif isinstance(reply, AppendEntriesReply) and isinstance(request, AppendEntriesArgs) and reply.success:
            self._entries(server, request, event)
        elif event.rpc in self._shadow.pieces:
            return
        elif isinstance(reply, InstallSnapshotReply) and isinstance(request, InstallSnapshotArgs):
            index = request.last_included_index
            if reply.term == request.term and index > max(server.disk_snapshot, server.applied, server.disk.base):
                if index > server.disk.last or server.disk.lacks(index, request.last_included_term):
                    held = f"a snapshot of index {server.disk_snapshot}"
                    self._missing(server, f"answered InstallSnapshot of index {index}", held, event)

    def _entries(self, server: ShadowServer, args: AppendEntriesArgs, event: Reply) -> None:
        last = self._shadow.acknowledged(server, args, event.extra)
        taken = args.entries[: last - args.prev_log_index]
        term = taken[-1].term if taken else args.prev_log_term
        if self._shadow.chance(server, event.rpc).stored:
            return
        if last > server.disk.base and server.disk.lacks(last, term):
            said = f"acknowledged entries up to index {last} of term {term}"
            self._missing(server, said, f"a log up to index {server.disk.last}", event)

    def _missing(self, server: ShadowServer, said: str, held: str, event: Reply) -> None:
        text = f"server {server.id} {said}, but its disk held {held if server.saves else 'nothing'} at that moment"
        raise Violation("SavedBeforeReply", text, (server.id,), event.time)

    def on_send(self, event: Send) -> None:
        message, server = event.message, self._shadow.servers[event.server]
        if is_trial(event):
            return
        term = getattr(message, "term", 0)
        if term > server.disk_term:
            text = f"server {server.id} sent {event.call} of term {term}, but its disk held term {server.disk_term}"
            raise Violation("SavedBeforeSend", text, (server.id,), event.time)
        if isinstance(message, RequestVoteArgs) and term == server.disk_term and server.disk_vote != server.id:
            text = f"server {server.id} asked for votes in term {term}, but its disk held {_vote(server)}, not its own vote"
            raise Violation("SavedBeforeSend", text, (server.id,), event.time)


def _vote(server: ShadowServer) -> str:
    return "no vote" if server.disk_vote is None else f"a vote for server {server.disk_vote}"


class Snapshots(Oracle):
    """Snapshots cover what is committed, and disk, log and snapshot fit together (§7, Figure 13). Judged in 2D."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow

    def on_save(self, event: Save) -> None:
        server = self._shadow.servers[event.server]
        base = event.last_included_index
        snapshot = server.disk_snapshot if event.snapshot is None else (event.snapshot_index or 0)
        if base > snapshot:
            text = f"server {server.id} saved a log that starts after index {base}, with {_snapshot(snapshot)}"
            raise Violation("SnapshotAndLogTogether", text, (server.id,), event.time)
        if snapshot < server.disk_snapshot:
            text = f"server {server.id} saved {_snapshot(snapshot)} over that of index {server.disk_snapshot}"
            raise Violation("SnapshotNotRolledBack", text, (server.id,), event.time)
        if base > server.disk.base:
            self._new_base(server, event)

    def _new_base(self, server: ShadowServer, event: Save) -> None:
        base, term = event.last_included_index, event.last_included_term
        if base > self._shadow.may_commit(server):
            text = (
                f"server {server.id} saved a snapshot of index {base}, but may take only index "
                f"{self._shadow.may_commit(server)} for committed"
            )
            raise Violation("SnapshotOnlyApplied", text, (server.id,), event.time)
        known = self._shadow.committed.get(base)
        sent = [args.last_included_term for args in self._installs(server, base)]
        held = known[0] if known is not None else next(iter(sent), server.disk.term_at(base))
        if held is not None and held != term:
            text = f"server {server.id} saved last_included_term {term} for index {base}, whose entry is of term {held}"
            raise Violation("SnapshotTermKept", text, (server.id,), event.time)
        self._suffix(server, event)

    @staticmethod
    def _installs(server: ShadowServer, base: int) -> list[InstallSnapshotArgs]:
        """Return the snapshots that end at an index and that the server was sent and has not answered."""
        requests = [args for args in server.pending.values() if isinstance(args, InstallSnapshotArgs)]
        return [args for args in requests if args.last_included_index == base]

    def _suffix(self, server: ShadowServer, event: Save) -> None:
        """After InstallSnapshot, what matches stays and what conflicts goes (Figure 13, rules 6 and 7)."""
        base, old = event.last_included_index, server.disk
        if not self._installs(server, base) or base > old.last:
            return
        if old.has(base, event.last_included_term):
            if event.last_index < old.last:
                text = (
                    f"server {server.id} installed a snapshot of index {base}, which its log had with the same term, "
                    f"but dropped its entries {base + 1} to {old.last}"
                )
                raise Violation("SnapshotKeepsSuffix", text, (server.id,), event.time)
        elif old.lacks(base, event.last_included_term) and event.last_index > base:
            text = (
                f"server {server.id} installed a snapshot of index {base} and term {event.last_included_term}, but kept "
                f"the entries after its own entry of term {old.term_at(base)} there"
            )
            raise Violation("SnapshotKeepsSuffix", text, (server.id,), event.time)

    def on_send(self, event: Send) -> None:
        message, server = event.message, self._shadow.servers[event.server]
        if isinstance(message, InstallSnapshotArgs):
            index, term = message.last_included_index, message.last_included_term
        elif isinstance(message, AppendEntriesArgs) and message.prev_log_index == server.disk.base:
            index, term = message.prev_log_index, message.prev_log_term
        else:
            return
        known = self._shadow.committed.get(index)
        if known is not None and known[0] != term and index > 0:
            text = f"server {server.id} sent {event.call} with term {term} for index {index}, whose entry is of term {known[0]}"
            raise Violation("SnapshotTermKept", text, (server.id,), event.time)


def _snapshot(index: int) -> str:
    return f"a snapshot of index {index}" if index else "no snapshot"
