"""The code of a class as JPlag and Dolos read it: a folder for each submission, the skeleton as base, and info.csv.

Submissions are taken in as for a grade (grader.intake), so no link and no odd name gets into the layout.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from grader.exits import Usage
from grader.intake.taken import take_in
from grader.places import ROOT
from grader.results.exports.cells import text_cell, written
from grader.results.exports.text_file import write_text

SKELETON = ROOT / "skeleton"


def lay_out(sources: Mapping[str, str], out: Path) -> dict[str, str]:
    """Write the layout into a new folder; return why submissions were left out, by name.

    Names are those of the folders of results. Dolos finds a file by its path from the folder of info.csv.
    """
    if out.exists() and any(out.iterdir()):
        raise Usage(f"{out} is not empty; name a new folder, so that no old submission is compared")
    base = {path.name: path.read_bytes() for path in sorted(SKELETON.glob("*.py"))}
    for name, content in base.items():
        (out / "base").mkdir(parents=True, exist_ok=True)
        (out / "base" / name).write_bytes(content)
    refused, rows = {}, [("filename", "full_name", "label")]
    for submission, source in sources.items():
        with take_in(source) as taken:
            if taken.refused:
                refused[submission] = taken.refused
                continue
            for file in taken.files:
                content = (Path(taken.folder) / file).read_bytes()
                if content == base.get(file):
                    continue
                place = Path("submissions", submission, file)
                (out / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(Path(taken.folder) / file, out / place)
                rows.append((place.as_posix(), text_cell(submission), ""))
    write_text(out / "info.csv", written(rows))
    return refused
