"""Makes downloads of a class as the platforms make them, for tests of what reads them."""

from __future__ import annotations

import zipfile
from pathlib import Path

SERVER = "class Raft: ...\n"

METADATA = """\
---
submission_301:
  :submitters:
  - :name: Jane Doe
    :sid: '101'
    :email: jdoe@uni.edu
  :created_at: 2026-03-01 22:59:00.123456000 Z
  :score: 0.0
  :status: processed
  :results: &1
    :tests:
    - :name: "autograder: 2A"
      :score: 1.0
  :history:
  - :created_at: 2026-02-27 10:00:00.000000000 Z
    :id: 299
    :score: 0.0
submission_302:
  :submitters:
  - :name: "J\\xF6rg M\\u00fcller"
    :sid: '102'
    :email: joerg@uni.edu
  - :name: 'Mia O''Moe'
    :sid:
    :email: mia@uni.edu
  :created_at: 2026-03-03 10:59:00.000000000 Z
  :score:
submission_303:
  :submitters:
  - :name: Nick Nothing
    :sid: '104'
    :email: nick@uni.edu
  :created_at: 2026-03-01 09:00:00.000000000 Z
"""


def write(path: Path, text: str = SERVER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def packed(path: Path, text: str = SERVER, name: str = "raft.py") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, text)
    return path


def gradescope(folder: Path) -> Path:
    """Make assignment_77_export: one student, a group, and one whose folder is empty."""
    place = folder / "assignment_77_export"
    write(place / "submission_metadata.yml", METADATA)
    write(place / "submission_301" / "raft.py")
    write(place / "submission_302" / "raft-lab" / "skeleton" / "raft.py")
    (place / "submission_303").mkdir()
    return folder


def canvas(folder: Path) -> Path:
    """Make what 'Download Submissions' gives: late, handed in again, several files, two archives, a wrong file."""
    packed(folder / "doejane_101_5551_raft.zip", "class Raft: first = True\n")
    packed(folder / "doejane_101_5559_raft-1.zip")
    write(folder / "roerick_LATE_102_5552_raft.py")
    write(folder / "roerick_LATE_102_5553_log.py", "x = 1\n")
    packed(folder / "moemia_103_5554_2A.zip")
    packed(folder / "moemia_103_5555_2B.zip")
    write(folder / "poepat_104_5556_report.pdf", "%PDF")
    packed(folder / "müllerjörg_105_5557_final version.zip")
    return folder


def moodle(folder: Path) -> Path:
    """Make what 'Download all submissions' gives, with and without folders."""
    packed(folder / "Jane Doe_4711_assignsubmission_file_" / "raft.zip")
    write(folder / "Jane Doe_4711_assignsubmission_onlinetext_" / "onlinetext.html", "<p>hello</p>")
    write(folder / "Jörg Müller_4712_assignsubmission_file_" / "raft.py")
    write(folder / "Jörg Müller_4712_assignsubmission_file_" / "log.py", "x = 1\n")
    packed(folder / "O'Moe Mia_4713_assignsubmission_file_my_raft.zip")
    write(folder / "Pat Poe_4714_assignsubmission_file_" / "raft-lab" / "skeleton" / "raft.py")
    write(folder / "Ned Nix_4715_assignsubmission_onlinetext_" / "onlinetext.html", "<p>see mail</p>")
    return folder


def classroom(folder: Path) -> Path:
    """Make what `gh classroom clone student-repos` gives."""
    for user in ("octo-cat", "mia", "joerg-m"):
        write(folder / f"raft-lab-2a-{user}" / ".git" / "HEAD", "ref: refs/heads/main\n")
        write(folder / f"raft-lab-2a-{user}" / "skeleton" / "raft.py")
    return folder
