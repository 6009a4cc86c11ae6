"""The checkers of logs: what may enter and leave them (Figure 2, AppendEntries rules 2 to 4; Figure 3)."""

from __future__ import annotations

from typing import TypeAlias

from labs.checking.checker import Checker, Violation
from labs.codec.safe_repr import short
from labs.messages import (
    AppendEntriesArgs,
    InstallSnapshotArgs,
    LogEntry,
)
from labs.raft.checkers.shadow import Shadow
from labs.raft.checkers.shadow_server import ShadowServer
from labs.raft.events import Save
from labs.trace.events import Apply, Event, Reply, Send, Start

IN_VAIN = 30
"""How many times one after the other a server may refuse a leader's request, although its log has what that follows."""
Known: TypeAlias = tuple[object, int | None, int]
"""The command of an entry, the term of the entry before it, and the server that showed it first."""


class Matching(Checker):
    """Equal index and term: equal command, equal predecessor (Figure 3, Log Matching)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._entries: dict[int, dict[int, Known]] = {}
        """For each index and term: the command, the term of the entry before (None if not known), and who had it."""
        self._floor = 0

    def on_send_append_entries(self, event: Send) -> None:
        message = event.message
        if message.entries:
            self._check(event, message.prev_log_index, message.prev_log_term, message.entries, "sent")

    def on_save(self, event: Save) -> None:
        server = self._shadow.servers[event.server]
        if event.entries:
            before = event.first_index - 1
            is_base = before == event.last_included_index
            term = event.last_included_term if is_base else server.disk.term_at(before)
            self._check(event, before, term, event.entries, "saved")
        if event.last_included_index > self._floor:
            self._forget()

    def on_start(self, event: Start) -> None:
        server = self._shadow.servers[event.server]
        if event.is_leader:
            before = server.log.term_at(event.index - 1)
            self._check(event, event.index - 1, before, [LogEntry(event.term, event.command)], "accepted")

    def _check(self, event: Event, prev: int, prev_term: int | None, entries: list[LogEntry], how: str) -> None:
        for index, entry in enumerate(entries, prev + 1):
            if index > self._floor:
                known = self._known(index, entry, prev_term, event.server)
                if known[0] is not entry.command and known[0] != entry.command:
                    how = f"sent {event.call}" if isinstance(event, Send) else how
                    text = (
                        f"server {event.server} {how} the entry of index {index} and term {entry.term} with command "
                        f"{short(entry.command, 40)}, but server {known[2]} had it with {short(known[0], 40)}"
                    )
                    own = isinstance(event, Start) and known[2] == event.server
                    raise Violation(
                        "StartAnswers" if own else "LogMatching", text, (known[2], event.server), event.time
                    )
                if prev_term is not None and known[1] is not None and known[1] != prev_term and index > 1:
                    how = f"sent {event.call}" if isinstance(event, Send) else how
                    text = (
                        f"server {event.server} {how} the entry of index {index} and term {entry.term} after one of "
                        f"term {prev_term}, but server {known[2]} had it after one of term {known[1]}"
                    )
                    raise Violation("LogMatching", text, (known[2], event.server), event.time)
            prev_term = entry.term

    def _known(self, index: int, entry: LogEntry, prev_term: int | None, server: int) -> Known:
        """Return what was first known of the entry of an index and term; it may be what is seen now."""
        terms = self._entries.get(index)
        if terms is None:
            terms = self._entries[index] = {}
        known = terms.get(entry.term)
        if known is None:
            known = terms[entry.term] = (entry.command, prev_term, server)
        return known

    def entry(self, index: int, term: int) -> Known | None:
        """Return what is known of the entry of an index and term."""
        return self._entries.get(index, {}).get(term)

    def _forget(self) -> None:
        floor = min(server.disk.base for server in self._shadow.servers)
        for index in range(self._floor + 1, floor + 1):
            self._entries.pop(index, None)
        self._floor = max(self._floor, floor)


class Applied(Checker):
    """What a service gets at an index is the command of the entry that is committed there (Figure 2, All servers 1)."""

    def __init__(self, shadow: Shadow, matching: Matching) -> None:
        self._shadow, self._matching = shadow, matching

    def on_apply(self, event: Apply) -> None:
        committed = self._shadow.committed.get(event.index)
        known = self._matching.entry(event.index, committed[0]) if committed is not None else None
        if committed is None or known is None or known[0] is event.command or known[0] == event.command:
            return
        text = (
            f"server {event.server} applied {short(event.command, 40)} at index {event.index}, but the entry that is "
            f"committed there, of term {committed[0]}, has {short(known[0], 40)}, as server {known[2]} showed"
        )
        raise Violation("CommittedIsApplied", text, (event.server,), event.time)


class Appending(Checker):
    """What AppendEntries does to a log, seen at the reply (rules 2 to 4) and at the save."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._last: dict[int, AppendEntriesArgs] = {}
        """For each server what it accepted last."""
        self._refusals: dict[int, tuple[tuple[int, int, int, int], int]] = {}
        """For each server what it refused last, and how often in a row: its incarnation, and the request's term,
        prev_log_index and prev_log_term."""

    def on_reply_append_entries(self, event: Reply) -> None:
        reply, server = event.message, self._shadow.servers[event.server]
        args = server.pending.get(event.rpc)
        if not isinstance(args, AppendEntriesArgs):
            return
        if reply.success:
            self._accepted(server, args, event)
        elif reply.term == args.term:
            self._refused(server, args, event)

    def _accepted(self, server: ShadowServer, args: AppendEntriesArgs, event: Reply) -> None:
        self._last[server.id] = args
        prev, term = args.prev_log_index, args.prev_log_term
        chance = server.chances.get(event.rpc)
        if chance is None:
            return
        if not chance.yes and server.log.lacks(prev, term) and not self._may_be_there(server, args):
            held = server.log.term_at(prev)
            has = f"ends at index {server.log.last}" if held is None else f"has an entry of term {held} there"
            text = (
                f"server {server.id} accepted AppendEntries of server {args.leader_id} after index {prev} of term "
                f"{term}, but its log {has}"
            )
            raise Violation("ConsistencyCheck", text, (server.id, args.leader_id), event.time)
        if chance.stored or not (server.saves and server.trusted):
            return
        if args.term < server.heard_leader_of:
            return  # an answer that is late: a newer leader's entries may have taken the place of these
        taken = args.entries[: self._shadow.acknowledged(server, args, event.extra) - prev]
        at = server.log.conflict(prev, [entry.term for entry in taken])
        if at is not None:
            text = (
                f"server {server.id} accepted the entry of index {at} and term {args.entries[at - prev - 1].term} from "
                f"server {args.leader_id}, but kept its own of term {server.log.term_at(at)}"
            )
            raise Violation("ConflictTruncated", text, (server.id, args.leader_id), event.time)

    def _refused(self, server: ShadowServer, args: AppendEntriesArgs, event: Reply) -> None:
        prev, term = args.prev_log_index, args.prev_log_term
        if prev < server.committed:
            self._again_and_again(server, args, event)
            return  # below that all logs are equal: it may report how far it has come, without looking
        certain = server.log.has(prev, term) and (prev > server.log.base or prev == 0 == server.log.base)
        if self._shadow.chance(server, event.rpc).no or self._shadow.in_motion(server, args.prev_log_index, args.term):
            return
        if certain and server.shown_before.get(event.rpc, 0) <= args.term:
            text = (
                f"server {server.id} refused AppendEntries of server {args.leader_id}, the leader of its term "
                f"{args.term}, after index {prev} of term {term}, but its log has that entry"
            )
            stands = server.candidate == args.term > server.followed
            rule = "StepsDown" if stands else "ConsistencyRefusal"
            short = self._shorter(server, prev)
            if rule == "ConsistencyRefusal" and short:
                rule, text = "MatchingKept", f"{text}; {short}"
            if server.incarnation > 0 and server.first_save:  # It has saved nothing since, so it has read that.
                rule = "RestoredOnRestart"
            elif server.saves and server.disk.lacks(prev, term):
                rule, text = "MatchingKept", f"{text} by what it acknowledged, and its disk has not: rule 4 appends it"
            raise Violation(rule, text, (server.id, args.leader_id), event.time)

    def _again_and_again(self, server: ShadowServer, args: AppendEntriesArgs, event: Reply) -> None:
        """Notice that a refusal below what is committed brings nobody on: the same request comes again and again."""
        prev, term = args.prev_log_index, args.prev_log_term
        asked = (server.incarnation, args.term, prev, term)
        last, count = self._refusals.get(server.id, (asked, 0))
        count = count + 1 if last == asked else 1
        self._refusals[server.id] = (asked, count)
        if count <= IN_VAIN or server.log.lacks(prev, term):
            return
        text = (
            f"server {server.id} refused AppendEntries of server {args.leader_id}, the leader of its term {args.term}, "
            f"after index {prev} of term {term}, {count} times in a row, as the leader asks so again and again; "
        )
        if prev < server.log.base:
            text += f"its log begins after index {server.log.base}, and what a snapshot covers is equal in all logs"
        else:
            text += "its log has that entry"
        raise Violation("ConsistencyRefusal", text, (server.id, args.leader_id), event.time)

    def _shorter(self, server: ShadowServer, index: int) -> str:
        """Return in words what came last, if it ended before an entry that is refused now: so the log may be cut there.

        Such a message conflicts with nothing; rule 3 names the only reason to delete an entry.
        """
        last = self._last.get(server.id)
        if last is None or last.prev_log_index + len(last.entries) >= index:
            return ""
        end = last.prev_log_index + len(last.entries)
        return (
            f"what came before that, AppendEntries of server {last.leader_id} after index {last.prev_log_index} with "
            f"{len(last.entries) or 'no'} entries, ends at index {end} and conflicts with nothing: rule 3 deletes only "
            f"what conflicts"
        )

    @staticmethod
    def _may_be_there(server: ShadowServer, args: AppendEntriesArgs) -> bool:
        """Return whether a request that it has not answered yet may have brought the entry before this one's.

        The disk would show it; if the disk is not read, answers may leave in another order than their requests.
        """
        if server.saves and server.trusted:
            return False
        for chance in server.chances.values():
            other = chance.request
            if isinstance(other, AppendEntriesArgs) and other.term <= args.term:
                at = args.prev_log_index - other.prev_log_index - 1
                if 0 <= at < len(other.entries) and other.entries[at].term == args.prev_log_term:
                    return True
        return False

    def on_save(self, event: Save) -> None:
        server = self._shadow.servers[event.server]
        if not server.saves or not server.trusted or event.last_included_index < server.disk.base:
            return
        lost = self._first_lost(server, event)
        if lost is not None and not (server.may_drop and server.may_drop <= lost):
            self._judge_loss(server, event, lost)

    @staticmethod
    def _first_lost(server: ShadowServer, event: Save) -> int | None:
        """Return the first index above the new base whose entry is gone or has another term."""
        old = server.disk
        for index in range(max(event.first_index, old.base + 1), old.last + 1):
            if index > event.last_index:
                return index
            if event.entries[index - event.first_index].term != old.term_at(index):
                return index
        return None

    def _judge_loss(self, server: ShadowServer, event: Save, lost: int) -> None:
        old = server.disk
        what = f"the entry of index {lost} and term {old.term_at(lost)}"
        causes = [request for request in server.pending.values() if self._explains(server, request, lost)]
        if not causes and event.snapshot is not None and lost <= (event.snapshot_index or 0):
            text = (
                f"server {server.id} saved a snapshot of index {event.snapshot_index} and dropped {what}, which that "
                f"covers, but the log that it saved still starts after index {event.last_included_index}"
            )
            raise Violation("SnapshotAndLogTogether", text, (server.id,), event.time)
        if self._leads(server, event.current_term):
            text = f"server {server.id} leads term {event.current_term}, but dropped {what} from its own log"
            raise Violation("LeaderAppendOnly", text, (server.id,), event.time)
        if not causes:
            restarted = server.incarnation > 0 and server.first_save
            text = (
                f"server {server.id} dropped {what} from its saved log, but nothing that reached it conflicts with it"
            )
            raise Violation("RestoredOnRestart" if restarted else "MatchingKept", text, (server.id,), event.time)
        newest = max(request.term for request in causes)
        if newest < server.followed:
            text = (
                f"server {server.id} dropped {what} from its saved log for a leader of term {newest}, "
                f"but had answered the leader of term {server.followed} before"
            )
            raise Violation("StaleTermRejected", text, (server.id,), event.time)
        self._check_tail(server, event, lost)

    def _leads(self, server: ShadowServer, term: int) -> bool:
        """Return whether the server leads a term, even if it has only just got the votes for it.

        One that has shown a newer term does not, whatever term its disk has yet.
        """
        if server.term > term:
            return False
        elected = len(server.granted.get(term, set()) | {server.id}) >= self._shadow.majority
        return server.leads == term == server.match_term or (server.candidate == term and elected)

    @staticmethod
    def _explains(server: ShadowServer, request: AppendEntriesArgs | InstallSnapshotArgs, lost: int) -> bool:
        """Return whether a request that the server is handling is a reason to drop its entry at `lost`."""
        if isinstance(request, InstallSnapshotArgs):
            covered = request.last_included_index
            return not server.disk.has(covered, request.last_included_term) or lost <= covered
        prev, old = request.prev_log_index, server.disk
        if prev == lost and old.lacks(prev, request.prev_log_term):
            return True  # dropped at once where the consistency check failed
        conflict = old.conflict(prev, [entry.term for entry in request.entries])
        return conflict is not None and conflict <= lost

    @staticmethod
    def _check_tail(server: ShadowServer, event: Save, lost: int) -> None:
        """Entries after a conflict must be gone (AppendEntries rule 3)."""
        old = server.disk
        changed = False
        for index in range(lost, min(old.last, event.last_index) + 1):
            term = event.entries[index - event.first_index].term
            if term != old.term_at(index):
                changed = True
            elif changed and not any(
                isinstance(request, AppendEntriesArgs) and index <= request.prev_log_index + len(request.entries)
                for request in server.pending.values()
            ):
                text = (
                    f"server {server.id} replaced its entry of index {lost}, of term {old.term_at(lost)}, but kept the "
                    f"one of index {index} and term {term} that came after it"
                )
                raise Violation("ConflictTruncated", text, (server.id,), event.time)
