"""What a leader knows of one peer, and how it may send to it: probing, streaming, or waiting for a snapshot."""

from __future__ import annotations

from enum import Enum

MAX_INFLIGHT = 16


class Mode(Enum):
    """How entries go to a peer."""

    PROBE = "probe"  # One message at a time, until one is taken.
    REPLICATE = "replicate"  # A stream: next moves on when a message leaves.
    SNAPSHOT = "snapshot"  # A snapshot is on its way; nothing else is sent.


class Progress:
    """One peer's progress. Invariant: match < next; the entries between are on their way."""

    def __init__(self, next_index: int) -> None:
        self.match = 0
        self.next = next_index
        self.mode = Mode.PROBE
        self.paused = False
        self.active = False  # Whether it was heard since the last check of the quorum.
        self.pending_snapshot = 0
        self.inflight: list[int] = []  # The last index of each message on its way, in order.
        self.sent_commit = 0

    def become(self, mode: Mode, next_index: int) -> None:
        """Enter a mode."""
        self.mode = mode
        self.next = next_index
        self.paused = False
        self.pending_snapshot = 0
        self.inflight = []
        self.sent_commit = min(self.sent_commit, self.next - 1)

    def become_probe(self) -> None:
        """Probe after what is known to match, or after the snapshot that was sent."""
        self.become(Mode.PROBE, max(self.match, self.pending_snapshot) + 1)

    def become_replicate(self) -> None:
        """Stream from after what is known to match."""
        self.become(Mode.REPLICATE, self.match + 1)

    def become_snapshot(self, index: int) -> None:
        """Wait for a snapshot to arrive."""
        self.become(Mode.SNAPSHOT, index + 1)
        self.pending_snapshot = index

    def is_full(self) -> bool:
        """Return whether no more messages with entries may leave."""
        return self.mode is Mode.REPLICATE and len(self.inflight) >= MAX_INFLIGHT

    def is_paused(self) -> bool:
        """Return whether nothing should be sent now."""
        return self.mode is Mode.SNAPSHOT or self.paused

    def sent(self, count: int, commit: int) -> None:
        """Note that a message with this many entries has left."""
        if self.mode is Mode.REPLICATE:
            if count:
                self.next += count
                self.inflight.append(self.next - 1)
            self.paused = self.is_full()
        elif count:
            self.paused = True
        self.sent_commit = commit

    def can_bump_commit(self, commit: int) -> bool:
        """Return whether a message with this commit index may be news to the peer."""
        return commit > self.sent_commit and self.sent_commit < self.next - 1

    def free_up_to(self, index: int) -> None:
        """Forget the messages that an answer covers."""
        self.inflight = [last for last in self.inflight if last > index]

    def maybe_update(self, index: int) -> bool:
        """Take a success; return whether it is news."""
        if index <= self.match:
            return False
        self.match = index
        self.next = max(self.next, index + 1)
        self.paused = False
        return True

    def maybe_go_back(self, rejected: int, hint: int) -> bool:
        """Take a refusal of what came after `rejected`; return whether it is news and not an old one."""
        if self.mode is Mode.REPLICATE:
            if rejected <= self.match:
                return False
            self.next = self.match + 1
        elif self.next - 1 != rejected:
            return False
        else:
            self.next = max(min(rejected, hint + 1), self.match + 1)
        self.sent_commit = min(self.sent_commit, self.next - 1)
        self.paused = False
        return True
