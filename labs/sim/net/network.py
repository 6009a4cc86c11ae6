"""The network: which links work, and what happens to a message on its way. Knows no protocol, no tasks and no trace.

The figures of the presets are those of MIT's labrpc. Times are seconds of virtual time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import msgspec

from labs.sim.runtime.rng import Draws

Span: TypeAlias = tuple[float, float]
NOTHING: Span = (0.0, 0.0)


@dataclass(frozen=True)
class Conditions:
    """How the network treats messages. All probabilities are per message; all spans are uniform."""

    request_delay: Span = NOTHING
    reply_delay: Span = NOTHING
    request_loss: float = 0.0
    reply_loss: float = 0.0
    late_requests: float = 0.0
    late_share: float = 0.0
    """Share of the replies (and, above, of the requests) that wait `late_delay` on top."""
    late_delay: Span = NOTHING
    duplicate: float = 0.0
    """Probability that a request arrives twice."""
    silence: Span = (0.0, 7.0)
    """How long a call that can get no answer (cut off, peer down) takes to return None."""

    @cached_property
    def plain(self) -> bool:
        """Whether no message comes twice, or much later than others."""
        return not (self.late_requests or self.late_share or self.duplicate)

    @cached_property
    def perfect(self) -> bool:
        """Whether all messages arrive at once."""
        delays = self.request_delay, self.reply_delay
        return self.plain and delays == (NOTHING, NOTHING) and not self.request_loss and not self.reply_loss


RELIABLE = Conditions()
UNRELIABLE = Conditions(request_delay=(0.0, 0.026), request_loss=0.1, reply_loss=0.1)
LONG_REORDERING = replace(UNRELIABLE, late_share=2 / 3, late_delay=(0.2, 2.2))
LONG_DELAYS = RELIABLE
SHORT_SILENCE = replace(RELIABLE, silence=(0.0, 0.1))
PRESETS = {
    "reliable": SHORT_SILENCE,
    "unreliable": UNRELIABLE,
    "long delays": LONG_DELAYS,
    "long reordering": LONG_REORDERING,
}


@dataclass(frozen=True)
class Link:
    """What one directed link does beside the conditions of the whole network; applies to requests and replies."""

    delay: Span = NOTHING
    loss: float = 0.0
    duplicate: float = 0.0


class Fate(msgspec.Struct, frozen=True, gc=False):
    """What becomes of one message: a drop with its reason, or delays after which copies of it arrive."""

    dropped: str | None
    delays: tuple[float, ...]


_AT_ONCE = Fate(None, (0.0,))


def _within(span: Span, draw: float) -> float:
    return span[0] + (span[1] - span[0]) * draw


class Network:
    """The links between `size` servers, and the draws that decide about each message."""

    def __init__(self, size: int, seed: int, conditions: Conditions) -> None:
        self.size = size
        self.conditions = conditions
        self._draws = Draws(seed)
        self._sent: dict[tuple[int, int, int], int] = {}
        self.whole = True
        """Whether every link works."""
        self._disconnected: set[int] = set()
        self._cut: set[tuple[int, int]] = set()
        self._links: dict[tuple[int, int], Link] = {}
        self._slow: dict[int, float] = {}
        self._deaf: set[int] = set()

    def works(self, source: int, target: int) -> bool:
        """Return whether a message from `source` to `target` can arrive at all at this moment."""
        away = self._disconnected
        return not (source in away or target in away or target in self._deaf or (source, target) in self._cut)

    def is_connected(self, server: int) -> bool:
        """Return whether the server itself is connected, whatever its single links do."""
        return server not in self._disconnected

    def disconnect(self, server: int) -> None:
        self._disconnected.add(server)
        self._look()

    def connect(self, server: int) -> None:
        self._disconnected.discard(server)
        self._look()

    def cut(self, source: int, target: int) -> None:
        self._cut.add((source, target))
        self._look()

    def mend(self, source: int, target: int) -> None:
        self._cut.discard((source, target))
        self._look()

    def deafen(self, server: int) -> None:
        """Cut every link to the server, beside other cuts; those from it stay as they are."""
        self._deaf.add(server)
        self._look()

    def hear(self, server: int) -> None:
        """End `deafen`."""
        self._deaf.discard(server)
        self._look()

    def partition(self, groups: Iterable[Iterable[int]]) -> None:
        """Cut every link between servers of different groups, and restore all others; a server in no group is alone."""
        group_of = {server: number for number, group in enumerate(groups) for server in group}
        self._cut = {
            (a, b)
            for a in range(self.size)
            for b in range(self.size)
            if a != b and group_of.get(a, -1 - a) != group_of.get(b, -1 - b)
        }
        self._look()

    def heal(self) -> None:
        """End every cut and connect every server."""
        self._cut.clear()
        self._disconnected.clear()
        self._deaf.clear()
        self._look()

    def _look(self) -> None:
        self.whole = not (self._disconnected or self._cut or self._deaf)

    def cuts(self) -> list[tuple[int, int]]:
        """Return the directed links that do not work, in order."""
        pairs = ((a, b) for a in range(self.size) for b in range(self.size) if a != b)
        return [pair for pair in pairs if not self.works(*pair)]

    def set_link(self, source: int, target: int, link: Link | None) -> None:
        """Give one directed link delays and losses of its own, or none of its own with None."""
        self._links.pop((source, target), None)
        if link is not None:
            self._links[source, target] = link

    def slow(self, server: int, seconds: float) -> None:
        """Make all messages to and from the server take that much longer; 0 ends it."""
        self._slow.pop(server, None)
        if seconds:
            self._slow[server] = seconds

    def silence(self, source: int, target: int, ordinal: int) -> float:
        """Return how long the call with this ordinal takes to find out that no answer comes."""
        return _within(self.conditions.silence, self._draws.message(2, source, target, ordinal)[0])

    def next_ordinal(self, leg: int, source: int, target: int) -> int:
        """Count the messages of one leg on one directed link."""
        key = (leg, source, target)
        ordinal = self._sent[key] = self._sent.get(key, 0) + 1
        return ordinal

    def request(self, source: int, target: int, ordinal: int) -> Fate:
        """Decide about a request on a link that works."""
        now, alike = self.conditions, not self._links and not self._slow
        if alike and now.perfect:
            return _AT_ONCE
        if alike and now.plain:
            return self._plain_fate(0, source, target, ordinal, now.request_loss, now.request_delay)
        draw = self._draws.message(0, source, target, ordinal)
        link = self._links.get((source, target), _PLAIN)
        extra = self._extra(link, source, target, draw[2])
        delay = extra + _within(now.request_delay, draw[0])
        if draw[1] < 1 - (1 - now.request_loss) * (1 - link.loss):
            return Fate("loss", (delay,))
        if draw[3] < now.late_requests:
            delay += _within(now.late_delay, draw[4])
        if draw[5] < 1 - (1 - now.duplicate) * (1 - link.duplicate):
            again = now.late_delay if now.late_delay != NOTHING else now.request_delay
            return Fate(None, (delay, extra + _within(again, self._draws.message(3, source, target, ordinal)[0])))
        return Fate(None, (delay,))

    def reply(self, source: int, target: int, ordinal: int) -> Fate:
        """Decide about a reply on a link that works; `source` is the server that answers."""
        now, alike = self.conditions, not self._links and not self._slow
        if alike and now.perfect:
            return _AT_ONCE
        if alike and now.plain:
            return self._plain_fate(1, source, target, ordinal, now.reply_loss, now.reply_delay)
        draw = self._draws.message(1, source, target, ordinal)
        link = self._links.get((source, target), _PLAIN)
        delay = self._extra(link, source, target, draw[2]) + _within(now.reply_delay, draw[0])
        if draw[1] < 1 - (1 - now.reply_loss) * (1 - link.loss):
            return Fate("loss", (delay,))
        if draw[3] < now.late_share:
            delay += _within(now.late_delay, draw[4])
        return Fate(None, (delay,))

    def _plain_fate(self, leg: int, source: int, target: int, ordinal: int, loss: float, span: Span) -> Fate:
        """Decide about a message that neither comes twice nor much later than others."""
        share, luck = self._draws.pair(leg, source, target, ordinal)
        return Fate("loss" if luck < loss else None, (span[0] + (span[1] - span[0]) * share,))

    def _extra(self, link: Link, source: int, target: int, draw: float) -> float:
        """Delay that the link and the slowness of its two ends add."""
        return _within(link.delay, draw) + self._slow.get(source, 0.0) + self._slow.get(target, 0.0)


_PLAIN = Link()
