"""Submissions that would get points without what these are for, and where they get none.

`worth_nothing` are graded like an instructor's class, by `python -m grader grade` with the course's own rubric, cut to
each stage's basis and to tests that a server passes by doing little.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.places import RUBRIC
from grader.results.result import Result, read
from grader.results.students import folder_name, identity_of
from tests.corpora.attacks.corpus import Attack, attacks
from tests.corpora.mutants import corpus
from tests.corpora.mutants.patching import Mutant
from tests.running import ROOT

IDLE = """\"\"\"No Raft: it asks for votes, refuses all, and never leads.\"\"\"
import trio
from labs.messages import AppendEntriesReply, InstallSnapshotReply, PersistentState, RequestVoteArgs, RequestVoteReply
class Raft:
    def __init__(self, node, apply_ch):
        self.node, self.term = node, 0
    async def run(self):
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(0.4 + self.node.random.random() / 4)
                self.term += 1
                self.node.persister.save(PersistentState(self.term, self.node.me, []))
                for peer in self.node.peers:
                    nursery.start_soon(self.node.call, peer, RequestVoteArgs(self.term, self.node.me, 0, 0))
    def get_state(self):
        return self.term, False
    def request_vote(self, args):
        return RequestVoteReply(self.term, False)
    def append_entries(self, args):
        return AppendEntriesReply(self.term, False)
    def start(self, command):
        return -1, self.term, False
    def snapshot(self, index, data):
        pass
    def install_snapshot(self, args):
        return InstallSnapshotReply(self.term)
"""
"""What all Raft-less servers have in common: who refuses everything breaks few rules."""
TESTS = (
    "2A/initial_election",
    "2A/election_after_network_failure",
    "2A/drill_starts_as_follower",
    "2A/half_elects_nobody",
    "2B/basic_agreement",
    "2B/follower_reconnects",
    "2B/half_commits_nothing",
    "2C/basic_persistence",
    "2C/drill_term_survives",
    "2D/snapshots_basic",
    "2D/drill_older_snapshot_refused",
)
STAGES = ("2A", "2B", "2C", "2D")


@dataclass(frozen=True)
class Cheat:
    """One submission, by its name, and the stages that must give it no point."""

    name: str
    worth_nothing: tuple[str, ...] = STAGES

    def write(self, folder: Path) -> Path:
        """Write it into a folder."""
        folder.mkdir(parents=True)
        if self.name == "idle":
            (folder / "raft.py").write_text(IDLE)
            return folder
        named: list[Mutant | Attack] = [mutant for mutant in corpus() if mutant.name == self.name]
        [found] = named or [attack for attack in attacks() if attack.name == self.name]
        return found.write(folder)


CHEATS = (
    Cheat("idle"),
    Cheat("forge_vote_for_nobody"),
    Cheat("forge_leader_by_number"),
    Cheat("inject_long_commands"),
    Cheat("wire_colliding"),
    Cheat("wire_expanding"),
    Cheat("share_futexes", ("2B", "2C", "2D")),  # its servers can elect, and need no channel for that
    Cheat("X01_marked_votes_are_not_saved", ("2C",)),
    Cheat("X12_services_snapshot_thrown_away", ("2D",)),
    Cheat("X15_snapshot_in_place_of_entries", ("2B", "2C", "2D")),
)


def rubric() -> str:
    """Return the course's rubric with these tests alone, each with one seed."""
    stages = re.search(r"^\[stages.*?(?=^\[\[tests)", RUBRIC.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert stages is not None
    tests = "".join(f'[[tests]]\nselect = "{test}"\npoints = 10\n' for test in TESTS)
    return f'format = "raft-rubric/1"\ntitle = "cheats"\n[seeds]\npublic = [1]\n{stages.group()}{tests}'


def graded(folder: Path, cheats: tuple[Cheat, ...] = CHEATS) -> Iterator[tuple[Cheat, Result]]:
    """Grade cheats by one command, and return the result of each."""
    (folder / "rubric.toml").write_text(rubric())
    sources = [cheat.write(folder / "submissions" / cheat.name) for cheat in cheats]
    options = ["--rubric", folder / "rubric.toml", "--out", folder / "out", "--jobs", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "grader", "grade", *map(str, sources), *map(str, options)],
        cwd=ROOT,
        env={**os.environ, "GRADER_SECRET": "s" * 32, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    for cheat in cheats:
        name = folder_name(identity_of(str(folder / "submissions" / cheat.name)))
        yield cheat, read(folder / "out" / name / "result.json")
