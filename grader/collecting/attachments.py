"""The files of one attempt of one student: which of them is the submission, or how they are put together."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from grader.intake.no_links import is_link
from grader.results.students import ENDINGS

ARCHIVES = tuple(ending for ending in ENDINGS if ending != ".py")


def choose(files: Mapping[str, Path], into: Path) -> tuple[str, str]:
    """Return the path of one attempt's submission, and why there is none, by the files' own names.

    One archive is the submission. Python files without an archive are put together in a folder, as `into`. Several
    archives are a decision for the instructor.
    """
    archives = [name for name in files if name.lower().endswith(ARCHIVES)]
    modules = [name for name in files if name.endswith(".py")]
    if len(archives) == 1:
        return str(files[archives[0]]), ""
    if len(archives) > 1:
        return (
            "",
            f"handed in {len(archives)} archives, {', '.join(archives[:5])}: take all but one out of the download",
        )
    if len(modules) == 1:
        return str(files[modules[0]]), ""
    if "raft.py" not in modules:
        what = ", ".join(list(files)[:5]) or "nothing"
        return "", f"handed in {what}: a submission is raft.py, with its modules, or one zip or tar of that"
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    for name in modules:
        if not is_link(files[name]):
            shutil.copyfile(files[name], into / name)
    return str(into), ""
