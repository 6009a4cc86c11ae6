"""Finds the tests of all kinds, and lists their facts: name, stage, title, points, MIT counterpart."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias

from labs.testing.scenario import Scenario

STAGES = {"warmup": "0", "2A": "2A", "2B": "2B", "2C": "2C", "2D": "2D"}
"""The names to type, and the names in files and ids."""
RAFT_STAGES = ["2A", "2B", "2C", "2D"]
"""The stages of the server, without the warm-up."""
FOLDERS = {"labs.raft.stages": Path(__file__).parent, "labs.warmup": Path(__file__).parents[2] / "warmup"}
"""The packages that hold tests."""
Kind: TypeAlias = Literal["test", "drills", "perf"]
"""The beginnings of file names: stage tests drive a cluster, drills a single server; performance tests measure."""
JUDGED: tuple[Kind, ...] = ("drills", "test")
"""The kinds that pass or fail, in the order in which they are run."""


def files(kind: Kind = "test") -> list[Path]:
    """Return the files that hold tests of a kind, in the order of the stages."""
    return sorted(
        (file for folder in FOLDERS.values() for file in folder.glob(f"{kind}_*.py")), key=lambda file: file.name
    )


def file_of(stage: str, kind: Kind = "test") -> Path | None:
    """Return the file of a stage, or None if there is none."""
    name = {key.lower(): value for key, value in STAGES.items()}.get(stage.lower(), stage)
    return next((file for file in files(kind) if file.stem.split("_")[1].lower() == name.lower()), None)


def scenarios(stage: str | None = None, kind: Kind = "test") -> list[Scenario]:
    """Return the scenarios of one stage or of all, in the order in which they are written."""
    chosen = files(kind) if stage is None else [file for file in [file_of(stage, kind)] if file is not None]
    found: list[Scenario] = []
    for file in chosen:
        package = next(name for name, folder in FOLDERS.items() if folder == file.parent)
        module = importlib.import_module(f"{package}.{file.stem}")
        found += [value.scenario for value in vars(module).values() if hasattr(value, "scenario")]
    return found


def find(name: str) -> list[Scenario]:
    """Return the tests of all kinds that a name means.

    It may be an id, or an id without its stage; else it means all whose ids hold it, or else all whose titles do.
    """
    everything, wanted = _everything(), _plain(name)
    by_id = [scenario for scenario in everything if scenario.id.lower() == wanted]
    by_name = [scenario for scenario in everything if scenario.id.lower().partition("/")[2] == wanted]
    found = by_id or by_name or [scenario for scenario in everything if wanted in scenario.id.lower()]
    return found or [scenario for scenario in everything if wanted in _plain(scenario.title)]


def near(name: str) -> list[Scenario]:
    """Return tests whose ids or titles look like a name that no test has, the nearest first."""
    by_text = {
        text: s for s in _everything() for text in (_plain(s.title), s.id.partition("/")[2].lower(), s.id.lower())
    }
    wanted = _plain(name)
    words = [text for text in by_text if len(wanted) > 3 and wanted in text]
    close = difflib.get_close_matches(wanted, by_text, n=5, cutoff=0.6)
    return list({by_text[text].id: by_text[text] for text in [*close, *words]}.values())[:5]


def _everything() -> list[Scenario]:
    return [*scenarios(), *scenarios(kind="drills"), *scenarios(kind="perf")]


def matches(scenario: Scenario, text: str) -> bool:
    """Return whether a test's id or title holds a text; case, blanks and underscores do not matter."""
    wanted = _plain(text)
    return wanted in scenario.id.lower() or wanted in _plain(scenario.title)


class Unmatched(Exception):
    """No test has a word in its id or title; `word` is that word."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def choose(scenarios: Iterable[Scenario], text: str) -> list[Scenario]:
    """Return the tests whose id or title holds a text, or one of several with commas between them.

    Raises Unmatched for a text that none of them holds.
    """
    everything = list(scenarios)
    whole = [scenario for scenario in everything if matches(scenario, text)]
    if whole:
        return whole
    words = [word.strip() for word in text.split(",") if word.strip()] or [text]
    for word in words:
        if not any(matches(scenario, word) for scenario in everything):
            raise Unmatched(word)
    return [scenario for scenario in everything if any(matches(scenario, word) for word in words)]


def _plain(text: str) -> str:
    """Return a text in lower case, with underscores for blanks."""
    return re.sub(r"[\s_]+", "_", text.strip().lower())
