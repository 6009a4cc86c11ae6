"""Known-wrong servers: heartbeats, and calls that are too many (§5.2).

In the order of the rule that names each best.
"""

from __future__ import annotations

from tests.corpora.mutants.patching import Mutant

BLIND = "written from the paper, without a look at the checkers"
CALL = (
    "        with trio.move_on_after(RPC_TIMEOUT):\n"
    "            reply = await self.node.call(peer, args)\n"
    "            if reply is not None:\n"
    "                self.take_append_reply(peer, args, reply)\n"
)
FIELDS = "        self.votes: dict[int, bool] = {}\n"
LEAD = "            self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n"
LOOP = (
    "        while self.is_still(Role.LEADER, term):\n"
    "            self.wakeups[peer] = trio.Event()\n"
    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
    "                await self.wakeups[peer].wait()\n"
)
RESTORED = "        self.restore()\n\n"
SEND = "        prev_log_index = self.next_index[peer] - 1\n"

MUTANTS = [
    # HeartbeatsSent
    Mutant(
        name="B702_writes_to_four_peers",
        source=BLIND,
        stage="2A",
        wrong="a leader writes to four peers, which are enough for a majority of seven, and not to the others",
        rules=("HeartbeatsSent", "CommittedIsApplied"),
        changes=(
            (
                LEAD,
                (
                    "            if len(self.wakeups) <= 4:\n"
                    "                self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B712_a_late_vote_elects_again",
        source=BLIND,
        stage="2A",
        wrong="a vote for the term that comes when the server leads already starts its leadership once more",
        rules=("HeartbeatsSent", "RpcBudget"),
        changes=(
            (
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                    "        self.votes[peer] = reply.vote_granted\n"
                ),
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if self.role is Role.FOLLOWER or self.current_term != args.term:\n"
                    "            return\n"
                    "        self.votes[peer] = reply.vote_granted\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B715_writes_to_its_voters_only",
        source=BLIND,
        stage="2A",
        wrong="a leader writes to those who voted for it, and never to a peer that refused or answered late",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                LEAD,
                (
                    "            if self.votes.get(peer):\n"
                    "                self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B717_second_leadership_is_over_at_once",
        source=BLIND,
        stage="2A",
        wrong="the event that ends the sending loops is set when a leader steps down, and still set when it leads again",
        rules=("HeartbeatsSent", "LeaderInTime"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.deposed = trio.Event()\n",
            ),
            (
                "        if self.role is Role.LEADER:\n            self.reset_election_timer()\n",
                (
                    "        if self.role is Role.LEADER:\n"
                    "            self.deposed.set()\n"
                    "            self.reset_election_timer()\n"
                ),
            ),
            (
                "        while self.is_still(Role.LEADER, term):\n",
                "        while not self.deposed.is_set():\n",
            ),
        ),
    ),
    Mutant(
        name="B772_errors_start_the_server_anew",
        source=BLIND,
        stage="2A",
        wrong="a call without an answer raises; run catches it and starts its tasks again, without those of the leader that it still is",
        rules=("HeartbeatsSent", "LeaderInTime", "CommittedIsApplied", "NoCrash"),
        changes=(
            (
                (
                    "        async with trio.open_nursery() as self.nursery:\n"
                    "            await self.watch_election_timer()\n"
                ),
                (
                    "        while True:\n"
                    "            try:\n"
                    "                async with trio.open_nursery() as self.nursery:\n"
                    "                    await self.watch_election_timer()\n"
                    "            except* AttributeError:\n"
                    '                self.node.note("starting again")\n'
                ),
            ),
            (
                CALL,
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply.term:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B783_four_calls_at_a_time",
        source=BLIND,
        stage="2A",
        wrong="four calls are open at a time, to all peers together, so those to dead peers keep the living waiting",
        rules=("HeartbeatsSent", "LeaderInTime", "ElectionTimerReset", "CommittedIsApplied", "HigherTermAdopted"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.slots = trio.CapacityLimiter(4)\n",
            ),
            (
                CALL,
                (
                    "        async with self.slots:\n"
                    "            with trio.move_on_after(RPC_TIMEOUT):\n"
                    "                reply = await self.node.call(peer, args)\n"
                    "                if reply is not None:\n"
                    "                    self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B784_backs_off_from_silent_peers",
        source=BLIND,
        stage="2A",
        wrong="a leader doubles the pause after each call without an answer, up to a minute, and a peer that returns hears nothing",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.pause: dict[int, float] = {}\n",
            ),
            (
                (
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
                (
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            with trio.move_on_after(self.pause.get(peer, HEARTBEAT_INTERVAL)):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
            ),
            (
                CALL,
                (
                    "        reply = None\n"
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "        if reply is None:\n"
                    "            self.pause[peer] = min(60.0, 2 * self.pause.get(peer, HEARTBEAT_INTERVAL))\n"
                    "            return\n"
                    "        self.pause[peer] = HEARTBEAT_INTERVAL\n"
                    "        self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B77_gives_silent_peers_up",
        source=BLIND,
        stage="2B",
        wrong="a leader sends nothing more to a peer that did not answer ten calls",
        rules=("HeartbeatsSent", "CommittedIsApplied"),
        changes=(
            (
                "        self.nursery: trio.Nursery\n",
                "        self.silent: dict[int, int] = {}\n        self.nursery: trio.Nursery\n",
            ),
            (
                "        while self.is_still(Role.LEADER, term):\n            self.wakeups",
                (
                    "        while self.is_still(Role.LEADER, term) and self.silent.get(peer, 0) < 10:\n"
                    "            self.wakeups"
                ),
            ),
            (
                CALL,
                (
                    "        self.silent[peer] = self.silent.get(peer, 0) + 1\n"
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.silent[peer] = 0\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B815_one_clock_for_all_heartbeats",
        source=BLIND,
        stage="2B",
        wrong="a leader sends heartbeats when it has sent nothing to anybody for a while, so a peer that lags hears nothing while others get entries",
        rules=("HeartbeatsSent", "CommittedIsApplied", "ElectionTimerReset", "LeaderInTime"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.busy_at = -1.0\n",
            ),
            (
                (
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
                (
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                    "                self.busy_at = trio.current_time()\n"
                    "            while trio.current_time() < self.busy_at + HEARTBEAT_INTERVAL and not self.wakeups[peer].is_set():\n"
                    "                with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                    await self.wakeups[peer].wait()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B843_gives_a_peer_up_when_it_has_all",
        source=BLIND,
        stage="2B",
        wrong="a leader does not send leader_commit again to a peer that has its whole log and got the news once",
        rules=("HeartbeatsSent", "ElectionTimerReset", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                FIELDS,
                "        self.votes: dict[int, bool] = {}\n        self.told: dict[int, tuple[int, int, int]] = {}\n",
            ),
            (
                SEND,
                (
                    "        now = (self.current_term, self.last_log_index(), self.commit_index)\n"
                    "        if now == self.told.get(peer) and self.commit_index and self.match_index[peer] == self.last_log_index():\n"
                    "            return\n"
                    "        self.told[peer] = now\n"
                    "        prev_log_index = self.next_index[peer] - 1\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B320_course_slots_leak",
        source=BLIND,
        stage="2B",
        wrong="a call that took too long keeps its slot, and after eight of them the peer gets no more calls",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                (
                    "        except trio.TooSlowError:\n"
                    "            return\n"
                    "        finally:\n"
                    "            self.slots[peer].release_on_behalf_of(slot)\n"
                ),
                (
                    "        except trio.TooSlowError:\n"
                    "            return\n"
                    "        self.slots[peer].release_on_behalf_of(slot)\n"
                ),
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="C336_silence_uses_up_the_slots",
        source="invented before the checkers were read",
        stage="2B",
        wrong="a call that gets no answer in time keeps its slot: after eight of them the peer is spoken to no more",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                "        finally:\n            self.slots[peer].release_on_behalf_of(slot)\n",
                "        self.slots[peer].release_on_behalf_of(slot)\n",
            ),
        ),
        base="course_style",
        origin="blind",
        at_first_sight=True,
    ),
    Mutant(
        name="B200_next_round_waits_for_the_last",
        source=BLIND,
        stage="2A",
        wrong="a heartbeat to a peer goes out only when the call before has ended, seconds later if it was lost",
        rules=("HeartbeatsSent", "ElectionTimerReset"),
        changes=(
            (
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply"
                ),
                (
                    "        with trio.move_on_after(5):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply"
                ),
            ),
            (
                (
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
                (
                    "            await self.replicate_to(peer, term)\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B202_winning_cancels_the_heartbeats",
        source=BLIND,
        stage="2A",
        wrong="the leader's tasks start in the election's nursery, which is cancelled when the election is over",
        rules=("HeartbeatsSent", "LeaderInTime", "ElectionTimerReset"),
        changes=(
            (
                (
                    "        for peer in self.node.peers:\n"
                    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
                    "        self.count_votes()\n"
                ),
                (
                    "        self.nursery.start_soon(self.hold_election, args)\n"
                    "\n"
                    "    async def hold_election(self, args: RequestVoteArgs) -> None:\n"
                    '        """Ask all."""\n'
                    "        async with trio.open_nursery() as self.election:\n"
                    "            for peer in self.node.peers:\n"
                    "                self.election.start_soon(self.keep_asking, peer, args)\n"
                    "            self.count_votes()\n"
                    "            while self.is_still(Role.CANDIDATE, args.term):\n"
                    "                await trio.sleep(0.3)\n"
                    "            self.election.cancel_scope.cancel()\n"
                ),
            ),
            (
                LEAD,
                "            self.election.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="B213_waits_in_a_nursery_for_a_majority",
        source=BLIND,
        stage="2B",
        wrong="entries go to all peers in one round, and the next round begins when all have answered",
        rules=("HeartbeatsSent", "CommittedIsApplied", "ElectionTimerReset"),
        changes=(
            (
                LEAD,
                (
                    "        self.nursery.start_soon(self.keep_rounds, self.current_term)\n"
                    "\n"
                    "    async def keep_rounds(self, term: int) -> None:\n"
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            async with trio.open_nursery() as calls:\n"
                    "                for peer in self.node.peers:\n"
                    "                    calls.start_soon(self.replicate_to, peer, term)\n"
                    "            await trio.sleep(HEARTBEAT_INTERVAL)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="B216_heartbeats_every_millisecond",
        source=BLIND,
        stage="2A",
        wrong="a heartbeat leaves every 5 milliseconds",
        rules=("HeartbeatsSent", "RpcBudget"),
        changes=(
            (
                "HEARTBEAT_INTERVAL = 0.11\n",
                "HEARTBEAT_INTERVAL = 0.005\n",
            ),
        ),
    ),
    Mutant(
        name="B217_heartbeats_every_two_seconds",
        source=BLIND,
        stage="2A",
        wrong="a heartbeat leaves every two seconds",
        rules=("HeartbeatsSent", "ElectionTimerReset", "LeaderInTime"),
        changes=(
            (
                "HEARTBEAT_INTERVAL = 0.11\n",
                "HEARTBEAT_INTERVAL = 2.0\n",
            ),
        ),
    ),
    Mutant(
        name="E36_no_word_upon_election",
        source="willemt/raft 6d4bbcc",
        stage="2A",
        wrong="a new leader lets an interval pass before its first heartbeat",
        rules=("HeartbeatsSent",),
        changes=(
            (
                LOOP,
                (
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            self.nursery.start_soon(self.replicate_to, peer, term)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E37_heartbeats_rarer_than_elections",
        source="6.824 lab hints",
        stage="2A",
        wrong="a heartbeat a second does not keep followers from standing for election",
        rules=("HeartbeatsSent", "LeaderInTime", "ElectionTimerReset"),
        changes=(
            (
                "HEARTBEAT_INTERVAL = 0.11\n",
                "HEARTBEAT_INTERVAL = 1.0\n",
            ),
        ),
    ),
    Mutant(
        name="L09_gives_up_a_peer_that_failed",
        source="WRaft #118; an exception that leaves the loop",
        stage="2A",
        wrong="a leader never writes again to a peer that once gave no answer",
        rules=("HeartbeatsSent", "LeaderInTime", "CommittedIsApplied"),
        changes=(
            (
                "            if reply is not None:\n                self.take_append_reply(peer, args, reply)\n",
                (
                    "            if reply is None:\n"
                    "                self.given_up.add((peer, args.term))\n"
                    "                return\n"
                    "            self.take_append_reply(peer, args, reply)\n"
                ),
            ),
            (
                "        self.role = Role.FOLLOWER\n        self.election",
                (
                    "        self.role = Role.FOLLOWER\n"
                    "        self.given_up: set[tuple[int, int]] = set()\n"
                    "        self.election"
                ),
            ),
            (
                "        while self.is_still(Role.LEADER, term):\n",
                "        while self.is_still(Role.LEADER, term) and (peer, term) not in self.given_up:\n",
            ),
        ),
    ),
    Mutant(
        name="course_no_heartbeats",
        source="classic bugs of course labs, in a slow and careful server",
        stage="2A",
        wrong="a leader sends only when there is something to send",
        rules=("HeartbeatsSent",),
        changes=(
            (
                "            with trio.move_on_after(self.BEAT):\n                await progress.wake.wait()\n",
                "            await progress.wake.wait()\n",
            ),
        ),
        base="course_style",
    ),
    Mutant(
        name="T16_a_loop_more_for_each_answer",
        source="6.824 submissions",
        stage="2B",
        wrong="each answer with news starts another loop that sends to the peer, beside those that run",
        rules=("HeartbeatsSent", "RpcBudget", "ByteBudget", "NoSpin"),
        changes=(
            (
                "        if index <= self.last_log_index():\n            self.wakeups[peer].set()\n",
                "        self.nursery.start_soon(self.keep_replicating_to, peer, self.current_term)\n",
            ),
        ),
    ),
    Mutant(
        name="T29_flag_cleared_on_success_only",
        source="dqkqd@a68e49b",
        stage="2B",
        wrong="a flag shows that a call to a peer is open; a call without an answer leaves it set for ever",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                RESTORED,
                "        self.replicating: set[int] = set()\n        self.restore()\n\n",
            ),
            (
                SEND,
                (
                    "        if peer in self.replicating:\n"
                    "            return\n"
                    "        self.replicating.add(peer)\n"
                    "        prev_log_index = self.next_index[peer] - 1\n"
                ),
            ),
            (
                CALL,
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.replicating.discard(peer)\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T29c_flag_survives_leadership",
        source="dqkqd@a68e49b",
        stage="2B",
        wrong="a flag shows that a call to a peer is open; it stays set when the leadership ends before the answer",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                RESTORED,
                "        self.replicating: set[int] = set()\n        self.restore()\n\n",
            ),
            (
                SEND,
                (
                    "        if peer in self.replicating:\n"
                    "            return\n"
                    "        self.replicating.add(peer)\n"
                    "        prev_log_index = self.next_index[peer] - 1\n"
                ),
            ),
            (
                CALL,
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                    "        if self.is_still(Role.LEADER, args.term):\n"
                    "            self.replicating.discard(peer)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T19s_error_ends_the_loop_silently",
        source="PySyncObj@fa8438a (#190)",
        stage="2B",
        wrong="an exception about a missing answer is caught outside of the loop that sends, so the loop is over",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                LOOP,
                (
                    "        try:\n"
                    "            while self.is_still(Role.LEADER, term):\n"
                    "                self.wakeups[peer] = trio.Event()\n"
                    "                await self.replicate_to(peer, term)\n"
                    "                with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                    await self.wakeups[peer].wait()\n"
                    "        except Exception as error:\n"
                    "            self.node.note(f'lost server {peer}: {error}')\n"
                ),
            ),
            (
                CALL,
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T12_closure_over_the_last_peer",
        source="every Python course",
        stage="2A",
        wrong="the tasks that send are closures over the loop's name: all of them write to the last peer",
        rules=("HeartbeatsSent",),
        changes=(
            (
                LEAD,
                (
                    "\n"
                    "            async def keep_replicating() -> None:\n"
                    "                await self.keep_replicating_to(peer, self.current_term)\n"
                    "\n"
                    "            self.nursery.start_soon(keep_replicating)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T12g_iterator_used_up",
        source="every Python course",
        stage="2A",
        wrong="the peers are kept as an iterator, which the first loop over them uses up",
        rules=("HeartbeatsSent", "LeaderInTime", "CandidateIncrementsTerm"),
        changes=(
            (
                RESTORED,
                "        self.others = filter(lambda peer: peer != node.me, node.peers)\n        self.restore()\n\n",
            ),
            (
                (
                    "        for peer in self.node.peers:\n"
                    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
                ),
                (
                    "        for peer in self.others:\n"
                    "            self.nursery.start_soon(self.keep_asking, peer, args)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="T33_missing_await",
        source="a common bug of asyncio and trio code",
        stage="2A",
        wrong="the call that sends has no await before it, so it makes a coroutine and sends nothing",
        rules=("HeartbeatsSent", "LeaderInTime"),
        changes=(
            (
                (
                    "            await self.send_snapshot(peer)\n"
                    "        else:\n"
                    "            await self.send_entries(peer)\n"
                ),
                "            await self.send_snapshot(peer)\n        else:\n            self.send_entries(peer)\n",
            ),
        ),
    ),
    Mutant(
        name="L04s_heartbeats_one_after_the_other",
        source="abrange/distkeyvalue",
        stage="2B",
        wrong="a leader waits for one peer's answer before it writes to the next, so a dead peer delays all",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                LEAD,
                "",
            ),
            (
                "    async def keep_replicating_to(self, peer: int, term: int) -> None:\n",
                (
                    "        self.nursery.start_soon(self.keep_replicating, self.current_term)\n"
                    "\n"
                    "    async def keep_replicating(self, term: int) -> None:\n"
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            for peer in self.node.peers:\n"
                    "                await self.replicate_to(peer, term)\n"
                    "            await trio.sleep(HEARTBEAT_INTERVAL / 2)\n"
                    "\n"
                    "    async def keep_replicating_to(self, peer: int, term: int) -> None:\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="L08_heartbeats_wait_for_the_applier",
        source="sofa-jraft#969; LogCabin#200",
        stage="2B",
        wrong="heartbeats leave between two entries that are applied, and applying takes its time",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                "            self.apply_committed()\n\n",
                (
                    "            self.behind.set()\n"
                    "\n"
                    "    async def keep_applying(self) -> None:\n"
                    "        while True:\n"
                    "            await self.behind.wait()\n"
                    "            self.behind = trio.Event()\n"
                    "            async with self.busy:\n"
                    "                while self.commit_index > self.last_applied:\n"
                    "                    self.last_applied += 1\n"
                    "                    entry = self.log[self.position(self.last_applied)]\n"
                    "                    await self.apply_ch.send(ApplyCommand(self.last_applied, entry.command))\n"
                    "                    await trio.sleep(0.02)\n"
                    "\n"
                ),
            ),
            (
                RESTORED,
                "        self.busy = trio.Lock()\n        self.behind = trio.Event()\n        self.restore()\n\n",
            ),
            (
                "            await self.watch_election_timer()\n",
                (
                    "            self.nursery.start_soon(self.keep_applying)\n"
                    "            await self.watch_election_timer()\n"
                ),
            ),
            (
                LOOP,
                (
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            async with self.busy:\n"
                    "                self.nursery.start_soon(self.replicate_to, peer, term)\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
            ),
            (
                "        term = self.term_at(index)\n        self.log =",
                (
                    "        term = self.term_at(index)\n"
                    "        self.last_applied = max(self.last_applied, index)\n"
                    "        self.log ="
                ),
            ),
        ),
    ),
    Mutant(
        name="L10_call_without_a_timeout_holds_the_slot",
        source="6.824 submissions",
        stage="2B",
        wrong="one call to a peer is open at a time, and it is waited for as long as it takes",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                LOOP,
                (
                    "        while self.is_still(Role.LEADER, term):\n"
                    "            self.wakeups[peer] = trio.Event()\n"
                    "            await self.replicate_to(peer, term)\n"
                    "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n"
                    "                await self.wakeups[peer].wait()\n"
                ),
            ),
            (
                CALL,
                (
                    "        with trio.CancelScope():\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="L14_window_leaks_slots",
        source="dqkqd@a68e49b",
        stage="2B",
        wrong="at most 16 calls to a peer are open, but one that gets no answer is never counted as over",
        rules=("HeartbeatsSent", "CommittedIsApplied", "LeaderInTime"),
        changes=(
            (
                "            self.match_index[peer] = 0\n",
                "            self.match_index[peer] = 0\n            self.window[peer] = 16\n",
            ),
            (
                RESTORED,
                "        self.window: dict[int, int] = {}\n        self.restore()\n\n",
            ),
            (
                SEND,
                (
                    "        if self.window[peer] == 0:\n"
                    "            return\n"
                    "        self.window[peer] -= 1\n"
                    "        prev_log_index = self.next_index[peer] - 1\n"
                ),
            ),
            (
                CALL,
                (
                    "        with trio.move_on_after(RPC_TIMEOUT):\n"
                    "            reply = await self.node.call(peer, args)\n"
                    "            if reply is not None:\n"
                    "                self.window[peer] += 1\n"
                    "                self.take_append_reply(peer, args, reply)\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="E18_becomes_leader_twice",
        source="a common bug of course labs",
        stage="2A",
        wrong="each vote beyond the majority makes it leader again, with one more loop of heartbeats for each peer",
        rules=("HeartbeatsSent", "RpcBudget"),
        changes=(
            (
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if not self.is_still(Role.CANDIDATE, args.term):\n"
                    "            return\n"
                ),
                (
                    "        if reply.term > self.current_term:  # Figure 2, All servers rule 2\n"
                    "            self.become_follower(reply.term)\n"
                    "        if self.current_term != args.term or self.role is Role.FOLLOWER:\n"
                    "            return\n"
                ),
            ),
        ),
    ),
    Mutant(
        name="W17_peer_is_tried_less_and_less_often",
        source="written from Figure 2, sentence by sentence, before the tests",
        stage="2B",
        wrong="a peer that does not answer is written to after twice the pause each time, up to minutes",
        rules=("HeartbeatsSent", "CommittedIsApplied"),
        changes=(
            (
                FIELDS,
                "        self.pauses: dict[int, float] = {}\n        self.votes: dict[int, bool] = {}\n",
            ),
            (
                "            with trio.move_on_after(HEARTBEAT_INTERVAL):\n",
                (
                    "            self.pauses[peer] = self.pauses.get(peer, HEARTBEAT_INTERVAL / 1.5) * 1.5\n"
                    "            with trio.move_on_after(self.pauses[peer]):\n"
                ),
            ),
            (
                (
                    "        if reply.success:\n"
                    "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
                    "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
                    "            self.back_up(peer, args.prev_log_index, reply)\n"
                ),
                (
                    "        self.pauses[peer] = HEARTBEAT_INTERVAL / 1.5\n"
                    "        if reply.success:\n"
                    "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
                    "        elif args.prev_log_index == self.next_index[peer] - 1:\n"
                    "            self.back_up(peer, args.prev_log_index, reply)\n"
                ),
            ),
        ),
    ),
    # RpcBudget
    Mutant(
        name="B215_asks_again_at_once",
        source=BLIND,
        stage="2A",
        wrong="a call without a reply is made again in the same breath, for ever",
        rules=("RpcBudget", "NoSpin", "HeartbeatsSent"),
        changes=(
            (
                "            await trio.sleep(VOTE_INTERVAL)\n",
                "            await trio.sleep(0.001)\n",
            ),
        ),
    ),
    Mutant(
        name="L01_every_answer_wakes_everybody",
        source="6.824 submissions; abrange/distkeyvalue",
        stage="2B",
        wrong="each answer to AppendEntries makes the leader write to all its peers at once",
        rules=("RpcBudget", "NoSpin", "HeartbeatsSent", "ByteBudget"),
        changes=(
            (
                "            self.record_match(peer, args.prev_log_index + len(args.entries))\n",
                (
                    "            self.record_match(peer, args.prev_log_index + len(args.entries))\n"
                    "            for other in self.node.peers:\n"
                    "                self.wakeups[other].set()\n"
                ),
            ),
        ),
    ),
]
