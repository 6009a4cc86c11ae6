"""The checkers of the disk: saved before promised, restored after a crash, snapshots with logs (stages 2C, 2D)."""

from __future__ import annotations

from typing import Any

from labs.checking.checker import Checker, Violation
from labs.messages import AppendEntriesArgs, InstallSnapshotArgs, RequestVoteArgs
from labs.raft.checkers.shadow import Shadow
from labs.raft.checkers.shadow_server import ShadowServer
from labs.raft.curriculum import SNAPSHOTS
from labs.raft.events import Save
from labs.trace.events import ApplySnap, Crash, Deliver, Reply, Send, TakeSnapshot, Timeout

REPEATS = 10
"""How often a leader may do something in vain that cannot help a peer."""
PATIENCE = 1.0
"""Virtual seconds for which it may do so."""


class Saved(Checker):
    """What a message promises is on the disk before it leaves (Figure 2, persistent state). Used from 2C on."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow

    def on_save(self, event: Save) -> None:
        """A log starts after index 0 only where a snapshot holds what comes before, and services take none yet."""
        if event.last_included_index and not self._shadow.stage.has(SNAPSHOTS):
            text = (
                f"server {event.server} saved a log that starts after index {event.last_included_index}, but no "
                "snapshot holds what comes before: services take them in stage 2D only"
            )
            raise Violation("SnapshotAndLogTogether", text, (event.server,), event.time)

    def on_reply_request_vote(self, event: Reply) -> None:
        if event.rpc in self._shadow.trials:
            return
        self._term(self._shadow.servers[event.server], event)
        request = self._shadow.requests.get(event.rpc)
        if event.message.vote_granted and isinstance(request, RequestVoteArgs):
            self.grants(event, request)

    def grants(self, event: Reply, request: RequestVoteArgs) -> None:
        """Check a vote that is given."""
        server = self._shadow.servers[event.server]
        self._term(server, event)
        if server.disk_term == request.term and server.disk_vote != request.candidate_id:
            said = f"voted for server {request.candidate_id} in term {request.term}"
            self._missing(server, said, _vote(server), event)

    def on_reply_append_entries(self, event: Reply) -> None:
        server = self._shadow.servers[event.server]
        self._term(server, event)
        chance = server.chances.get(event.rpc)
        if event.message.success and chance is not None and not chance.stored:
            request = server.pending.get(event.rpc) or self._shadow.requests.get(event.rpc)
            if isinstance(request, AppendEntriesArgs):
                self._entries(server, request, event)

    def on_reply_install_snapshot(self, event: Reply) -> None:
        server, reply = self._shadow.servers[event.server], event.message
        self._term(server, event)
        request = server.pending.get(event.rpc) or self._shadow.requests.get(event.rpc)
        if event.rpc in self._shadow.pieces or not isinstance(request, InstallSnapshotArgs):
            return
        index = request.last_included_index
        # What it has applied from its log it has; the snapshot itself counts once it is on the disk.
        applied = server.applied if server.installed != index else 0
        new = reply.term == request.term and index > max(server.disk_snapshot, applied, server.disk.base)
        if new and (index > server.disk.last or server.disk.lacks(index, request.last_included_term)):
            held = f"a snapshot of index {server.disk_snapshot}"
            self._missing(server, f"answered InstallSnapshot of index {index}", held, event)

    def _term(self, server: ShadowServer, event: Reply) -> None:
        term = event.message.term
        if term > server.disk_term:
            self._missing(server, f"answered {event.call} with term {term}", f"term {server.disk_term}", event)

    def _entries(self, server: ShadowServer, args: AppendEntriesArgs, event: Reply) -> None:
        last = self._shadow.acknowledged(server, args, event.extra)
        taken = args.entries[: last - args.prev_log_index]
        term = taken[-1].term if taken else args.prev_log_term
        if last > server.disk.base and server.disk.lacks(last, term):
            said, other = f"acknowledged entries up to index {last} of term {term}", server.disk.term_at(last)
            held = f"a log up to index {server.disk.last}"
            held = held if other is None else f"an entry of term {other} at index {last}"
            self._missing(server, said, held, event)

    def _missing(self, server: ShadowServer, said: str, held: str, event: Reply) -> None:
        text = f"server {server.id} {said}, but its disk held {held if server.saves else 'nothing'} at that moment"
        raise Violation("SavedBeforeReply", text, (server.id,), event.time)

    def on_send_append_entries(self, event: Send) -> None:
        server, term = self._shadow.servers[event.server], event.message.term
        if term > server.disk_term:
            text = f"server {server.id} sent {event.call} of term {term}, but its disk held term {server.disk_term}"
            raise Violation("SavedBeforeSend", text, (server.id,), event.time)

    on_send_install_snapshot = on_send_append_entries

    def on_send_request_vote(self, event: Send) -> None:
        if not self._shadow.is_trial(event):
            self.asks(event)

    def asks(self, event: Send) -> None:
        """Check a candidate by what it has saved."""
        self.on_send_append_entries(event)
        server, term = self._shadow.servers[event.server], event.message.term
        if term == server.disk_term and server.disk_vote != server.id:
            held = f"its disk held {_vote(server)}, not its own vote"
            text = f"server {server.id} asked for votes in term {term}, but {held}"
            raise Violation("SavedBeforeSend", text, (server.id,), event.time)


def _vote(server: ShadowServer) -> str:
    return "no vote" if server.disk_vote is None else f"a vote for server {server.disk_vote}"


class Snapshots(Checker):
    """Snapshots cover what is committed, and disk, log and snapshot fit together (§7, Figure 13). Used in 2D."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._taken: dict[int, int] = {}
        """The index of the last snapshot that each service took, or was given."""
        self._calls: dict[int, tuple[int, int]] = {}
        """The leader and the peer of each InstallSnapshot that has not returned."""
        self._refused: dict[tuple[int, int], tuple[int, int, float]] = {}
        """For a leader and a peer the term, how often what follows the snapshot was refused, and since when."""
        self._again: dict[tuple[int, int], tuple[int, int, int, float]] = {}
        """For a leader and a peer: the term, the last snapshot's index, at how many instants it was sent in vain."""

    def on_take_snapshot(self, event: TakeSnapshot) -> None:
        self._taken[event.server] = event.index

    def on_apply_snap(self, event: ApplySnap) -> None:
        """The snapshot that a service gets first after a restart is the one on the disk (§7)."""
        server = self._shadow.servers[event.server]
        restarted = server.incarnation > 0 and server.first_save
        if restarted and event.index != server.disk_snapshot and not self._installs(server, event.index):
            log = f"a log that starts after index {server.disk.base}"
            text = (
                f"server {server.id} was restarted with {_snapshot(server.disk_snapshot)} and {log} on its disk, "
                f"but gave its service a snapshot as one of index {event.index}"
            )
            apart = event.index == server.disk.base
            raise Violation("SnapshotAndLogTogether" if apart else "RestoredOnRestart", text, (server.id,), event.time)
        self._taken[event.server] = event.index

    def on_reply_append_entries(self, event: Reply) -> None:
        """A server that knows the term of the entry before its log's first does not refuse entries after that one."""
        reply = event.message
        if reply.success:
            return
        server = self._shadow.servers[event.server]
        args = server.pending.get(event.rpc)
        if not isinstance(args, AppendEntriesArgs):
            return
        base, base_term = server.disk.base, server.disk.base_term
        if args.prev_log_index != base or base == 0 or args.prev_log_term != base_term:
            return
        if reply.term != args.term or server.shown_before.get(event.rpc, 0) > args.term:
            return
        if (
            self._shadow.chance(server, event.rpc).no
            or max(self._taken.get(server.id, 0), server.committed) > base
            or any(isinstance(other, InstallSnapshotArgs) for other in server.pending.values())
        ):
            return  # its log may begin later already
        text = (
            f"server {server.id} refused AppendEntries of server {args.leader_id}, leader of term {args.term}, after "
            f"index {base} of term {base_term}, but that is what its own snapshot ends with"
        )
        raise Violation("SnapshotTermKept", text, (server.id, args.leader_id), event.time)

    def on_save(self, event: Save) -> None:
        server = self._shadow.servers[event.server]
        base = event.last_included_index
        snapshot = server.disk_snapshot if event.snapshot is None else (event.snapshot_index or 0)
        self._covers_what_is_committed(server, event)
        if base > snapshot:
            text = f"server {server.id} saved a log that starts after index {base}, with {_snapshot(snapshot)}"
            raise Violation("SnapshotAndLogTogether", text, (server.id,), event.time)
        if snapshot < server.disk_snapshot:
            text = f"server {server.id} saved {_snapshot(snapshot)} over that of index {server.disk_snapshot}"
            raise Violation("SnapshotNotRolledBack", text, (server.id,), event.time)
        # A log from index 1 on is whole: it needs no snapshot, and a restart may pass that over.
        if 0 < base < snapshot and not _holds(event.extra, snapshot):
            text = (
                f"server {server.id} saved a log that starts after index {base}, with {_snapshot(snapshot)}; nothing "
                f"in that state is {snapshot}, so a restart takes the snapshot for one of index {base}"
            )
            raise Violation("SnapshotAndLogTogether", text, (server.id,), event.time)
        if base > server.disk.base:
            self._new_base(server, event)
        elif 0 < base == server.disk.base and event.last_included_term != server.disk.base_term:
            text = (
                f"server {server.id} saved last_included_term {event.last_included_term} for index {base}, "
                f"but its disk held term {server.disk.base_term} for it"
            )
            rule = "RestoredOnRestart" if server.incarnation > 0 and server.first_save else "SnapshotTermKept"
            raise Violation(rule, text, (server.id,), event.time)

    def _covers_what_is_committed(self, server: ShadowServer, event: Save) -> None:
        base, known = event.last_included_index, self._shadow.may_commit(server)
        if base <= max(known, server.disk.base):
            return
        older = [args for args in self._installs(server, base) if args.term < server.term]
        if older:
            text = f"server {server.id} installed a snapshot of a leader of term {older[0].term}, but had shown "
            raise Violation("StaleTermRejected", f"{text}term {server.term} before", (server.id,), event.time)
        text = f"server {server.id} saved a snapshot of index {base}, but may take only index {known} for committed"
        raise Violation("SnapshotOnlyApplied", text, (server.id,), event.time)

    def _new_base(self, server: ShadowServer, event: Save) -> None:
        base, term = event.last_included_index, event.last_included_term
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
        behind = [args for args in server.pending.values() if isinstance(args, AppendEntriesArgs)]
        if any(args.entries and args.prev_log_index + len(args.entries) > base for args in behind):
            return  # entries after the snapshot may be in the same save
        if old.has(base, event.last_included_term):
            if event.last_index < old.last:
                text = (
                    f"server {server.id} installed a snapshot of index {base}, which its log had with the same term, "
                    f"but dropped its entries {base + 1} to {old.last}"
                )
                raise Violation("SnapshotKeepsSuffix", text, (server.id,), event.time)
        elif old.lacks(base, event.last_included_term) and event.last_index > base:
            text = (
                f"server {server.id} installed a snapshot of index {base}, term {event.last_included_term}, but kept "
                f"the entries after its own entry of term {old.term_at(base)} there"
            )
            raise Violation("SnapshotKeepsSuffix", text, (server.id,), event.time)

    def on_crash(self, event: Crash) -> None:
        self._calls = {rpc: pair for rpc, pair in self._calls.items() if pair[0] != event.server}

    def on_timeout(self, event: Timeout) -> None:
        self._calls.pop(event.rpc, None)

    def on_return_install_snapshot(self, event: Deliver) -> None:
        self._calls.pop(event.rpc, None)

    def on_return_append_entries(self, event: Deliver) -> None:
        """A leader whose entries are refused where its log begins sends its snapshot instead (§7)."""
        pair, reply = (event.server, event.peer), event.message
        if reply.success:
            self._refused.pop(pair, None)
            return
        request = self._shadow.requests.get(event.rpc)
        if not isinstance(request, AppendEntriesArgs):
            return
        leader, peer = (self._shadow.servers[server] for server in pair)
        base = leader.disk.base
        lacks = request.prev_log_index <= base and peer.saves and peer.disk.last < base
        if pair in self._calls.values():
            self._refused.pop(pair, None)
        elif lacks and reply.term == request.term == leader.leads == leader.term:
            self._count_refusal(leader, peer, event)

    def _count_refusal(self, leader: ShadowServer, peer: ShadowServer, event: Deliver) -> None:
        term, count, since = self._refused.get((leader.id, peer.id), (0, 0, 0.0))
        if term != leader.term:
            term, count, since = leader.term, 0, event.time
        self._refused[leader.id, peer.id] = (term, count + 1, since)
        if count >= REPEATS and event.time > since + PATIENCE:
            text = (
                f"server {leader.id}, leader of term {term}, has a log that starts after index {leader.disk.base}, and "
                f"server {peer.id} one that ends at index {peer.disk.last}; it has refused AppendEntries {count + 1} "
                f"times since t={since:.3f} s, but was not sent the snapshot"
            )
            raise Violation("InstallWhenNeeded", text, (leader.id, peer.id), event.time)

    def _count_install(self, server: ShadowServer, message: InstallSnapshotArgs, event: Send) -> None:
        """A snapshot that a peer is known to have does not go out for ever."""
        pair, index = (server.id, event.peer), message.last_included_index
        self._calls[event.rpc] = pair
        self._refused.pop(pair, None)
        if (
            event.rpc in self._shadow.pieces
            or server.match_term != message.term
            or index > server.match.get(event.peer, 0)
        ):
            return
        term, last, count, time = self._again.get(pair, (0, 0, 0, 0.0))
        if (term, last) != (message.term, index):
            count = 1
        elif event.time > time:  # a service may take several snapshots at one instant
            count += 1
        self._again[pair] = (message.term, index, count, event.time)
        if count > REPEATS:
            text = (
                f"server {server.id}, leader of term {message.term}, sent its snapshot of index {index} to server "
                f"{event.peer} {count} times more after an answer had shown that server {event.peer} has all that"
            )
            raise Violation("InstallWhenNeeded", text, pair, event.time)

    def on_send_install_snapshot(self, event: Send) -> None:
        message, server = event.message, self._shadow.servers[event.server]
        self._count_install(server, message, event)
        self._edge(server, message.last_included_index, message.last_included_term, event)

    def on_send_append_entries(self, event: Send) -> None:
        message, server = event.message, self._shadow.servers[event.server]
        if message.prev_log_index == server.disk.base > 0:
            self._edge(server, message.prev_log_index, message.prev_log_term, event)

    def _edge(self, server: ShadowServer, index: int, term: int, event: Send) -> None:
        """The term sent for the last entry of a snapshot is the right one."""
        known = self._shadow.committed.get(index)
        if known is not None and known[0] != term and index > 0:
            sent = f"server {server.id} sent {event.call} with term {term} for index {index}"
            text = f"{sent}, whose entry is of term {known[0]}"
            raise Violation("SnapshotTermKept", text, (server.id,), event.time)


def _holds(value: Any, index: int) -> bool:
    """Return whether an index is somewhere in a state's own fields.

    A log may begin before its snapshot ends, for peers that lack a few entries only: then its server notes both ends.
    """
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            rest += value.values()
        elif isinstance(value, list):
            rest += value
        elif value == index:
            return True
    return False


def _snapshot(index: int) -> str:
    return f"a snapshot of index {index}" if index else "no snapshot"
