"""Orders about single messages: drop one, delay it, let it come twice, hold it back, and release it.

A message is named by the call it belongs to, its leg, its link, and its number among those of this call, leg and link.
So a name keeps its meaning when other messages appear or vanish. An order takes effect when the message would arrive.
Knows nothing of what messages mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec

from labs.trace.events import Leg

Delivery: TypeAlias = tuple[Callable[..., None], tuple[Any, ...]]
"""What delivers a message when it is called."""


class Address(msgspec.Struct, frozen=True):
    """The name of one message; `ordinal` counts from 1."""

    call: str
    source: int
    target: int
    ordinal: int
    leg: Leg = "request"


class Order(msgspec.Struct, frozen=True):
    """What shall become of a message; `seconds` is how much later it, or its duplicate, arrives."""

    fate: Literal["drop", "delay", "duplicate", "hold"]
    seconds: float = 0.0


class Interception:
    """The orders of a run, and the messages that are held back."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int, int, Leg], int] = {}
        self._orders: dict[Address, Order] = {}
        self._held: dict[Address, list[Delivery]] = {}

    def name(self, call: str, source: int, target: int, leg: Leg) -> Address:
        """Count a message that is sent, and return its name."""
        key = (call, source, target, leg)
        count = self._counts[key] = self._counts.get(key, 0) + 1
        return Address(call, source, target, count, leg)

    def order(self, address: Address, order: Order) -> list[Delivery]:
        """Give an order about a message that has not arrived; return what was held back and now meets the order."""
        self._orders[address] = order
        return [] if order.fate == "hold" else self._held.pop(address, [])

    def take(self, address: Address) -> Order | None:
        """Return the order about a message that arrives now; all but a hold count once."""
        order = self._orders.get(address)
        if order is not None and order.fate != "hold":
            del self._orders[address]
        return order

    def keep(self, address: Address, delivery: Delivery) -> None:
        """Hold back a message, or a copy of it."""
        self._held.setdefault(address, []).append(delivery)

    def release(self, address: Address) -> list[Delivery]:
        """End a hold; return what was held back."""
        self._orders.pop(address, None)
        return self._held.pop(address, [])

    def release_all(self) -> list[Delivery]:
        """End all orders; return what was held back, in the order of arrival."""
        held = [delivery for deliveries in self._held.values() for delivery in deliveries]
        self._orders.clear()
        self._held.clear()
        return held
