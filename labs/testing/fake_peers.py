"""Fake peers: servers without code, in whose name a test exchanges messages with a real one.

They keep what reaches them for the test. To the kernel a fake peer is an incarnation like any other. Its messages are
recorded where they arrive and never where they leave, so that no checker looks at them. Knows no protocol.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from labs.codec import messages as codec
from labs.codec import safe_repr
from labs.codec.rpcs import CALL_OF, RPC_OF
from labs.sim.kernel import Kernel
from labs.sim.net.network import RELIABLE
from labs.sim.server.disk import Disk
from labs.sim.server.incarnation import Incarnation

A = TypeVar("A")
PATIENT = replace(RELIABLE, silence=(7.0, 7.0))
"""A network on which everything arrives at once, and a call that a fake peer does not answer returns None after 7 s."""


@dataclass(frozen=True)
class Request(Generic[A]):
    """A request of the real server that reached a fake peer, at a time in virtual seconds."""

    peer: int
    rpc: int
    message: A
    time: float
    ticket: int


class FakePeer(Incarnation):
    """One server that the test plays."""

    def __init__(self, kernel: Kernel, server: int) -> None:
        super().__init__(server, 0, kernel.world.size, kernel.world.seed, kernel.world.program, Disk())
        self.requests: list[Request[Any]] = []
        """What reached it and was not looked at yet, in order."""
        self.replies: dict[int, bytes] = {}
        """The replies to what it asked, by the numbers that `ask` returned."""
        self._kernel, self._world = kernel, kernel.world
        self._asked = 0

    def on_the_wire(self, message: Any) -> Any:
        """Return a message of the drill as the run has it."""
        return message

    def in_the_drill(self, message: Any) -> Any:
        """Return a message of the run as the drill has it."""
        return message

    def ask(self, target: int, args: Any) -> int:
        """Send a request; return the number of the reply to come."""
        self._asked += 1
        self._kernel.calls.ask_as(self, self._asked, target, codec.encode_to_derive(self.on_the_wire(args)))
        return self._asked

    def answer(self, request: Request[Any], reply: Any) -> None:
        """Send a reply, or an encoded one."""
        data = reply if isinstance(reply, bytes) else codec.encode_to_derive(self.on_the_wire(reply))
        self._kernel.calls.answer_as(self, request.ticket, data)

    def forget(self) -> None:
        """Forget everything that has reached it."""
        self.requests.clear()

    def request(self, ticket: int, data: bytes) -> None:
        """Take in what the real server sent."""
        message = self.in_the_drill(codec.decode_base(data))
        rpc = self._kernel.calls.expire(ticket)
        self.take(Request[Any](self.server, rpc, message, self._kernel.now, ticket), codec.decode_extra(data) or {})

    def take(self, request: Request[Any], extra: dict[str, Any]) -> None:
        """Keep a request; `extra` has the fields that the submission added to it."""
        self.requests.append(request)

    def reply(self, call: int, data: bytes | None) -> bool:
        """Take in a reply of the real server, or None if it is down."""
        if data is not None:
            self.replies[call] = data
        return data is not None


def in_words(message: Any) -> str:
    """Return a message as a failure shows it: requests with their name, and all fields that are not None."""
    name = CALL_OF[type(message)] if type(message) in RPC_OF else ""
    shown = [
        f"{field}={safe_repr.short(value)}"
        for field in message.__dataclass_fields__
        if (value := getattr(message, field)) is not None
    ]
    return f"{name}({', '.join(shown)})"
