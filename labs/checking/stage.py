"""What a stage is: a step of a lab, and what servers can do from it on. Knows no protocol."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage of a lab. `features` name what a server has by then; ask `has`, and compare no names."""

    number: int
    name: str
    features: frozenset[str] = frozenset()

    def has(self, feature: str) -> bool:
        """Return whether servers have this feature in this stage."""
        return feature in self.features


def stages(*steps: tuple[str, tuple[str, ...]]) -> dict[str, Stage]:
    """Return stages by name, each with the features of all before it and its own."""
    found: dict[str, Stage] = {}
    features: frozenset[str] = frozenset()
    for number, (name, own) in enumerate(steps):
        features |= frozenset(own)
        found[name] = Stage(number, name, features)
    return found
