"""The release: reproducible, without anything of the instructor's, and a student's first session in it works."""

from __future__ import annotations

import ast
import base64
import io
import marshal
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import textwrap
import tomllib
import venv
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.release import build, leaks, shapes
from tests.running import ROOT

INSTRUCTORS = {
    *(
        "reference-figures",
        "parity-with",
        "coverage",
        "mutation",
        "nightly",
        "grade",
        "grade-class",
        "release",
        "lint",
        ".venv/readydev",
        "check",
        "bench",
        "doctor",
    ),
    *("demo", "demo-class", "explore-corpus", "handouts-refresh"),
}
"""The targets of the Makefile that students do not get."""
needs_make = pytest.mark.skipif(shutil.which("make") is None or os.name == "nt", reason="needs make")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return build.collect()


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, _ = build.build(tmp_path_factory.mktemp("release"))
    return folder


# What goes out.


def test_release_is_the_same_byte_for_byte_whoever_builds_it_and_where(tmp_path: Path, released: Path) -> None:
    command = f"umask 077; exec '{sys.executable}' -m grader release --out '{tmp_path}'"
    strange = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "7", "USER": "x"}
    shown = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, env={**os.environ, **strange}, capture_output=True, text=True, timeout=100
    )
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"raft-lab: \d+ files\n.*raft-lab\.tar\.gz: sha256 [0-9a-f]{64}\n", shown.stdout)
    archives = [folder / f"{build.NAME}.tar.gz" for folder in (released.parent, tmp_path)]
    assert archives[0].read_bytes() == archives[1].read_bytes()
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / build.NAME).rglob("*") if path.is_file()}
    assert len(modes) == 1


def test_archive_tells_nothing_of_who_built_it_and_when(
    files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with tarfile.open(fileobj=io.BytesIO(build.pack(files, build.epoch()))) as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == sorted(f"raft-lab/{name}" for name in files)
    assert {(e.mtime, e.uid, e.gid, e.uname, e.gname, e.mode) for e in entries} == {
        (1_700_000_000, 0, 0, "", "", 0o644)
    }


def test_release_has_what_a_student_needs_and_no_more(files: dict[str, bytes]) -> None:
    parts = {name.split("/")[0] for name in files}
    assert parts == {
        *("labs", "skeleton", "handouts", "scripts", "Makefile", "README.md", "pyproject.toml", ".gitignore"),
        *(".github", ".devcontainer"),
    }
    needed = {"skeleton/raft.py", "skeleton/warmup.py", "handouts/start.md", "labs/raft/stages/performance.json"}
    assert needed | {"scripts/setup.sh"} <= set(files)
    assert not [name for name in files if "instructor" in name or "__pycache__" in name]


def test_folder_has_the_same_files_as_the_archive(released: Path, files: dict[str, bytes]) -> None:
    found = {path.relative_to(released).as_posix(): path.read_bytes() for path in released.rglob("*") if path.is_file()}
    assert found == files


def test_caches_and_links_stay_behind(project: Path) -> None:
    link = project / "handouts" / "linked"
    link.symlink_to(project / "reference", target_is_directory=True)
    with planted(project, "labs/__pycache__/node.cpython-311.pyc", b"x"):
        names = build.collect(project)
    link.unlink()
    assert "labs/node.py" in names
    assert not [name for name in names if "pycache" in name or "linked" in name]


# Its Makefile and project file.


def test_each_target_is_either_the_students_or_the_instructors() -> None:
    rules = (ROOT / "Makefile").read_text(encoding="utf-8").split("\nhelp:\n", 1)[1]
    targets = {target for block in f"help:\n{rules}".split("\n\n") for target in build.targets_of(block)}
    assert targets == build.FOR_STUDENTS | INSTRUCTORS


def test_students_makefile_speaks_of_nothing_that_is_not_there(files: dict[str, bytes]) -> None:
    text = files["Makefile"].decode()
    assert "For work on the lab itself" not in text
    for word in ("grader", "-m tests", "-m ruff", "-m mypy", "readydev"):
        assert word not in text, word


def test_students_install_what_the_lab_needs(files: dict[str, bytes]) -> None:
    ours, theirs = (ROOT / "pyproject.toml").read_text(), files["pyproject.toml"].decode()
    wanted = re.search(r"^dependencies = \[.*?^\]", ours, re.S | re.M)
    assert wanted is not None and wanted.group() in theirs
    assert "hypothesis" not in theirs and "ruff" not in theirs and "handouts = [" in theirs
    assert tomllib.loads(theirs)["tool"]["pytest"]["ini_options"] == {"testpaths": ["labs"]}


# What must not go out.


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what a release is made of and checked against; a test that changes it puts it back."""
    root = tmp_path_factory.mktemp("copy") / "project"
    without = shutil.ignore_patterns("__pycache__")
    for part in ("labs", "skeleton", "handouts", "scripts", "reference", "grader", "tests/corpora/variants"):
        shutil.copytree(ROOT / part, root / part, ignore=without)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    return root


@contextmanager
def planted(project: Path, name: str, data: bytes) -> Iterator[None]:
    """Write a file of the project as long as the context lasts."""
    path = project / name
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    try:
        yield
    finally:
        path.unlink() if before is None else path.write_bytes(before)


def method(file: str, name: str) -> str:
    """Return the source of a function of the instructor's."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.search(rf"^( *)(async )?def {name}\(.*?(?=^\1\S|\Z)", text, re.S | re.M)
    assert found is not None
    return found.group()


VOTE = method("reference/raft.py", "request_vote")
BODY = VOTE.split('vote."""\n')[1]
RING = method("grader/hidden/test_2A_hidden.py", "test_hidden_ring")
TALE = "# a page\n\nA line above.\n\n"


def as_html(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "<html>\n<pre>" + re.sub(r"\b(self|if|return)\b", r"<span class='k'>\1</span>", escaped) + "</pre></html>"


def renamed(text: str) -> str:
    """Return code with every name changed, and without its comments, texts and layout."""
    tree = ast.parse(textwrap.dedent(text))
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name"):
            if isinstance(getattr(node, field, None), str):
                setattr(node, field, f"x{zlib.crc32(getattr(node, field).encode())}")
    return ast.unparse(tree)


def packed(text: str, kind: str) -> bytes:
    """Return an archive with one file."""
    file = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("notes.txt", text)
    else:
        with tarfile.open(fileobj=file, mode="w:gz") as bundle:
            entry = tarfile.TarInfo("notes.txt")
            entry.size = len(text.encode())
            bundle.addfile(entry, io.BytesIO(text.encode()))
    return file.getvalue()


ENCODED = base64.b64encode(zlib.compress(VOTE.encode())).decode()
WRAPPED = "".join(f'    "{line}"\n' for line in textwrap.wrap(base64.b64encode(VOTE.encode()).decode(), 76))
VARIANT = (ROOT / "tests/corpora/variants/one_inbox/raft.py").read_text(encoding="utf-8")
PLANTED = {
    "under other names": ("skeleton/raft.py", None, renamed(VOTE), "have the shape of reference/raft.py"),
    "under other names, in a page": (
        *("handouts/trio.md", None, f"```python\n{renamed(VOTE)}\n```\n", "have the shape of reference/raft.py"),
    ),
    "an unusual server": (
        "skeleton/inbox.py",
        "",
        renamed(VARIANT),
        "have the shape of tests/corpora/variants/one_inbox",
    ),
    "encoded in one line": ("labs/sim/runtime/clock.py", None, f"DATA = '{ENCODED}'\n", "look like encoded text"),
    "encoded in lines": ("labs/sim/runtime/clock.py", None, f"DATA = (\n{WRAPPED})\n", "look like encoded text"),
    "in hexadecimal": ("handouts/api.md", None, VOTE.encode().hex() + "\n", "look like encoded text"),
    "the name of a hidden scenario, of a file": ("handouts/hidden_ring.md", "", "# Ring\n", "is named like the hidden"),
    "a method of the reference in the skeleton": ("skeleton/raft.py", None, VOTE, "reference/raft.py"),
    "with another layout": (
        "skeleton/raft.py",
        None,
        "\n\n".join(line + "  # why" for line in VOTE.splitlines()),
        "reference/raft.py",
    ),
    "a body in a handout": ("handouts/2A-election.md", None, f"```python\n{BODY}```\n", "reference/raft.py"),
    "a page of HTML": ("handouts/site/page.html", TALE, as_html(BODY), "reference/raft.py"),
    "a method in the lab": ("labs/sim/runtime/clock.py", None, VOTE, "reference/raft.py"),
    "a few lines elsewhere": (".github/notes.yml", "a: |\n", "\n".join(BODY.splitlines()[:4]), "reference/raft.py"),
    "a hidden scenario under another name": (
        *(
            "labs/raft/stages/test_2A_election.py",
            None,
            RING.replace("test_hidden_ring", "test_circle"),
            "grader/hidden/test_2A_hidden.py",
        ),
    ),
    "the name of a hidden scenario": (
        "handouts/debugging.md",
        None,
        "see hidden_ring\n",
        "names the hidden test hidden_ring",
    ),
    "a canary": ("handouts/figures/election.svg", None, f"<!-- {leaks.CANARY} -->\n", "canary"),
    "a cache": ("labs/loose.pyo", "", "", "is a cache"),
    "the rubric": (
        "handouts/points.toml",
        "",
        (ROOT / "grader/rubric.toml").read_text(encoding="utf-8"),
        "grader/rubric.toml",
    ),
}


@pytest.mark.parametrize(("name", "before", "text", "wanted"), PLANTED.values(), ids=PLANTED)
def test_planted_leak_is_refused(name: str, before: str | None, text: str, wanted: str, project: Path) -> None:
    head = (project / name).read_text(encoding="utf-8") if before is None else before
    files = {name: f"{head}\n{text}".encode()}
    # In the project, too, so that what is computed from the lab sees it.
    with planted(project, name, files[name]), pytest.raises(build.Leaking) as leaking:
        build.check(files, project)
    ours = [leak for leak in leaking.value.found if leak.file == name]
    assert ours
    assert any(wanted in leak.what for leak in ours), ours
    assert max(leak.line for leak in ours) > head.count("\n") or not text


OPAQUE = {
    "labs/data.zip": packed(VOTE, "zip"),
    "handouts/more.tar.gz": packed(VOTE, "tar"),
    "skeleton/__pycache__/raft.cpython-311.pyc": marshal.dumps(compile(textwrap.dedent(VOTE), "raft.py", "exec")),
    "handouts/figures/election.png": b"\x89PNG\r\n" + VOTE.encode(),
    "handouts/notes.txt": VOTE.encode("utf-16"),
    "labs/raft/stages/blob": VOTE.encode() + b"\0",
}


@pytest.mark.parametrize("name", OPAQUE)
def test_what_nobody_can_look_through_is_refused(name: str) -> None:
    with pytest.raises(build.Leaking, match=rf"{re.escape(name)}:1: is (not text|a cache)"):
        build.check({name: OPAQUE[name]})


def test_archives_beside_the_sources_are_refused_and_caches_left_behind(project: Path, tmp_path: Path) -> None:
    archive = OPAQUE["labs/data.zip"]
    with planted(project, "labs/__pycache__/raft.cpython-311.pyc", archive):
        build.check(build.collect(project), project)
        with planted(project, "labs/data.zip", archive), pytest.raises(build.Leaking, match="is not text"):
            build.build(tmp_path / "out", project)
    assert not (tmp_path / "out").exists()


def test_names_do_not_matter_to_a_shape_but_structure_does() -> None:
    shape = {piece.shape for piece in shapes.pieces("a.py", textwrap.dedent(VOTE).encode())}
    assert shape and {piece.shape for piece in shapes.pieces("b.py", renamed(VOTE).encode())} == shape
    other = textwrap.dedent(VOTE).replace(" > ", " >= ").encode()
    assert {piece.shape for piece in shapes.pieces("c.py", other)} != shape


def test_nothing_is_written_when_something_leaks(project: Path, tmp_path: Path) -> None:
    text = (project / "skeleton" / "raft.py").read_text(encoding="utf-8") + VOTE
    told = r"skeleton/raft\.py:\d+: \d+ tokens in a row are those of reference/raft\.py"
    with planted(project, "skeleton/raft.py", text.encode()), pytest.raises(build.Leaking, match=told):
        build.build(tmp_path / "out", project)
    assert not (tmp_path / "out").exists()


def test_each_file_of_the_reference_and_of_the_hidden_scenarios_has_a_canary() -> None:
    for path in [
        ROOT / "reference" / "raft.py",
        ROOT / "reference" / "README.md",
        *(ROOT / "grader/hidden").glob("t*.py"),
    ]:
        assert leaks.CANARY in path.read_text(encoding="utf-8"), path


# A student's first session.


@pytest.fixture(scope="module")
def desk(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the release in a folder of its own, set up offline: its environment borrows the packages of this one."""
    desk = tmp_path_factory.mktemp("desk") / "my raft"
    shutil.copytree(released, desk)
    venv.create(desk / ".venv", with_pip=False, symlinks=os.name != "nt")
    inside = subprocess.run(
        [python_of(desk), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        *(),
        capture_output=True,
        text=True,
        check=True,
    )
    Path(inside.stdout.strip(), "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    if shutil.which("cksum"):
        with (desk / "pyproject.toml").open() as file:
            sum_ = subprocess.run(["cksum"], stdin=file, capture_output=True, text=True, check=True).stdout
        (desk / ".venv" / "ready").write_text(sum_, encoding="utf-8")
    (desk / ".venv" / "complete").touch()
    return desk


def python_of(desk: Path) -> str:
    return str(desk / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def type_in(desk: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Type a command at a student's desk: nothing of this project is on any path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PY", "RAFT", "MAKE", "VIRTUAL"))}
    return subprocess.run(
        command,
        cwd=desk,
        env={**kept, "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_desk_has_the_released_lab_and_no_other(desk: Path) -> None:
    shown = type_in(desk, python_of(desk), "-c", "import labs; print(labs.__file__)")
    assert shown.stdout.strip() == str(desk / "labs" / "__init__.py")
    for part in ("grader", "reference", "tests"):
        assert type_in(desk, python_of(desk), "-c", f"import {part}").returncode == 1


@needs_make
def test_first_session_with_make(desk: Path) -> None:
    lines = type_in(desk, "make", "help").stdout.splitlines()
    assert "  make test-warmup" in lines[2] and len(lines) <= 24 and max(map(len, lines)) <= 80
    warm = type_in(desk, "make", "test-warmup", "RUNS=2")
    assert warm.returncode == 0, warm.stderr
    assert "1 of 1 tests passed every run" in warm.stdout
    drill = type_in(desk, "make", "drills", "STAGE=2A", "TEST=first_vote", "RUNS=1")
    assert "not written yet: request_vote (raft.py:" in drill.stdout
    stage = type_in(desk, "make", "test-2A", "TEST=initial", "RUNS=1")
    assert "not written yet: get_state" in stage.stdout
    for shown in (drill, stage):
        assert "Traceback" not in shown.stdout + shown.stderr
    replay = type_in(desk, "make", "replay", "TEST=0/ping_every_peer", "SEED=1")
    assert replay.returncode == 0 and "digest  " in replay.stdout
    trace = type_in(desk, "make", "trace", "FILE=out/0-ping_every_peer-1.trace.jsonl", "SERVER=1", "KIND=apply")
    assert trace.returncode == 0 and "apply 10: 'ping 10'" in trace.stdout


def test_first_session_without_make(desk: Path) -> None:
    python = python_of(desk)
    assert type_in(desk, python, "-m", "labs", "test", "warmup", "--runs", "1").returncode == 0
    assert "2A/initial_election" in type_in(desk, python, "-m", "labs", "list").stdout
    perf = type_in(desk, python, "-m", "labs", "perf", "2A", "--runs", "1")
    assert perf.returncode == 1 and "not written yet" in perf.stdout
