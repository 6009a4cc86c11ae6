"""Changes the checkers' own conditions, one at a time, and asks whether the event-level cases notice.

`python -m tests.tools.judge_mutation [--only commits] [--every N] [--most PERCENT] [--list]`. A change flips or shifts
a comparison, negates or drops a condition, takes the other sign, the next number, the other truth value, or leaves a
verdict out. It is caught if the checkers find in some case what they should not, or do not find what they should.
Exit code 1 if a larger share than `--most` survives. The usual tools would start pytest for each change, which takes
longer than all cases together.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import importlib
import itertools
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import msgspec

from labs.engine import engine, stalls
from labs.engine.local import processes
from labs.engine.stalls import Limits
from labs.engine.work import Loss, Work
from labs.raft import checkers
from tests.corpora import event_cases
from tests.corpora.event_cases import STAGES

FOLDER = Path(checkers.__path__[0])
JUDGE_FREE = ("situations", "situation_names")
"""Modules that count what a run reaches, and check nothing."""
LIMITS = Limits(cpu=30.0, wall=0.0)
"""All cases take a second or two; a loop that a change made endless, for ever."""
OTHER = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""What a comparison becomes: the same but for equal values, and the contrary."""


class Job(msgspec.Struct, frozen=True):
    """One change: the number of a module's changes, in the order in which they are made."""

    module: str
    number: int


class Fate(msgspec.Struct):
    """What became of a change: the case that caught it, or "" if none did."""

    what: str
    caught_by: str


class Changing(Work[Job, Fate]):
    """Tries changes in worker processes, each of which has decoded all cases once."""

    job, record = Job, Fate

    def begin(self, number: int) -> None:
        self._cases = [
            (case, event_cases.decoded(lines)) for stage in STAGES for case, lines in event_cases.load(stage)
        ]
        self._cases.sort(key=lambda pair: len(pair[1]))

    def run(self, job: Job) -> Fate:
        what, make_tree = changes(job.module)[job.number]
        tree = make_tree()
        module = importlib.import_module(f"{checkers.__name__}.{job.module}")
        with_change, without = compile(tree, job.module, "exec"), compile(source_of(job.module), job.module, "exec")
        try:
            _put_in(module, with_change)
            return Fate(what, self._caught_by(job.module))
        except stalls.Stalled:
            return Fate(what, "the time it takes")
        finally:
            _put_in(module, without)

    def _caught_by(self, name: str) -> str:
        here = {name for name, value in vars(importlib.import_module(f"{checkers.__name__}.{name}")).items()}
        for case, events in sorted(self._cases, key=lambda pair: pair[0].judge not in here):
            try:
                found = event_cases.verdict(case.stage, case.servers, events)
            except Exception as error:
                return f"{type(error).__name__} in {case.name}"
            if not event_cases.agrees(case, len(events), found):
                return case.name
        return ""

    def lost(self, job: Job, loss: Loss) -> Fate:
        return Fate(f"change {job.number} of {job.module}", f"the process {loss.how}")


def main() -> int:
    """Try changes, and print the share that survives; return 1 if it is larger than allowed."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.judge_mutation", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="only modules whose names hold a text")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth change")
    parser.add_argument("--most", type=float, default=100.0, metavar="PERCENT", help="the share that may survive (100)")
    parser.add_argument("--list", action="store_true", help="print each change that survives")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    names = [path.stem for path in sorted(FOLDER.glob("*.py")) if not path.stem.startswith("_")]
    chosen = [name for name in names if options.only in name and name not in JUDGE_FREE]
    jobs = [Job(name, number) for name in chosen for number in range(len(changes(name)))][:: options.every]
    fates: dict[str, list[Fate]] = defaultdict(list)
    for job, fate in engine.run(Changing(), jobs, processes(options.jobs), LIMITS):
        fates[job.module].append(fate)
    return _report(fates, options.most, options.list)


def _report(fates: dict[str, list[Fate]], most: float, listed: bool) -> int:
    survivors: Counter[str] = Counter()
    for name in sorted(fates):
        left = sorted(fate.what for fate in fates[name] if not fate.caught_by)
        survivors[name] = len(left)
        print(f"{name:16} {len(fates[name]):5} changes, {len(left):4} survive")
        if listed:
            print("".join(f"    {what}\n" for what in left), end="")
    total = sum(map(len, fates.values()))
    share = 100 * survivors.total() / max(total, 1)
    print(f"{total} changes, {survivors.total()} survive: {share:.1f} %, of at most {most:.1f} %")
    return 0 if total and share <= most else 1


def source_of(name: str) -> str:
    """Return the source of a module of the checkers."""
    return (FOLDER / f"{name}.py").read_text(encoding="utf-8")


def _put_in(module: ModuleType, code: object) -> None:
    """Define a module's contents again, and hand the new ones to all modules that have imported the old."""
    before = dict(vars(module))
    exec(code, vars(module))  # type: ignore[arg-type]
    made = {name: value for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    for other in [value for name, value in sys.modules.items() if name.startswith(checkers.__name__)]:
        for name, value in made.items():
            if other is not module and name in vars(other) and vars(other)[name] is before.get(name):
                setattr(other, name, value)


@functools.cache
def changes(name: str) -> list[tuple[str, Callable[[], ast.Module]]]:
    """Return each change of a module, as words and as what makes the whole tree."""
    text = source_of(name)
    tree = ast.parse(text)
    skipped = set(map(id, _words(tree)))
    found: list[tuple[str, Callable[[], ast.Module]]] = []
    for number, node in enumerate(ast.walk(tree)):
        for what, make in _changes_of(node) if id(node) not in skipped else ():
            line = getattr(node.iter if isinstance(node, ast.comprehension) else node, "lineno", 1)
            words = f"{name}.py:{line} {what}: {text.splitlines()[line - 1].strip()}"
            found.append((words, functools.partial(_changed, tree, number, make)))
    return found


def _changed(tree: ast.Module, number: int, make: Callable[[Any], None]) -> ast.Module:
    """Return a copy of a tree with the change made at one of its nodes."""
    copied = copy.deepcopy(tree)
    make(next(itertools.islice(ast.walk(copied), number, None)))
    return ast.fix_missing_locations(copied)


def _words(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what makes up the texts of verdicts: it is not looked at whether they are right."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise | ast.JoinedStr):
            yield from (inner for inner in ast.walk(node) if inner is not node)


Change: TypeAlias = tuple[str, Callable[[Any], None]]


def _changes_of(node: ast.AST) -> Iterator[Change]:
    """Yield what can be changed about one node, as words and as a function that changes such a node in place."""
    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            for other in OTHER[type(op)]:
                yield f"{type(op).__name__} is {other.__name__}", _in_list("ops", place, other())
    elif isinstance(node, ast.BoolOp):
        for place in range(len(node.values)):
            yield f"part {place + 1} left out", _in_list("values", place, ast.Constant(isinstance(node.op, ast.And)))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        other_sign = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "the other sign", lambda same: setattr(same, "op", other_sign)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        value = not node.value if isinstance(node.value, bool) else node.value * 2 or 1
        yield f"{node.value} is {value}", lambda same: setattr(same, "value", value)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "negated", lambda same: setattr(same, "test", ast.UnaryOp(ast.Not(), same.test))
        if not isinstance(node, ast.While):
            yield "never", lambda same: setattr(same, "test", ast.Constant(False))
    elif isinstance(node, ast.comprehension):
        for place in range(len(node.ifs)):
            yield f"filter {place + 1} left out", _in_list("ifs", place, ast.Constant(True))
    elif isinstance(node, ast.FunctionDef):
        for place, statement in enumerate(node.body):
            if isinstance(statement, ast.Raise):
                yield "no verdict", _in_list("body", place, ast.Pass())


def _in_list(field: str, place: int, new: ast.AST) -> Callable[[Any], None]:
    def change(node: Any) -> None:
        getattr(node, field)[place] = new

    return change


if __name__ == "__main__":
    sys.exit(main())
