"""Elections (§5.2, §5.4.1)."""

# mypy: ignore-errors

import random

import trio

from labs.messages import RequestVoteArgs, RequestVoteReply

from .replication import Progress
from .timing import LOOK


class Election:
    async def ticker(self):
        await trio.sleep(random.random() * LOOK)
        while True:
            async with self.lock:
                if self.state != "leader" and self.stopwatch.ran_out():
                    self.run_for_office()
            await trio.sleep(LOOK)

    def run_for_office(self):
        self.state = "candidate"
        self.current_term += 1
        self.voted_for = self.node.me
        self.persist()
        self.votes = {self.node.me}
        self.stopwatch.restart()
        args = RequestVoteArgs(self.current_term, self.node.me, self.log.last_index(), self.log.last_term())
        for peer in self.node.peers:
            self.nursery.start_soon(self.canvass, peer, args)
        if self.majority(self.votes):
            self.take_office()

    async def canvass(self, peer, args):
        with trio.move_on_after(1.2):
            reply = await self.node.call(peer, args)
            if reply is None:
                return
            async with self.lock:
                if reply.term > self.current_term:
                    self.turn_follower(reply.term)
                if self.state == "candidate" and self.current_term == args.term and reply.vote_granted:
                    self.votes.add(peer)
                    if self.majority(self.votes):
                        self.take_office()

    def take_office(self):
        self.state = "leader"
        self.progress = {peer: Progress(self.log.last_index() + 1) for peer in self.node.peers}
        self.wake_replicators()

    async def request_vote(self, args):
        async with self.lock:
            if args.term > self.current_term:
                self.turn_follower(args.term)
            if args.term < self.current_term or self.voted_for not in (None, args.candidate_id):
                return RequestVoteReply(term=self.current_term, vote_granted=False)
            theirs = args.last_log_term, args.last_log_index
            if theirs < (self.log.last_term(), self.log.last_index()):
                return RequestVoteReply(term=self.current_term, vote_granted=False)
            self.voted_for = args.candidate_id
            self.persist()
            self.stopwatch.restart()
            return RequestVoteReply(term=self.current_term, vote_granted=True)
