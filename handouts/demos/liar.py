"""A server that is honest until it is told to lie. Then it says that it leads, and tells each peer something else.

It lies beside the submission's raft.py when the demonstration runs, and derives from whatever that says.
"""

from __future__ import annotations

import trio
from raft import Raft  # type: ignore[import-not-found]

from labs.messages import AppendEntriesArgs, AppendEntriesReply, Command, LogEntry

LIE = "from now on, lie"
"""What handouts/demos/byzantine.py tells it."""


class Server(Raft):  # type: ignore[misc]
    """An honest server, but for one command."""

    index, term = 0, 0
    """Where the log of the leader that was heard last ended."""

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
        """Be a leader that nobody elected, of a term that never was, with an entry for this peer alone."""
        entry = LogEntry(term, f"x = {100 + peer}")
        args = AppendEntriesArgs(term, self.node.me, self.index, self.term, [entry], self.index + 1)
        while True:
            with trio.move_on_after(0.05):
                await self.node.call(peer, args)
            await trio.sleep(0.05)
