"""The servers that take part in a run, and how many of them are a majority."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Configuration:
    """The ids of the servers of one group, in order."""

    members: tuple[int, ...]

    @classmethod
    def of_size(cls, servers: int) -> Configuration:
        """Return the configuration of servers 0 to `servers` - 1."""
        return cls(tuple(range(servers)))

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def majority(self) -> int:
        """The least number of members of which any two sets have one in common."""
        return self.size // 2 + 1

    def others(self, server: int) -> tuple[int, ...]:
        """Return all members but one."""
        return tuple(member for member in self.members if member != server)
