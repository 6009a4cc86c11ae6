"""A log as known from outside, and how it changes with what is sent and saved. Knows no server and no rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from labs.raft.events import Save


class ShadowLog:
    """A log as known from outside: terms of the entries after `base`; None where the term is not known."""

    __slots__ = ("base", "base_term", "terms")

    def __init__(self, base: int = 0, base_term: int = 0, terms: Iterable[int | None] = ()) -> None:
        self.base, self.base_term = base, base_term
        self.terms: list[int | None] = list(terms)

    @property
    def last(self) -> int:
        """The index of the last entry."""
        return self.base + len(self.terms)

    @property
    def surely_last(self) -> int:
        """The index of the last entry that is certainly there: its term is known."""
        known = len(self.terms)
        while known and self.terms[known - 1] is None:
            known -= 1
        return self.base + known

    @property
    def last_term(self) -> int | None:
        return self.terms[-1] if self.terms else self.base_term

    def term_at(self, index: int) -> int | None:
        """Return the term of the entry at an index, or None if it is not there, or below the base, or not known."""
        after = index - self.base
        if after > 0:
            return self.terms[after - 1] if after <= len(self.terms) else None
        return None if after else self.base_term

    def lacks(self, index: int, term: int) -> bool:
        """Return whether the log certainly has no entry of this term at this index."""
        after = index - self.base
        if after > len(self.terms):
            return True
        if after < 0:
            return False
        known = self.terms[after - 1] if after else self.base_term
        return known is not None and known != term

    def has(self, index: int, term: int) -> bool:
        """Return whether the log certainly has an entry of this term at this index; every log has index 0."""
        after = index - self.base
        if after > 0:
            return after <= len(self.terms) and self.terms[after - 1] == term
        return index == 0 or (after == 0 and self.base_term == term)

    def may(self, index: int, term: int) -> tuple[bool, bool]:
        """Return whether the log may have an entry of this term at this index, and whether it may lack it."""
        after = index - self.base
        if after > len(self.terms):
            return False, index != 0
        if after < 0:
            return True, index != 0
        known = self.terms[after - 1] if after else self.base_term
        return known is None or known == term, index != 0 and known != term

    def holds(self, prev: int, terms: Sequence[int]) -> bool:
        """Return whether the log certainly has entries of these terms after `prev`."""
        after = prev - self.base
        return not terms or (after >= 0 and self.terms[after : after + len(terms)] == terms)

    def conflict(self, prev: int, terms: Sequence[int]) -> int | None:
        """Return the first index at which the log has another term than these entries after `prev`."""
        if self.holds(prev, terms):
            return None
        known = self.terms
        for index in range(max(prev, self.base) + 1, min(prev + len(terms), self.last) + 1):
            term = known[index - self.base - 1]
            if term is not None and term != terms[index - prev - 1]:
                return index
        return None

    def merge(self, prev: int, terms: Sequence[int]) -> bool:
        """Take in entries after `prev`: truncate at a conflict, append new ones (AppendEntries rules 3 and 4).

        Return whether that may have changed anything.
        """
        if prev <= self.last and self.holds(prev, terms):
            return False
        conflict = self.conflict(prev, terms)
        if conflict is not None:
            del self.terms[conflict - self.base - 1 :]
        if prev > self.last:
            self.terms += [None] * (prev - self.last)
        for index in range(max(prev, self.base) + 1, prev + len(terms) + 1):
            if index > self.last:
                self.terms.append(terms[index - prev - 1])
            elif self.terms[index - self.base - 1] is None:
                self.terms[index - self.base - 1] = terms[index - prev - 1]
        return True

    def doubt(self, prev: int, terms: Sequence[int]) -> None:
        """Forget what these entries after `prev` have replaced, if they were taken in: they may be gone again, too.

        Entries at the end whose term is not known may not be there at all.
        """
        conflict = self.conflict(prev, terms)
        if conflict is not None:
            self.forget(conflict)
        self.lengthen(prev + len(terms))

    def forget(self, index: int) -> None:
        """Take it for possible only that there are entries from an index on, whatever they are."""
        after = max(index - self.base - 1, 0)
        self.terms[after:] = [None] * (len(self.terms) - after)

    def lengthen(self, last: int) -> None:
        """Take it for possible that there are entries up to `last`."""
        self.terms += [None] * (last - self.last)

    def truncate(self, index: int) -> None:
        """Drop the entry at an index and all after it."""
        if index > self.base:
            del self.terms[index - self.base - 1 :]

    def rewrite(self, event: Save) -> None:
        """Become the log that a save describes."""
        shift = event.last_included_index - self.base
        kept = event.first_index - 1 - event.last_included_index
        del self.terms[max(0, shift + kept) :]
        del self.terms[: max(0, shift)]
        self.base, self.base_term = event.last_included_index, event.last_included_term
        self.terms += [entry.term for entry in event.entries]

    def copy(self) -> ShadowLog:
        return ShadowLog(self.base, self.base_term, self.terms)
