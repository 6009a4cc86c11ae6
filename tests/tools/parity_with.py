"""Compares this tree with an older commit: runs the same tests with both, and wants the same records from both.

`make parity-with REV=main`; `python -m tests.tools.parity_with --help`. Both trees run this tree's servers: the
reference in all stage tests and drills, the warm-up, and some known-wrong servers. It speaks to each tree only through
`python -m labs`, so modules may move between the two. Prints the first records that differ; returns 1 if any do.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from tests.corpora import mutants
from tests.tools.parity import NEVER_YIELD

ROOT = Path(__file__).parents[2]
STAGES = ("2A", "2B", "2C", "2D")
MEASURED = ("wall_time", "server_cpu_time")
"""What a record holds that differs from run to run."""
SHOWN = 10
"""The most differences that are printed."""
Records: TypeAlias = dict[tuple[str, int], dict[str, Any]]
"""The records of one command, by test and seed."""


class Case(NamedTuple):
    """One command of both trees, without the options that all of them have."""

    title: str
    submission: Path
    words: list[str]


def main() -> int:
    """Run and compare; return 0 if all records are the same."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="raft-lab-parity-") as name:
        folder, old = Path(name), Path(name, "tree")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(old), options.rev], check=True)
        try:
            return _compare_all(options, old, folder)
        finally:
            subprocess.run([*git, "remove", "--force", str(old)], check=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.parity_with", description=__doc__)
    parser.add_argument("rev", metavar="REV", help="the commit to compare with")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds (1)")
    parser.add_argument("--hosts", default="inline", choices=["inline", "process", "both"], help="(inline)")
    parser.add_argument("--mutants", type=int, default=4, metavar="N", help="how many known-wrong servers (4)")
    return parser.parse_args()


def _compare_all(options: argparse.Namespace, old: Path, folder: Path) -> int:
    runs = differences = 0
    for hosts in ("inline", "process") if options.hosts == "both" else (options.hosts,):
        for case in _cases(hosts, options.mutants, folder):
            words = [*case.words, "--hosts", hosts, "--runs", str(options.seeds), "--submission", str(case.submission)]
            before, after = (_records(tree, words, folder / "records.json") for tree in (old, ROOT))
            runs += len(after)
            for text in _differences(before, after):
                differences += 1
                if differences <= SHOWN:
                    print(f"{case.title}, {hosts}: {text}", flush=True)
    print(f"{runs} runs compared with {options.rev}: {differences} differences")
    return 1 if differences or not runs else 0


def _cases(hosts: str, wrong: int, folder: Path) -> Iterator[Case]:
    """Yield what both trees run. In process hosts, which take longer, only drills, the first stage and the warm-up."""
    reference = ROOT / "reference"
    yield Case("warm-up", ROOT / "skeleton", ["test", "warmup"])
    yield Case("reference", reference, ["test", *(STAGES if hosts == "inline" else STAGES[:1])])
    yield Case("reference", reference, ["drills", *STAGES])
    corpus = [mutant for mutant in mutants.corpus() if not any(word in mutant.name for word in NEVER_YIELD)]
    for mutant in corpus[:: max(1, len(corpus) // max(1, wrong))][:wrong]:
        server = folder / mutant.name.partition(" ")[0]
        server.mkdir(exist_ok=True)
        mutant.write(server)
        for kind in ("test", "drills"):
            yield Case(f"mutant {mutant.name}", server, [kind, mutant.stage])


def _records(tree: Path, words: list[str], file: Path) -> Records:
    """Return the records of one command of a tree; the tests may fail, but the command must not."""
    file.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "labs", *words, "--json", str(file)]
    ended = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    if ended.returncode not in (0, 1) or not file.exists():
        sys.exit(f"{' '.join(command)} in {tree} ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    runs = json.loads(file.read_text())["runs"]
    return {(run["test"], run["seed"]): {k: v for k, v in run.items() if k not in MEASURED} for run in runs}


def _differences(before: Records, after: Records) -> Iterator[str]:
    for test, seed in sorted({*before, *after}):
        one, other = before.get((test, seed)), after.get((test, seed))
        if one is None or other is None:
            yield f"{test} seed {seed} ran only {'after' if one is None else 'before'}"
        elif one != other:
            name = next(name for name in [*one, *other] if one.get(name) != other.get(name))
            yield f"{test} seed {seed}: {name} was {one.get(name)!r} and is {other.get(name)!r}"


if __name__ == "__main__":
    sys.exit(main())
