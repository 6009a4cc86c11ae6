"""The warm-up: a finished server to read, run, and break, before you write your own.

Server 0 sends the numbers 1 to 10 to each of the other servers. The network loses a tenth of all requests and a tenth
of all replies, and delays the rest. Even so, each server hands each number to its service exactly once, and in order.

    server 0                                   server 1                      its service
       | --- PingArgs(1) ------------------------> |  -- ApplyCommand(1, ..) ---> |
       | <------------------------ PingReply(1) -- |                              |
       | --- PingArgs(2) ------------------------> |  -- ApplyCommand(2, ..) ---> |
       |          (lost)  X <----- PingReply(2) -- |                              |
       | --- PingArgs(2) ------------------------> |  it had that: hands over     |
       | <------------------------ PingReply(2) -- |                              |

All of this returns in Raft: a task for each peer, a call that may get no reply, a retry, a handler that gets the same
message twice, and a service that must not notice.

There are three ways to break it. Make one change, run the test, read its output, and undo the change. All three break
the rule ApplyInOrder, each in its own way; other seeds show it at other numbers.

1.  Give up: in `send_numbers_to`, call `ask(peer, number)` once, without the loop around it.
    A number whose request was lost never arrives, and the next one comes in its place:
    "server 1 applied index 4, but the last that it had applied was 2". Yet some seeds pass: luck proves nothing.
2.  Trust the network: in `ping`, remove the `if`, and hand over every number that arrives.
    Where only the reply was lost, the number arrives again: "server 1 applied index 3, but the last that it had applied
    was 3". In the trace the request arrives twice, and between the two arrivals a reply is lost.
3.  Hurry: in `run`, start a task for each peer and number, instead of one for each peer.
    Each number is still sent until its reply comes, but now one number may overtake another: "server 2 applied index 3,
    but the last that it had applied was 0". And when 1 and 2 arrive: what does `ping` take them for?
"""

from __future__ import annotations

import trio

from labs.messages import ApplyCommand, ApplyMsg, PingArgs, PingReply
from labs.node import Node

NUMBERS = range(1, 11)
PATIENCE = 0.1
"""How long to wait for a reply before asking again: seconds of virtual time, four times the longest delay."""


class Warmup:
    """One server. All servers run this class; server 0 sends, the others receive."""

    def __init__(self, node: Node, apply_ch: trio.MemorySendChannel[ApplyMsg]) -> None:
        self.node = node
        self.apply_ch = apply_ch
        self.last_number = 0  # The last number that this server handed to its service.

    async def run(self) -> None:
        """Run until the simulator cancels this task, which is how a server crashes.

        Tasks start in a nursery, which runs them side by side. The `async with` block ends when the last of them has
        ended, or when the nursery and all its tasks are cancelled. So no task of a crashed server keeps running.
        """
        if self.node.me != 0:
            return  # The handler below does everything that this server has to do.
        async with trio.open_nursery() as nursery:
            for peer in self.node.peers:
                # One task for each peer: a peer that does not answer makes none of the others wait.
                nursery.start_soon(self.send_numbers_to, peer)

    async def send_numbers_to(self, peer: int) -> None:
        """Send one peer all numbers, each until its reply comes: only the reply proves that the peer has it."""
        for number in NUMBERS:
            while not await self.ask(peer, number):
                self.node.note(f"no reply from {peer} to {number}: once more")

    async def ask(self, peer: int, number: int) -> bool:
        """Send a number once, and return whether the reply came.

        `node.call` returns None if no reply came. None does not mean that the peer did not get the number. Perhaps the
        request was lost, perhaps the peer is down; but perhaps the peer did get it, and the reply was lost. There is no
        way to know from here. To be sure that the number arrives, we must ask again; so it may arrive twice.

        `node.call` may also take a long time to find out that no reply will come. `trio.move_on_after` cancels the
        block inside it when the time is over, and execution continues after it.
        """
        with trio.move_on_after(PATIENCE):
            reply = await self.node.call(peer, PingArgs(number))
            if reply is not None:
                return True
            # None came early. Use up the rest of the time: retrying at once, and failing at once, would never end.
            await trio.sleep_forever()
        return False

    def ping(self, args: PingArgs) -> PingReply:
        """Take a number: the simulator calls this when a PingArgs arrives, and sends back what it returns.

        A number that this server already had comes from a retry, or took a long time to arrive. The service must not
        see it again; but the sender must get its reply, or it would ask for ever.

        Between two awaits a task has the server to itself. An `await` is a checkpoint: there, and nowhere else, trio
        may let another task run, or cancel this one. This is a plain `def`, without any `await`, so nothing can come
        between the comparison and the change of last_number. That is why no lock is needed, here and in Raft.
        """
        if args.number > self.last_number:
            self.last_number = args.number
            # The channel to the service has room for everything: send_nowait never has to wait.
            self.apply_ch.send_nowait(ApplyCommand(index=args.number, command=f"ping {args.number}"))
        return PingReply(args.number)
