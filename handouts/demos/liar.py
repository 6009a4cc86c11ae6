"""A server that is honest until it gets the command to lie. Then it claims to lead, and sends each peer something else.

The demonstration puts it beside the submission's raft.py; it derives from the class there.
"""

from __future__ import annotations

import trio
from raft import Raft  # type: ignore[import-not-found]

from labs.messages import AppendEntriesArgs, AppendEntriesReply, Command, LogEntry

LIE = "from now on, lie"
"""The command from handouts/demos/byzantine.py."""


class Server(Raft):  # type: ignore[misc]
    """An honest server, except for one command."""

    index, term = 0, 0
    """The end of the last leader's log."""

    async def run(self) -> None:
        async with trio.open_nursery() as self.all_tasks:
            self.all_tasks.start_soon(super().run)

    def append_entries(self, args: AppendEntriesArgs) -> AppendEntriesReply:
        reply: AppendEntriesReply = super().append_entries(args)
        if reply.success:
            self.index = args.prev_log_index + len(args.entries)
            self.term = args.entries[-1].term if args.entries else args.prev_log_term
        return reply

    def start(self, command: Command) -> tuple[int, int, bool]:
        if command != LIE:
            answer: tuple[int, int, bool] = super().start(command)
            return answer
        for peer in self.node.peers:
            self.all_tasks.start_soon(self.lie_to, peer, self.get_state()[0] + 100)
        return -1, self.get_state()[0], False

    async def lie_to(self, peer: int, term: int) -> None:
        """Act as a leader that nobody elected, in a term without an election, with an entry for this peer alone."""
        entry = LogEntry(term, f"x = {100 + peer}")
        args = AppendEntriesArgs(term, self.node.me, self.index, self.term, [entry], self.index + 1)
        while True:
            with trio.move_on_after(0.05):
                await self.node.call(peer, args)
            await trio.sleep(0.05)
