"""Drills of stage 2D, log compaction: InstallSnapshot rules 1 and 5 to 8, and logs that start after a snapshot.

A server may keep entries that its snapshot covers, and may send entries instead of a snapshot while it has them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from labs.messages import (
    AppendEntriesArgs,
    AppendEntriesReply,
    ApplySnapshot,
    InstallSnapshotArgs,
    InstallSnapshotReply,
    RequestVoteArgs,
)
from labs.raft.checkers.compaction import LATE
from labs.raft.lab import drill
from labs.raft.stages import drills_2A_election as election
from labs.raft.testing.drill import ELECTION, Lone
from labs.raft.testing.fake_peers import command_of, entries_of, snapshot_of
from labs.testing.drill import LOOK
from labs.testing.fake_peers import Request

BEAT = 0.05
"""Seconds between two messages of a fake peer that lets no election timeout run out."""
SLOW_INSTALL = 2.5
"""Seconds for which a fake peer does not answer a snapshot: it may be large, and the link slow."""
WAITS = 5
"""How often a drill looks how long the server waits for word of a leader: each wait is drawn again."""
INSTALLS = 10
"""How often a snapshot and entries come at once: what a server does meanwhile may come at other times in each round."""
MANY = 40
"""Entries enough that a server drops some of them, even if it keeps a few that a snapshot covers."""


async def fill_log(lone: Lone, count: int) -> None:
    """Let server 1 lead term 1 and give the server this many entries of it, all committed and covered by a snapshot.

    There are two snapshots, for a server may find that one is not worth the work.
    """
    for index in range(1, count + 1):
        await lone.append_entries(1, term=1, prev=(index - 1, min(index - 1, 1)), terms=[1], commit=index)
        if index in (count // 2, count):
            await lone.wait_for_applied(index, command_of(index, 1))
            lone.take_snapshot()


# InstallSnapshot.


@drill(rule="StaleTermRejected")
async def drill_older_snapshot_refused(lone: Lone) -> None:
    """a snapshot from a leader of an older term is not installed (InstallSnapshot rule 1)"""
    await lone.append_entries(1, term=5)
    await lone.tell(2, InstallSnapshotArgs(3, 2, 2, 1, snapshot_of([1, 1])))
    lone.check(lone.applied == [], "the snapshot came from the leader of term 3, and it is in term 5")
    lone.check(lone.disk.snapshot_index == 0, "the snapshot came from the leader of term 3, and it is in term 5")


@drill(rule="HigherTermAdopted")
async def drill_snapshot_raises_term(lone: Lone) -> None:
    """a newer term in an InstallSnapshot becomes the current term (All servers rule 2)"""
    reply = await lone.install_snapshot(1, term=6, covers=[1, 1])
    lone.check(reply.term == 6, "server 1 leads term 6")


@drill(rule="StepsDown")
async def drill_candidate_follows_sender(lone: Lone) -> None:
    """a candidate follows the leader of its term that sends it a snapshot (Candidates rule 3)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term
    await lone.install_snapshot(1, term, covers=[term])
    lone.check(lone.state() == (term, False), f"it must follow server 1, which leads term {term}")
    await lone.sleep(BEAT)
    text = f"server 1 leads term {term}, and sent a snapshot of index 1"
    lone.check(lone.disk.snapshot_index == 1, text, "SavedBeforeReply")


@drill(rule="HigherTermAdopted")
async def drill_late_snapshot_raises_term(lone: Lone) -> None:
    """a newer term counts, and is saved, also if the snapshot that brings it is an old one (All servers rule 2)"""
    await fill_log(lone, 3)
    reply = await lone.install_snapshot(2, term=6, covers=[1, 1])
    lone.check(reply.term == 6, "server 2 leads term 6")
    lone.check(lone.disk.current_term == 6, "it has answered server 2 in term 6", "SavedBeforeReply")


@drill(rule="StepsDown")
async def drill_leader_follows_sender(lone: Lone) -> None:
    """a leader follows the leader of a newer term that sends it a snapshot (All servers rule 2)"""
    term = await lone.become_leader() + 1
    await lone.install_snapshot(2, term, covers=[1, 1])
    lone.check(lone.state() == (term, False), f"it must follow server 2, which leads the newer term {term}")


@drill(rule="StepsDown")
async def drill_candidate_follows_sender_of_late_snapshot(lone: Lone) -> None:
    """a candidate follows the leader of its term, also one that sends it an old snapshot (Candidates rule 3)"""
    await fill_log(lone, 3)
    request = await lone.wait_for_request(RequestVoteArgs, 2, above=1, within=ELECTION)
    term = request.message.term
    await lone.install_snapshot(1, term, covers=[1, 1])
    lone.say_yes(request)
    for _ in range(40):
        await lone.sleep(BEAT)
        lone.check(not lone.state().is_leader, f"it must follow server 1, which leads term {term}")
        text = f"it hears from the leader of term {term} every {BEAT} s"
        lone.check_no_request(RequestVoteArgs, text, rule="ElectionTimerReset", above=term)
        await lone.install_snapshot(1, term, covers=[1, 1])


@drill(rule="ElectionTimerReset")
async def drill_snapshot_resets_timer(lone: Lone) -> None:
    """a server that is sent snapshots hears its leader, and stays a follower (Followers rule 2)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term + 1
    for count in range(1, 51):
        await lone.install_snapshot(1, term, covers=[term] * count)
        await lone.sleep(BEAT)
        lone.check_no_request(RequestVoteArgs, f"it hears from the leader of term {term} every {BEAT} s", above=term)


@drill(rule="LeaderInTime")
async def drill_older_snapshot_resets_nothing(lone: Lone) -> None:
    """a snapshot from a leader of an older term holds no election up (InstallSnapshot rule 1, Followers rule 2)"""
    term = (await lone.wait_for_request(RequestVoteArgs, within=ELECTION)).message.term
    older = term - 1
    why = "it is sent snapshots of an older term"
    await election.check_it_stands(lone, term, lambda: lone.install_snapshot(2, older, covers=[older]), why)


@drill(rule="CommittedIsApplied")
async def drill_snapshot_reaches_service(lone: Lone) -> None:
    """a snapshot is handed to the service, with its index and term (InstallSnapshot rule 8)"""
    await lone.install_snapshot(1, term=4, covers=[1, 1, 2])
    snapshot = ApplySnapshot(3, 2, snapshot_of([1, 1, 2]))
    await lone.wait_for_snapshot(snapshot, "the leader's snapshot covers (3, term 2)")


@drill(rule="CommittedIsApplied", service_time=0.05)
async def drill_newest_snapshot_reaches_busy_service(lone: Lone) -> None:
    """a snapshot that comes while the service is busy with others is not lost (InstallSnapshot rule 8)"""
    counts = range(2, 12, 2)
    sent = [(1, InstallSnapshotArgs(1, 1, count, 1, snapshot_of([1] * count))) for count in counts]
    await lone.ask_in_turn(0.02, *sent)
    newest = ApplySnapshot(counts[-1], 1, snapshot_of([1] * counts[-1]))
    await lone.wait_for_snapshot(newest, "the newest of the leader's snapshots covers it")


@drill(rule="SavedBeforeReply")
async def drill_snapshot_is_saved(lone: Lone) -> None:
    """a snapshot is on the disk when the answer leaves, and the log starts after it (InstallSnapshot rule 5)"""
    await lone.install_snapshot(1, term=2, covers=[1, 1, 2])
    disk = lone.disk
    lone.check(disk.snapshot_index == 3, "it has answered to a snapshot of index 3")
    base = (disk.last_included_index, disk.last_included_term)
    lone.check(base == (3, 2), "its log must start after index 3 of term 2", "SnapshotAndLogTogether")


@drill(rule="SnapshotKeepsSuffix")
async def drill_matching_entries_stay(lone: Lone) -> None:
    """entries that follow a snapshot's last one stay, if the log has that one (InstallSnapshot rule 6)"""
    await lone.append_entries(1, term=3, terms=[1, 1, 3])
    await lone.install_snapshot(1, term=3, covers=[1, 1])
    reply = await lone.append_entries(1, term=3, prev=(3, 3))
    lone.check(
        reply.success, "it had accepted entry 3; the snapshot ends with entry 2, which it had with the same term"
    )
    await lone.append_entries(1, term=3, prev=(3, 3), terms=[3])  # What it saves now needs the snapshot on its disk.


@drill(rule="SnapshotKeepsSuffix")
async def drill_conflicting_entries_go(lone: Lone) -> None:
    """the whole log goes if a snapshot's last entry is not in it (InstallSnapshot rule 7)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1])
    await lone.install_snapshot(2, term=2, covers=[1, 2])
    reply = await lone.append_entries(2, term=2, prev=(3, 1))
    lone.check(not reply.success, "its entry 3 followed one of term 1; in the snapshot entry 2 is of term 2")


@drill(rule="SnapshotNotRolledBack")
async def drill_snapshot_of_what_was_applied(lone: Lone) -> None:
    """a snapshot newer than the server's own, but not than what it has applied, takes nothing back (§7)"""
    await fill_log(lone, MANY)
    for index in range(MANY + 1, MANY + 6):
        await lone.append_entries(1, term=1, prev=(index - 1, 1), terms=[1], commit=index)
    await lone.wait_for_applied(MANY + 5, command_of(MANY + 5, 1))
    seen = len(lone.applied)
    await lone.tell(1, InstallSnapshotArgs(1, 1, MANY + 2, 1, snapshot_of([1] * (MANY + 2))))
    late = [message for message in lone.applied[seen:] if isinstance(message, ApplySnapshot)]
    lone.check(late == [], f"its service has applied all up to {MANY + 5}, and the snapshot ends at {MANY + 2}")


@drill(rule="SnapshotNotRolledBack")
async def drill_late_snapshot_takes_nothing_back(lone: Lone) -> None:
    """a snapshot that comes late does not take the service back (§7)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1], commit=3)
    await lone.wait_for_applied(3, command_of(3, 1))
    await lone.tell(1, InstallSnapshotArgs(1, 1, 2, 1, snapshot_of([1, 1])))
    await lone.append_entries(1, term=1, prev=(3, 1), terms=[1], commit=4)
    await lone.wait_for_applied(4, command_of(4, 1))
    indices = [message.index for message in lone.applied]
    lone.check(indices == [1, 2, 3, 4], "it had applied index 3 when a snapshot of index 2 came: it must be 1, 2, 3, 4")
    # After a snapshot nothing but that snapshot shows what is committed, until the leader sends entries.
    await lone.install_snapshot(1, term=1, covers=[1] * MANY)
    await lone.tell(1, InstallSnapshotArgs(1, 1, MANY // 2, 1, snapshot_of([1] * (MANY // 2))))
    text = f"it had installed a snapshot of index {MANY} when one of index {MANY // 2} came"
    lone.check(lone.disk.snapshot_index == MANY, text)
    reply = await lone.append_entries(1, term=1, prev=(MANY, 1), terms=[1], commit=MANY + 1)
    lone.check(reply.success, f"its snapshot ends with entry {MANY} of term 1")
    await lone.wait_for_applied(MANY + 1, command_of(MANY + 1, 1))
    indices = [message.index for message in lone.applied]
    lone.check(indices == [1, 2, 3, 4, MANY, MANY + 1], f"{text}: it must be 1, 2, 3, 4, {MANY}, {MANY + 1}")


@drill(rule="SnapshotNotRolledBack")
async def drill_late_snapshot_after_restart(lone: Lone) -> None:
    """a snapshot older than the one on the disk takes nothing back after a restart, either (§7)"""
    await fill_log(lone, MANY)
    await lone.sleep(BEAT)
    held = lone.disk.snapshot_index
    if lone.disk.last_included_index == 0:
        return  # It has dropped no entries: whether it must is another drill's question.
    lone.restart()
    await lone.tell(1, InstallSnapshotArgs(1, 1, held - 1, 1, snapshot_of([1] * (held - 1))))
    late = [m for m in lone.applied if isinstance(m, ApplySnapshot) and m.index < held]
    lone.check(late == [], f"it has a snapshot of index {held} on its disk")


@drill(rule="SnapshotNotRolledBack")
async def drill_service_is_late(lone: Lone) -> None:
    """a snapshot that the service took before a newer one was installed takes nothing back (§7)"""
    await fill_log(lone, 3)
    await lone.append_entries(1, term=1, prev=(3, 1), terms=[1, 1], commit=5)
    await lone.wait_for_applied(5, command_of(5, 1))
    late = lone.service_snapshot()
    await lone.install_snapshot(1, term=1, covers=[1] * MANY)
    await lone.sleep(BEAT)
    lone.take_snapshot(late)
    reply = await lone.append_entries(1, term=1, prev=(MANY, 1), terms=[1], commit=MANY + 1)
    lone.check(reply.success, f"its snapshot ends with entry {MANY} of term 1")
    await lone.wait_for_applied(MANY + 1, command_of(MANY + 1, 1))
    lone.check(lone.disk.snapshot_index >= MANY, f"the leader's snapshot covers {MANY} entries")


@drill(rule="OneVotePerTerm")
async def drill_snapshot_ends_vote_of_older_term(lone: Lone) -> None:
    """a newer term in an InstallSnapshot ends the vote of the older one (State, voted_for; All servers rule 2)"""
    await lone.request_vote(1, term=1)
    await lone.install_snapshot(2, term=6, covers=[1, 1])
    text = "its vote for server 1 was one of term 1; in term 6, which server 2 leads, server 1 has not asked for it"
    lone.check(lone.disk.voted_for in (None, 2), text)


@drill(rule="StateMachineSafety", service_time=0.02)
async def drill_service_snapshots_amid_entries(lone: Lone) -> None:
    """a snapshot that the service takes in the middle of a batch moves no entry (All servers rule 1; §7)"""
    for index in range(MANY):
        await lone.append_entries(1, term=1, prev=(index, min(index, 1)), terms=[1])
    await lone.append_entries(1, term=1, prev=(MANY, 1), commit=MANY)
    taken = 0
    for index in range(1, MANY + 1):
        await lone.wait_for_applied(index, command_of(index, 1))
        if index >= taken + 7:
            taken = lone.take_snapshot()
    indices = [message.index for message in lone.applied]
    text = "its service took snapshots meanwhile: each index once, in order"
    lone.check(indices == sorted(set(indices)), text, "ApplyInOrder")


@drill(rule="ApplyInOrder", service_time=0.002)
async def drill_snapshot_overtakes_entries(lone: Lone) -> None:
    """a snapshot that comes while entries are being applied does not mix with them (All servers rule 1; §7)"""
    entries = AppendEntriesArgs(1, 1, 0, 0, entries_of([1] * MANY), MANY)
    await lone.ask_in_turn(0.002, (1, entries), (1, InstallSnapshotArgs(1, 1, 60, 1, snapshot_of([1] * 60))))
    await lone.append_entries(1, term=1, prev=(60, 1), terms=[1], commit=61)
    await lone.wait_for_applied(61, command_of(61, 1))
    await lone.sleep(0.5)
    indices = [message.index for message in lone.applied]
    lone.check(indices == sorted(indices), "indices must rise, from entry to snapshot and from there to entry 61")


@drill(rule="ApplyInOrder", service_time=0.05)
async def drill_entries_overtake_snapshot(lone: Lone) -> None:
    """entries that come while the service is taking a snapshot in are applied after it (All servers rule 1; §7)"""
    snapshot = InstallSnapshotArgs(1, 1, 3, 1, snapshot_of([1] * 3))
    entries = AppendEntriesArgs(1, 1, 3, 1, entries_of([1, 1], 3), 5)
    _, reply = await lone.ask_in_turn(0.01, (1, snapshot), (1, entries))
    if not reply.success:  # It may not have had the snapshot yet.
        await lone.append_entries(1, term=1, prev=(3, 1), terms=[1, 1], commit=5)
    await lone.append_entries(1, term=1, prev=(5, 1), commit=5)  # It may commit with the next message.
    await lone.wait_for_applied(5, command_of(5, 1))
    indices = [message.index for message in lone.applied]
    lone.check(indices == [3, 4, 5], "it got a snapshot of index 3, and the entries 4 and 5 while that was handed over")


@drill(rule="ApplyInOrder", service_time=0.05)
async def drill_snapshot_and_entries_wait_for_service(lone: Lone) -> None:
    """a snapshot and the entries after it that both wait for a busy service reach it in order (All servers rule 1)"""
    for base in range(0, 3 * MANY, MANY):
        last = base + MANY
        await lone.append_entries(1, term=1, prev=(base, min(base, 1)), terms=[1, 1], commit=base + 2)
        snapshot = InstallSnapshotArgs(1, 1, last, 1, snapshot_of([1] * last))
        entries = AppendEntriesArgs(1, 1, last, 1, entries_of([1], last), last + 1)
        _, reply = await lone.ask_in_turn(0.01, (1, snapshot), (1, entries))
        if not reply.success:  # It may not have had the snapshot yet.
            await lone.append_entries(1, term=1, prev=(last, 1), terms=[1], commit=last + 1)
        await lone.append_entries(
            1, term=1, prev=(last + 1, 1), commit=last + 1
        )  # It may commit with the next message.
        await lone.wait_for_applied(last + 1, command_of(last + 1, 1))
        indices = [message.index for message in lone.applied]
        text = f"a snapshot of index {last} came while its service was busy, and then entry {last + 1}"
        lone.check(indices == sorted(set(indices)), f"{text}: indices must rise")


@drill(rule="SnapshotNotRolledBack")
async def drill_snapshot_and_newer_entries_at_once(lone: Lone) -> None:
    """a snapshot takes nothing back that is applied while it is being installed (InstallSnapshot rule 8; §7)"""
    await lone.append_entries(1, term=1, terms=[1, 1, 1], commit=3)
    await lone.wait_for_applied(3, command_of(3, 1))
    for number in range(INSTALLS):
        base = 3 + 5 * number
        last = base + 5
        snapshot = (1, InstallSnapshotArgs(1, 1, base + 2, 1, snapshot_of([1] * (base + 2))))
        entries = (1, AppendEntriesArgs(1, 1, base, 1, entries_of([1] * 5, base), last))
        await lone.ask_in_turn(0.001, *((snapshot, entries) if number % 2 == 0 else (entries, snapshot)))
        # It may apply at times of its own: they lie elsewhere in the next round.
        await lone.sleep(BEAT + 0.003 * number)
        # It may have refused what begins inside its snapshot.
        await lone.append_entries(1, term=1, prev=(base + 2, 1), terms=[1] * 3, commit=last)
        await lone.wait_for_applied(last, command_of(last, 1))
        indices = [message.index for message in lone.applied]
        text = f"the snapshot ended at index {base + 2}, and entries up to index {last} came at the same time"
        lone.check(indices == sorted(set(indices)), f"{text}: indices must rise")


@drill(rule="SnapshotAndLogTogether")
async def drill_crash_between_saves(lone: Lone) -> None:
    """a crash right after any save of an installation leaves log and snapshot that fit together (§7)"""
    term, last = 0, 0
    for nth in (1, 2, 3):
        term = lone.term_from(term) + 1
        await lone.append_entries(1, term, prev=(last, min(last, 1)))
        last += 10
        snapshot = InstallSnapshotArgs(term, 1, last, 1, snapshot_of([1] * last))
        if await lone.crash_after_save(nth, 1, snapshot):
            lone.restart()
        term = lone.term_from(term)
        await lone.install_snapshot(1, term, covers=[1] * last)
        reply = await lone.append_entries(1, term, prev=(last, 1), terms=[1], commit=last + 1)
        lone.check(reply.success, f"it has acknowledged a snapshot that ends with entry {last} of term 1")
        last += 1
        await lone.wait_for_applied(last, command_of(last, 1))


# Logs that start after a snapshot.


@drill(rule="NoCrash")
async def drill_conflict_next_to_snapshot(lone: Lone) -> None:
    """the search for where logs part ends at the snapshot, which is common to all (AppendEntries rule 2; §7)"""
    await fill_log(lone, 3)
    await lone.append_entries(1, term=1, prev=(3, 1), terms=[1, 1])
    reply = await lone.append_entries(2, term=2, prev=(5, 2))
    lone.check(not reply.success, "its entry 5 is of term 1", "ConsistencyCheck")
    reply = await lone.append_entries(2, term=2, prev=(3, 1), terms=[2, 2], commit=5)
    lone.check(reply.success, "its snapshot ends with entry 3 of term 1", "SnapshotTermKept")
    await lone.wait_for_applied(5, command_of(5, 2))


@drill(rule="SnapshotTermKept")
async def drill_entries_follow_snapshot(lone: Lone) -> None:
    """the snapshot's last index and term take part in the consistency check (§7)"""
    await lone.install_snapshot(1, term=2, covers=[1, 1, 2])
    reply = await lone.append_entries(1, term=2, prev=(3, 2), terms=[2], commit=4)
    lone.check(reply.success, "its snapshot ends with entry 3 of term 2")
    await lone.wait_for_applied(4, command_of(4, 2))


@drill(rule="SnapshotTermKept")
async def drill_candidate_tells_its_snapshot(lone: Lone) -> None:
    """a candidate without entries sends index and term of its snapshot's last one (§7; RequestVote arguments)"""
    await lone.install_snapshot(1, term=2, covers=[1, 1, 2])
    for _ in range(2):
        message = (await lone.wait_for_request(RequestVoteArgs, above=2, within=ELECTION)).message
        last = (message.last_log_index, message.last_log_term)
        lone.check(last == (3, 2), "its log ends with its snapshot, at index 3 of term 2")
        lone.restart()
        lone.forget_requests()


@drill(rule="ConsistencyRefusal")
async def drill_entries_overlap_snapshot(lone: Lone) -> None:
    """entries that begin inside the snapshot are taken from where it ends (§7; AppendEntries rule 4)"""
    await fill_log(lone, 3)
    reply = await lone.append_entries(1, term=1, prev=(2, 1), terms=[1, 1, 1], commit=5)
    if not reply.success:  # It may also ask only for those after its snapshot.
        reply = await lone.append_entries(1, term=1, prev=(3, 1), terms=[1, 1], commit=5)
    lone.check(reply.success, "its log holds what comes before")
    await lone.wait_for_applied(5, command_of(5, 1))


@drill(rule="MatchingKept")
async def drill_late_entries_below_snapshot(lone: Lone) -> None:
    """late entries that the snapshot covers remove none after it (AppendEntries rule 3)"""
    await fill_log(lone, 3)
    await lone.append_entries(1, term=1, prev=(3, 1), terms=[1, 1])
    await lone.append_entries(1, term=1, prev=(1, 1), terms=[1])
    reply = await lone.append_entries(1, term=1, prev=(5, 1))
    lone.check(reply.success, "it has accepted the entries 4 and 5, and none that conflicts with them")


@drill(rule="CommitBound")
async def drill_entries_below_snapshot_commit_no_further(lone: Lone) -> None:
    """nothing is committed after the last new entry, also if that is in the snapshot (AppendEntries rule 5)"""
    await fill_log(lone, 3)
    await lone.append_entries(1, term=1, prev=(3, 1), terms=[1, 1])
    await lone.append_entries(2, term=2, prev=(2, 1), terms=[1], commit=5)
    await lone.check_not_applied(4, "of the log of server 2, which leads, only what ends at index 3 is known")


# snapshot(), and what a leader does without the entries.


@drill(rule="LogTrimmed")
async def drill_snapshot_trims_log(lone: Lone) -> None:
    """after snapshot() the log gets shorter, and lies on the disk with the snapshot (§7)"""
    await fill_log(lone, MANY)
    until = lone.now + LATE
    await lone.sleep(BEAT)
    while len(lone.disk.terms) >= MANY and lone.now < until:
        await lone.sleep(BEAT)
    disk = lone.disk
    lone.check(disk.snapshot_index > 0, f"its service has handed it snapshots, the last of index {MANY}")
    lone.check(len(disk.terms) < MANY, f"the last snapshot of its service covers all its {MANY} entries")
    end = disk.last_included_index + len(disk.terms)
    lone.check(end == MANY, f"snapshot and entries together must reach to index {MANY}", "SnapshotAndLogTogether")


@drill(rule="RestoredOnRestart")
async def drill_restarts_from_snapshot(lone: Lone) -> None:
    """a restarted server continues after its snapshot (§7)"""
    await fill_log(lone, 3)
    await lone.append_entries(2, term=3, prev=(3, 1), terms=[3])
    lone.restart()
    reply = await lone.append_entries(2, lone.term_from(3), prev=(4, 3), terms=[3], commit=5)
    lone.check(reply.success, "before its restart it acknowledged the entries 1 to 4, the last of term 3")
    await lone.wait_for_applied(5, command_of(5, 3))


@drill(rule="InstallWhenNeeded")
async def drill_leader_sends_snapshot(lone: Lone) -> None:
    """a leader that no longer has an entry sends its snapshot, and continues after it (§7)"""
    request = await _sent_snapshot(lone)
    if request is None:
        return
    last, data = request.message.last_included_index, request.message.data
    text = "its service handed over other bytes"
    lone.check(data != b"" and snapshot_of([1] * last).startswith(data), text, "StateMachineSafety")
    lone.say_yes(request)
    lone.start("x")
    await lone.wait_for_request(AppendEntriesArgs, 2, lambda m: m.prev_log_index >= last, what="after the snapshot")


@drill(rule="InstallWhenNeeded")
async def drill_restarted_leader_sends_snapshot(lone: Lone) -> None:
    """a leader that was restarted has no entry that its snapshot covers, and sends that (§7)"""
    refusals = await _refusals(lone, 0)
    await fill_log(lone, MANY)
    await lone.sleep(BEAT)
    if lone.disk.last_included_index == 0:
        return  # It has dropped no entries: whether it must is another drill's question.
    lone.restart()
    await lone.become_leader()
    lone.oblige(1)
    request = await _wait_for_snapshot(lone, refusals)
    text = f"its log on the disk started after index {lone.disk.last_included_index}, and server 2 has no entry"
    lone.check(request is not None, text)


@drill(rule="SnapshotIsTheServices")
async def drill_leader_sends_installed_snapshot(lone: Lone) -> None:
    """a leader that got its snapshot from another leader sends that, and not an older one of its service (§7)"""
    refusals = await _refusals(lone, 0)
    await fill_log(lone, MANY)
    await lone.install_snapshot(1, term=1, covers=[1] * 2 * MANY)
    await lone.wait_for_snapshot(
        ApplySnapshot(2 * MANY, 1, snapshot_of([1] * 2 * MANY)), "the leader's snapshot covers it"
    )
    await lone.become_leader()
    lone.oblige(1)
    request = await _wait_for_snapshot(lone, refusals)
    if request is not None:
        last, data = request.message.last_included_index, request.message.data
        lone.check(last == 2 * MANY, f"its log begins after the snapshot of index {2 * MANY} that it had installed")
        is_of_it = data != b"" and snapshot_of([1] * last).startswith(data)  # it may send them in pieces
        lone.check(is_of_it, f"its bytes are not those of the snapshot of index {last}")


@drill(rule="HigherTermAdopted")
async def drill_snapshot_answer_raises_term(lone: Lone) -> None:
    """a newer term in the answer to a snapshot becomes the current term (All servers rule 2)"""
    request = await _sent_snapshot(lone)
    if request is None:
        return
    term = request.message.term + 3
    lone.answer(request, InstallSnapshotReply(term))
    await lone.sleep(BEAT)
    state = lone.state()
    lone.check(state.term >= term, f"the answer to its InstallSnapshot was of term {term}")
    lone.check(not state.is_leader, f"term {term} has reached it, and nobody has voted for it since", "StepsDown")
    await lone.request_vote(2, term)  # A refusal, as that log is empty; it shows the term, which is saved then.
    await _check_vote_is_free(lone, term, last=(2 * MANY, request.message.term))
    await lone.wait_for_request(RequestVoteArgs, above=term, within=ELECTION)


async def _check_vote_is_free(lone: Lone, term: int, last: tuple[int, int]) -> None:
    """Check that the server has not voted in a term that an answer brought, and gives a candidate its vote of that."""
    text = f"the answer to its InstallSnapshot has brought it to term {term}, in which it has not voted"
    disk = lone.disk
    lone.check(disk.current_term != term or disk.voted_for is None, text, "OneVotePerTerm")
    reply = await lone.request_vote(1, term, last)
    # In a term that is newer still it stands for election itself.
    lone.check(reply.vote_granted or reply.term > term, text, "VoteDenied")


@drill(rule="InstallWhenNeeded")
async def drill_snapshot_answer_to_older_leadership(lone: Lone) -> None:
    """an answer to a snapshot counts only in the term that the snapshot was sent in (Figure 13; §5.1)"""
    refusals, _ = await _lead_with_snapshot(lone)
    late = await _wait_for_snapshot(lone, refusals)
    for _ in range(3):
        if late is None:
            return
        newer = lone.term_from(late.message.term) + 1
        await lone.append_entries(1, newer, prev=(MANY, 1))
        lone.forget_requests()
        # Server 2 refused the snapshot, for it had heard of the newer term by then.
        lone.answer(late, InstallSnapshotReply(await lone.become_leader()))
        late = await _wait_for_snapshot(lone, refusals)


@drill(rule="InstallWhenNeeded")
async def drill_snapshot_answer_counts_what_was_sent(lone: Lone) -> None:
    """an answer to a snapshot counts for the one that was sent, and not for a newer one (Figure 13)"""
    refusals, later = await _lead_with_snapshot(lone)
    request = await _wait_for_snapshot(lone, refusals)
    if request is None:
        return
    for number in range(MANY):
        answer = await lone.propose(number, 1)
    await lone.wait_for_applied(answer.index, MANY - 1)
    lone.take_snapshot()
    lone.forget_requests()
    lone.say_yes(request)
    await _wait_for_snapshot(lone, later, has=request.message.last_included_index)


@drill(rule="HeartbeatsSent")
async def drill_leader_is_heard_beside_its_snapshot(lone: Lone) -> None:
    """a leader is heard while a snapshot is under way, before a follower's timeout runs out (Leaders rule 1; §5.2)"""
    request = await _sent_snapshot(lone)
    if request is None:
        return
    begun, silent = await _longest_silence(lone, request.time)
    longest = await _longest_wait(lone)
    text = (
        f"server {lone.me}, which led, sent server 2 nothing for {silent:.3f} s (from t={begun:.3f} s), while a "
        f"snapshot was not answered; it has itself never waited longer than {longest:.3f} s for word of a leader "
        "before it stood for election, and server 2 waits no longer"
    )
    lone.require(silent <= longest + BEAT, text)


async def _longest_silence(lone: Lone, begun: float) -> tuple[float, float]:
    """Return when the leader fell silent towards server 2, and for how long, while its snapshot is not answered."""
    times, end = [begun], lone.now + SLOW_INSTALL
    while lone.now < end:
        heard: Request[Any] | None = lone.next_request(AppendEntriesArgs, 2)
        heard = heard or lone.next_request(InstallSnapshotArgs, 2)
        if heard is not None:
            times.append(heard.time)
        await lone.sleep(LOOK)
    silences = ((before, after - before) for before, after in pairwise([*times, end]))
    return max(silences, key=lambda silence: silence[1])


async def _longest_wait(lone: Lone) -> float:
    """Return the longest of a few times that the server waits for word of a leader before it asks for votes."""
    longest = 0.0
    for _ in range(WAITS):
        term = lone.state().term + 1
        await lone.append_entries(1, term, prev=(MANY, 1))
        begun = lone.now
        request = await lone.wait_for_request(RequestVoteArgs, above=term, within=ELECTION)
        longest = max(longest, request.time - begun)
    return longest


async def _sent_snapshot(lone: Lone) -> Request[InstallSnapshotArgs] | None:
    """Return the snapshot that the server sends, as a leader without its first entries, to one whose log is empty."""
    refusals, _ = await _lead_with_snapshot(lone)
    return await _wait_for_snapshot(lone, refusals)


async def _lead_with_snapshot(lone: Lone) -> tuple[list[AppendEntriesReply], list[AppendEntriesReply]]:
    """Let the server lead with a log whose beginning is in a snapshot, and server 1 follow it.

    Return how the server itself refused entries after the indices from 1 on when its log was empty, and after those
    from MANY + 1 on when that was its end.
    """
    refusals = await _refusals(lone, 0)
    await fill_log(lone, MANY)
    later = await _refusals(lone, MANY)
    await lone.become_leader()
    lone.oblige(1)
    return refusals, later


async def _refusals(lone: Lone, last: int) -> list[AppendEntriesReply]:
    """Return how the server refuses entries that follow each of the MANY indices after its last one."""
    return [await lone.append_entries(1, term=1, prev=(last + more, 1)) for more in range(1, MANY + 1)]


async def _wait_for_snapshot(
    lone: Lone, refusals: list[AppendEntriesReply], has: int = 0
) -> Request[InstallSnapshotArgs] | None:
    """Return the snapshot that brings server 2 more than it has, or None if the entries after that come instead.

    It refuses all other entries until then, in the server's own words.
    """
    end = lone.now + 3.0
    while (request := lone.next_request(InstallSnapshotArgs, 2, lambda m: m.last_included_index > has)) is None:
        refused = lone.next_request(AppendEntriesArgs, 2)
        if refused is not None:
            prev = refused.message.prev_log_index
            if prev <= has < prev + len(refused.message.entries):
                return None
            if prev <= has:
                lone.say_yes(refused)
                continue
            lone.answer_alike(refused, refusals[min(prev - has, len(refusals)) - 1])
        await lone.sleep(BEAT / 5)
        whose = f"whose log ends at index {has}" if has else "whose log is empty"
        lone.check(lone.now < end, f"server 2, {whose}, needs what the snapshot covers", "InstallWhenNeeded")
    return request
