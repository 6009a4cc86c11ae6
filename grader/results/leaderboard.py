"""The leaderboard of a class, merged from performance records (labs.report.performance)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

import msgspec

from grader.exits import Usage
from labs.report.performance import FORMAT, VERSION, Performance

LONGEST = 24
"""The longest alias that is shown."""


class Row(msgspec.Struct):
    """One place on the board; `best_at` has the metrics in which nobody is better."""

    place: int
    alias: str
    points: int
    bonuses: int
    best_at: list[str]


class Leaderboard(msgspec.Struct):
    """The file for a class."""

    rows: list[Row]
    held: list[str] = []
    """Aliases whose record needs review, so that they have no place."""
    format: str = "raft-leaderboard"
    version: int = 1


def read(path: Path) -> Performance:
    """Return a record; raise Usage if the file is not one."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Performance)
    except (OSError, msgspec.MsgspecError) as error:
        raise Usage(f"{path} is not a record of make test-perf: {error}") from None
    if (found.format, found.version) != (FORMAT, VERSION):
        raise Usage(f"{path} is {found.format} {found.version}, not {FORMAT} {VERSION}")
    return found


def merge(records: Iterable[Performance]) -> Leaderboard:
    """Return the board: by points, then by alias; equal points mean the same place. Of several records with one alias
    the last counts. A held record has no place, and sets no mark for others.
    """
    last = {clean(record.alias): record for record in records if record.alias is not None}
    held = sorted(alias for alias, record in last.items() if is_held(record))
    by_alias = {alias: record for alias, record in last.items() if alias not in held}
    best: dict[str, float] = {}
    for record in by_alias.values():
        for one in record.measurements:
            best[one.metric] = max(best.get(one.metric, 0.0), one.ratio)
    points = {alias: sum(one.points for one in record.measurements) for alias, record in by_alias.items()}
    rows = []
    for alias, record in sorted(by_alias.items(), key=lambda item: (-points[item[0]], item[0])):
        place = 1 + sum(other > points[alias] for other in points.values())
        found = [one.metric for one in record.measurements if one.ratio > 0 and one.ratio == best[one.metric]]
        rows.append(Row(place, alias, points[alias], sum(one.tier == "bonus" for one in record.measurements), found))
    return Leaderboard(rows, held)


def is_held(record: Performance) -> bool:
    """Return whether the lab could not grade a run of a record: then a missing figure is not the server's fault."""
    return any(run.status not in ("pass", "fail", "error") for run in record.runs)


def clean(alias: str) -> str:
    """Return an alias that is safe wherever a board is shown: a short one of letters, digits, and a few signs between
    them. So it cannot be markup of a terminal, of HTML or of Markdown, nor a formula of a spreadsheet.
    """
    letters = (letter for letter in unicodedata.normalize("NFC", alias) if letter.isalnum() or letter in " -_.")
    return "".join(letters).strip(" -_.")[:LONGEST].rstrip(" -_.") or "nameless"
