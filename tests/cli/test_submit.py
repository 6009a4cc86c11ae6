"""What is handed in is packed and checked, and a packed submission can be replayed."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from labs.cli import main
from labs.sim.loader.program import BadSubmission
from labs.submit import opened, pack
from tests.running import ROOT

SKELETON = (ROOT / "skeleton" / "raft.py").read_text()


def write(folder: Path, *names: str, server: str = SKELETON) -> Path:
    for name in ("raft.py", *names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(server if name == "raft.py" else "x = 1\n")
    return folder


def test_only_the_server_and_its_modules_are_packed_always_as_the_same_bytes(tmp_path: Path) -> None:
    beside = [".venv/a.py", "env/b.py", "env/pyvenv.cfg", "__pycache__/c.py", "warmup.py", "notes.md"]
    folder = write(tmp_path / "skeleton", "log.py", "core/timing.py", *beside)
    assert pack(folder, tmp_path / "raft.zip") == ["core/timing.py", "log.py", "raft.py"]
    first = (tmp_path / "raft.zip").read_bytes()
    (folder / "raft.py").touch()
    pack(folder, tmp_path / "raft.zip")
    assert (tmp_path / "raft.zip").read_bytes() == first
    with opened(tmp_path / "raft.zip") as place:
        assert (place / "raft.py").read_text() == SKELETON and (place / "core" / "timing.py").exists()


def test_the_skeleton_can_be_packed_and_a_server_that_lacks_a_module_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.zip"
    assert main(["submit", "--submission", str(write(tmp_path / "a", "log.py")), "--out", str(out)]) == 0
    assert f"{out}: log.py, raft.py; hand in this file" in capsys.readouterr().out and out.exists()
    broken = write(tmp_path / "b", server=SKELETON.replace("import trio\n", "import nowhere_to_be_found\n", 1))
    assert main(["submit", "--submission", str(broken), "--out", str(out)]) == 2
    assert "nowhere_to_be_found" in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize("text", ["class Raft(:\n", None])
def test_what_cannot_be_graded_is_not_packed(tmp_path: Path, text: str | None) -> None:
    folder = write(tmp_path / "a", server=text or "")
    if text is None:
        (folder / "raft.py").unlink()
    with pytest.raises(BadSubmission):
        pack(folder, tmp_path / "raft.zip")


def test_a_name_that_the_grader_leaves_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSubmission, match=r"the grader leaves out 'l\\xf6g.py'"):
        pack(write(tmp_path / "a", "lög.py"), tmp_path / "raft.zip")


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_replay_takes_a_packed_submission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    folder, file = write(tmp_path / "raft-lab" / "skeleton"), tmp_path / f"alice.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.write(folder / "raft.py", "raft-lab/skeleton/raft.py")
            archive.writestr("../outside.py", "x = 1\n")
    else:
        with tarfile.open(file, "w:gz") as tar:
            tar.add(folder, "raft-lab/skeleton")
    monkeypatch.chdir(tmp_path)
    assert main(["replay", "2A/initial_election", "--submission", str(file)]) == 1
    assert "not written yet" in capsys.readouterr().out and not (tmp_path.parent / "outside.py").exists()
    (tmp_path / "x.zip").write_text("nothing")
    assert main(["replay", "2A/initial_election", "--submission", "x.zip"]) == 2
