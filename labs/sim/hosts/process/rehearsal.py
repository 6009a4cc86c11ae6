"""A rehearsal for the zygote: runs a small server of the lab's own in it, as a child would.

So everything that a server needs is loaded, and Python and trio have prepared for first use before the fork. The server
here has nothing of a submission in it.
"""

from __future__ import annotations

import socket
from pathlib import Path

from labs.codec import messages as codec
from labs.codec.rpcs import RPC_OF
from labs.messages import AppendEntriesArgs, LogEntry
from labs.sim import scheduler
from labs.sim.hosts.process import frames
from labs.sim.hosts.process.worker import Child
from labs.sim.loader.sources import compile_all
from labs.sim.server.disk import Disk

SERVER = b"""
import random, time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
import trio
from labs.messages import *
from labs.node import Node

class Role(Enum):
    FOLLOWER = 1
    LEADER = 2

@dataclass
class Progress:
    next_index: int = 1
    waiting: list = field(default_factory=list)

class Raft:
    def __init__(self, node: Node, apply_ch):
        self.node, self.apply_ch, self.role, self.log = node, apply_ch, Role.FOLLOWER, []
        self.progress = Progress()
        self.event = trio.Event()
        node.persister.load()

    async def run(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.ask, 1)
            while True:
                with trio.move_on_after(0.1):
                    await self.event.wait()
                await trio.sleep(random.uniform(0.1, 0.2))

    async def ask(self, peer):
        with trio.move_on_after(0.3):
            await self.node.call(peer, RequestVoteArgs(1, self.node.me, 0, 0))

    def get_state(self):
        return 1, self.role is Role.LEADER

    def request_vote(self, args):
        return RequestVoteReply(1, True)

    def append_entries(self, args):
        self.log += args.entries
        self.node.persister.save(PersistentState(1, None, self.log))
        self.apply_ch.send_nowait(ApplyCommand(len(self.log), args.entries[-1].command))
        self.node.note("entries")
        print(time.time())
        return AppendEntriesReply(1, True)

    def start(self, command):
        self.event.set()
        return 1, 1, False
"""


class _Rehearsal(Child):
    """A child whose simulator has sent everything in advance, and is gone then."""

    def __init__(self, script: list[frames.ToServer]) -> None:
        self.said: list[frames.FromProcess] = []
        self._script = iter(script)
        ours, self._theirs = socket.socketpair()
        super().__init__(ours, dict)

    def run(self) -> None:
        try:
            super().run()
        finally:
            self._link.close()
            self._theirs.close()

    def _send(self, record: frames.FromProcess) -> None:
        frames.send(self._link, record)
        data = frames.receive(self._theirs, frames.CHUNK)
        self.said.append(frames.decode_from_server(data) if self.said else frames.decode_from_beginner(data))

    def _receive(self) -> frames.ToServer:
        record = next(self._script, None)
        if record is None:
            raise frames.Closed("the rehearsal is over")
        frames.send(self._theirs, record)
        return super()._receive()


def rehearse() -> None:
    """Go through what a server's process does in its first steps; raise RuntimeError if that goes wrong."""
    if AppendEntriesArgs not in RPC_OF:
        return  # the server here speaks Raft
    modules = compile_all({"raft.py": SERVER}, Path("/"))
    entries = codec.encode_message(AppendEntriesArgs(1, 1, 0, 0, [LogEntry(1, "x")], 0))
    rehearsal = _Rehearsal(
        [
            frames.Begin(1, 0.0, 0, 0, 2, 0, scheduler.MAX_PASSES, "/", "raft.py", "Raft", False, modules, Disk()),
            frames.Step(2, 0.0, []),
            frames.Step(3, 0.01, [frames.Request(1, entries)]),
            frames.Step(4, 0.4, [frames.Reply(1, None)]),
            frames.Ask(5, 0.4, [], "start", True, 0, codec.encode_command("y")),
        ]
    )
    rehearsal.run()
    last = rehearsal.said[5] if len(rehearsal.said) > 5 else rehearsal.said[-1]
    if not isinstance(last, frames.Answer) or last.result != [1, 1, False]:
        raise RuntimeError(f"the zygote's rehearsal went wrong: {last}")
