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


METADATA_AGAIN = """\
---
submission_305:
  :submitters:
  - :name: Jane Doe
    :sid: '101'
    :email: jdoe@uni.edu
  :created_at: 2026-03-03 08:00:00.000000000 Z
  :score: 2.0
  :status: processed
  :history:
  - :created_at: 2026-03-01 10:00:00.000000000 Z
    :id: 299
    :score: 3.0
    :results:
      :tests:
      - :name: "autograder: 2A"
        :id: 302
  - :created_at: 2026-02-28 10:00:00.000000000 Z
    :id: 290
    :score: 0.0
submission_302:
  :submitters:
  - :name: "J\\xF6rg M\\u00fcller"
    :sid: '102'
    :email: joerg@uni.edu
  :created_at: 2026-03-02 10:59:00.000000000 Z
submission_301:
  :submitters:
  - :name: "J\\xF6rg M\\u00fcller"
    :sid: '102'
    :email: joerg@uni.edu
  :created_at: 2026-03-01 10:59:00.000000000 Z
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


# Several attempts of one student in one download.


def gradescope_again(folder: Path) -> Path:
    """Make an export with two earlier submissions in a history, one of which has a folder, and a student with two."""
    write(folder / "submission_metadata.yml", METADATA_AGAIN)
    write(folder / "submission_305" / "raft.py", "class Raft: last = True\n")
    write(folder / "submission_299" / "raft.py", "class Raft: first = True\n")
    write(folder / "submission_302" / "raft.py", "class Raft: last = True\n")
    write(folder / "submission_301" / "raft.py", "class Raft: first = True\n")
    return folder


def canvas_again(folder: Path) -> Path:
    """Make a download with versions: an archive three times, modules of which one came again, a report that came again,
    and an archive beside which another one was handed in later."""
    packed(folder / "doejane_101_5551_raft.zip", "class Raft: first = True\n")
    packed(folder / "doejane_101_5559_raft-1.zip", "class Raft: second = True\n")
    packed(folder / "doejane_LATE_101_5610_raft-2.zip", "class Raft: third = True\n")
    write(folder / "roerick_102_5552_raft.py", "class Raft: first = True\n")
    write(folder / "roerick_102_5553_log.py", "x = 1\n")
    write(folder / "roerick_LATE_102_5572_raft-1.py", "class Raft: second = True\n")
    packed(folder / "müllerjörg_105_5557_raft-lab.zip")
    write(folder / "müllerjörg_105_5558_report.pdf", "%PDF")
    write(folder / "müllerjörg_105_5601_report-1.pdf", "%PDF")
    packed(folder / "moemia_103_5554_raft-3.zip")
    packed(folder / "poepat_104_5555_raft.zip")
    packed(folder / "poepat_104_5556_other-1.zip")
    return folder


def moodle_again(folder: Path) -> Path:
    """Make a download with a folder for each attempt, and one of files with dates."""
    jane = folder / "Jane Doe_4711_assignsubmission_file_"
    packed(jane / "Attempt 2" / "raft.zip")
    packed(jane / "Attempt 10" / "raft.zip")
    write(jane / "Attempt 1" / "raft.py")
    write(jane / "Attempt 1" / "log.py", "x = 1\n")
    joerg = folder / "Jörg Müller_4712_assignsubmission_file_"
    packed(joerg / "raft_2026-03-02_0930.zip")
    packed(joerg / "raft_2026-03-02_1805.zip")
    packed(joerg / "raft_2026-02-27.zip")
    packed(folder / "O'Moe Mia_4713_assignsubmission_file_raft-20260301.zip")
    write(folder / "Pat Poe_4714_assignsubmission_file_" / "attempt-1" / "skeleton" / "raft.py")
    write(folder / "Pat Poe_4714_assignsubmission_file_" / "attempt-2" / "report.pdf", "%PDF")
    return folder


def programming_lab(folder: Path) -> Path:
    """Make what Moodle's programming lab gives: a folder with a date for each attempt, and its output beside it."""
    for moment in ("2026-03-01-10-00-00", "2026-03-02-09-30-00"):
        write(folder / "Doe Jane 4711 jdoe" / moment / "raft.py")
        write(folder / "Doe Jane 4711 jdoe" / f"{moment}.ceg" / "execution.txt", "1 of 3\n")
    write(folder / "Moe Mia 4713 mia" / "2026-03-01-23-59-59" / "raft.py")
    return folder
