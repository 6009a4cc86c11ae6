"""The made-up class of `make demo-class` has all kinds of submissions, and is the same each time."""

from __future__ import annotations

from pathlib import Path

from grader.collecting.download import collect
from tests.tools.demo_class import make


def test_the_class_has_all_kinds_and_is_the_same_each_time(tmp_path: Path) -> None:
    one, other = make(tmp_path / "one", 12), make(tmp_path / "other", 12)
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir()) and len(names) == 12
    kinds = {name.partition(".")[0].split()[-1] for name in names}
    assert kinds == {"whole", "wrong", "blank", "archive", "hostile", "unusual"}
    for name in names:
        if (one / name).is_dir():
            assert (one / name / "raft.py").read_bytes() == (other / name / "raft.py").read_bytes()
    _, hand_ins = collect(one, tmp_path / "out")
    assert len(hand_ins) == 12
