"""Calls in flight: carries requests and replies over the network, and lets callers know when none comes.

Knows the network and the lives that the kernel has; knows nothing of what the messages mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from labs.sim import codec
from labs.sim.life import Life
from labs.sim.wire import Called, Replied
from labs.trace.events import Deliver, Drop, Reply, Send, Timeout

if TYPE_CHECKING:
    from labs.sim.kernel import Kernel


class Call:
    """A call in flight, from its request to the moment when its caller goes on."""

    __slots__ = ("answered", "life", "name", "number", "ordinal", "rpc", "source", "target")

    def __init__(self, rpc: int, life: Life, number: int, target: int, name: str, ordinal: int) -> None:
        self.rpc, self.source, self.life, self.number = rpc, life.server, life, number
        self.target, self.name, self.ordinal = target, name, ordinal
        self.answered = False


class Calls:
    """All calls of a run."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.sent = [0] * kernel.size
        """Requests sent, by server."""
        self.bytes = 0
        """Bytes of all requests sent and all replies delivered."""
        self._rpc = 0
        self._ticket = 0
        self._tickets: dict[int, tuple[Call, Life]] = {}
        """The requests that servers are handling, and which life does."""

    def carry_call(self, life: Life, output: Called) -> None:
        source, target = life.server, output.peer
        message = codec.decode_base(output.data)
        self._rpc += 1
        name = codec.CALL_OF[type(message)]
        size = len(output.data)
        self.sent[source] += 1
        self.bytes += size
        extra = codec.decode_extra(output.data)
        self._kernel.record(Send(self._kernel.now, source, target, self._rpc, name, message, size, extra))
        ordinal = self._kernel.network.next_ordinal(0, source, target)
        call = Call(self._rpc, life, output.call, target, name, ordinal)
        if not self._kernel.network.works(source, target) or self._kernel.lives[target] is None:
            reason: Literal["down", "cut"] = "down" if self._kernel.network.works(source, target) else "cut"
            self._kernel.record(Drop(self._kernel.now, source, target, call.rpc, "request", reason))
            self._kernel.at(
                self._kernel.now + self._kernel.network.silence(source, target, ordinal), self._time_out, call
            )
            return
        fate = self._kernel.network.request(source, target, ordinal)
        if fate.dropped:
            self._kernel.record(Drop(self._kernel.now, source, target, call.rpc, "request", "loss"))
            self._kernel.at(self._kernel.now + fate.delays[0], self._time_out, call)
            return
        for copy, delay in enumerate(fate.delays):
            self._kernel.at(self._kernel.now + delay, self._deliver_request, call, output.data, copy)

    def _deliver_request(self, call: Call, data: bytes, copy: int) -> None:
        life = self._kernel.lives[call.target]
        works = self._kernel.network.works(call.source, call.target)
        if life is None or not works:
            self._kernel.record(
                Drop(self._kernel.now, call.source, call.target, call.rpc, "request", "cut" if not works else "down")
            )
            if copy == 0:
                self._fall_silent(call)
            return
        message = codec.decode_base(data)
        self._kernel.record(
            Deliver(self._kernel.now, call.target, call.source, call.rpc, "request", call.name, message, copy)
        )
        self._ticket += 1
        self._tickets[self._ticket] = (call, life)
        life.request(self._ticket, data)

    def carry_reply(self, life: Life, output: Replied) -> None:
        call, _ = self._tickets.pop(output.ticket)
        source, target = life.server, call.source
        message = codec.decode_base(output.data)
        extra = codec.decode_extra(output.data)
        size = len(output.data)
        self._kernel.record(Reply(self._kernel.now, source, target, call.rpc, call.name, message, size, extra))
        if not self._kernel.network.works(source, target):
            self._kernel.record(Drop(self._kernel.now, source, target, call.rpc, "reply", "cut"))
            self._fall_silent(call)
            return
        fate = self._kernel.network.reply(source, target, self._kernel.network.next_ordinal(1, source, target))
        if fate.dropped:
            self._kernel.record(Drop(self._kernel.now, source, target, call.rpc, "reply", "loss"))
            self._kernel.at(self._kernel.now + fate.delays[0], self._time_out, call)
        else:
            self._kernel.at(self._kernel.now + fate.delays[0], self._deliver_reply, call, output.data)

    def _deliver_reply(self, call: Call, data: bytes) -> None:
        works = self._kernel.network.works(call.target, call.source)
        if call.life is not self._kernel.lives[call.source] or not works:
            reason: Literal["down", "cut"] = "down" if works else "cut"
            self._kernel.record(Drop(self._kernel.now, call.target, call.source, call.rpc, "reply", reason))
            self._fall_silent(call)
        elif call.answered or not call.life.reply(call.number, data):
            self._kernel.record(Drop(self._kernel.now, call.target, call.source, call.rpc, "reply", "abandoned"))
        else:
            call.answered = True
            self.bytes += len(data)
            message = codec.decode_base(data)
            self._kernel.record(
                Deliver(self._kernel.now, call.source, call.target, call.rpc, "reply", call.name, message)
            )

    def _fall_silent(self, call: Call) -> None:
        """Let the caller find out, in its time, that no answer comes."""
        self._kernel.at(
            self._kernel.now + self._kernel.network.silence(call.source, call.target, call.ordinal),
            self._time_out,
            call,
        )

    def _time_out(self, call: Call) -> None:
        if not call.answered and call.life is self._kernel.lives[call.source] and call.life.reply(call.number, None):
            call.answered = True
            self._kernel.record(Timeout(self._kernel.now, call.source, call.target, call.rpc))

    def abandon(self, life: Life) -> None:
        """Let those who wait for a server that crashed find out that no answer comes."""
        for ticket in [ticket for ticket, (_, holder) in self._tickets.items() if holder is life]:
            self._fall_silent(self._tickets.pop(ticket)[0])

    def release(self) -> None:
        """Let go of the lives; only the figures stay."""
        self._tickets.clear()

    # What the test does in the name of a puppet: a life without a server, put into the kernel's `lives` before the run.

    def ask_as(self, puppet: Life, number: int, target: int, data: bytes) -> None:
        """Deliver a request at once; the reply goes to the puppet, with that number."""
        self._rpc += 1
        call = Call(self._rpc, puppet, number, target, codec.CALL_OF[codec.base_class(data)], 0)
        self._deliver_request(call, data, 0)

    def answer_as(self, puppet: Life, ticket: int, data: bytes) -> None:
        """Deliver a reply to a request that came to a puppet with this ticket, unless it was answered before."""
        call, _ = self._tickets.pop(ticket, (None, puppet))
        if call is not None:
            self._deliver_reply(call, data)

    def expire(self, ticket: int) -> int:
        """Let the call with this ticket end without a reply after the usual time, unless one comes; return its RPC."""
        call, _ = self._tickets[ticket]
        self._fall_silent(call)
        return call.rpc
