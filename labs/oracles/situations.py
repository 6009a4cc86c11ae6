"""Counts the situations of the protocol that a run reaches: a suite that never reaches one cannot test it.

Judges nothing. `SITUATIONS` names each with a sentence; reports show which tests reach which.
"""

from __future__ import annotations

from collections import Counter

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.oracles.shadow import Shadow, ShadowServer
from labs.oracles.violation import Oracle
from labs.trace.events import Crash, Deliver, Drop, Reply, Restart, Role, Save, Send, Start

LATE = 0.2
"""Virtual seconds after which a message counts as late."""

SITUATIONS: dict[str, str] = {
    "leader_elected": "a server becomes leader",
    "leader_again": "a server becomes leader that led an earlier term",
    "vote_split": "two servers campaign in the same term",
    "term_without_leader": "a term ends, and nobody led it",
    "candidate_follows_leader": "a candidate hears the leader of its term",
    "candidate_sees_higher_term": "a candidate is sent a higher term",
    "leader_asked_with_higher_term": "a request of a higher term reaches a leader",
    "leader_answered_with_higher_term": "a reply of a higher term reaches a leader",
    "two_leaders": "two servers lead at the same time, in different terms",
    "vote_refused_old_term": "a request for a vote of an older term is refused",
    "vote_refused_voted": "a vote is refused because another candidate has it",
    "vote_refused_log": "a vote is refused because the voter's log is more up to date",
    "vote_granted_again": "a vote is granted to the same candidate a second time",
    "vote_surplus": "a vote reaches a server that leads already",
    "vote_reply_old_term": "a vote of an older term reaches a server",
    "append_old_term": "an AppendEntries of an older term is refused",
    "entries_appended": "a follower appends entries",
    "conflict_truncated": "a follower drops entries that conflict",
    "refused_too_short": "AppendEntries is refused because the log is too short",
    "refused_other_term": "AppendEntries is refused because the entry before has another term",
    "refused_in_a_row": "a follower refuses twice in a row while it is brought up to date",
    "append_repeated": "entries arrive that the log has already",
    "append_shorter": "entries arrive late that end before the log does",
    "append_reply_old_term": "a reply to AppendEntries of an older term reaches a server",
    "ack_out_of_order": "an acknowledgement arrives after one that reaches further",
    "heartbeat_commits": "a follower learns of a commit by a heartbeat without entries",
    "old_entry_on_majority": "an entry of an older term is on a majority, and not committed",
    "old_entry_committed": "an entry of an older term is committed with one of the leader's term",
    "entry_lost": "an uncommitted entry is replaced by that of another leader",
    "log_longer_than_leaders": "a follower's log reaches further than the leader's",
    "request_twice": "a request arrives a second time",
    "request_late": "a request arrives late",
    "reply_late": "a reply arrives late",
    "reply_lost": "a request was handled, and its reply is lost",
    "heard_not_answered": "a server hears another, and cannot answer it: the link is cut one way",
    "crash_of_leader": "a leader crashes",
    "crash_at_save": "a server crashes right after a save",
    "crash_at_reply": "a server crashes right before it answers",
    "all_down": "all servers are down at once",
    "restart_with_vote": "a server that voted in its term starts again",
    "asked_again_after_restart": "a server is asked for a vote in a term in which it voted before its restart",
    "snapshot_on_leader": "a leader takes a snapshot",
    "snapshot_on_follower": "a follower takes a snapshot",
    "snapshot_installed": "a server installs a snapshot that a leader sent",
    "snapshot_over_conflict": "a snapshot is installed over a log that conflicts with it",
    "snapshot_keeps_suffix": "a snapshot is installed, and entries after it stay",
    "snapshot_stale": "a snapshot arrives that covers no more than was applied",
    "snapshot_late": "a snapshot arrives late",
    "append_below_base": "entries arrive that begin before the log does",
    "campaign_with_empty_log": "a candidate's log holds nothing but its snapshot",
    "restart_from_snapshot": "a server starts again from a snapshot",
}


class Situations(Oracle):
    """Counts situations; must come before the shadow, as judges do."""

    def __init__(self, shadow: Shadow) -> None:
        self.counts: Counter[str] = Counter()
        self._shadow = shadow
        self._candidates: dict[int, set[int]] = {}
        self._sent_at: dict[int, float] = {}
        self._refused: set[int] = set()

    def _reach(self, situation: str) -> None:
        self.counts[situation] += 1

    def on_send(self, event: Send) -> None:
        message = event.message
        self._sent_at[event.rpc] = event.time
        if len(self._sent_at) > 10_000:
            del self._sent_at[next(iter(self._sent_at))]
        if not isinstance(message, RequestVoteArgs):
            return
        candidates = self._candidates.setdefault(message.term, set())
        if event.server not in candidates:
            candidates.add(event.server)
            if len(candidates) == 2:
                self._reach("vote_split")
            before = message.term - 1
            if len(candidates) == 1 and self._candidates.get(before) and before not in self._shadow.leader_of:
                self._reach("term_without_leader")
            if message.last_log_index > 0 and message.last_log_index == self._shadow.servers[event.server].disk.base:
                self._reach("campaign_with_empty_log")
        for term in [term for term in self._candidates if term < message.term - 3]:
            del self._candidates[term]

    def on_role(self, event: Role) -> None:
        server = self._shadow.servers[event.server]
        if not event.is_leader:
            return
        self._reach("leader_elected")
        if any(term < event.term for term in server.led):
            self._reach("leader_again")
        if any(other.up and other.leads not in (None, event.term) for other in self._shadow.servers):
            self._reach("two_leaders")

    def on_deliver(self, event: Deliver) -> None:
        server = self._shadow.servers[event.server]
        if event.copy:
            self._reach("request_twice")
        late = event.time - self._sent_at.get(event.rpc, event.time) > LATE
        if late:
            self._reach(f"{event.leg}_late")
        if event.leg == "request":
            self._request(server, event, late)
        else:
            self._reply(server, event)

    def _request(self, server: ShadowServer, event: Deliver, late: bool) -> None:
        message, term = event.message, getattr(event.message, "term", 0)
        if term > server.term:
            if server.leads is not None:
                self._reach("leader_asked_with_higher_term")
            elif server.candidate == server.term > 0:
                self._reach("candidate_sees_higher_term")
        elif term == server.term and isinstance(message, AppendEntriesArgs) and server.candidate == term:
            self._reach("candidate_follows_leader")
        if isinstance(message, AppendEntriesArgs) and term >= server.term:
            self._append(server, message)
        elif isinstance(message, InstallSnapshotArgs):
            if late:
                self._reach("snapshot_late")
            if message.last_included_index <= server.applied:
                self._reach("snapshot_stale")
        elif isinstance(message, RequestVoteArgs):
            vote = server.votes.get(term)
            if vote is not None and vote[1] < server.incarnation:
                self._reach("asked_again_after_restart")

    def _append(self, server: ShadowServer, args: AppendEntriesArgs) -> None:
        log, prev = server.log, args.prev_log_index
        end = prev + len(args.entries)
        if prev < log.base:
            self._reach("append_below_base")
        if not args.entries:
            if log.has(prev, args.prev_log_term) and args.leader_commit > server.committed:
                self._reach("heartbeat_commits")
        elif log.has(end, args.entries[-1].term):
            self._reach("append_repeated" if end == log.last else "append_shorter")
        if log.last > self._shadow.servers[args.leader_id].log.last:
            self._reach("log_longer_than_leaders")

    def _reply(self, server: ShadowServer, event: Deliver) -> None:
        request, reply = self._shadow.requests.get(event.rpc), event.message
        asked, answered = getattr(request, "term", 0), getattr(reply, "term", 0)
        if server.leads is not None and answered > server.leads:
            self._reach("leader_answered_with_higher_term")
        if isinstance(reply, RequestVoteReply) and reply.vote_granted:
            if asked < server.term:
                self._reach("vote_reply_old_term")
            elif server.leads == asked:
                self._reach("vote_surplus")
        elif isinstance(reply, AppendEntriesReply) and isinstance(request, AppendEntriesArgs):
            if asked < server.term:
                self._reach("append_reply_old_term")
            elif reply.success:
                end = request.prev_log_index + len(request.entries)
                if end < server.match.get(event.peer, 0):
                    self._reach("ack_out_of_order")
                elif end > server.match.get(event.peer, 0):
                    self._old_entry(server, event.peer, end)

    def _old_entry(self, server: ShadowServer, peer: int, end: int) -> None:
        """See whether an acknowledgement puts an entry of an older term on a majority."""
        before = self._shadow.stored(server)
        marks = sorted([server.log.last, *{**server.match, peer: max(end, server.match.get(peer, 0))}.values()])
        marks = [0] * self._shadow.majority + marks
        stored = marks[-self._shadow.majority]
        term = server.log.term_at(stored)
        if stored > max(before, self._shadow.highest_committed) and term is not None and server.leads is not None:
            if term < server.leads:
                self._reach("old_entry_on_majority")
            else:
                first = server.log.term_at(self._shadow.highest_committed + 1)
                if first is not None and first < server.leads:
                    self._reach("old_entry_committed")

    def on_reply(self, event: Reply) -> None:
        server, reply = self._shadow.servers[event.server], event.message
        if isinstance(reply, RequestVoteReply):
            request = self._shadow.requests.get(event.rpc)
            if isinstance(request, RequestVoteArgs):
                self._vote(server, request, reply)
        elif isinstance(reply, AppendEntriesReply):
            args = server.pending.get(event.rpc)
            if isinstance(args, AppendEntriesArgs):
                self._appended(server, args, reply)

    def _vote(self, server: ShadowServer, request: RequestVoteArgs, reply: RequestVoteReply) -> None:
        vote = server.votes.get(request.term)
        if reply.vote_granted:
            if vote is not None:
                self._reach("vote_granted_again")
        elif reply.term > request.term:
            self._reach("vote_refused_old_term")
        elif vote is not None and vote[0] != request.candidate_id:
            self._reach("vote_refused_voted")
        elif (server.log.last_term or 0, server.log.last) > (request.last_log_term, request.last_log_index):
            self._reach("vote_refused_log")

    def _appended(self, server: ShadowServer, args: AppendEntriesArgs, reply: AppendEntriesReply) -> None:
        if reply.success:
            self._refused.discard(server.id)
            if args.entries:
                self._reach("entries_appended")
            return
        if reply.term > args.term:
            self._reach("append_old_term")
            return
        if args.prev_log_index > server.log.last:
            self._reach("refused_too_short")
        else:
            self._reach("refused_other_term")
        if server.id in self._refused:
            self._reach("refused_in_a_row")
        self._refused.add(server.id)

    def on_save(self, event: Save) -> None:
        server = self._shadow.servers[event.server]
        old = server.disk
        installs = [args for args in server.pending.values() if isinstance(args, InstallSnapshotArgs)]
        if event.last_included_index > old.base and any(
            args.last_included_index == event.last_included_index for args in installs
        ):
            self._reach("snapshot_installed")
            if event.last_index > event.last_included_index:
                self._reach("snapshot_keeps_suffix")
            elif old.lacks(event.last_included_index, event.last_included_term) and (
                old.last >= event.last_included_index
            ):
                self._reach("snapshot_over_conflict")
        elif event.last_included_index > old.base:
            self._reach("snapshot_on_leader" if server.leads is not None else "snapshot_on_follower")
        if event.entries and old.base < event.first_index <= old.last:
            self._reach("conflict_truncated")

    def on_start(self, event: Start) -> None:
        if event.is_leader and any(
            other.log.term_at(event.index) not in (None, event.term) for other in self._shadow.servers
        ):
            self._reach("entry_lost")

    def on_drop(self, event: Drop) -> None:
        if event.leg == "reply" and event.reason == "loss":
            self._reach("reply_lost")
        elif event.leg == "reply" and event.reason == "cut":
            self._reach("heard_not_answered")

    def on_crash(self, event: Crash) -> None:
        server = self._shadow.servers[event.server]
        if server.leads is not None:
            self._reach("crash_of_leader")
        if event.at in ("save", "reply"):
            self._reach(f"crash_at_{event.at}")
        if not any(other.up for other in self._shadow.servers if other is not server):
            self._reach("all_down")

    def on_restart(self, event: Restart) -> None:
        server = self._shadow.servers[event.server]
        if event.incarnation > 0:
            if server.disk_vote is not None:
                self._reach("restart_with_vote")
            if server.disk_snapshot:
                self._reach("restart_from_snapshot")
