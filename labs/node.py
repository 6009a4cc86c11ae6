"""Everything that one server may see and do: its id, its peers, calls to them, its disk, its random numbers, its notes.

A submission imports `Node`. Time is plain trio (`trio.sleep`, `trio.current_time`, `trio.move_on_after`); the simulator
runs it on a virtual clock. Knows nothing of other servers' state, of the network's faults, or of the tests.
"""

from __future__ import annotations

import random
from typing import Protocol, overload

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    Args,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    PersistentState,
    PingArgs,
    PingReply,
    Reply,
    RequestVoteArgs,
    RequestVoteReply,
)


class Persister(Protocol):
    """A server's disk. It survives crashes; nothing else does."""

    def save(self, state: PersistentState, snapshot: bytes | None = None) -> None:
        """Write the state, and the snapshot unless it is None, in one step: after a crash both are there or neither.

        `None` keeps the snapshot that is there. The values are copied at the call.
        """

    def load(self) -> PersistentState | None:
        """Return the state saved last, in new objects, or None on a server's first start."""

    def snapshot(self) -> bytes | None:
        """Return the snapshot saved last, or None if there is none."""


class Node(Protocol):
    """One server's view of the world. The simulator makes it and hands it to `Raft`."""

    me: int
    """This server's id."""
    peers: tuple[int, ...]
    """The ids of the other servers, without this one."""
    persister: Persister
    """This server's disk."""
    random: random.Random
    """This server's own generator. Draw timeouts from it: the same seed gives the same run."""

    @overload
    async def call(self, peer: int, args: RequestVoteArgs) -> RequestVoteReply | None: ...
    @overload
    async def call(self, peer: int, args: AppendEntriesArgs) -> AppendEntriesReply | None: ...
    @overload
    async def call(self, peer: int, args: InstallSnapshotArgs) -> InstallSnapshotReply | None: ...
    @overload
    async def call(self, peer: int, args: PingArgs) -> PingReply | None: ...

    async def call(self, peer: int, args: Args) -> Reply | None:
        """Send an RPC and wait for the reply, or for None when none comes.

        None means that request or reply was lost or cut off, or that the peer is down: you cannot know which, and it
        can take up to 7 s of virtual time to find out. Wait less with `trio.move_on_after`.
        """

    def note(self, text: str) -> None:
        """Write a line into the trace, for reading a run afterwards."""
