"""The wrong servers that the handouts show in action: mutants of the corpus, and changes to what students have."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.corpora.mutants import corpus
from tests.corpora.mutants.performance import WASTEFUL
from tests.running import ROOT


def write(name: str, folder: Path) -> None:
    """Write a wrong server into a folder that has the skeleton's files."""
    if name in _CHANGES:
        _CHANGES[name](folder)
        return
    wasteful = [server for server in WASTEFUL if server.name == name]
    if wasteful:
        (folder / "raft.py").write_text(wasteful[0].text(), encoding="utf-8")
        return
    found = [mutant for mutant in corpus() if mutant.name == name]
    assert len(found) == 1, f"{name} is {len(found)} mutants"
    found[0].write(folder)


def change(path: Path, old: str, new: str) -> None:
    """Replace a text that stands in a file exactly once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has this {text.count(old)} times, not once:\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def _warmup_gives_up(folder: Path) -> None:
    again = 'self.node.note(f"no reply from {peer} to {number}: once more")'
    loop = f"            while not await self.ask(peer, number):\n                {again}\n"
    change(folder / "warmup.py", loop, "            await self.ask(peer, number)\n")


def _first_vote(folder: Path) -> None:
    """Let the skeleton answer each candidate with yes, and nothing else."""
    missing = '        raise NotImplementedError("2A: request_vote")\n'
    change(folder / "raft.py", missing, "        return RequestVoteReply(self.current_term, vote_granted=True)\n")


def _hunted_with_notes(folder: Path) -> None:
    write("classic_truncates_always", folder)
    cut = "        if self.last_included_index < first_index <= self.last_log_index():\n"
    note = 'self.node.note(f"had ..{self.last_log_index()}, got {first_index}..+{len(entries)}: cut")'
    change(folder / "raft.py", cut, f"{cut}            {note}\n")


def _reference_and(text: str) -> Callable[[Path], None]:
    """Return a function that writes the reference, followed by lines that change its class."""
    return lambda folder: _append(folder, "reference", text)


def _skeleton_and(text: str) -> Callable[[Path], None]:
    """Return what does the same with the skeleton."""
    return lambda folder: _append(folder, "skeleton", text)


def _append(folder: Path, base: str, text: str) -> None:
    shutil.copy(ROOT / base / "raft.py", folder)
    with (folder / "raft.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\n{text.strip()}\n")


_CHANGES: dict[str, Callable[[Path], None]] = {
    "warmup_gives_up": _warmup_gives_up,
    "first_vote": _first_vote,
    "hunted_with_notes": _hunted_with_notes,
    "spins": _skeleton_and("""
async def run(self):
    while True:
        await trio.sleep(0)

Raft.run = run
"""),
    "swallows_cancellation": _skeleton_and("""
async def run(self):
    while True:
        try:
            await trio.sleep(0.1)
        except trio.Cancelled:
            pass

Raft.run = run
Raft.get_state = lambda self: (0, False)
"""),
    "starts_a_thread": _skeleton_and("""
async def run(self):
    import threading
    threading.Thread(target=print).start()

Raft.run = run
"""),
    "raises": _skeleton_and("""
def request_vote(self, args):
    return self.next_index[args.candidate_id]

Raft.request_vote = request_vote
"""),
    "stalls": _skeleton_and("""
def request_vote(self, args):
    while self.voted_for is None: pass

Raft.request_vote = request_vote
"""),
    "computes_without_end": _skeleton_and("""
def request_vote(self, args):
    return RequestVoteReply(args.term, sum(range(10**15)) > 0)

Raft.request_vote = request_vote
"""),
    "answers_with_a_tuple": _skeleton_and("Raft.request_vote = lambda self, args: (args.term, True)"),
    "counts_from_0": _reference_and("""
take = Raft.start

def start(self, command):
    index, term, is_leader = take(self, command)
    return index - 1, term, is_leader

Raft.start = start
"""),
    "refuses_the_first_entry": _reference_and("""
has = Raft.has_entry
Raft.has_entry = lambda self, index, term: index > 0 and has(self, index, term)
"""),
    "heartbeats_commit_nothing": _reference_and("""
from dataclasses import replace
follow = Raft.append_entries
Raft.append_entries = lambda self, args: follow(self, args if args.entries else replace(args, leader_commit=0))
"""),
    "tells_less_at_times": _reference_and("""
tell, told = AppendEntriesArgs, [0]

def AppendEntriesArgs(leader_commit, entries, **rest):
    told[0] += 1
    return tell(leader_commit=max(0, leader_commit - (told[0] % 9 == 0)), entries=entries, **rest)
"""),
    "leads_after_a_restart": _reference_and("""
state = Raft.get_state

def get_state(self):
    term, is_leader = state(self)
    return term, is_leader or (self.role is Role.FOLLOWER and self.voted_for == self.node.me)

Raft.get_state = get_state
"""),
    "sends_everything": _reference_and("""
send = Raft.send_entries

async def send_entries(self, peer):
    self.next_index[peer] = 1
    await send(self, peer)

Raft.send_entries = send_entries
"""),
}
