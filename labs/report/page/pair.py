"""Writes the page of two runs side by side. Knows neither how they were made nor how they were compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from labs.checking.rule import Rule
from labs.report.json_files import write_whole
from labs.report.page import write
from labs.trace.recorder import Header


@dataclass(frozen=True)
class Half:
    """One of the two runs."""

    header: Header
    lines: bytes
    """Its events, one per line."""
    submission: str
    """What the page calls its submission."""
    first: int
    """The number of its first event, or landmark, that the other run does not have."""


class Alike(msgspec.Struct):
    """How far the two runs are alike."""

    noun: str
    """What was compared."""
    common: list[tuple[int, int]]
    """The last ones that both have, as the numbers of their events in both."""
    count: int
    """How many both have."""
    parts: list[tuple[int, int]]
    """Which server of the left run plays the part of which of the right one."""
    shift: float
    """How many seconds later the right run comes to what both have last."""


def write_pair(path: Path, halves: Sequence[Half], alike: Alike, rules: Mapping[str, Rule]) -> None:
    """Write the page; `rules` are those that the verdicts may name."""
    lines = [write.shortened(half.lines) for half in halves]
    broken = {name: rule for some in lines for name, rule in write.rules_of(some, rules).items()}
    runs: list[dict[str, Any]] = [
        {**msgspec.to_builtins(half.header), "submission": half.submission, "first": half.first} for half in halves
    ]
    headers = [half.header for half in halves]
    about = {
        "name": path.stem,
        "servers": max(header.servers for header in headers),
        "rules": write.told(broken),
        "runs": runs,
        "alike": msgspec.to_builtins(alike),
    }
    tests = " and ".join(dict.fromkeys(header.test for header in headers))
    subtitle = " beside ".join(write.facts(half.header, half.submission) for half in halves)
    head = (f"{tests}, two runs", f"{tests}: two runs", subtitle)
    write_whole(path, write.join("pair", head, about, [write.packed(some) for some in lines]).encode())
