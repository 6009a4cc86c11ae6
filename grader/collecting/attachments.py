"""Several files that one student attached: which of them is the submission, or how they are put together."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from grader.intake.no_links import is_link
from grader.results.students import ENDINGS

ARCHIVES = tuple(ending for ending in ENDINGS if ending != ".py")
_AGAIN = re.compile(r"(.*?)-(\d+)(\.[A-Za-z0-9.]+)")
"""What Canvas makes of a file that was handed in again: raft.zip becomes raft-1.zip."""


def choose(files: Mapping[str, Path], into: Path) -> tuple[str, str]:
    """Return the submission's path, and why there is none, by the files' own names.

    One archive is the submission. Python files without an archive are put together in a folder, as `into`. Of several
    versions of one file the last counts; several archives are a decision for the instructor.
    """
    latest: dict[str, tuple[int, str]] = {}
    for name in files:
        again = _AGAIN.fullmatch(name)
        bare, number = (again.group(1) + again.group(3), int(again.group(2))) if again else (name, 0)
        latest[bare] = max(latest.get(bare, (-1, "")), (number, name))
    kept = {bare: files[name] for bare, (_, name) in sorted(latest.items())}
    archives = [bare for bare in kept if bare.lower().endswith(ARCHIVES)]
    modules = [bare for bare in kept if bare.endswith(".py")]
    if len(archives) == 1:
        return str(kept[archives[0]]), ""
    if len(archives) > 1:
        return (
            "",
            f"handed in {len(archives)} archives, {', '.join(archives[:5])}: take all but one out of the download",
        )
    if len(modules) == 1:
        return str(kept[modules[0]]), ""
    if "raft.py" not in modules:
        what = ", ".join(list(kept)[:5]) or "nothing"
        return "", f"handed in {what}: a submission is raft.py, with its modules, or one zip or tar of that"
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    for bare in modules:
        if not is_link(kept[bare]):
            shutil.copyfile(kept[bare], into / bare)
    return str(into), ""
