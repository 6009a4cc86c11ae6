"""Keyed randomness: every random choice is a function of the seed and of what it decides, never of a shared generator.

So removing one fault from a run does not reshuffle the others, and two hosts that ask in another order agree. Uses
a hash, not `random.Random`, because seeding a generator for each message would cost more than the message.
"""

from __future__ import annotations

import hashlib
import random
import struct

_UNIT = 2.0**-53
_pack, _unpack, _unpack_pair = struct.Struct("<4q").pack, struct.Struct("<6Q").unpack, struct.Struct("<2Q").unpack_from


class Draws:
    """Numbers in [0, 1) for each message of a run."""

    def __init__(self, seed: int) -> None:
        key = hashlib.blake2b(str(seed).encode(), digest_size=16).digest()
        self._keyed = hashlib.blake2b(digest_size=48, key=key)

    def message(self, leg: int, source: int, target: int, ordinal: int) -> tuple[float, ...]:
        """Return six independent numbers for the message with this ordinal on the link, one for each purpose.

        `leg` is 0 for a request and 1 for a reply, so the two legs of an RPC never share a draw.
        """
        a, b, c, d, e, f = _unpack(self._drawn(leg, source, target, ordinal))
        return (
            (a >> 11) * _UNIT,
            (b >> 11) * _UNIT,
            (c >> 11) * _UNIT,
            (d >> 11) * _UNIT,
            (e >> 11) * _UNIT,
            (f >> 11) * _UNIT,
        )

    def pair(self, leg: int, source: int, target: int, ordinal: int) -> tuple[float, float]:
        """Return the first two of these numbers, for those who need no more."""
        a, b = _unpack_pair(self._drawn(leg, source, target, ordinal))
        return (a >> 11) * _UNIT, (b >> 11) * _UNIT

    def _drawn(self, leg: int, source: int, target: int, ordinal: int) -> bytes:
        drawn = self._keyed.copy()
        drawn.update(_pack(leg, source, target, ordinal))
        return drawn.digest()


def generator(*key: object) -> random.Random:
    """Return a generator that depends on the key only, for choices that are made one after the other in one place."""
    return random.Random("/".join(map(str, key)))
