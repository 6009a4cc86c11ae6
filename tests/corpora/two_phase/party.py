"""A server of the two-phase commit lab, as a student would hand it in: a client, the coordinator, or a participant."""

from __future__ import annotations

from typing import Any

import trio

from labs.messages import ApplyCommand
from tests.corpora.two_phase.protocol import (
    CLIENTS,
    COORDINATORS,
    PARTICIPANTS,
    BeginArgs,
    BeginReply,
    Decide,
    Journal,
    Prepare,
    Vote,
)

PATIENCE = 1.0


class Party:
    """One of them, by its id."""

    def __init__(self, node: Any, apply_ch: Any) -> None:
        self.node, self.apply_ch = node, apply_ch
        self.wanted: list[str] = []
        self.bell = trio.Event()
        self.participants = [*PARTICIPANTS.members]
        self.votes: dict[int, dict[int, bool]] = {}
        saved = node.persister.load() or Journal({}, [])
        self.prepared, self.done = saved.prepared, saved.done
        self.asked = 0

    async def run(self) -> None:
        for index, command in enumerate(self.done, 1):
            self.apply_ch.send_nowait(ApplyCommand(index, command))
        if self.node.me > PARTICIPANTS.members[-1]:  # one more participant, which joins later
            self.node.send(COORDINATORS.members[0], Vote(0, self.node.me, True))
        while self.node.me in CLIENTS.members:
            await self.bell.wait()
            self.bell = trio.Event()
            while self.asked < len(self.wanted):
                self.asked += 1
                await self.node.call(COORDINATORS.members[0], BeginArgs(self.asked, self.wanted[self.asked - 1]))

    def start(self, command: str) -> tuple[int, int, bool]:
        self.wanted.append(command)
        self.bell.set()
        return len(self.wanted), 0, True

    async def begin(self, args: BeginArgs) -> BeginReply:
        votes = self.votes.setdefault(args.number, {})
        for participant in self.participants:
            self.node.send(participant, Prepare(args.number, args.command))
        with trio.move_on_after(PATIENCE):
            while len(votes) < len(self.participants):
                self.bell = trio.Event()
                await self.bell.wait()
        commit = len(votes) == len(self.participants) and all(votes.values())
        for participant in self.participants:
            self.node.send(participant, Decide(args.number, commit))
        return BeginReply(commit)

    def prepare(self, args: Prepare) -> None:
        self.prepared[str(args.number)] = args.command
        self.node.persister.save(Journal(self.prepared, self.done))
        self.node.send(COORDINATORS.members[0], Vote(args.number, self.node.me, not args.command.startswith("bad")))

    def vote(self, args: Vote) -> None:
        if args.number == 0:
            self.participants.append(args.voter)
        self.votes.setdefault(args.number, {})[args.voter] = args.yes
        self.bell.set()

    def decide(self, args: Decide) -> None:
        if args.commit:
            self.done.append(self.prepared[str(args.number)])
            self.node.persister.save(Journal(self.prepared, self.done))
            self.apply_ch.send_nowait(ApplyCommand(len(self.done), self.done[-1]))
