"""The checkers of commitment: what a leader may count, and what a follower may apply (§5.3, §5.4.2)."""

from __future__ import annotations

import math
from collections import deque

from labs.checking.checker import Checker, Violation
from labs.codec.safe_repr import short
from labs.messages import AppendEntriesArgs, InstallSnapshotArgs
from labs.raft.checkers.shadow import Shadow
from labs.raft.checkers.shadow_server import ShadowServer
from labs.raft.curriculum import PERSISTENCE
from labs.trace.events import Apply, Crash, Deliver, Event, Restart, Send, Start

GRACE = 0.05
"""Virtual seconds in which a message that was under way inside a server may still leave it."""


class Commitment(Checker):
    """No server treats an uncommitted entry as committed (Figure 2, Leaders 4; AppendEntries rule 5)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._sent: dict[tuple[int, int], tuple[int, int, float]] = {}
        """For each leader and peer the term, the highest leader_commit sent in it, and when that was first sent."""
        self._acknowledged: dict[tuple[int, int], deque[tuple[int, float, int]]] = {}
        """For each leader and peer the term, when an answer reached the leader, and up to which index the peer has its
        log. A leader may send each peer a commit index only up to there; the first answer is `GRACE` old, or older.
        """

    def on_restart(self, event: Restart) -> None:
        self._sent = {pair: sent for pair, sent in self._sent.items() if pair[0] != event.server}
        self._acknowledged = {pair: known for pair, known in self._acknowledged.items() if pair[0] != event.server}

    def on_send_append_entries(self, event: Send) -> None:
        message = event.message
        if (
            message.leader_commit or message.entries
        ):  # a heartbeat may leave out the commits, if another message has them
            self._check_sent(event)

    def on_return_append_entries(self, event: Deliver) -> None:
        pair, reply = (event.server, event.peer), event.message
        request = self._shadow.requests.get(event.rpc)
        if reply.success and isinstance(request, AppendEntriesArgs):
            last = self._shadow.partly.get(event.rpc, request.prev_log_index + len(request.entries))
            self._note_acknowledged(pair, request.term, event.time, last)

    def on_return_install_snapshot(self, event: Deliver) -> None:
        request = self._shadow.requests.get(event.rpc)
        if isinstance(request, InstallSnapshotArgs) and event.message.term == request.term:
            last = self._shadow.partly.get(event.rpc, request.last_included_index)
            self._note_acknowledged((event.server, event.peer), request.term, event.time, last)

    def _note_acknowledged(self, pair: tuple[int, int], term: int, time: float, index: int) -> None:
        known = self._acknowledged.get(pair)
        if known is None or known[-1][0] != term:
            known = self._acknowledged[pair] = deque([(term, -math.inf, 0)])
        if index > known[-1][2]:
            known.append((term, time, index))
            while len(known) > 1 and known[1][1] < time - GRACE:
                known.popleft()

    def _surely_there(self, pair: tuple[int, int], term: int, time: float) -> int:
        """Return up to which index a leader has known for a while that a peer has its log."""
        marks = self._acknowledged.get(pair, ())
        return max((index for known, at, index in marks if known == term and at < time - GRACE), default=0)

    def _check_sent(self, event: Send) -> None:
        message, server = event.message, self._shadow.servers[event.server]
        commit, term = message.leader_commit, message.term
        known = self._sent.get((server.id, event.peer))
        if known is None or known[0] != term or commit > known[1]:
            if commit > self._shadow.may_commit(server) and commit > self._shadow.may_commit_late(server):
                self._too_high(server, commit, term, f"sent leader_commit={commit}", event)
            self._check_durable(server, commit, event)
            self._sent[server.id, event.peer] = (term, commit, event.time)
            return
        less = commit < min(known[1], message.prev_log_index + len(message.entries))
        if less and event.time > server.after(known[2], GRACE):
            pair = (server.id, event.peer)
            if commit >= self._surely_there(pair, term, event.time):
                return
            if self._shadow.says_again(event):
                return
            text = (
                f"server {server.id}, leader of term {term}, sent leader_commit={commit}, "
                f"but had sent {known[1]} to server {event.peer} at t={known[2]:.3f} s"
            )
            raise Violation("CommitNeverDecreases", text, (server.id,), event.time)

    def on_apply(self, event: Apply) -> None:
        server = self._shadow.servers[event.server]
        self._check_entry(server, event)
        if event.index > self._shadow.may_commit(server):
            if event.index <= self._shadow.may_commit_late(server):
                return
            if server.leads is not None and server.heard_leader_of <= server.leads:
                self._too_high(server, event.index, server.leads, f"applied index {event.index}", event)
            self._follower_too_high(server, event)
        elif server.leads is not None:
            self._check_durable(server, event.index, event)

    def _check_entry(self, server: ShadowServer, event: Apply) -> None:
        """What a follower applies is what its leader has just sent for that index (AppendEntries rule 3; Figure 3)."""
        for request in server.pending.values():
            if not isinstance(request, AppendEntriesArgs) or request.term < max(server.term, server.heard[0]):
                continue
            at = event.index - request.prev_log_index - 1
            if not 0 <= at < len(request.entries) or server.log.lacks(request.prev_log_index, request.prev_log_term):
                continue
            if request.entries[at].command != event.command:
                has = short(request.entries[at].command)
                text = (
                    f"server {server.id} applied {short(event.command)} at index {event.index}, where server "
                    f"{request.leader_id}, the leader of term {request.term}, has {has}: "
                    "conflicting entries go (rule 3) before anything is committed (rule 5)"
                )
                conflicts = server.log.lacks(event.index, request.entries[at].term)
                rule = "ConflictTruncated" if conflicts else "StateMachineSafety"
                raise Violation(rule, text, (server.id, request.leader_id), event.time)

    def _too_high(self, server: ShadowServer, index: int, term: int, how: str, event: Event) -> None:
        counted = self._shadow.counted(server) if server.match_term == term else 0
        stored = self._shadow.stored(server) if server.match_term == term else 0
        held = server.log.term_at(index)
        if index <= stored and held is not None and held < term:
            text = (
                f"server {server.id}, leader of term {term}, {how}; a majority stores index {index}, but that entry is "
                f"of term {held}, and of its own term no majority has acknowledged any so far"
                if counted == 0
                else f"server {server.id}, leader of term {term}, {how}, which is of term {held}"
            )
            raise Violation("CommitOnlyCurrentTerm", text, (server.id,), event.time)
        acknowledged = ", ".join(f"server {peer}: {upto}" for peer, upto in sorted(server.match.items())) or "none"
        text = (
            f"server {server.id}, leader of term {term}, {how}, but the highest index that it may take for committed "
            f"is {self._shadow.may_commit(server)} (acknowledged in this term by its peers: {acknowledged})"
        )
        if self._shadow.stage.has(PERSISTENCE) and server.saves and server.disk.last < index:
            text += f"; its own copy is not counted, because its disk holds the log up to index {server.disk.last} only"
        raise Violation("CommitNeedsMajority", text, (server.id,), event.time)

    def _follower_too_high(self, server: ShadowServer, event: Apply) -> None:
        told, verified = server.told, server.verified
        if self._shadow.majority == 1:
            text = (
                f"server {server.id} is alone, and applied index {event.index}, but its disk holds the log up to index "
                f"{server.disk.last} only: an entry that it loses when it crashes is not committed"
            )
            raise Violation("CommitNeedsMajority", text, (server.id,), event.time)
        text = (
            f"server {server.id} applied index {event.index}, but the leader of term {told[0]} sent it commits up to "
            f"{told[1]}, and its log is known to match the leader's only up to {verified[1]}"
        )
        rule = "CommitBound"
        if server.told == (0, 0):
            text = (
                f"server {server.id} applied index {event.index}, "
                "but no leader whose log is known to match its own has sent it any commit"
            )
        if event.index > server.disk_snapshot and server.incarnation > 0 and server.told == (0, 0):
            text += " since its restart"
        raise Violation(rule, text, (server.id,), event.time)

    def _check_durable(self, server: ShadowServer, index: int, event: Event) -> None:
        """A leader counts its own log only as far as it is saved (§5.3; stage 2C)."""
        if not self._shadow.stage.has(PERSISTENCE) or index <= server.committed or server.match_term == 0:
            return
        if server.told[0] == server.verified[0] and index <= min(server.told[1], server.verified[1]):
            return
        if index > self._shadow.counted(server, durable=True):
            text = (
                f"server {server.id}, leader of term {server.match_term}, took index {index} for committed and counted "
                f"itself, but its disk holds the log up to index {server.disk.last} only"
            )
            raise Violation("SavedBeforeSend", text, (server.id,), event.time)


class StartAnswers(Checker):
    """The answers of `start` (Figure 2, Leaders 2)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._accepted: dict[int, tuple[int, int]] = {}
        """For each server the term and index of the last command that it accepted."""
        self._commands: dict[int, list[object]] = {}
        """For each index the commands that were accepted there."""
        self._complete = True
        """Whether all accepted commands are known: a crash in the middle of a server's step can cut off an answer."""

    def on_crash(self, event: Crash) -> None:
        if event.at is not None:
            self._complete = False
            self._commands.clear()

    def on_restart(self, event: Restart) -> None:
        self._accepted.pop(event.server, None)

    def on_start(self, event: Start) -> None:
        server = self._shadow.servers[event.server]
        if not event.is_leader:
            return
        held = server.log.term_at(event.index)
        accepted = self._accepted.get(server.id, (0, 0))
        last = server.log.surely_last
        if event.index < last or held not in (None, event.term) or (event.term, event.index) <= accepted:
            text = (
                f"server {server.id} accepted {short(event.command)} at index {event.index} in term {event.term}, "
                f"but its log reached index {max(last, accepted[1])} already"
            )
            raise Violation("StartAnswers", text, (server.id,), event.time)
        self._accepted[server.id] = (event.term, event.index)
        if self._complete:
            self._commands.setdefault(event.index, []).append(event.command)
        if event.term < server.term:
            text = f"server {server.id} accepted a command in term {event.term}, but is in term {server.term}"
            raise Violation("StartAnswers", text, (server.id,), event.time)

    def on_apply(self, event: Apply) -> None:
        """A command is applied only where `start` has put it; a leader's own entries hold None."""
        if not self._complete or event.command is None or event.command in self._commands.get(event.index, ()):
            return
        servers = self._shadow.servers
        if len(servers) == 1 or any(server.incarnation < 0 for server in servers):
            return  # a server alone applies before it answers; or the test itself plays a leader
        places = [str(index) for index, commands in self._commands.items() if event.command in commands]
        where = f"only at index {', '.join(places)}" if places else "nowhere"
        text = (
            f"server {event.server} applied {short(event.command)} at index {event.index}, "
            f"but start accepted that command {where}"
        )
        raise Violation("StartAnswers", text, (event.server,), event.time)
