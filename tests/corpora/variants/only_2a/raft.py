"""What a student has after the first stage: elections and heartbeats, and nothing that stores or copies anything.

It keeps no log, saves nothing, and answers yes to every AppendEntries of its term. All other methods are not written yet.
"""

# mypy: ignore-errors

import trio

from labs.messages import AppendEntriesArgs, AppendEntriesReply, RequestVoteArgs, RequestVoteReply


class Raft:
    def __init__(self, node, apply_ch):
        self.node = node
        self.current_term = 0
        self.voted_for = None
        self.state = "follower"
        self.votes = 0
        self.last_heard = 0.0
        self.timeout = self.draw_timeout()

    def draw_timeout(self):
        return 0.5 + self.node.random.random() * 0.5

    def get_state(self):
        return self.current_term, self.state == "leader"

    async def run(self):
        self.last_heard = trio.current_time()
        async with trio.open_nursery() as self.nursery:
            self.nursery.start_soon(self.heartbeats)
            while True:
                await trio.sleep(0.015)
                if self.state != "leader" and trio.current_time() - self.last_heard > self.timeout:
                    self.start_election()

    def start_election(self):
        self.state = "candidate"
        self.current_term += 1
        self.voted_for = self.node.me
        self.votes = 1
        self.last_heard = trio.current_time()
        self.timeout = self.draw_timeout()
        args = RequestVoteArgs(self.current_term, self.node.me, 0, 0)
        for peer in self.node.peers:
            self.nursery.start_soon(self.ask, peer, args)
        self.check_votes()

    async def ask(self, peer, args):
        reply = await self.node.call(peer, args)
        if reply is None:
            return
        self.check_term(reply.term)
        if self.state == "candidate" and self.current_term == args.term and reply.vote_granted:
            self.votes += 1
            self.check_votes()

    def check_votes(self):
        if self.votes > (len(self.node.peers) + 1) / 2:
            self.state = "leader"
            self.send_heartbeats()

    async def heartbeats(self):
        while True:
            await trio.sleep(0.1)
            if self.state == "leader":
                self.send_heartbeats()

    def send_heartbeats(self):
        for peer in self.node.peers:
            self.nursery.start_soon(self.send_heartbeat, peer, self.current_term)

    async def send_heartbeat(self, peer, term):
        reply = await self.node.call(peer, AppendEntriesArgs(term, self.node.me, 0, 0, [], 0))
        if reply is not None:
            self.check_term(reply.term)

    def check_term(self, term):
        if term > self.current_term:
            self.current_term = term
            self.voted_for = None
            self.last_heard = trio.current_time()
            self.state = "follower"

    def request_vote(self, args):
        self.check_term(args.term)
        granted = args.term == self.current_term and self.voted_for in (None, args.candidate_id)
        if granted:
            self.voted_for = args.candidate_id
            self.last_heard = trio.current_time()
        return RequestVoteReply(self.current_term, granted)

    def append_entries(self, args):
        self.check_term(args.term)
        if args.term < self.current_term:
            return AppendEntriesReply(self.current_term, False)
        self.state = "follower"
        self.last_heard = trio.current_time()
        return AppendEntriesReply(self.current_term, True)

    def start(self, command):
        raise NotImplementedError("2B: start")
