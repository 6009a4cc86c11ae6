"""The log, as a dict from indices to entries, and where the snapshot ends."""

# mypy: ignore-errors


class Log:
    def __init__(self):
        self.base = 0
        self.base_term = 0
        self.entries = {}

    def __getitem__(self, index):
        return self.entries[index]

    def last_index(self):
        return self.base + len(self.entries)

    def last_term(self):
        return self.term(self.last_index())

    def term(self, index):
        """The term of the entry at an index, or None if there is none here."""
        if index == self.base:
            return self.base_term
        return self.entries[index].term if index in self.entries else None

    def append(self, entry):
        self.entries[self.last_index() + 1] = entry

    def as_list(self):
        return [self.entries[index] for index in range(self.base + 1, self.last_index() + 1)]

    def since(self, index, most):
        return [self.entries[i] for i in range(index, min(self.last_index(), index + most - 1) + 1)]

    def truncate(self, index):
        """Drop the entry at an index and all later ones."""
        self.entries = {i: entry for i, entry in self.entries.items() if i < index}

    def compact(self, index, term):
        """Drop all entries up to an index; if that is another entry than the snapshot's, drop all."""
        keep = self.term(index) == term
        self.entries = {i: entry for i, entry in self.entries.items() if keep and i > index}
        self.base, self.base_term = index, term

    def restore(self, base, base_term, entries):
        self.base, self.base_term = base, base_term
        self.entries = dict(enumerate(entries, start=base + 1))

    def first_of_term(self, index):
        """The first index here whose entry is of the same term as the one at `index`."""
        return min(i for i, entry in self.entries.items() if entry.term == self.entries[index].term)

    def last_of_term(self, term):
        """The last index here whose entry is of a term, or None."""
        return max((i for i, entry in self.entries.items() if entry.term == term), default=None)
