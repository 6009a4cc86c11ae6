"""The ports of a submission's server: its node, and the sending end of the apply channel.

Both only pass values on to the incarnation (labs.sim.server.incarnation), which checks and encodes them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable
from typing import Any, Protocol

import trio

from labs.codec import messages as codec
from labs.messages import Args, Reply
from labs.sim.server.persister import DiskPersister


class Owner(Protocol):
    """What the ports need of the incarnation that they belong to (`labs.sim.server.incarnation.Incarnation`)."""

    service_time: float

    def find_class(self, name: str, /) -> type | None: ...
    def call(self, peer: int, args: Any, how: str = "call", /) -> int: ...
    def wait(self, call: int) -> Awaitable[bytes | None]: ...
    def apply(self, message: Any) -> None: ...
    def note(self, text: object) -> None: ...


class ServerNode:
    """What the submission sees as its `Node` (labs.node.Node)."""

    def __init__(
        self, incarnation: Owner, me: int, peers: tuple[int, ...], persister: DiskPersister, generator: random.Random
    ) -> None:
        self._incarnation = incarnation
        self.me = me
        self.peers = peers
        self.persister = persister
        self.random = generator

    async def call(self, peer: int, args: Args) -> Reply | None:
        """Send an RPC and wait for the reply, or for None (labs.node.Node.call)."""
        incarnation = self._incarnation
        data = await incarnation.wait(incarnation.call(peer, args))
        return None if data is None else codec.decode_message(data, incarnation.find_class)  # type: ignore[return-value]

    def send(self, peer: int, message: Any) -> None:
        """Send a message that nobody answers; only protocols that have such messages need it."""
        self._incarnation.call(peer, message, "send")

    def note(self, text: str) -> None:
        """Write a line into the trace (labs.node.Node.note)."""
        self._incarnation.note(text)


class ApplyChannel:
    """The sending end of the apply channel, with the methods of `trio.MemorySendChannel`; its buffer has no limit."""

    def __init__(self, incarnation: Owner) -> None:
        self._incarnation = incarnation

    def send_nowait(self, value: Any) -> None:
        self._incarnation.apply(value)

    async def send(self, value: Any) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()
        self._incarnation.apply(value)
        if self._incarnation.service_time:
            await trio.sleep(self._incarnation.service_time)
        else:
            await trio.lowlevel.cancel_shielded_checkpoint()

    def clone(self) -> ApplyChannel:
        return ApplyChannel(self._incarnation)

    def close(self) -> None:
        """Nothing to close: the service listens as long as the server runs."""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()

    def __enter__(self) -> ApplyChannel:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> ApplyChannel:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    def statistics(self) -> trio.MemoryChannelStatistics:
        return trio.MemoryChannelStatistics(0, math.inf, 1, 1, 0, 0, 0)
