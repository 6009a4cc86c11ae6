"""The course secret goes from one machine to another on purpose, and is never replaced by accident."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from grader import exits
from grader.cli import main
from grader.grading import seeds


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return the secret files of two machines; the first one is in use."""
    monkeypatch.delenv("GRADER_SECRET", raising=False)
    monkeypatch.setattr(seeds, "_is_from_file", False)
    monkeypatch.setenv("GRADER_SECRET_FILE", str(tmp_path / "first"))
    return tmp_path / "first", tmp_path / "second"


def use(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    monkeypatch.setenv("GRADER_SECRET_FILE", str(secret))
    monkeypatch.delenv("GRADER_SECRET", raising=False)


def test_a_second_machine_draws_the_same_seeds_after_an_import(
    machines: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "secret.txt")
    assert main(["secret", "export", file]) == exits.FULL_POINTS
    mark = seeds.fingerprint(seeds.course_secret())
    assert mark in capsys.readouterr().out
    assert os.name != "posix" or stat.S_IMODE(os.stat(file).st_mode) == 0o600
    use(monkeypatch, machines[1])
    assert main(["secret", "import", file]) == exits.FULL_POINTS and mark in capsys.readouterr().out
    assert main(["secret"]) == exits.FULL_POINTS and f"fingerprint {mark}" in capsys.readouterr().out
    assert machines[0].read_text() == machines[1].read_text()
    assert os.name != "posix" or stat.S_IMODE(machines[1].stat().st_mode) == 0o600


def test_another_secret_is_replaced_only_when_asked(
    machines: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.txt").write_text("another secret of the course\n")
    first = seeds.course_secret().decode()
    use(monkeypatch, machines[0])
    assert main(["secret", "import", str(tmp_path / "other.txt")]) == exits.USAGE
    assert "holds another secret" in capsys.readouterr().err and machines[0].read_text().strip() == first
    assert main(["secret", "import", str(tmp_path / "other.txt"), "--replace"]) == exits.FULL_POINTS
    assert seeds.course_secret() == b"another secret of the course"


@pytest.mark.parametrize("content", ["", "short\n"])
def test_a_file_without_a_secret_is_refused(
    machines: tuple[Path, Path], tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_text(content)
    assert main(["secret", "import", str(tmp_path / "x")]) == exits.USAGE
    assert "it is not a course secret" in capsys.readouterr().err
    assert main(["secret", "export"]) == exits.USAGE
