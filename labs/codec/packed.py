"""Checks msgpack byte by byte before anything is built from it, because some values are expensive to build.

A map whose keys collide takes time that grows with the square of their number; an empty list takes one byte here and
sixty in memory; deep nesting exhausts the stack. Knows nothing of what the values mean.
"""

from __future__ import annotations

from labs.codec.limits import MAX_DEPTH, MAX_ITEMS, MAX_KEYS, Refused

HARMLESS = 1024
"""This few bytes may hold anything: at worst they cost a third of a millisecond."""
DEEPEST = 3 * MAX_DEPTH + 8
"""The nesting of encoded commands and own fields: each object takes two levels, and the message a few."""


def _sizes() -> list[int]:
    """Return for each first byte how many bytes the value takes, itself included; 0 if that depends on later bytes."""
    sizes = [0] * 256
    for byte in (*range(0x80), *range(0xE0, 0x100), 0xC0, 0xC2, 0xC3):
        sizes[byte] = 1
    for byte in range(0xA0, 0xC0):
        sizes[byte] = 1 + (byte & 31)
    for bytes_more, kinds in ((1, (0xCC, 0xD0)), (2, (0xCD, 0xD1)), (4, (0xCA, 0xCE, 0xD2)), (8, (0xCB, 0xCF, 0xD3))):
        for byte in kinds:
            sizes[byte] = 1 + bytes_more
    return sizes


_SIZES = _sizes()
_LENGTHS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""For bytes and strings: the number of bytes that hold their length."""
_COUNTS = {0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}
"""For lists and maps: the number of bytes that hold the number of items."""
_KEYS = frozenset((*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB))
"""The first bytes of strings."""
_MAPS = frozenset((*range(0x80, 0x90), 0xDE, 0xDF))
_CONTAINERS = frozenset((*range(0x80, 0xA0), *_COUNTS))
_CONTAINER_BYTES = bytes(sorted(_CONTAINERS))


def containers_in(data: bytes) -> int:
    """Return the number of bytes that could begin a list or a map; it includes each one that does."""
    return len(data) - len(data.translate(None, _CONTAINER_BYTES))


def is_container(first: int) -> bool:
    """Return whether a value that begins with this byte is a list or a map."""
    return first in _CONTAINERS


def look_through(data: bytes, at: int = 0) -> None:
    """Raise Refused unless the bytes from `at` on are one value of allowed kinds, sizes and depth."""
    open_before: list[tuple[int, bool]] = []
    left, in_map, items, end = 1, False, MAX_ITEMS, len(data)
    try:
        while True:
            while left:
                byte = data[at]
                left -= 1
                if in_map and left & 1 and byte not in _KEYS:
                    raise Refused("a dict has a key that is not a string")
                size = _SIZES[byte]
                if size:
                    at += size
                elif byte in _LENGTHS:
                    width = _LENGTHS[byte]
                    at += 1 + width + int.from_bytes(data[at + 1 : at + 1 + width], "big")
                elif byte in _CONTAINERS:
                    count, at = _count(data, at, byte)
                    items -= count
                    if items < 0:
                        raise Refused(f"more than {MAX_ITEMS:,} values in lists and dicts")
                    open_before.append((left, in_map))
                    if len(open_before) > DEEPEST:
                        raise Refused("a value that is nested too deep")
                    in_map = byte in _MAPS
                    if in_map and count > MAX_KEYS:
                        raise Refused(f"a dict of {count:,} keys; {MAX_KEYS:,} are allowed")
                    left = 2 * count if in_map else count
                else:
                    raise Refused("a value of a kind that no command has")
            if not open_before:
                break
            left, in_map = open_before.pop()
    except IndexError:
        raise Refused("a value that is cut off") from None
    if at != end:
        raise Refused("more or fewer bytes than a value has")


def _count(data: bytes, at: int, byte: int) -> tuple[int, int]:
    """Return how many items a list or a map has, and where they begin."""
    width = _COUNTS.get(byte, 0)
    return int.from_bytes(data[at + 1 : at + 1 + width], "big") if width else byte & 15, at + 1 + width
