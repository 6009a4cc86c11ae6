"""What a checker finds, and what all checkers have in common. A checker reads only events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from labs.codec import states
from labs.codec.rpcs import RPCS
from labs.messages import Message
from labs.sim.stops import Stop
from labs.trace.events import AnySave, Deliver, Event, Reply, Send

Method: TypeAlias = Callable[[Any], None]


class Violation(Stop):
    """A rule was broken: `message` has the two facts that disagree, `servers` who, `time` when (virtual seconds)."""

    def __init__(self, rule: str, message: str, servers: Iterable[int] = (), time: float = 0.0) -> None:
        super().__init__(message, servers, time)
        self.rule = rule
        """The rule's id in the catalogue of the lab."""


class Checker:
    """Checks one rule, or a few that rest on the same facts.

    A method `on_send` sees each Send event, `on_role` each Role, and so on: the names are those of labs.trace.events,
    in small letters with underscores. `on_save` sees each save, as the protocol's own event. A method raises Violation
    when the event breaks the rule. Those of one call only are seen by `on_send_ping`, `on_reply_ping`,
    `on_deliver_ping` for the request's arrival and `on_return_ping` for that of the reply; `on_return` sees all
    replies that arrive.
    """


class Census(Checker):
    """Counts what a run reaches, and checks nothing."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()


class Checkers:
    """All checkers of a run: a model that follows the servers, and those that see each event before it does."""

    def __init__(self, model: Checker | None = None, judges: Iterable[Checker] = ()) -> None:
        self.model = model
        self.judges = list(judges)

    def observer(self, *watchers: Checker) -> Callable[[Event], None]:
        """Return a function that shows an event to checkers, model and watchers, in this order.

        It raises the first Violation.
        """
        model = [] if self.model is None else [self.model]
        return _Audience([*self.judges, *model, *watchers]).see

    def counts(self) -> dict[str, int]:
        """Return what was counted, if anything counts."""
        return {
            name: n for judge in self.judges if isinstance(judge, Census) for name, n in sorted(judge.counts.items())
        }


class _Audience:
    """Checkers, as a table of the methods that want to see an event."""

    def __init__(self, checkers: list[Checker]) -> None:
        self._checkers = checkers
        self._plain: dict[type[Event], list[Method]] = {
            cls: self._methods(f"on_{_snake(cls.__name__)}")
            for cls in Event.__subclasses__()
            if cls not in (Send, Deliver, Reply, AnySave)
        }
        self._plain.update((save, self._methods("on_save")) for save in states.EVENTS)
        self._speaking: dict[type[Event], dict[type[Message], list[Method]]] = {Send: {}, Deliver: {}, Reply: {}}
        for call, rpc in RPCS.items():
            name, request = _snake(call), rpc.request.cls
            self._speaking[Send][request] = self._methods("on_send", f"on_send_{name}")
            self._speaking[Deliver][request] = self._methods("on_deliver", f"on_deliver_{name}")
            if rpc.reply is not None:
                self._speaking[Reply][rpc.reply.cls] = self._methods("on_reply", f"on_reply_{name}")
                self._speaking[Deliver][rpc.reply.cls] = self._methods("on_deliver", "on_return", f"on_return_{name}")

    def see(self, event: Event) -> None:
        """Show an event to those that want to see it, in order; raise Violation if it breaks a rule."""
        speaking = self._speaking.get(type(event))
        methods = self._plain[type(event)] if speaking is None else speaking[type(event.message)]  # type: ignore[attr-defined]
        for method in methods:
            method(event)

    def _methods(self, *names: str) -> list[Method]:
        return [getattr(checker, name) for checker in self._checkers for name in names if hasattr(checker, name)]


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")
