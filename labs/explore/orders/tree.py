"""All choices one after the other, depth first, without orders that only swap what commutes: sleep sets.

A choice that was tried at a node sleeps in the branches after it, until one comes that it does not commute with: to
wake it earlier would only repeat a run with two choices swapped (Godefroid, Partial-Order Methods, 1996). All orders of
a class have the same length and the same number of timeouts, losses and so on; so the bounds keep a class or leave it
out as a whole, and of each class within them exactly one order is run to its end. So dynamic reduction (source sets)
could save only the runs that end early because all that is left sleeps; where time passes in some choices they are few.

A choice in which time passes may be impossible with a seed's timers; then other seeds are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from labs.explore.orders.choices import Choice, commute
from labs.explore.orders.execution import Ended, Guide

Execute: TypeAlias = Callable[[int, Guide], Ended]
"""Runs an order with a seed, as a guide leads it."""
SEEDS = 30
"""How many seeds are tried for a choice in which time passes."""


class Branch(msgspec.Struct, frozen=True):
    """All orders that begin with these choices, but for those that begin further with one that sleeps."""

    choices: tuple[Choice, ...] = ()
    sleep: tuple[Choice, ...] = ()
    seed: int = 1
    """Gives the servers' timers; others are tried where this one does not allow what was chosen."""


class Explored(msgspec.Struct):
    """What came of a branch."""

    runs: int = 0
    """Orders that were run to their end."""
    pruned: int = 0
    """Branches that would only have repeated an order with choices swapped."""
    impossible: int = 0
    """Choices that no seed's timers allowed."""
    retries: int = 0
    """Runs that ended early, because the seed's timers did not allow a choice."""
    blocked: int = 0
    """Runs that ended early, because all that was left would have repeated an order."""
    cut: int = 0
    """Orders that would go on, but for the depth."""
    rest: list[Branch] = []
    """What is left of the branch."""


class Known:
    """What earlier runs have shown, so that nothing is tried in vain twice. It never changes which orders are run."""

    def __init__(self) -> None:
        self.recovered: set[str] = set()
        """The states from which servers have shown that they recover."""
        self._comes: dict[tuple[int, tuple[Choice, ...], str], int] = {}
        """For a seed, choices that were made, and a kind in which time passes, which server comes first."""
        self._strays: set[tuple[int, tuple[Choice, ...]]] = set()
        """For a seed choices of which the last one is not there to be made."""

    def learn(self, seed: int, path: tuple[Choice, ...], ended: Ended, place: int) -> None:
        """Remember why a path is impossible with a seed.

        At `place` another server came first, or no such choice was there.
        """
        if ended.missed is None:
            self._strays.add((seed, path[: place + 1]))
        else:
            self._comes[seed, path[:place], path[place].kind] = ended.instead

    def may_allow(self, seed: int, path: tuple[Choice, ...]) -> bool:
        """Return whether nothing is known that makes a path impossible with a seed."""
        for number, choice in enumerate(path):
            if choice.is_global and self._comes.get((seed, path[:number], choice.kind), choice.server) != choice.server:
                return False
            if (seed, path[: number + 1]) in self._strays:
                return False
        return True


@dataclass
class _Node:
    """A place in the tree from which choices go out."""

    seed: int
    sleep: list[Choice]
    todo: list[Choice]
    done: list[Choice] = field(default_factory=list)
    """What was tried; the last one is being tried."""

    @property
    def now(self) -> Choice:
        return self.done[-1]

    def go_on(self) -> Choice:
        """Try the next choice, and return it."""
        self.done.append(self.todo.pop(0))
        return self.now

    def sleeping(self) -> list[Choice]:
        """Return what sleeps after the choice that is being tried."""
        return [choice for choice in [*self.sleep, *self.done[:-1]] if commute(choice, self.done[-1])]


class Walk(Guide):
    """Walks through one branch, up to a depth."""

    def __init__(self, branch: Branch, depth: int, execute: Execute, known: Known, prunes: bool = True) -> None:
        self._branch, self._depth, self._execute, self._prunes = branch, depth, execute, prunes
        self.explored = Explored()
        self._nodes: list[_Node] = []
        """The places after the choices of the branch, in the run under way."""
        self._path: tuple[Choice, ...] = ()
        """The choices that the run under way makes first."""
        self._place, self._seed = 0, branch.seed
        self._strayed = False
        """Whether one of them was not there to be made: the seed's timers have led to another place."""
        self._is_blocked = False
        """Whether the run under way ends because all that is left sleeps."""
        self._known = known

    def go(self, most: int) -> Iterator[Ended]:
        """Run orders, about this many, and yield what comes of each; then `explored.rest` is what is left."""
        ended = self._try(self._branch.choices, self._branch.seed)
        while True:
            if ended is not None:
                yield ended
            while self._nodes and not self._nodes[-1].todo:
                self._nodes.pop()
            if not self._nodes:
                return
            if self.explored.runs >= most:
                self.explored.rest = self._rest()
                return
            self._nodes[-1].go_on()
            ended = self._try(self._chosen(), self._nodes[-1].seed)

    def _chosen(self) -> tuple[Choice, ...]:
        """Return the choices of the run under way, as far as they are known."""
        return (*self._branch.choices, *(node.now for node in self._nodes))

    def _try(self, path: tuple[Choice, ...], seed: int) -> Ended | None:
        """Run one order that begins with a path, with the first seed whose timers allow it; None if none does."""
        while (seed := self._seed_for(path, seed)) > 0:
            self._path, self._place, self._seed = path, 0, seed
            self._strayed = self._is_blocked = False
            ended = self._execute(seed, self)
            path = self._chosen()
            if ended.missed is None and not self._strayed:
                self.explored.runs += not self._is_blocked
                self.explored.blocked += self._is_blocked
                return ended
            self._known.learn(seed, path, ended, ended.missed if ended.missed is not None else self._place - 1)
            self.explored.retries += 1
        self.explored.impossible += 1
        return None

    def _seed_for(self, path: tuple[Choice, ...], seed: int) -> int:
        """Return the first seed that may allow a path, beginning with one; 0 if there is none."""
        return next((one for one in (seed, *range(1, SEEDS + 1)) if self._known.may_allow(one, path)), 0)

    def _rest(self) -> list[Branch]:
        """Return a branch for each choice that is left."""
        found, chosen = list[Branch](), self._chosen()
        for place, node in enumerate(self._nodes, len(self._branch.choices)):
            while node.todo:
                choice = node.go_on()
                found.append(Branch((*chosen[:place], choice), tuple(node.sleeping()), node.seed))
        return found

    # What a run asks its guide.

    def choose(self, enabled: list[Choice]) -> Choice | None:
        place, self._place = self._place, self._place + 1
        if place < len(self._path):
            self._strayed = self._path[place] not in enabled
            return None if self._strayed else self._path[place]
        if sum(choice.kind != "elect" for choice in self._chosen()) >= self._depth:
            self.explored.cut += bool(enabled)
            return None
        sleep = self._nodes[-1].sleeping() if self._nodes else list(self._branch.sleep)
        todo = [choice for choice in enabled if choice not in sleep or not self._prunes]
        self.explored.pruned += len(enabled) - len(todo)
        if not todo:
            self._is_blocked = bool(enabled)
            return None
        self._nodes.append(_Node(self._seed, sleep, todo))
        return self._nodes[-1].go_on()

    def wants_recovery(self, state: str) -> bool:
        if self._strayed or self._is_blocked or state in self._known.recovered:
            return False
        self._known.recovered.add(state)
        return True
