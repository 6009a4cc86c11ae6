"""Questions about a run, each with its answer. Everything in an answer is in the trace, or follows from it. Each kind
of question returns all that it can ask; the command chooses.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grader.cleaning import one_line
from grader.viva.history import Death, History, Refusal
from labs.messages import AppendEntriesArgs, RequestVoteArgs


@dataclass(frozen=True)
class Question:
    """What to ask, what is right, and the kind of question."""

    kind: str
    text: str
    answer: str


def refused_votes(history: History) -> Iterator[Question]:
    """Ask why a vote was refused."""
    for refusal in history.refused_votes:
        assert isinstance(refusal.args, RequestVoteArgs)
        why = _why_no_vote(refusal, refusal.args)
        if why:
            text = f"At t={refusal.time:.3f} server {refusal.server} refused server {refusal.peer} its vote. Why?"
            yield Question("refused vote", text, why)


def _why_no_vote(refusal: Refusal, args: RequestVoteArgs) -> str:
    if args.term < refusal.term:
        return (
            f"The request was of term {args.term}, and server {refusal.server} was in term {refusal.term} already "
            "(Figure 2, RequestVote rule 1)."
        )
    if refusal.voted is not None and refusal.voted[0] != refusal.peer:
        whom, when = refusal.voted
        self_or = "itself" if whom == refusal.server else f"server {whom}"
        return (
            f"It had voted for {self_or} in term {args.term} (that showed at t={when:.3f}), and a server has one vote "
            "per term (Figure 2, RequestVote rule 2; §5.2)."
        )
    asked, own = (args.last_log_term, args.last_log_index), refusal.disk.last[::-1]
    if refusal.disk.saves and asked < own:
        return (
            f"The candidate's log ends with index {asked[1]} of term {asked[0]}, its own with index {own[1]} of term "
            f"{own[0]}, which is more up to date (§5.4.1)."
        )
    return ""


def refused_entries(history: History) -> Iterator[Question]:
    """Ask why AppendEntries was refused."""
    for refusal in history.refused_entries:
        args = refusal.args
        assert isinstance(args, AppendEntriesArgs)
        text = (
            f"At t={refusal.time:.3f} server {refusal.server} answered false to AppendEntries of server {refusal.peer} "
            f"(term {args.term}, prev_log_index {args.prev_log_index}, prev_log_term {args.prev_log_term}). Why?"
        )
        disk, (last, _) = refusal.disk, refusal.disk.last
        if args.term < refusal.term:
            answer = f"It was in term {refusal.term}, and the sender's is older (Figure 2, AppendEntries rule 1)."
        elif disk.saves and args.prev_log_index > last:
            answer = f"Its log ended at index {last}: the entries would leave a gap (Figure 2, AppendEntries rule 2)."
        elif disk.saves and disk.terms.get(args.prev_log_index, args.prev_log_term) != args.prev_log_term:
            held = disk.terms[args.prev_log_index]
            answer = f"Its entry {args.prev_log_index} is of term {held} (Figure 2, AppendEntries rule 2)."
        else:
            continue
        yield Question("refused entries", text, answer)


def commits(history: History) -> Iterator[Question]:
    """Ask which answer made an entry committed."""
    majority = history.size // 2 + 1
    for (leader, term), terms in history.sent_terms.items():
        acks = [ack for ack in history.acks if (ack.leader, ack.term) == (leader, term)]
        for index in sorted(index for index, entry_term in terms.items() if entry_term == term):
            holders: list[int] = [leader]
            before = None
            for ack in acks:
                if ack.match < index or ack.peer in holders:
                    continue
                if len(holders) + 1 == majority:
                    why_not, earlier = "", ""
                    if before:
                        why_not = ", and why not the one before"
                        one = f"server {before[1]}'s, at t={before[0]:.3f}"
                        earlier = f"The one before ({one}) left it at {len(holders)}. "
                    text = f"Server {leader} led term {term}. Which answer made its entry {index} committed{why_not}?"
                    answer = (
                        f"That of server {ack.peer}, at t={ack.time:.3f}: with it {majority} of {history.size} servers "
                        f"held the entry, servers {', '.join(map(str, sorted([*holders, ack.peer])))}, and that is a "
                        f"majority. {earlier}The entry is of the leader's own term, so it may be counted (Figure 2, "
                        "Leaders rule 4)."
                    )
                    yield Question("commit", text, answer)
                    break
                holders.append(ack.peer)
                before = (ack.time, ack.peer)


def disks(history: History) -> Iterator[Question]:
    """Ask what a crash left."""
    for death in history.deaths:
        if death.disk.saves:
            text = f"Server {death.server} crashed at t={death.time:.3f}. What was on its disk, and what was lost?"
            yield Question("disk", text, _what_was_left(death))


def _what_was_left(death: Death) -> str:
    disk, (last, last_term) = death.disk, death.disk.last
    vote = "no vote" if disk.voted_for is None else f"a vote for server {disk.voted_for}"
    log = f"a log up to index {last} of term {last_term}" if last else "an empty log"
    snapshot = f", and a snapshot up to index {disk.included[0]}" if disk.included[0] else ""
    return (
        f"current_term {disk.current_term}, {vote}, {log}{snapshot}: the save of t={disk.time:.3f}. Lost were "
        "commit_index and last_applied, its role, and as a leader next_index and match_index (Figure 2, State)."
    )


def elections(history: History) -> Iterator[Question]:
    """Ask whose votes made a leader."""
    majority = history.size // 2 + 1
    for term, (time, leader) in history.led.items():
        votes = [(when, peer) for when, peer in history.granted.get((leader, term), []) if when <= time]
        if len(votes) + 1 < majority or history.size == 1:
            continue
        won = votes[majority - 2]
        names = ", ".join(str(peer) for _, peer in votes[: majority - 1])
        text = f"Whose votes made server {leader} the leader of term {term}, and when did it have enough?"
        answer = (
            f"Its own and those of {names}: {majority} of {history.size}. The last that it needed, server {won[1]}'s, "
            f"reached it at t={won[0]:.3f}; it first sent AppendEntries at t={time:.3f} (Figure 2, Candidates rule 2)."
        )
        yield Question("election", text, answer)


def rises(history: History) -> Iterator[Question]:
    """Ask what raised a server's term."""
    for rise in history.rises:
        if rise.before == 0:
            continue
        what = "request" if rise.leg == "request" else "answer"
        text = f"At t={rise.time:.3f} server {rise.server} left term {rise.before} for a higher one. Which, and why?"
        answer = (
            f"Term {rise.term}: server {rise.peer}'s {rise.call} {what} carried it, and who sees a higher term takes "
            "it over and is a follower (Figure 2, All servers rule 2; §5.1)."
        )
        yield Question("term", text, answer)


REASONS = {
    "loss": "it was lost on the way",
    "cut": "the link did not work",
    "down": "the server that it was for had crashed",
    "abandoned": "the caller had stopped waiting",
}


def lost_messages(history: History) -> Iterator[Question]:
    """Ask what a server can conclude from silence."""
    for sent, drop in history.lost:
        if drop.reason == "abandoned":
            continue
        which = "request" if drop.leg == "request" else "answer"
        done = "did not get" if drop.leg == "request" else "got, and answered,"
        text = (
            f"Server {sent.server}'s {sent.call} to server {sent.peer} of t={sent.time:.3f} brought no answer. What "
            "had become of it, and could the sender know?"
        )
        answer = (
            f"The {which} got no further, at t={drop.time:.3f}: {REASONS[drop.reason]}. So server {sent.peer} {done} "
            "the request. The sender cannot know: a lost request and a lost answer look alike, and so the same request "
            "may have to be sent, and obeyed, twice (§5.5)."
        )
        yield Question("silence", text, answer)


def code_lines(history: History, source: str) -> Iterator[Question]:
    """Ask what a line of the student's own promises: one that gives a vote or saves."""
    lines = source.splitlines()
    for number, kind in sorted(_telling_lines(source)):
        shown = one_line(lines[number - 1], 80)
        if kind == "vote" and (saves := [save for save in history.saves if save.voted_for is not None]):
            save = saves[len(saves) // 2]
            text = (
                f"raft.py:{number} is `{shown}`. What does it promise, and what must happen before anybody hears of it?"
            )
            answer = (
                "That this server votes for nobody else in this term, even after a crash. So the vote is saved before "
                f"the answer, or the own candidacy, leaves: as at t={save.time:.3f}, when server {save.server} saved "
                f"its vote for server {save.voted_for} in term {save.current_term} (Figure 2, persistent state; §5.2)."
            )
            yield Question("code", text, answer)
        elif kind == "save" and (deaths := [death for death in history.deaths if death.back and death.disk.saves]):
            death = deaths[len(deaths) // 2]
            text = (
                f"raft.py:{number} is `{shown}`. Without any such line, what would server {death.server} have been at "
            )
            text += f"t={death.back:.3f}?"
            answer = (
                f"A new server: in term 0, with no vote and no entries. With it, it came back in term "
                f"{death.disk.current_term} with a log up to index {death.disk.last[0]} (Figure 2, persistent state)."
            )
            yield Question("code", text, answer)


def _telling_lines(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of raft.py that set a vote to somebody, or save."""
    with warnings.catch_warnings(action="ignore"):  # the compiler's complaints quote what it reads
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            names = [target.attr for target in node.targets if isinstance(target, ast.Attribute)]
            if "voted_for" in names and not (isinstance(node.value, ast.Constant) and node.value.value is None):
                yield node.lineno, "vote"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "save":
            yield node.lineno, "save"


KINDS: tuple[Callable[[History], Iterator[Question]], ...] = (
    commits,
    refused_votes,
    disks,
    refused_entries,
    elections,
    lost_messages,
    rises,
)
"""Kinds of questions about a trace, the most revealing ones first."""


def all_kinds(history: History, source: str) -> list[list[Question]]:
    """Return for each kind what can be asked; the line of code comes fourth."""
    found = [list(kind(history)) for kind in KINDS]
    found.insert(3, list(code_lines(history, source)))
    return [questions for questions in found if questions]
