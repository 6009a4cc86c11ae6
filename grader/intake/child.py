"""The child that takes in a submission: unpacks it, and checks whether it can be graded, within limits of its own.

It executes nothing of the submission. Run as `python -m grader.intake.child SOURCE FOLDER`; the last line that it
prints is the outcome (grader.intake.taken).
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import math
import re
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import msgspec

from grader.intake.names import SERVER, Refused, find_root
from grader.intake.no_links import Folder, NotPlain
from grader.intake.taken import Taken
from grader.intake.unpack import Contents, read
from grader.lacks import describe
from labs.codec.limits import COMPILE_SECONDS

SECONDS = 20
"""CPU seconds that the intake of one submission may take."""
GRACE = 5
"""More CPU seconds until the kernel kills it: so the first end is by a signal that nothing else sends."""
MEMORY = 1 << 30
TOO_MUCH_TO_COMPILE = (
    "cannot be compiled within the limits: all files of a submission together may take "
    f"{COMPILE_SECONDS:g} s of CPU time and {MEMORY >> 20:,} MiB of memory"
)
_SYSTEM = ("mmap", "multiprocessing", "os", "signal", "socket", "subprocess", "_thread", "threading")
_TELLING = ("asyncio", "ctypes", "gc", "importlib", "inspect", "marshal", "pickle", *_SYSTEM)
"""Modules that a Raft server has no need of; importing one is reported to the instructor."""


def main(source: Path, folder: Path) -> None:
    """Do the work, as a child; the outcome goes to the standard output, as the last line there.

    Before each file is compiled, a line is printed that refuses it: if compiling ends this process, that line is the
    outcome.
    """
    _limit()
    taken = Taken()
    with warnings.catch_warnings(action="ignore"):  # the compiler's warnings quote what it reads
        try:
            contents = read(source)
            taken = _take(contents, folder)
            taken.commit = _commit(source)
            _limit_cpu(COMPILE_SECONDS)
            for name in [SERVER, *(name for name in taken.files if name != SERVER)]:
                _print(msgspec.structs.replace(taken, refused=f"{name} {TOO_MUCH_TO_COMPILE}"))
                _check_file(name, contents.files[f"{taken.root}/{name}" if taken.root else name])
            _limit_cpu(SECONDS)
            for name in taken.files:
                taken.warnings += _findings(name, (folder / name).read_bytes())
        except Refused as refused:
            taken.refused = str(refused)
        except MemoryError:  # caused by its own limit: if the machine lacks memory, a signal ends it
            taken.refused = "reading it takes more memory than a submission may"
        except Exception as error:
            taken.failed = describe(error)
    _print(taken)


def _print(taken: Taken) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(taken) + b"\n")
    sys.stdout.buffer.flush()


def _take(contents: Contents, folder: Path) -> Taken:
    """Write the server's files into the folder, and return their names."""
    try:
        root = find_root(contents.files)
    except Refused as refused:
        about = [warning for warning in contents.warnings if SERVER in warning]
        raise Refused(f"{refused} ({about[0]})" if about else str(refused)) from None
    files = _below(root, contents)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return Taken(
        sha256=_hash(files),
        files=sorted(files),
        left_out=contents.left_out,
        warnings=contents.warnings,
        root=root,
    )


def _limit() -> None:
    """Bound what this process may use, where the system can."""
    _limit_cpu(SECONDS)
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no limits, macOS has not this one
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _limit_cpu(seconds: float) -> None:
    """Let this process end when it has used this many more CPU seconds, or SECONDS in all."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        most = min(SECONDS, math.ceil(time.process_time() + seconds))
        resource.setrlimit(resource.RLIMIT_CPU, (most, SECONDS + GRACE))


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


def _check_file(name: str, content: bytes) -> None:
    """Refuse a server that is not Python, or defines no class Raft; any other file fails where it is imported."""
    try:
        tree = ast.parse(content, name)
        compile(content, name, "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f"{name}:{error.lineno}" if error.lineno else name
        line = (error.text or "").strip()[:100]
        wrong = f"{where} is not valid Python: {error.msg}{line and f': {line}'}"
    except MemoryError:
        raise Refused(f"{name} {TOO_MUCH_TO_COMPILE}") from None
    except ValueError as error:  # null bytes, before Python 3.11.4
        wrong = f"{name} is not valid Python: {error}"
    except RecursionError as error:
        wrong = f"{name} cannot be compiled: {error or type(error).__name__}"
    else:
        wrong = "" if any(_binds_raft(node) for node in ast.walk(tree)) else f"{name} defines no class Raft"
    if wrong and name == SERVER:
        raise Refused(wrong)


def _binds_raft(node: ast.AST) -> bool:
    if isinstance(node, ast.ClassDef):
        return node.name == "Raft"
    if isinstance(node, ast.ImportFrom):
        return any((alias.asname or alias.name) in ("Raft", "*") for alias in node.names)
    return isinstance(node, ast.Name) and node.id == "Raft" and isinstance(node.ctx, ast.Store)


def _findings(name: str, content: bytes) -> Iterator[str]:
    """Yield remarks for the instructor; none of them is a fault in itself."""
    try:
        nodes = list(ast.walk(ast.parse(content, name)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield f"{name} is not valid Python; importing it fails"
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
    """Return the commit of a git checkout, read as text; "" if there is none.

    No link is followed on the way, and the text counts only if it is a hash: it goes into the student's feedback.
    """
    try:
        with Folder.at(source) as folder, folder.folder(".git") as git:
            head = _line(git, ["HEAD"])
            branch = re.fullmatch(r"ref: (refs/heads/[A-Za-z0-9_./-]{1,100})", head)
            if branch is not None:
                head = _line(git, branch.group(1).split("/"))
    except (OSError, NotPlain):
        return ""
    return head if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", head) else ""


def _line(folder: Folder, names: list[str]) -> str:
    """Return the first line of a file below a folder; "" if git would not use such a name."""
    if any(name.startswith(".") or not name for name in names):
        return ""
    if len(names) > 1:
        with folder.folder(names[0]) as inner:
            return _line(inner, names[1:])
    with folder.file(names[0]) as file:
        return file.read(200).decode("ascii", "replace").strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
