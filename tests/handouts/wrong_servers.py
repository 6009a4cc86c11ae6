"""The wrong servers that the handouts show in action: mutants of the corpus, and changes to what students have."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.mutants import corpus
from tests.servers.running import ROOT


def write(name: str, folder: Path) -> None:
    """Write a wrong server into a folder that has the skeleton's files."""
    if name in _CHANGES:
        _CHANGES[name](folder)
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


def _misbehaving(method: str, text: str) -> Callable[[Path], None]:
    """Return what appends a method to the reference."""

    def write_it(folder: Path) -> None:
        shutil.copy(ROOT / "reference" / "raft.py", folder)
        with (folder / "raft.py").open("a", encoding="utf-8") as file:
            file.write(f"\n    {method}\n" + "".join(f"        {line}\n" for line in text.splitlines()))

    return write_it


_CHANGES: dict[str, Callable[[Path], None]] = {
    "warmup_gives_up": _warmup_gives_up,
    "first_vote": _first_vote,
    "spins": _misbehaving("async def run(self) -> None:", "while True:\n    await trio.sleep(0)"),
    "stalls": _misbehaving("async def run(self) -> None:", "while True:\n    pass"),
    "raises": _misbehaving(
        "def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:", "return self.votes[args.candidate_id]"
    ),
    "wall_clock": _misbehaving(
        "async def run(self) -> None:", "import threading\nthreading.Thread(target=print).start()\nawait trio.sleep(1)"
    ),
    "ill_formed": _misbehaving(
        "def request_vote(self, args: RequestVoteArgs) -> RequestVoteReply:",
        "return (self.current_term, True)  # type: ignore",
    ),
    "swallows": _misbehaving(
        "async def run(self) -> None:",
        "while True:\n    try:\n        await trio.sleep(0.1)\n    except BaseException:\n        pass",
    ),
}
