"""The judges of commitment: what a leader may count, and what a follower may apply (§5.3, §5.4.2)."""

from __future__ import annotations

from labs.messages import AppendEntriesArgs
from labs.oracles.shadow import Shadow, ShadowServer
from labs.oracles.violation import Oracle, Violation
from labs.trace.events import Apply, Event, Restart, Send, Start

GRACE = 0.05
"""Virtual seconds in which a message that was under way inside a server may still leave it."""


class Commitment(Oracle):
    """Nobody takes for committed what is not (Figure 2, Leaders 4; AppendEntries rule 5)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._sent: dict[int, tuple[int, int, float]] = {}
        """For each leader its term, its highest leader_commit, and when it first sent that."""

    def on_restart(self, event: Restart) -> None:
        self._sent.pop(event.server, None)

    def on_send(self, event: Send) -> None:
        message = event.message
        if not isinstance(message, AppendEntriesArgs):
            return
        server = self._shadow.servers[event.server]
        commit, term = message.leader_commit, message.term
        known = self._sent.get(server.id)
        if known is None or known[0] != term or commit > known[1]:
            if commit > self._shadow.may_commit(server):
                self._too_high(server, commit, term, f"sent leader_commit={commit}", event)
            self._check_durable(server, commit, event)
            self._sent[server.id] = (term, commit, event.time)
        elif commit < min(known[1], message.prev_log_index + len(message.entries)) and event.time > known[2] + GRACE:
            text = (
                f"server {server.id}, leader of term {term}, sent leader_commit={commit}, "
                f"but had sent {known[1]} at t={known[2]:.3f} s"
            )
            raise Violation("CommitNeverDecreases", text, (server.id,), event.time)

    def on_apply(self, event: Apply) -> None:
        server = self._shadow.servers[event.server]
        if event.index > self._shadow.may_commit(server):
            if server.leads is not None:
                self._too_high(server, event.index, server.leads, f"applied index {event.index}", event)
            self._follower_too_high(server, event)
        if server.leads is not None:
            self._check_durable(server, event.index, event)

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
            f"server {server.id}, leader of term {term}, {how}, but the highest index that it may take for committed is "
            f"{self._shadow.may_commit(server)} (acknowledged in this term by its peers: {acknowledged})"
        )
        raise Violation("CommitNeedsMajority", text, (server.id,), event.time)

    def _follower_too_high(self, server: ShadowServer, event: Apply) -> None:
        told, verified = server.told, server.verified
        text = (
            f"server {server.id} applied index {event.index}, but the leader of term {told[0]} told it of commits up to "
            f"{told[1]}, and its log is known to match the leader's up to {verified[1]} only"
        )
        rule = "CommitBound"
        if server.told == (0, 0):
            text = f"server {server.id} applied index {event.index}, but no leader has told it of any commit"
        if event.index > server.disk_snapshot and server.incarnation > 0 and server.told == (0, 0):
            text += " since its restart"
        raise Violation(rule, text, (server.id,), event.time)

    def _check_durable(self, server: ShadowServer, index: int, event: Event) -> None:
        """A leader counts its own log only as far as it is saved (§5.3; stage 2C)."""
        if not self._shadow.from_stage("2C") or index <= server.committed or server.match_term == 0:
            return
        if server.told[0] == server.verified[0] and index <= min(server.told[1], server.verified[1]):
            return
        if index > self._shadow.counted(server, durable=True):
            text = (
                f"server {server.id}, leader of term {server.match_term}, took index {index} for committed and counted "
                f"itself, but its disk holds the log up to index {server.disk.last} only"
            )
            raise Violation("SavedBeforeSend", text, (server.id,), event.time)


class StartAnswers(Oracle):
    """What `start` answers (Figure 2, Leaders 2)."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow
        self._accepted: dict[int, tuple[int, int]] = {}
        """For each server the term and index of the last command that it accepted."""

    def on_restart(self, event: Restart) -> None:
        self._accepted.pop(event.server, None)

    def on_start(self, event: Start) -> None:
        server = self._shadow.servers[event.server]
        if not event.is_leader:
            return
        held = server.log.term_at(event.index)
        accepted = self._accepted.get(server.id, (0, 0))
        if event.index < server.log.last or held not in (None, event.term) or (event.term, event.index) <= accepted:
            text = (
                f"server {server.id} accepted {event.command!r} at index {event.index} in term {event.term}, "
                f"but its log reached index {max(server.log.last, accepted[1])} already"
            )
            raise Violation("StartAnswers", text, (server.id,), event.time)
        self._accepted[server.id] = (event.term, event.index)
        if event.term < server.term:
            text = f"server {server.id} accepted a command in term {event.term}, but is in term {server.term}"
            raise Violation("StartAnswers", text, (server.id,), event.time)
