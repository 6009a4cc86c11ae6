"""The plan of a stage: which drills each step names, and how far a server has to be written for them.

A server that is written up to a step is the reference without the methods of the steps after it.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from handouts.site.pages import Page
from tests.running import REFERENCE

MISSING: dict[str, dict[int, tuple[str, ...]]] = {
    "2A": {1: ("run", "get_state", "append_entries", "start"), 2: ("run", "start"), 3: ("become_leader", "start")},
    "2B": {1: ("start", "apply_committed", "is_up_to_date"), 2: ("start", "is_up_to_date"), 3: ("start",)},
    "2C": {},
    "2D": {
        1: ("install_snapshot", "send_snapshot"),
        2: ("install_snapshot", "send_snapshot"),
        3: ("send_snapshot",),
        4: ("send_snapshot",),
    },
}
"""By stage and step: methods of the reference that are not needed yet; none are for steps that are not here."""


def steps(page: Page) -> dict[int, list[str]]:
    """Return the drills that each step of a stage's page names."""
    parts = re.split(r"^### Step (\d+)", page.text, flags=re.M)[1:]
    plan = {int(number): text.partition("\n## ")[0] for number, text in zip(parts[::2], parts[1::2])}
    return {number: re.findall(r"\bdrill_\w+", text) for number, text in plan.items()}


def write_up_to(stage: str, step: int, folder: Path) -> Path:
    """Write a server that has what a step needs, and not what later steps need."""
    shutil.copy(REFERENCE / "raft.py", folder)
    with (folder / "raft.py").open("a", encoding="utf-8") as file:
        missing = MISSING[stage].get(step, ())
        for name in missing:
            kind = "async def" if name in ("run", "send_snapshot") else "def"
            file.write(f'\n\n{kind} {name}(self, *args):\n    raise NotImplementedError("{stage}: {name}")\n')
        file.writelines(f"\n\nRaft.{name} = {name}\n" for name in missing)
    return folder
