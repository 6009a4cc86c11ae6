"""All messages wait when they would arrive, so that each delivery and each loss is a choice."""

from __future__ import annotations

from labs.sim.net.interception import Address, Delivery, Interception, Order
from labs.trace.events import Leg


class Holding(Interception):
    """Holds back every message while `is_on`; the order in which they came is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.is_on = False
        self.named: Address | None = None
        """The message that was sent last."""
        self.waited: dict[Address, None] = {}
        """All messages that were ever held back."""
        self._free: set[Address] = set()

    def name(self, call: str, source: int, target: int, leg: Leg) -> Address:
        self.named = super().name(call, source, target, leg)
        return self.named

    def take(self, address: Address) -> Order | None:
        order = super().take(address)
        if order is None and self.is_on and address not in self._free:
            self.waited[address] = None
            return Order("hold")
        return order

    def release(self, address: Address) -> list[Delivery]:
        self._free.add(address)
        return super().release(address)

    def release_all(self) -> list[Delivery]:
        self.is_on = False
        return super().release_all()

    def held(self) -> list[Address]:
        """Return what waits and can still make a difference: not a reply that nobody waits for any more."""
        return [address for address, deliveries in self._held.items() if _matters(address, deliveries)]


def _matters(address: Address, deliveries: list[Delivery]) -> bool:
    call = deliveries[0][1][0]
    return address.leg == "request" or not (call.answered or call.incarnation.fenced)
