"""What an oracle finds, and what all oracles have in common. An oracle reads events and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from labs.oracles.catalogue import RULES
from labs.trace.events import Event


class Violation(Exception):
    """A rule was broken: `message` tells the two facts that disagree, `servers` who, `time` when (virtual seconds)."""

    def __init__(self, rule: str, message: str, servers: Iterable[int] = (), time: float = 0.0) -> None:
        super().__init__(message)
        self.rule = RULES[rule]
        self.message = message
        self.servers = tuple(servers)
        self.time = time


class Oracle:
    """A judge of one rule or of a few that rest on the same facts.

    A method `on_send` sees each Send event, `on_save` each Save, and so on: the names are those of labs.trace.events,
    in small letters with underscores. It raises Violation when the event breaks the rule.
    """


def judges_by_event(oracles: Iterable[Oracle]) -> dict[type[Event], list[Callable[[Any], None]]]:
    """Return for each type of event the methods that want to see it, in the order of the oracles."""
    table: dict[type[Event], list[Callable[[Any], None]]] = {}
    for oracle in oracles:
        for cls in Event.__subclasses__():
            method = getattr(oracle, "on_" + _snake(cls.__name__), None)
            if method is not None:
                table.setdefault(cls, []).append(method)
    return table


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")
