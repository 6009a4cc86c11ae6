"""Counts the situations of the protocol that a run reaches: a suite that never reaches one cannot test it.

Checks nothing. labs.raft.checkers.situation_names has a sentence for each; reports show which tests reach which.
"""

from __future__ import annotations

from labs.checking.checker import Census
from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    InstallSnapshotArgs,
    RequestVoteArgs,
    RequestVoteReply,
)
from labs.raft.checkers.shadow import Shadow
from labs.raft.checkers.shadow_server import ShadowServer
from labs.raft.events import Save
from labs.trace.events import Crash, Deliver, Drop, Reply, Restart, Role, Send, Start

LATE = 0.2
"""Virtual seconds after which a message counts as late."""
REMEMBERED = 10_000
"""The number of newest requests whose sending time is remembered."""


class Situations(Census):
    """Counts situations; must come before the shadow, as checkers do."""

    def __init__(self, shadow: Shadow) -> None:
        super().__init__()
        self._shadow = shadow
        self._candidates: dict[int, set[int]] = {}
        self._sent_at = [(0, 0.0)] * REMEMBERED
        """RPCs, and when they were sent, each at its number's place in a ring."""
        self._refused: set[int] = set()

    def _reach(self, situation: str) -> None:
        self.counts[situation] += 1

    def on_send(self, event: Send) -> None:
        self._sent_at[event.rpc % REMEMBERED] = (event.rpc, event.time)

    def on_send_request_vote(self, event: Send) -> None:
        message = event.message
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
        if event.copy:
            self._reach("request_twice")
        if self._is_late(event):
            self._reach(f"{event.leg}_late")

    def _is_late(self, event: Deliver) -> bool:
        rpc, sent_at = self._sent_at[event.rpc % REMEMBERED]
        return rpc == event.rpc and event.time - sent_at > LATE

    def on_deliver_append_entries(self, event: Deliver) -> None:
        server, message = self._shadow.servers[event.server], event.message
        if message.term == server.term == server.candidate:
            self._reach("candidate_follows_leader")
        if message.term > server.term:
            self._higher_term(server)
        if message.term >= server.term:
            self._append(server, message)

    def on_deliver_install_snapshot(self, event: Deliver) -> None:
        server, message = self._shadow.servers[event.server], event.message
        if message.term > server.term:
            self._higher_term(server)
        if self._is_late(event):
            self._reach("snapshot_late")
        if message.last_included_index <= server.applied:
            self._reach("snapshot_stale")

    def on_deliver_request_vote(self, event: Deliver) -> None:
        server, term = self._shadow.servers[event.server], event.message.term
        if term > server.term:
            self._higher_term(server)
        vote = server.votes.get(term)
        if vote is not None and vote[1] < server.incarnation:
            self._reach("asked_again_after_restart")

    def _higher_term(self, server: ShadowServer) -> None:
        """A request of a higher term than a server has shown reaches it."""
        if server.leads is not None:
            self._reach("leader_asked_with_higher_term")
        elif server.candidate == server.term > 0:
            self._reach("candidate_sees_higher_term")

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

    def on_return_request_vote(self, event: Deliver) -> None:
        server = self._shadow.servers[event.server]
        self._term_returned(server, event)
        if event.message.vote_granted:
            asked = getattr(self._shadow.requests.get(event.rpc), "term", 0)
            if asked < server.term:
                self._reach("vote_reply_old_term")
            elif server.leads == asked:
                self._reach("vote_surplus")

    def on_return_append_entries(self, event: Deliver) -> None:
        server = self._shadow.servers[event.server]
        self._term_returned(server, event)
        request = self._shadow.requests.get(event.rpc)
        if not isinstance(request, AppendEntriesArgs):
            return
        if request.term < server.term:
            self._reach("append_reply_old_term")
        elif event.message.success:
            end, match = request.prev_log_index + len(request.entries), server.match.get(event.peer, 0)
            if end < match:
                self._reach("ack_out_of_order")
            elif end > match:
                self._old_entry(server, event.peer, end)

    def on_return_install_snapshot(self, event: Deliver) -> None:
        self._term_returned(self._shadow.servers[event.server], event)

    def _term_returned(self, server: ShadowServer, event: Deliver) -> None:
        if server.leads is not None and event.message.term > server.leads:
            self._reach("leader_answered_with_higher_term")

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

    def on_reply_request_vote(self, event: Reply) -> None:
        request = self._shadow.requests.get(event.rpc)
        if isinstance(request, RequestVoteArgs):
            self._vote(self._shadow.servers[event.server], request, event.message)

    def on_reply_append_entries(self, event: Reply) -> None:
        server = self._shadow.servers[event.server]
        args = server.pending.get(event.rpc)
        if isinstance(args, AppendEntriesArgs):
            self._appended(server, args, event.message)

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
