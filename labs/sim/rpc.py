"""Calls in flight: carries requests and replies over the network, and lets callers know when none comes.

Knows the network and the incarnations that run; knows nothing of what the messages mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from labs.codec import messages as codec
from labs.codec.limits import MAX_CALLS, MAX_CALLS_A_SECOND
from labs.codec.rpcs import CALL_OF, RPC_OF
from labs.messages import Message
from labs.sim.net.interception import Address, Delivery, Interception, Order
from labs.sim.server.handle import Handle
from labs.sim.server.outputs import Called, Replied
from labs.sim.stops import Flood, Stop
from labs.sim.world import World
from labs.trace.events import Deliver, Drop, Reply, Send, Timeout

PATIENCE = 7.0
"""Virtual seconds after which a call returns None, whatever becomes of its request (labs.node.Node.call)."""


class Call(msgspec.Struct, eq=False):
    """A call in flight, from its request to the moment when its caller goes on."""

    rpc: int
    source: int
    incarnation: Handle
    """The incarnation that called."""
    number: int
    """The incarnation's own number of the call."""
    target: int
    message: Any
    name: str
    ordinal: int
    deadline: float
    """When its caller goes on at the latest."""
    answered: bool = False
    """Whether its caller has gone on, or never waits (`one_way`)."""
    one_way: bool = False
    request_address: Address | None = None
    """The names of its two messages, where single messages can be intercepted."""
    reply_address: Address | None = None


class Calls:
    """All calls of a run."""

    def __init__(self, world: World, stop: Callable[[Stop], None]) -> None:
        self._world, self._stop = world, stop
        self.sent = [0] * world.size
        """Requests sent, by server."""
        self._counted_at = [0.0] * world.size
        """When they were last looked at as a possible flood."""
        self.bytes = 0
        """Bytes of all requests sent and all replies delivered."""
        self._rpc = 0
        self._ticket = 0
        self._tickets: dict[int, tuple[Call, Handle]] = {}
        """The requests that servers are handling, with the incarnations that do."""
        self._watched = False
        """Whether `_end_overdue` is due some time."""
        self.interception: Interception | None = None
        """Orders about single messages, if a run can have some."""

    def carry_call(self, incarnation: Handle, output: Called) -> None:
        world, network, now, data = self._world, self._world.network, self._world.clock.now, output.data
        source, target = incarnation.server, output.peer
        rpc, size = self._rpc + 1, len(data)
        self._rpc = rpc
        sent = self.sent[source] = self.sent[source] + 1
        if not sent % MAX_CALLS_A_SECOND and self._is_flood(source, data):
            return
        self.bytes += size
        ordinal = network.next_ordinal(0, source, target)
        message, extra = codec.decode_seen(data)
        procedure = RPC_OF[type(message)]
        name, one_way = procedure.name, procedure.reply is None
        call = Call(
            rpc, source, incarnation, output.call, target, message, name, ordinal, now + PATIENCE, one_way, one_way
        )
        if self.interception is not None:
            call.request_address = self.interception.name(name, source, target, "request")
        world.record(Send(now, source, target, rpc, name, message, size, extra))
        works = network.whole or network.works(source, target)
        if not works or world.incarnations[target] is None:
            world.record(Drop(now, source, target, rpc, "request", "down" if works else "cut"))
            self._fall_silent(call)
            return
        fate = network.request(source, target, ordinal)
        if fate.dropped:
            world.record(Drop(now, source, target, rpc, "request", "loss"))
            self._time_out_at(now + fate.delays[0], call)
            return
        for copy, delay in enumerate(fate.delays):
            world.at(now + delay, self._deliver_request, call, data, copy)
        if fate.delays[0] > PATIENCE:
            world.at(call.deadline, self._time_out, call)

    def _is_flood(self, server: int, data: bytes) -> bool:
        """End a run in which a server sends without end, before the wall clock has to; return whether it is one."""
        now, sent = self._world.now, self.sent[server]
        counted_at, self._counted_at[server] = self._counted_at[server], now
        if now - counted_at >= 1.0 and sent < MAX_CALLS:
            return False
        begun, count = (0.0, sent) if sent >= MAX_CALLS else (counted_at, MAX_CALLS_A_SECOND)
        name = CALL_OF[type(codec.decode_base(data))]
        text = (
            f"server {server} sent {count:,} requests in the {now - begun:.3f} s from t={begun:.3f} s on, "
            f"the last an {name} of {len(data):,} bytes; the longest runs need a few thousand in all"
        )
        self._stop(Flood(text, (server,), now))
        return True

    def _deliver_request(self, call: Call, data: bytes, copy: int) -> None:
        world, network = self._world, self._world.network
        source, target, now = call.source, call.target, world.clock.now
        if self._waits(target, (self._deliver_request, (call, data, copy)), call.request_address, call):
            return
        incarnation = world.incarnations[target]
        works = network.whole or network.works(source, target)
        if incarnation is None or not works:
            world.record(Drop(now, source, target, call.rpc, "request", "down" if works else "cut"))
            if copy == 0:
                self._fall_silent(call)
            return
        world.record(Deliver(now, target, source, call.rpc, "request", call.name, call.message, copy))
        if world.closing:
            return
        ticket = self._ticket = self._ticket + 1
        self._tickets[ticket] = (call, incarnation)
        if not self._watched:
            self._watch(call.deadline)
        incarnation.request(ticket, data)
        if call.one_way:
            del self._tickets[ticket]
        if world.test_acts:
            incarnation.wake()
        else:
            world.addressed[target] = incarnation

    def _waits(self, target: int, delivery: Delivery, address: Address | None, call: Call) -> bool:
        """Return whether something does not reach a server now: it stands still, or there is an order about it."""
        if not self._world.paused and (address is None or self.interception is None):
            return False
        if target in self._world.paused:
            self._world.paused[target].append(delivery)
            return True
        order = self.interception.take(address) if self.interception is not None and address is not None else None
        return order is not None and address is not None and self._obey(order, delivery, address, call)

    def _obey(self, order: Order, delivery: Delivery, address: Address, call: Call) -> bool:
        """Do what an order about a message wants; return whether the message does not arrive now."""
        world, (action, args) = self._world, delivery
        later = world.now + order.seconds
        if order.fate == "duplicate":
            if address.leg == "request":
                request, data, copy = args
                world.at(later, action, request, data, copy + 1)
            return False
        if order.fate == "drop":
            world.record(Drop(world.now, address.source, address.target, call.rpc, address.leg, "loss"))
            self._fall_silent(call)
            return True
        if order.fate == "delay":
            world.at(later, action, *args)
        elif self.interception is not None:
            self.interception.keep(address, delivery)
        if order.fate == "hold" or later > call.deadline:
            self._time_out_at(call.deadline, call)
        return True

    def order(self, address: Address, order: Order) -> None:
        """Decide what becomes of a message when it arrives, which is now if it was held back."""
        assert self.interception is not None
        self._arrive(self.interception.order(address, order))

    def release(self, address: Address | None = None) -> None:
        """Deliver what is held back of one message, or of all."""
        if self.interception is not None:
            self._arrive(self.interception.release_all() if address is None else self.interception.release(address))

    def _arrive(self, deliveries: list[Delivery]) -> None:
        for action, args in deliveries:
            self._world.at(self._world.now, action, *args)

    def in_hand(self, action: object, args: tuple[Any, ...]) -> tuple[int, Message] | None:
        """Return the message that one of these methods is at work with, and who sent it; None with any other method."""
        if action == self._deliver_request:
            return args[0].source, args[0].message
        return (args[0].target, args[2]) if action == self._deliver_reply else None

    def carry_reply(self, incarnation: Handle, output: Replied) -> None:
        world, network, now, data = self._world, self._world.network, self._world.clock.now, output.data
        call, _ = self._tickets.pop(output.ticket)
        source, target = incarnation.server, call.source
        message, extra = codec.decode_seen(data)
        world.record(Reply(now, source, target, call.rpc, call.name, message, len(data), extra))
        if self.interception is not None:
            call.reply_address = self.interception.name(call.name, source, target, "reply")
        if not network.whole and not network.works(source, target):
            world.record(Drop(now, source, target, call.rpc, "reply", "cut"))
            self._fall_silent(call)
            return
        fate = network.reply(source, target, network.next_ordinal(1, source, target))
        if fate.dropped:
            world.record(Drop(now, source, target, call.rpc, "reply", "loss"))
            self._time_out_at(now + fate.delays[0], call)
            return
        world.at(now + fate.delays[0], self._deliver_reply, call, data, message)
        if now + fate.delays[0] > call.deadline:
            self._time_out_at(call.deadline, call)

    def _deliver_reply(self, call: Call, data: bytes, message: Message) -> None:
        world, network = self._world, self._world.network
        source, target, now = call.target, call.source, world.clock.now
        if self._waits(target, (self._deliver_reply, (call, data, message)), call.reply_address, call):
            return
        works = network.whole or network.works(source, target)
        if call.incarnation is not world.incarnations[target] or not works:
            world.record(Drop(now, source, target, call.rpc, "reply", "down" if works else "cut"))
            self._fall_silent(call)
        elif call.answered or not call.incarnation.reply(call.number, data):
            world.record(Drop(now, source, target, call.rpc, "reply", "abandoned"))
        else:
            call.answered = True
            self.bytes += len(data)
            world.record(Deliver(now, target, source, call.rpc, "reply", call.name, message))

    def _fall_silent(self, call: Call) -> None:
        """Let the caller find out, in its time, that no answer comes."""
        world = self._world
        self._time_out_at(world.now + world.network.silence(call.source, call.target, call.ordinal), call)

    def _time_out_at(self, time: float, call: Call) -> None:
        """Let a call end without a reply at a time, or earlier, when its patience ends."""
        world = self._world
        if not call.answered:
            world.at(max(world.now, min(time, call.deadline)), self._time_out, call)

    def _watch(self, time: float) -> None:
        self._watched = True
        self._world.at(max(self._world.now, time), self._end_overdue)

    def _end_overdue(self) -> None:
        """End the calls whose peers have had their requests in hand for too long; they may still answer, in vain."""
        self._watched = False
        waiting = [call for call, _ in self._tickets.values() if not call.answered]
        for call in waiting:
            if call.deadline <= self._world.now:
                self._time_out(call)
        later = [call.deadline for call in waiting if call.deadline > self._world.now]
        if later:
            self._watch(min(later))

    def _time_out(self, call: Call) -> None:
        if self._waits(call.source, (self._time_out, (call,)), None, call):
            return
        if (
            not call.answered
            and call.incarnation is self._world.incarnations[call.source]
            and call.incarnation.reply(call.number, None)
        ):
            call.answered = True
            self._world.record(Timeout(self._world.now, call.source, call.target, call.rpc))

    def abandon(self, incarnation: Handle) -> None:
        """Let those who wait for a server that crashed find out that no answer comes."""
        for ticket in [ticket for ticket, (_, holder) in self._tickets.items() if holder is incarnation]:
            self._fall_silent(self._tickets.pop(ticket)[0])

    def forget(self) -> None:
        """Forget the incarnations; only the figures stay."""
        self._tickets.clear()
        self.interception = None

    # What the test does in the name of a fake peer: an incarnation without a server, which the kernel gets before the
    # run.

    def ask_as(self, fake: Handle, number: int, target: int, data: bytes) -> None:
        """Deliver a request at once; the reply goes to the fake peer, with that number."""
        self._rpc += 1
        message = codec.decode_base(data)
        procedure, deadline = RPC_OF[type(message)], self._world.now + PATIENCE
        one_way = procedure.reply is None
        call = Call(
            self._rpc, fake.server, fake, number, target, message, procedure.name, 0, deadline, one_way, one_way
        )
        self._deliver_request(call, data, 0)

    def answer_as(self, fake: Handle, ticket: int, data: bytes) -> None:
        """Deliver a reply to a request that came to a fake peer with this ticket, unless it was answered before."""
        call, _ = self._tickets.pop(ticket, (None, fake))
        if call is not None:
            self._deliver_reply(call, data, codec.decode_base(data))

    def expire(self, ticket: int) -> int:
        """Let the call with this ticket end without a reply after the usual time, unless one comes; return its RPC."""
        call, _ = self._tickets[ticket]
        self._fall_silent(call)
        return call.rpc
