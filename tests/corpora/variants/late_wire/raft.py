"""Queues of threads: each request and each answer waits 0 to 45 ms on its own before it leaves, in no order.

The promises of an answer were decided, and on the disk, when the handler worked; by the time it leaves, the server may
have a newer term and other entries, as if the network were slower.
"""

import trio
from plain import Raft as Plain


class Wire:
    def __init__(self, node):
        self.node = node

    def __getattr__(self, name):
        return getattr(self.node, name)

    async def call(self, peer, args):
        await trio.sleep(self.node.random.uniform(0, 0.045))
        return await self.node.call(peer, args)


class Raft(Plain):
    def __init__(self, node, apply_ch):
        super().__init__(Wire(node), apply_ch)

    async def late(self, reply):
        await trio.sleep(self.node.random.uniform(0, 0.045))
        return reply

    async def request_vote(self, args):
        return await self.late(await super().request_vote(args))

    async def append_entries(self, args):
        return await self.late(super().append_entries(args))

    async def install_snapshot(self, args):
        return await self.late(super().install_snapshot(args))
