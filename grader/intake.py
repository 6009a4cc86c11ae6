"""The intake: unpacks a submission and looks whether it can be graded, in a child process with limits of its own.

Nothing of the submission is executed. What comes out is a folder with its Python files, a hash over them, and either
nothing against grading it or a sentence that says what is. Run as `python -m grader.intake SOURCE FOLDER`.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from grader.exits import Usage
from grader.names import SERVER, Refused, find_root
from grader.unpack import Contents, read

SECONDS = 20
"""CPU seconds that the intake of one submission may take."""
MEMORY = 1 << 30
ROOT = Path(__file__).parent.parent
_SYSTEM = ("mmap", "multiprocessing", "os", "signal", "socket", "subprocess", "_thread", "threading")
_TELLING = ("asyncio", "ctypes", "gc", "importlib", "inspect", "marshal", "pickle", *_SYSTEM)
"""Modules that a Raft server has no need of; importing one is told to the instructor."""


class Taken(msgspec.Struct):
    """A submission as taken in. `folder` holds its files. `refused`: why it cannot be graded, "" if it can."""

    folder: str = ""
    sha256: str = ""
    files: list[str] = []
    left_out: int = 0
    warnings: list[str] = []
    commit: str = ""
    root: str = ""
    """The folder inside the submission that holds the server, "" for the top."""
    refused: str = ""


@contextlib.contextmanager
def take_in(source: str | Path) -> Iterator[Taken]:
    """Take a submission in, for as long as the context lasts."""
    if not Path(source).exists():
        raise Usage(f"there is no {source}. Give a folder with {SERVER}, a zip, or a tar")
    with tempfile.TemporaryDirectory(prefix="raft-grader-") as folder:
        done = subprocess.run(
            command(source, folder), env=environment(), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        yield taken_from(done.stdout, folder)


def command(source: str | Path, folder: str) -> list[str]:
    """Return the command of the child that takes a submission in."""
    return [sys.executable, "-P", "-s", "-B", "-m", "grader.intake", str(Path(source).absolute()), folder]


def environment() -> dict[str, str]:
    """Return what children of the grader get to know of its environment."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "NO_COLOR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(ROOT),
        "HOME": "/nonexistent",
    }


def taken_from(output: bytes, folder: str) -> Taken:
    """Return what the child found; if it died, that is what there is to say against the submission."""
    try:
        taken = msgspec.json.decode(output, type=Taken)
    except msgspec.MsgspecError:
        taken = Taken(refused="reading it takes more time or memory than a submission may")
    taken.folder = folder
    return taken


def main(source: Path, folder: Path) -> None:
    """Do the work, as a child; the outcome goes to the standard output."""
    _limit()
    taken = Taken()
    try:
        contents = read(source)
        root = find_root(contents.files)
        files = _below(root, contents)
        taken = Taken(sha256=_hash(files), files=sorted(files), left_out=contents.left_out, warnings=contents.warnings)
        taken.commit, taken.root = _commit(source), root
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        _check_server(files[SERVER])
        taken.warnings += [line for name in sorted(files) for line in _findings(name, files[name])]
    except Refused as refused:
        taken.refused = str(refused)
    _open_for_reading(folder)
    sys.stdout.buffer.write(msgspec.json.encode(taken))


def _limit() -> None:
    """Bound what this process may use, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _below(root: str, contents: Contents) -> dict[str, bytes]:
    """Return the files in the server's folder, by their name from there; `labs` is always the grader's own."""
    prefix = f"{root}/" if root else ""
    files = {n.removeprefix(prefix): content for n, content in contents.files.items() if n.startswith(prefix)}
    kept = {name: content for name, content in files.items() if not name.startswith(("labs/", "grader/", "tests/"))}
    contents.left_out += len(contents.files) - len(kept)
    return kept


def _hash(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return digest.hexdigest()


def _check_server(content: bytes) -> None:
    """Refuse a server that is no Python, or defines no class Raft."""
    try:
        tree = ast.parse(content, SERVER)
        compile(content, SERVER, "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f"{SERVER}:{error.lineno}" if error.lineno else SERVER
        line = (error.text or "").strip()[:100]
        raise Refused(f"{where} is not valid Python: {error.msg}{line and f': {line}'}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Refused(f"{SERVER} cannot be compiled: {error or type(error).__name__}") from None
    if not any(_binds_raft(node) for node in ast.walk(tree)):
        raise Refused(f"{SERVER} defines no class Raft")


def _binds_raft(node: ast.AST) -> bool:
    if isinstance(node, ast.ClassDef):
        return node.name == "Raft"
    if isinstance(node, ast.ImportFrom):
        return any((alias.asname or alias.name) in ("Raft", "*") for alias in node.names)
    return isinstance(node, ast.Name) and node.id == "Raft" and isinstance(node.ctx, ast.Store)


def _findings(name: str, content: bytes) -> Iterator[str]:
    """Yield what an instructor may want to look at; none of it is wrong in itself."""
    try:
        nodes = list(ast.walk(ast.parse(content, name)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield f"{name} is no valid Python; importing it fails"
        return
    for node in nodes:
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        for module in modules:
            if module.split(".")[0] in _TELLING:
                yield f"{name}:{getattr(node, 'lineno', 0)} imports {module}"
        if isinstance(node, ast.Attribute) and node.attr in ("_getframe", "__subclasses__", "__globals__", "f_back"):
            yield f"{name}:{node.lineno} uses {node.attr}"
    if re.search("[\u202a-\u202e\u2066-\u2069]", content.decode(errors="replace")):
        yield f"{name} holds characters that turn the direction of writing: it is not what it looks like"


def _commit(source: Path) -> str:
    """Return the commit that a git checkout says it is at, read as text; "" if it does not say."""
    git = source / ".git"
    if not source.is_dir() or git.is_symlink() or not git.is_dir():
        return ""
    head = _line(git / "HEAD")
    branch = re.fullmatch(r"ref: (refs/heads/[A-Za-z0-9_./-]{1,100})", head)
    if branch is not None and ".." not in branch.group(1):
        head = _line(git / branch.group(1))
    return head if re.fullmatch(r"[0-9a-f]{40,64}", head) else ""


def _line(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.read(200).decode("ascii", "replace").strip()


def _open_for_reading(folder: Path) -> None:
    """Let a server that runs as another user read the files."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
