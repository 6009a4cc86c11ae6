"""Variants of log compaction: what stays in the log, what a snapshot does to it, and when one is sent."""

from __future__ import annotations

from tests.corpora.variants import Variant
from tests.corpora.variants.elections import DATACLASSES, FIRST_CLASS, STATE, merged
from tests.corpora.variants.replication import NEXT_AFTER_REFUSAL
from tests.corpora.variants.storage import RESTORED, SAVES, SNAPSHOT_HEAD

APPLIES_SAVED_SNAPSHOT = """        data = self.node.persister.snapshot()
        if data is not None:
            self.apply_ch.send_nowait(ApplySnapshot(self.last_included_index, self.last_included_term, data))

"""
COMPACTS = (
    '        """Forget the entries up to `index`: the service has put all their effects into `snapshot` (§7)."""\n'
)
COMPACTION = """        term = self.term_at(index)
        self.log = self.log[self.position(index + 1) :]
        self.last_included_index = index
        self.last_included_term = term
        self.save(snapshot)
"""
COVERED = "        covered = args.prev_log_index < self.last_included_index\n"
IS_STALE = """        if args.last_included_index <= self.commit_index:
            return InstallSnapshotReply(self.current_term)
"""
SENDS_SNAPSHOT = (
    "        base = (self.last_included_index, self.last_included_term)\n        args = InstallSnapshotArgs("
)
INSTALLS = """        self.last_included_index = args.last_included_index
        self.last_included_term = args.last_included_term
"""

TRAILING = (
    DATACLASSES,
    (
        FIRST_CLASS,
        '''@dataclass(frozen=True, slots=True)
class TrailingState(PersistentState):
    """Knows where the snapshot ends, for the log begins before."""

    snapshot_index: int = 0
    snapshot_term: int = 0


'''
        + FIRST_CLASS,
    ),
    (STATE, STATE + "        self.snapshot_end = (0, 0)\n"),
    (
        SAVES,
        """        state = TrailingState(self.current_term, self.voted_for, self.log, *base, *self.snapshot_end)
        self.node.persister.save(state, snapshot)
""",
    ),
    (
        RESTORED,
        """        assert isinstance(state, TrailingState)
        self.snapshot_end = (state.snapshot_index, state.snapshot_term)
        self.commit_index = self.last_applied = state.snapshot_index
""",
    ),
    (
        APPLIES_SAVED_SNAPSHOT,
        """        data = self.node.persister.snapshot()
        if data is not None:
            self.apply_ch.send_nowait(ApplySnapshot(*self.snapshot_end, data))

""",
    ),
    (
        "        if index <= self.last_included_index:\n            return\n" + COMPACTION,
        """        if index <= self.snapshot_end[0]:
            return
        self.snapshot_end = (index, self.term_at(index))
        # The last few entries stay, for peers that lack no more than these.
        base = max(self.last_included_index, index - 7)
        term = self.term_at(base)
        self.log = self.log[self.position(base + 1) :]
        self.last_included_index = base
        self.last_included_term = term
        self.save(snapshot)
""",
    ),
    (INSTALLS, INSTALLS + "        self.snapshot_end = (args.last_included_index, args.last_included_term)\n"),
    (SENDS_SNAPSHOT, "        base = self.snapshot_end\n        args = InstallSnapshotArgs("),
)

VARIANTS = (
    Variant(
        "keeps_trailing_entries",
        "keeps the last seven entries before the end of its snapshot, so its log begins earlier than that",
        "a peer that lacks a few entries gets these; the log is still bounded",
        TRAILING,
    ),
    Variant(
        "applies_trailing_again",
        "after a restart it hands no snapshot to the service, but applies again all entries that it still has",
        "an incarnation begins its own history: from the snapshot on, or from an entry that the snapshot covers",
        merged(
            TRAILING,
            (
                (
                    APPLIES_SAVED_SNAPSHOT,
                    """        self.last_applied = self.last_included_index
        self.apply_committed()

""",
                ),
            ),
        ),
    ),
    Variant(
        "leaves_snapshot_to_service",
        "after a restart it does not hand the snapshot to the service, which reads it from the disk itself",
        "the service of this lab does that; the first thing applied follows the snapshot",
        ((APPLIES_SAVED_SNAPSHOT, "\n"),),
    ),
    Variant(
        "snapshots_late",
        "keeps what the service gives it for up to 0.05 s before it shortens its log by it",
        "a log that is longer for a while is no less right",
        (
            (
                COMPACTS,
                COMPACTS
                + """        self.nursery.start_soon(self.snapshot_later, index, snapshot)

    async def snapshot_later(self, index: int, snapshot: bytes) -> None:
        \"\"\"Shorten the log, unless a newer snapshot has done it.\"\"\"
        await trio.sleep(self.node.random.uniform(0.0, 0.05))
""",
            ),
        ),
    ),
    Variant(
        "snapshots_now_and_then",
        "ignores every other snapshot that the service offers",
        "compaction is there to bound the log, and it is bounded",
        (
            (STATE, STATE + "        self.offers = 0\n"),
            (COMPACTS, COMPACTS + "        self.offers += 1\n        if self.offers % 2 == 1:\n            return\n"),
        ),
    ),
    Variant(
        "refuses_below_its_snapshot",
        "refuses AppendEntries that begin inside its snapshot, and asks for what follows the snapshot",
        "the leader goes on where the answer asks it to; the rest is committed and needs no check",
        (
            (
                COVERED,
                """        if args.prev_log_index < self.last_included_index:
            hint = self.last_included_index + 1
            return AppendEntriesReply(self.current_term, success=False, conflict_index=hint)
        covered = False
""",
            ),
        ),
    ),
    Variant(
        "snapshot_instead_of_backup",
        "sends its snapshot to any peer that refuses, though its log might still do",
        "a snapshot covers committed entries only, for any receiver; it costs more bytes",
        (
            (
                NEXT_AFTER_REFUSAL,
                NEXT_AFTER_REFUSAL
                + """        if self.last_included_index > self.match_index[peer]:
            next_index = min(next_index, self.last_included_index)
""",
            ),
        ),
    ),
    Variant(
        "pushes_snapshots",
        "a leader sends each snapshot that its service takes to all peers at once, whether they need it or not",
        "who has applied that much ignores it; it costs more bytes",
        (
            (
                COMPACTION,
                COMPACTION
                + """        if self.role is Role.LEADER:
            for peer in self.node.peers:
                self.nursery.start_soon(self.send_snapshot, peer)
""",
            ),
            (
                '        """Send the snapshot in place of entries that are gone (Figure 13)."""\n',
                '        """Send the snapshot in place of entries that are gone (Figure 13)."""\n'
                "        if self.role is not Role.LEADER:\n            return\n",
            ),
        ),
    ),
    Variant(
        "takes_over_old_snapshots",
        "takes a leader's snapshot of what it has itself applied in place of entries in its own log",
        "both hold the same; the service is not touched",
        (
            (
                IS_STALE,
                """        if args.last_included_index <= self.commit_index:
            self.snapshot(args.last_included_index, args.data)
            return InstallSnapshotReply(self.current_term)
""",
            ),
        ),
    ),
    Variant(
        "late_word_on_old_snapshots",
        "answers a snapshot that it does not need 0.3 s later",
        "the leader has other ways to find out what it has",
        (
            (
                SNAPSHOT_HEAD,
                '''    async def install_snapshot(self, args: InstallSnapshotArgs) -> InstallSnapshotReply:
        """Follow a leader, and take one's time if there is nothing to do."""
        useless = args.term < self.current_term or args.last_included_index <= self.commit_index
        answer = self.install(args)
        if useless:
            await trio.sleep(0.3)
        return answer

'''
                + SNAPSHOT_HEAD.replace("install_snapshot", "install"),
            ),
        ),
    ),
    Variant(
        "chunks",
        "sends its snapshot in pieces of 12 bytes, numbered in fields of its own",
        "the follower installs it when all have come, and the leader counts it only then (Figure 13)",
        (
            DATACLASSES,
            (
                FIRST_CLASS,
                '''@dataclass(frozen=True, slots=True)
class Chunk(InstallSnapshotArgs):
    """A piece of a snapshot, and where it belongs."""

    offset: int = 0
    done: bool = True


@dataclass(frozen=True, slots=True)
class ChunkReply(InstallSnapshotReply):
    """Says how many bytes are there by now; None: all."""

    received: int | None = None


'''
                + FIRST_CLASS,
            ),
            (STATE, STATE + '        self.pieces: tuple[tuple[int, int], bytes] = ((0, 0), b"")\n'),
            (
                IS_STALE,
                IS_STALE
                + """        assert isinstance(args, Chunk)
        end = (args.last_included_index, args.last_included_term)
        known, so_far = self.pieces
        if known != end:
            so_far = b""
        if args.offset == len(so_far):
            so_far += args.data
            self.pieces = (end, so_far)
        if not args.done or args.offset + len(args.data) != len(so_far):
            return ChunkReply(self.current_term, received=len(so_far))
        args = InstallSnapshotArgs(args.term, args.leader_id, *end, so_far)
""",
            ),
            (
                "        args = InstallSnapshotArgs(self.current_term, self.node.me, *base, data)\n"
                "        with trio.move_on_after(RPC_TIMEOUT):\n"
                "            reply = await self.node.call(peer, args)\n"
                "            if reply is not None:\n"
                "                self.take_snapshot_reply(peer, args, reply)\n",
                """        term, offset = self.current_term, 0
        while self.is_still(Role.LEADER, term):
            piece = data[offset : offset + 12]
            args = Chunk(term, self.node.me, *base, piece, offset, offset + len(piece) == len(data))
            reply = None
            with trio.move_on_after(RPC_TIMEOUT):
                reply = await self.node.call(peer, args)
            if reply is None:
                return
            if not isinstance(reply, ChunkReply) or reply.received is None:
                self.take_snapshot_reply(peer, args, reply)
                return
            offset = reply.received
""",
            ),
        ),
    ),
)
