"""The states of one student's raft.py on the way through stage 2A, in the steps of handouts/2A-election.md.

Each step fills in methods of the skeleton, in the order in which the handout asks for them; a method may be filled in
again. Written from the paper and the handouts.
"""

from __future__ import annotations

import re

FIELDS = """\
        self.role = "follower"
        self.votes: set[int] = set()
        self.deadline = 0.0
"""
AFTER = (
    "        # A server must remember more. Find out what: its role, its votes, when it last heard from a leader...\n"
)

STEPS: tuple[dict[str, str], ...] = (
    {  # 1: answer a candidate
        "request_vote": """\
        if args.term > self.current_term:
            self.become_follower(args.term)
        granted = args.term == self.current_term and self.voted_for in (None, args.candidate_id)
        if granted:
            self.voted_for = args.candidate_id
        return RequestVoteReply(self.current_term, granted)
""",
        "become_follower": """\
        if term > self.current_term:
            self.current_term = term
            self.voted_for = None
        self.role = "follower"
""",
    },
    {  # 2: a server that starts, and hears a leader
        "get_state": """\
        return self.current_term, self.role == "leader"
""",
        "append_entries": """\
        if args.term > self.current_term:
            self.become_follower(args.term)
        return AppendEntriesReply(self.current_term, args.term == self.current_term)
""",
    },
    {  # 3: stand for election
        "run": """\
        self.restart_timer()
        async with trio.open_nursery() as self.nursery:
            while True:
                await trio.sleep_until(self.deadline)
                if trio.current_time() >= self.deadline:
                    self.restart_timer()
                    if self.role != "leader":
                        self.become_candidate()

    def restart_timer(self) -> None:
        self.deadline = trio.current_time() + self.node.random.uniform(0.4, 0.8)
""",
        "become_candidate": """\
        self.role = "candidate"
        self.current_term += 1
        self.voted_for = self.node.me
        self.votes = {self.node.me}
        args = RequestVoteArgs(self.current_term, self.node.me, 0, 0)
        for peer in self.node.peers:
            self.nursery.start_soon(self.request_vote_from, peer, args)
""",
        "request_vote_from": """\
        await self.node.call(peer, args)
""",
    },
    {  # 4: count votes, and lead
        "become_candidate": """\
        self.role = "candidate"
        self.current_term += 1
        self.voted_for = self.node.me
        self.votes = {self.node.me}
        args = RequestVoteArgs(self.current_term, self.node.me, 0, 0)
        for peer in self.node.peers:
            self.nursery.start_soon(self.request_vote_from, peer, args)
        self.count_votes()

    def count_votes(self) -> None:
        if self.role == "candidate" and 2 * len(self.votes) > len(self.node.peers) + 1:
            self.become_leader()
""",
        "request_vote_from": """\
        reply = await self.node.call(peer, args)
        if reply is not None and reply.vote_granted and args.term == self.current_term:
            self.votes.add(peer)
            self.count_votes()
""",
        "become_leader": """\
        self.role = "leader"
        for peer in self.node.peers:
            self.nursery.start_soon(self.replicate_to, peer)
""",
        "replicate_to": """\
        term = self.current_term
        while self.role == "leader" and self.current_term == term:
            self.nursery.start_soon(self.send_heartbeat, peer, term)
            await trio.sleep(0.11)

    async def send_heartbeat(self, peer: int, term: int) -> None:
        await self.node.call(peer, AppendEntriesArgs(term, self.node.me, 0, 0, [], 0))
""",
    },
    {  # 5: step down
        "append_entries": """\
        if args.term > self.current_term or (args.term == self.current_term and self.role == "candidate"):
            self.become_follower(args.term)
        return AppendEntriesReply(self.current_term, args.term == self.current_term)
""",
        "request_vote_from": """\
        reply = await self.node.call(peer, args)
        if reply is None:
            return
        if reply.term > self.current_term:
            self.become_follower(reply.term)
        if reply.vote_granted and args.term == self.current_term:
            self.votes.add(peer)
            self.count_votes()
""",
        "replicate_to": """\
        term = self.current_term
        while self.role == "leader" and self.current_term == term:
            self.nursery.start_soon(self.send_heartbeat, peer, term)
            await trio.sleep(0.11)

    async def send_heartbeat(self, peer: int, term: int) -> None:
        reply = await self.node.call(peer, AppendEntriesArgs(term, self.node.me, 0, 0, [], 0))
        if reply is not None and reply.term > self.current_term:
            self.become_follower(reply.term)
""",
    },
    {  # 6: restart the timer, when and only when
        "request_vote": """\
        if args.term > self.current_term:
            self.become_follower(args.term)
        granted = args.term == self.current_term and self.voted_for in (None, args.candidate_id)
        if granted:
            self.voted_for = args.candidate_id
            self.restart_timer()
        return RequestVoteReply(self.current_term, granted)
""",
        "append_entries": """\
        if args.term < self.current_term:
            return AppendEntriesReply(self.current_term, False)
        self.become_follower(args.term)
        self.restart_timer()
        return AppendEntriesReply(self.current_term, True)
""",
    },
)


def after(step: int, skeleton: str) -> str:
    """Return raft.py after that many steps; 0 is the skeleton as it is handed out."""
    if step == 0:
        return skeleton
    assert AFTER in skeleton
    text = skeleton.replace(AFTER, AFTER + FIELDS)
    filled: dict[str, str] = {}
    for methods in STEPS[:step]:
        filled |= methods
    for name, body in filled.items():
        stub = f'        raise NotImplementedError("2A: {name}")\n'
        assert text.count(stub) == 1, f"the skeleton asks for no {name}"
        text = text.replace(stub, body)
    return text


def drills_of(page: str) -> list[list[str]]:
    """Return the drills that each step of the handout's plan turns green."""
    parts = re.split(r"^### Step \d+", page.split("## The plan in steps")[1].split("\n## ")[0], flags=re.M)
    return [re.findall(r"`(drill_\w+)`", part) for part in parts[1:]]
