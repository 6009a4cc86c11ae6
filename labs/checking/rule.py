"""What a rule is: an entry of a catalogue that runs are judged by. Knows no protocol."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule that runs are judged by."""

    id: str
    place: str
    says: str
    hint: str
    stage: str
    """The first stage that it is judged in."""
    liveness: bool = False
    """Whether it requires that something happens in time, and not that something must never happen."""


def catalogue(*rules: Rule) -> dict[str, Rule]:
    """Return rules by their ids."""
    return {rule.id: rule for rule in rules}
