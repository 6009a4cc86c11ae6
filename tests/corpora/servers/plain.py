"""A correct server that does little: it answers pings, and pings its peers ten times a second. No Raft.

Other servers here derive from it, and change one thing.
"""

from __future__ import annotations

from typing import Any

import trio

from labs.messages import ApplyMsg, PingArgs, PingReply
from labs.node import Node

PAUSE = 0.1
"""Seconds between two rounds of pings."""


class Plain:
    """Notes each reply, or that none came. The answers are of type Any because those that derive from it lie."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node = node
        self.apply_ch = apply_ch

    async def run(self) -> None:
        """Ping every peer in rounds, without waiting for the replies of the round before."""
        async with trio.open_nursery() as nursery:
            number = 0
            while True:
                number += 1
                for peer in self.node.peers:
                    nursery.start_soon(self.ping_peer, peer, PingArgs(number))
                await trio.sleep(PAUSE)

    async def ping_peer(self, peer: int, args: PingArgs) -> None:
        """Ping one peer, and note what comes of it."""
        self.node.note(f"{peer} answered {await self.node.call(peer, args)}")

    def ping(self, args: PingArgs) -> Any:
        return PingReply(args.number)

    def get_state(self) -> Any:
        return 0, False

    def start(self, command: Any) -> Any:
        return -1, 0, False

    def snapshot(self, index: int, snapshot: bytes) -> Any:
        return None


class Raft(Plain):
    """What the simulator looks for."""
