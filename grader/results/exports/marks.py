"""What would be filled into a gradebook: the changed cells, and who is left out. Knows no platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Change:
    """A row that gets another grade."""

    student: str
    before: str
    after: str
    row: list[str]
    cells: Mapping[int, str]
    """The new values by column."""


@dataclass
class Marks:
    """What would be done to a gradebook; nothing has been done yet."""

    changes: list[Change] = field(default_factory=list)
    same: int = 0
    """Rows that hold the right points already."""
    left: list[str] = field(default_factory=list)
    """Whom it leaves out, and why."""
    without: list[str] = field(default_factory=list)
    """Students of the gradebook for whom there is no result."""

    def carry_out(self) -> None:
        """Write the new values into the rows."""
        for change in self.changes:
            for column, value in change.cells.items():
                change.row[column] = value
