"""Submissions as they come: what the grader takes out of folders and archives, and what it refuses."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import re
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.exits import Usage
from grader.intake import no_links
from grader.intake.names import Refused, find_root, is_plain, normalised
from grader.intake.taken import take_in
from grader.intake.unpack import Limits, read
from labs.codec.limits import COMPILE_SECONDS
from tests.sim.test_loader import nested_finally

SERVER = b"class Raft:\n    pass\n"


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo("placeholder")
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return path


def make_tar(path: Path, files: dict[str, bytes], *special: tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in special:
            archive.addfile(info)
    return path


def link(name: str, kind: bytes, target: str = "/etc/passwd") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def refusal(source: Path, limits: Limits | None = None) -> str:
    with pytest.raises(Refused) as caught:
        read(source, limits)
    return str(caught.value)


# What is taken.


@pytest.mark.parametrize("mode, name", [("w", "a.tar"), ("w:gz", "a.tar.gz"), ("w:xz", "a.tar.xz"), ("", "a.zip")])
def test_archives_give_their_python_files(tmp_path: Path, mode: str, name: str) -> None:
    files = {"hw/raft.py": SERVER, "hw/rafty/log.py": b"x = 1\n", "hw/notes.pdf": b"%PDF", "hw/.git/config": b"x"}
    source = make_tar(tmp_path / name, files, mode=mode) if mode else make_zip(tmp_path / name, files)
    contents = read(source)
    assert contents.files == {"hw/raft.py": SERVER, "hw/rafty/log.py": b"x = 1\n"}
    assert contents.left_out == 2
    with take_in(source) as taken:
        assert (taken.files, taken.root, taken.refused) == (["raft.py", "rafty/log.py"], "hw", "")
        assert (Path(taken.folder) / "rafty" / "log.py").read_bytes() == b"x = 1\n"
    assert not Path(taken.folder).exists()


def test_the_same_content_has_the_same_hash_however_it_is_packed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "raft.py").write_bytes(SERVER)
    (tmp_path / "folder" / "README.md").write_text("hello")
    (tmp_path / "mine.py").write_bytes(SERVER)
    sources = [tmp_path / "folder", tmp_path / "mine.py"]
    sources += [make_zip(tmp_path / "a.zip", {"x/raft.py": SERVER}), make_tar(tmp_path / "a.tar", {"raft.py": SERVER})]
    hashes = []
    for source in sources:
        with take_in(source) as taken:
            hashes.append(taken.sha256)
    assert len(set(hashes)) == 1 and len(hashes[0]) == 64
    with take_in(make_zip(tmp_path / "b.zip", {"raft.py": SERVER + b"\n"})) as taken:
        assert taken.sha256 != hashes[0]


def test_a_checkout_is_read_as_files_and_its_links_are_not_followed(tmp_path: Path) -> None:
    git = tmp_path / "repo" / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "hooks").mkdir()
    (git / "hooks" / "post-checkout").write_text("#!/bin/sh\ntouch ran\n")
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs" / "heads" / "main").write_text("a" * 40 + "\n")
    (tmp_path / "repo" / "skeleton").mkdir()
    (tmp_path / "repo" / "skeleton" / "raft.py").write_bytes(SERVER)
    (tmp_path / "secret.py").write_text("secret = 1\n")
    (tmp_path / "repo" / "skeleton" / "stolen.py").symlink_to(tmp_path / "secret.py")
    (tmp_path / "repo" / "skeleton" / "all").symlink_to(tmp_path)
    with take_in(tmp_path / "repo") as taken:
        assert (taken.files, taken.root, taken.commit) == (["raft.py"], "skeleton", "a" * 40)
        assert taken.warnings == ["left out skeleton/all: a link", "left out skeleton/stolen.py: a link"]


def _checkout(folder: Path) -> Path:
    """Make a checkout with a server, at a commit, and return its .git folder."""
    git = folder / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs" / "heads" / "main").write_text("a" * 40 + "\n")
    (folder / "raft.py").write_bytes(SERVER)
    return git


@pytest.mark.parametrize("linked", ["", "HEAD", "refs", "refs/heads", "refs/heads/main"])
def test_no_part_of_the_way_to_the_commit_is_followed_if_it_is_a_link(tmp_path: Path, linked: str) -> None:
    """Whatever a link makes of it: what lies there looks like a hash, as a course secret does."""
    git = _checkout(tmp_path / "repo")
    secret = _checkout(tmp_path / "elsewhere")
    (secret / "refs" / "heads" / "main").write_text("5" * 64)
    place = git / linked if linked else git
    place.rename(tmp_path / "away")
    place.symlink_to(secret / linked if linked else secret)
    with take_in(tmp_path / "repo") as taken:
        assert (taken.commit, taken.files, taken.refused) == ("", ["raft.py"], "")


@pytest.mark.parametrize(
    "head, commit",
    [
        ("b" * 40, "b" * 40),
        ("c" * 64, "c" * 64),
        ("d" * 50, ""),
        ("B" * 40, ""),
        ("a line that is not a hash", ""),
        ("ref: refs/heads/.secret", ""),
        ("ref: refs/heads/../../../secret", ""),
        ("ref: refs/heads//main", ""),
        ("ref: ../raft.py", ""),
    ],
)
def test_a_commit_is_a_hash_or_nothing(tmp_path: Path, head: str, commit: str) -> None:
    git = _checkout(tmp_path)
    (git / "HEAD").write_text(head + "\n")
    (git / "refs" / "heads" / ".secret").write_text("5" * 64)
    (tmp_path.parent / "secret").write_text("5" * 64)
    with take_in(tmp_path) as taken:
        assert taken.commit == commit


@pytest.mark.parametrize("kind", ["folder", "file", "archive"])
def test_a_submission_that_is_itself_a_link_is_refused(tmp_path: Path, kind: str) -> None:
    """Else a student hands in a link to the reference, and gets its points."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "raft.py").write_bytes(SERVER)
    make_zip(tmp_path / "archive.zip", {"raft.py": SERVER})
    target = {"folder": tmp_path / "folder", "file": tmp_path / "folder" / "raft.py"}.get(
        kind, tmp_path / "archive.zip"
    )
    link = tmp_path / f"handed-in{target.suffix}"
    link.symlink_to(target)
    with take_in(link) as taken:
        assert (taken.refused, taken.files) == (
            "it is a link, which may lead to another student's work; hand in the folder or file itself",
            [],
        )


def test_a_server_that_is_a_link_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "hw").mkdir()
    (tmp_path / "theirs.py").write_bytes(SERVER)
    (tmp_path / "hw" / "raft.py").symlink_to(tmp_path / "theirs.py")
    with take_in(tmp_path / "hw") as taken:
        assert re.fullmatch(r"there is no raft\.py: .* \(left out raft\.py: a link\)", taken.refused)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make files of other users")
def test_a_second_name_of_another_users_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "raft.py").write_bytes(SERVER)
    (tmp_path / "own.py").write_text("x = 1\n")
    os.link(tmp_path / "own.py", tmp_path / "own_too.py")
    (tmp_path.parent / "secret.py").write_text("secret = 1\n")
    os.chown(tmp_path.parent / "secret.py", 4242, 4242)
    os.link(tmp_path.parent / "secret.py", tmp_path / "stolen.py")
    contents = read(tmp_path)
    assert sorted(contents.files) == ["own.py", "own_too.py", "raft.py"]
    assert contents.warnings == ["left out stolen.py: a hard link to a file of another user"]


def test_links_are_left_out_where_names_cannot_be_opened_from_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(no_links, "FROM_FOLDERS", False)
    test_a_commit_is_a_hash_or_nothing(tmp_path, "b" * 40, "b" * 40)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "x.py").write_text("x = 1\n")
    (tmp_path / "all.py").symlink_to(tmp_path / "raft.py")
    (tmp_path / "outer").symlink_to(tmp_path / "inner")
    contents = read(tmp_path)
    assert sorted(contents.files) == ["inner/x.py", "raft.py"]
    assert contents.warnings == ["left out all.py: a link", "left out outer: a link"]


QUICKLY = """
import sys
from pathlib import Path
from grader.intake import child
child.COMPILE_SECONDS = 0.5
child.main(*map(Path, sys.argv[1:]))
"""
"""The child that takes a submission in, with less time to compile it."""
MANY = 400
"""So many functions of depth 16 take some minutes to compile, and on the fastest machine longer than the limit."""


@pytest.mark.parametrize(
    "name, depth, times, seconds",
    [("raft.py", 16, MANY, 0.5), ("helper.py", 16, MANY, COMPILE_SECONDS), ("helper.py", 20, 1, 0.5)],
)
def test_a_file_that_takes_long_to_compile_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, depth: int, times: int, seconds: float
) -> None:
    if seconds != COMPILE_SECONDS:
        monkeypatch.setattr(
            "grader.intake.taken.command", lambda source, folder: [sys.executable, "-c", QUICKLY, str(source), folder]
        )
    (tmp_path / "raft.py").write_bytes(SERVER)
    (tmp_path / "innocent.py").write_text("x = 1\n")
    (tmp_path / name).write_text(nested_finally(depth) * times + SERVER.decode())
    begun = os.times()
    with take_in(tmp_path) as taken:
        assert taken.refused.startswith(f"{name} cannot be compiled within the limits: all files of a submission")
        assert len(taken.sha256) == 64
    now = os.times()
    used = now.children_user + now.children_system - begun.children_user - begun.children_system
    assert used < seconds + 3


def test_what_the_compiler_complains_of_reaches_nobody(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Else a line of the source is printed for each complaint."""
    complained = "x = 1 is 1\ny = '\\d'\nassert (x, 'always')\n"
    (tmp_path / "raft.py").write_text(complained * 100 + SERVER.decode())
    (tmp_path / "helper.py").write_text(complained)
    with take_in(tmp_path) as taken:
        assert (taken.refused, taken.warnings) == ("", [])
    assert capfd.readouterr() == ("", "")


def test_a_folder_with_a_python_environment_is_taken_without_it(tmp_path: Path) -> None:
    (tmp_path / "raft.py").write_bytes(SERVER)
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    for number in range(50):
        (tmp_path / "env" / f"m{number}.py").write_text("")
    assert list(read(tmp_path, Limits(entries=20)).files) == ["raft.py"]


@pytest.mark.parametrize(
    "names, root",
    [
        (["raft.py", "old/raft.py"], ""),
        (["me-1234/raft.py", "me-1234/x.py"], "me-1234"),
        (["repo/reference/raft.py", "repo/skeleton/raft.py"], "repo/skeleton"),
    ],
)
def test_the_servers_folder_is_found(names: list[str], root: str) -> None:
    assert find_root(names) == root


def test_two_servers_beside_each_other_are_not_guessed_at() -> None:
    with pytest.raises(Refused, match=r"there are several: a/raft\.py, b/raft\.py"):
        find_root(["a/raft.py", "b/raft.py"])


# What is refused.

HOSTILE_NAMES = {
    "../raft.py": "leads out",
    "a/../../raft.py": "leads out",
    "/etc/cron.d/raft.py": "not a relative path",
    "C:/raft.py": "not a relative path",
    "..\\raft.py": "not a relative path",
    "ra\u202eyp.tf": "invisible characters (U+202E)",
    "raft.py\u200b": "invisible characters (U+200B)",
    "a\nb.py": "invisible characters (U+000A)",
    "\x1b[31mraft.py": "invisible characters (U+001B)",
    "/".join(["d"] * 20) + "/raft.py": "deeper than",
    "x" * 300 + ".py": "longer than",
}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("pack", [make_zip, make_tar])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, pack: Callable[..., Path], name: str) -> None:
    source = pack(tmp_path / "bad", {"raft.py": SERVER, name: SERVER})
    assert HOSTILE_NAMES[name] in refusal(source)
    with take_in(source) as taken:
        assert taken.refused and os.listdir(taken.folder) == []


@pytest.mark.parametrize(
    "twins", [("log.py", "LOG.py"), ("a/x.py", "A/y.py"), ("straße.py", "STRASSE.py"), ("raft.py/x.py", "raft.py")]
)
@pytest.mark.parametrize("pack", [make_zip, make_tar])
def test_names_that_are_one_elsewhere_are_refused(
    tmp_path: Path, pack: Callable[..., Path], twins: tuple[str, str]
) -> None:
    assert "two names that are the same" in refusal(
        pack(tmp_path / "bad", {"hw/raft.py": SERVER, **dict.fromkeys(twins, b"")})
    )


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.tar"
    with tarfile.open(path, "w") as archive:
        for content in (SERVER, b"evil"):
            info = tarfile.TarInfo("raft.py")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert refusal(path) == "two files of one name: raft.py"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_a_tar_with_anything_but_files_is_refused(tmp_path: Path, kind: bytes) -> None:
    source = make_tar(tmp_path / "bad.tar", {"raft.py": SERVER}, link("x.py", kind))
    assert refusal(source) == "the tar holds something that is neither file nor folder: x.py"


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert "neither file nor folder" in refusal(path)


def test_bombs_are_refused_by_what_comes_out_of_them(tmp_path: Path) -> None:
    zeros = bytes(60 << 20)
    bombs = [make_zip(tmp_path / "bomb.zip", {"raft.py": SERVER, "zeros.bin": zeros})]
    for name, pack in (("bomb.tar.gz", gzip.compress), ("bomb.tar.xz", lzma.compress)):
        plain = make_tar(tmp_path / "plain.tar", {"zeros.bin": zeros, "raft.py": SERVER})
        (tmp_path / name).write_bytes(pack(plain.read_bytes()))
        bombs.append(tmp_path / name)
    for bomb in bombs:
        assert bomb.stat().st_size < 200_000
        assert "unpacked it has more than" in refusal(bomb)


def test_a_zip_that_lies_about_a_size_is_cut(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "liar.zip", {"raft.py": bytes(3 << 20)})
    content = path.read_bytes()
    lying = content.replace((3 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != content
    path.write_bytes(lying)
    assert "broken" in refusal(path)


@pytest.mark.parametrize(
    "limits, words",
    [
        (Limits(entries=3), "5 files and folders, more than 3; 5 of them are in its top folder"),
        (Limits(one_file=10), "raft.py has more than 10 bytes"),
        (Limits(python=25), "Python files have more than 25 bytes"),
        (Limits(archive=50), "more than 50"),
    ],
)
def test_limits_count(tmp_path: Path, limits: Limits, words: str) -> None:
    source = make_zip(tmp_path / "a.zip", {"raft.py": SERVER, **{f"m{n}.py": b"xyz\n" for n in range(4)}})
    assert words in refusal(source, limits)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04garbage", b"\x1f\x8bgarbage", b"\xfd7zXZ\x00garbage", b"hello" * 300]
)
def test_broken_archives_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with take_in(tmp_path / "x.zip") as taken:
        assert "broken" in taken.refused or "cannot be read" in taken.refused or "no raft.py" in taken.refused


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_in_a_folder_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "raft.py").write_bytes(SERVER)
    os.mkfifo(tmp_path / "pipe.py")
    assert read(tmp_path).warnings == ["left out pipe.py: not a regular file"]


def test_names_of_windows_devices_are_left_out() -> None:
    assert not is_plain("con.py") and not is_plain("a/NUL") and is_plain("console.py")
    assert normalised("./a//b.py") == "a/b.py"


# Whether it can be graded.


@pytest.mark.parametrize(
    "text, words",
    [
        ("def f(:\n", "raft.py:1 is not valid Python"),
        ("class Other: pass\n", "defines no class Raft"),
        ("x = 1\0\n", "raft.py"),
        ("a = " + "(" * 5000, "raft.py"),
        ("a = " + "-" * 200_000 + "1", "raft.py cannot be compiled"),
    ],
)
def test_a_server_that_cannot_be_one_is_told_so(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "raft.py").write_text(text)
    with take_in(tmp_path) as taken:
        assert words in taken.refused or "more time or memory" in taken.refused


@pytest.mark.parametrize(
    "text", ["from rafty.server import Raft\n", "from server import *\n", "Raft = type('Raft', (), {})"]
)
def test_a_server_may_come_from_another_module(tmp_path: Path, text: str) -> None:
    (tmp_path / "raft.py").write_text(text)
    with take_in(tmp_path) as taken:
        assert taken.refused == ""


def test_taking_in_executes_nothing(tmp_path: Path) -> None:
    (tmp_path / "raft.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Raft: pass\n")
    (tmp_path / "conftest.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    (tmp_path / "sitecustomize.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with take_in(tmp_path) as taken:
        assert taken.refused == ""
    assert not (tmp_path / "ran").exists()


def test_what_an_instructor_may_want_to_see_is_told(tmp_path: Path) -> None:
    (tmp_path / "raft.py").write_text(
        "import os, ctypes\nimport sys\nclass Raft:\n    x = sys._getframe\n    y = '\u202e'\n"
    )
    with take_in(tmp_path) as taken:
        assert taken.warnings == [
            "raft.py:1 imports os",
            "raft.py:1 imports ctypes",
            "raft.py:4 uses _getframe",
            "raft.py holds characters that turn the direction of writing: it is not what it looks like",
        ]


def test_what_is_not_there_is_a_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(Usage, match=r"there is no .*nothing"), take_in(tmp_path / "nothing"):
        pass


# The usual hand-in: the released folder, packed by the usual tools.


def released(folder: Path, files: int = 30) -> Path:
    """Write a student's copy of the lab, with an environment, caches and version control."""
    many = [f".venv/lib/python3.12/site-packages/pip/m{number}.py" for number in range(files)]
    many += ["env/pyvenv.cfg", *[f"env/lib/python3.12/site-packages/x/m{number}.py" for number in range(files)]]
    many += [f".git/objects/{number:02x}" for number in range(files)] + ["skeleton/__pycache__/raft.cpython-312.pyc"]
    for name in [*many, "labs/node.py", "skeleton/warmup.py"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x = 1\n")
    (folder / "skeleton" / "raft.py").write_bytes(SERVER)
    (folder / ".venv" / "bin").mkdir()
    (folder / ".venv" / "bin" / "python").symlink_to("/usr/bin/python3")
    return folder


def packed(folder: Path, kind: str) -> Path:
    """Pack a folder as a student does, its links included."""
    if kind == "folder":
        return folder
    if kind.startswith("tar"):
        with tarfile.open(folder.with_suffix(f".{kind}"), f"w:{kind.removeprefix('tar').lstrip('.')}") as archive:  # type: ignore[call-overload]
            archive.add(folder, folder.name)
        return folder.with_suffix(f".{kind}")
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder.parent).as_posix()
            if path.is_symlink():
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, "/usr/bin/python3")
            elif kind == "PowerShell" and path.is_file():
                info = zipfile.ZipInfo("x")
                info.filename = info.orig_filename = name.replace("/", "\\")
                info.create_system = 0
                archive.writestr(info, path.read_bytes())
            elif path.is_file():
                archive.write(path, name)
    return folder.with_suffix(".zip")


@pytest.mark.parametrize("kind", ["folder", "zip", "PowerShell", "tar", "tar.gz", "tar.xz", "tar.bz2"])
@pytest.mark.parametrize("name", ["raft-lab", "Jörg Müller"])
def test_the_released_folder_with_all_that_is_in_it_is_taken(tmp_path: Path, kind: str, name: str) -> None:
    contents = read(packed(released(tmp_path / name), kind), Limits(entries=20))
    names = sorted(file.removeprefix(f"{name}/") for file in contents.files)
    assert [name for name in names if name != "labs/node.py"] == ["skeleton/raft.py", "skeleton/warmup.py"]
    assert contents.left_out >= 4
    assert find_root(contents.files).endswith("skeleton")


def test_a_released_folder_of_a_student_with_a_name_can_be_graded(tmp_path: Path) -> None:
    with take_in(packed(released(tmp_path / "王小明 hw", 2), "tar.gz")) as taken:
        assert taken.refused == "" and taken.files == ["raft.py", "warmup.py"]
        assert taken.root == "王小明 hw/skeleton"


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
def test_a_refusal_names_the_largest_culprit_and_what_to_do(tmp_path: Path, kind: str) -> None:
    folder = released(tmp_path / "hw", 5)
    for number in range(40):
        (folder / "data" / f"{number % 4}").mkdir(parents=True, exist_ok=True)
        (folder / "data" / f"{number % 4}" / f"{number}.json").write_text("{}" * 50)
    source = packed(folder, kind)
    words = refusal(source, Limits(entries=20))
    assert re.search("more than 20; 4[0-9] of them", words)
    assert f"{'' if kind == 'folder' else 'hw/'}data" in words and "make submit" in words
    if kind != "folder":
        assert "bytes are in hw/data/. Hand in only raft.py" in refusal(source, Limits(everything=1000))
    if kind == "zip":
        assert "bytes are in hw/" in refusal(source, Limits(archive=500))
