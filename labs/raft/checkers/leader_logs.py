"""The checker of candidates' and leaders' logs: what they hold, and what messages show (§5.4.1; Figure 3)."""

from __future__ import annotations

from labs.checking.checker import Checker, Violation
from labs.messages import AppendEntriesArgs, RequestVoteArgs
from labs.raft.checkers.shadow import Shadow, is_repeat
from labs.raft.checkers.shadow_server import ShadowServer
from labs.raft.curriculum import PERSISTENCE
from labs.trace.events import Reply, Send


class LeaderLogs(Checker):
    """What a leader's log must hold: what is committed, and all that it had (Figure 3)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow

    def on_send_request_vote(self, event: Send) -> None:
        self._of_one_moment(event, event.message.last_log_term)
        if not self._shadow.is_trial(event):
            self.asks(event)

    def grants(self, event: Reply, request: RequestVoteArgs) -> None:
        """Find no fault with a voter."""

    def on_send_append_entries(self, event: Send) -> None:
        message, server = event.message, self._shadow.servers[event.server]
        self._of_one_moment(event, message.entries[-1].term if message.entries else message.prev_log_term)
        if message.term not in server.led:
            self._new_leader(server, message.term, event)
        self._sent(server, message, event)

    def on_send_install_snapshot(self, event: Send) -> None:
        self._of_one_moment(event, event.message.last_included_term)

    def _of_one_moment(self, event: Send, newest: int) -> None:
        """A message mentions nothing newer than its own term, however late it leaves (All servers rule 2)."""
        if newest > event.message.term:
            own = event.message.term
            text = (
                f"server {event.server} sent {event.call} of term {own}, which mentions an entry of term {newest}: "
                f"it had left term {own} when it heard of that"
            )
            raise Violation("HigherTermAdopted", text, (event.server,), event.time)

    def _new_leader(self, server: ShadowServer, term: int, event: Send) -> None:
        """A new leader's log has every entry committed in earlier terms (Leader Completeness)."""
        highest = self._shadow.highest_committed
        known = self._shadow.committed.get(highest)
        if known is None or known[1] >= term or not server.log.lacks(highest, known[0]):
            return
        if self._shadow.may_have_taken(server, highest, known[0]):
            return
        held = server.log.term_at(highest)
        has = f"ends at index {server.log.last}" if held is None else f"has one of term {held} there"
        text = (
            f"server {server.id} leads term {term}, but its log {has}: the entry of index {highest}, term {known[0]}, "
            f"was committed in term {known[1]}"
        )
        raise Violation("LeaderCompleteness", text, (server.id,), event.time)

    def _sent(self, server: ShadowServer, message: AppendEntriesArgs, event: Send) -> None:
        """A leader sends its log as it is (Log Matching), and does not change it (Leader Append-Only)."""
        if message.term != server.match_term or message.term < server.term:
            return  # what an old leadership has left behind comes late
        entries, prev = message.entries, message.prev_log_index
        at = server.log.conflict(prev, [entry.term for entry in entries]) if entries else None
        if at is not None and not self._shadow.in_motion(server, at):
            text = (
                f"server {server.id}, leader of term {message.term}, sent an entry of term "
                f"{entries[at - prev - 1].term} at index {at}, where its log had one of term "
                f"{server.log.term_at(at)}"
            )
            # The disk still has the old entry: it was not overwritten, only sent as another.
            rule = "LogMatching" if server.saves and server.trusted else "LeaderAppendOnly"
            raise Violation(rule, text, (server.id,), event.time)
        if (
            prev > server.log.base
            and server.log.lacks(prev, message.prev_log_term)
            and prev <= server.log.last
            and not self._shadow.in_motion(server, prev)
        ):
            text = (
                f"server {server.id} sent AppendEntries after index {prev} with prev_log_term {message.prev_log_term}, "
                f"but its entry there is of term {server.log.term_at(prev)}"
            )
            raise Violation("ConsistencyCheck", text, (server.id,), event.time)

    def asks(self, event: Send) -> None:
        """A candidate's claims about its log are true (§5.4.1)."""
        message, server = event.message, self._shadow.servers[event.server]
        if not server.saves or not server.trusted or is_repeat(server, event):
            return
        said = (message.term, message.last_log_index, message.last_log_term)
        if said in [(other.term, other.last_log_index, other.last_log_term) for other in server.asked.values()]:
            return  # as in its messages to others when that election began: this one was under way since then
        index, term, log = message.last_log_index, message.last_log_term, server.disk
        if message.term != server.disk_term or log.last_term is None or (index, term) == (log.last, log.last_term):
            return
        if self._was_last(server, message) or self._is_ahead_of_disk(server, index, term):
            return
        text = (
            f"server {server.id} asked for votes with a log that ends at index {index} of term {term}, "
            f"but the log on its disk ends at index {log.last} of term {log.last_term}"
        )
        rule = "VoteOnlyUpToDate"
        if index == log.last == log.base > 0:
            rule = "SnapshotTermKept"
        elif index > log.last and self._shadow.stage.has(PERSISTENCE):
            rule = "SavedBeforeSend"
        elif server.incarnation > 0 and index < log.last and self._shadow.stage.has(PERSISTENCE):
            rule = "RestoredOnRestart"
        raise Violation(rule, text, (server.id,), event.time)

    def _is_ahead_of_disk(self, server: ShadowServer, index: int, term: int) -> bool:
        """Return whether a log may end so in memory: the disk is later, and no vote is a promise about it."""
        if index <= server.disk.last:
            return False
        is_own = term == server.own_end[0] and index <= server.own_end[1]
        return is_own or self._shadow.may_have_taken(server, index, term)

    def _was_last(self, server: ShadowServer, message: RequestVoteArgs) -> bool:
        """Return whether an election is over, and its leader may have changed the candidate's log since it began.

        Such a request shows the log of an earlier moment than the disk: it waited while the leader's entries came.
        """
        index, term = message.last_log_index, message.last_log_term
        if server.heard_leader_of != message.term:
            return False
        return (
            (index, term) == server.last_before
            or (index >= server.last_before[0] and server.disk.has(index, term))
            or self._shadow.may_have_taken(server, index, term)
        )
