"""The baseline for the simulator: the simplest network in trio, with one task per message.

Time is trio's own MockClock, which jumps when all tasks wait. Nothing is encoded, recorded or checked, and the order of
tasks is random: this is the least that a network of tasks can do. Same fan-out and same delays as labs.bench.flood.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import trio

from labs.bench.flood import IN_FLIGHT
from labs.messages import AppendEntriesArgs, AppendEntriesReply, LogEntry


@dataclass
class Call:
    """A call under way."""

    peer: int
    args: AppendEntriesArgs
    returned: trio.Event
    reply: AppendEntriesReply | None = None


class Network:
    """One leader, and `servers - 1` followers that answer it, until `calls` calls have returned."""

    def __init__(self, servers: int, calls: int, entries: int, delay: tuple[float, float]) -> None:
        self.servers, self.calls, self.delay = servers, calls, delay
        self.log = [LogEntry(1, 1000 + number) for number in range(entries)]
        self.returned = 0
        self.random = random.Random(1)
        self.nursery: trio.Nursery

    async def run(self) -> None:
        async with trio.open_nursery() as self.nursery:
            for peer in range(1, self.servers):
                for _ in range(IN_FLIGHT):
                    self.nursery.start_soon(self.keep_calling, peer)

    async def keep_calling(self, peer: int) -> None:
        while self.returned < self.calls:
            call = Call(peer, AppendEntriesArgs(1, 0, 0, 0, self.log.copy(), len(self.log)), trio.Event())
            self.nursery.start_soon(self.carry_request, call)
            await call.returned.wait()
            self.returned += 1

    async def carry_request(self, call: Call) -> None:
        await trio.sleep(self.random.uniform(*self.delay))
        reply = AppendEntriesReply(call.args.term, success=True)
        self.nursery.start_soon(self.carry_reply, call, reply)

    async def carry_reply(self, call: Call, reply: AppendEntriesReply) -> None:
        await trio.sleep(self.random.uniform(*self.delay))
        call.reply = reply
        call.returned.set()


def run(servers: int, calls: int, entries: int, delay: tuple[float, float]) -> int:
    """Carry this many calls; return how many returned."""
    from trio.testing import MockClock  # imports pytest if that is installed: nothing else should wait for it

    network = Network(servers, calls, entries, delay)
    trio.run(network.run, clock=MockClock(autojump_threshold=0))
    return network.returned
