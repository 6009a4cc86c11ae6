"""The comparison with an older commit: what counts as a difference."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tools.parity_with import Records, _differences, _records

RUN = {"test": "2A/initial_election", "seed": 1, "status": "pass", "digest": "ab", "wall_time": 0.5}


def records(**fields: object) -> Records:
    return {("2A/initial_election", 1): {**RUN, **fields}}


def test_equal_records_do_not_differ() -> None:
    assert list(_differences(records(), records())) == []


def test_another_digest_is_named() -> None:
    assert list(_differences(records(), records(digest="cd"))) == [
        "2A/initial_election seed 1: digest was 'ab' and is 'cd'"
    ]


def test_a_run_that_one_tree_lacks_is_named() -> None:
    assert list(_differences({}, records())) == ["2A/initial_election seed 1 ran only after"]
    assert list(_differences(records(), {})) == ["2A/initial_election seed 1 ran only before"]


def test_a_tree_is_asked_through_its_own_command_line(tmp_path: Path) -> None:
    (tmp_path / "labs").mkdir()
    (tmp_path / "labs" / "__main__.py").write_text(
        f"import json, sys\nopen(sys.argv[-1], 'w').write({json.dumps(json.dumps({'runs': [RUN]}))})\n"
    )
    found = _records(tmp_path, ["test", "2A"], tmp_path / "records.json")
    kept = {name: value for name, value in RUN.items() if name != "wall_time"}
    assert found == {("2A/initial_election", 1): kept}
