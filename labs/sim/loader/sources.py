"""The files of a submission: in its folder, or as a bundle that was read before and travels to where servers run.

A folder is compiled as it is read. A bundle was compiled by somebody else, who may be hostile: it must be opened only
in a process that runs this submission and nothing else.
"""

from __future__ import annotations

import functools
import marshal
import os
import time
import types
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

from labs.codec.limits import COMPILE_SECONDS

MAX_FILES, MAX_BYTES = 500, 8 * 1024 * 1024
"""How much a submission may be that is sent to processes of its own."""
Compiled: TypeAlias = tuple[bytes, str]
"""The code of a module as marshal writes it, and why there is none."""


class BadSubmission(Exception):
    """The submission cannot be run at all; the text explains why, where, and what to do."""


class Sources(Protocol):
    """Where a program's modules come from; all paths are below its root."""

    def is_file(self, path: Path) -> bool: ...
    def holds_modules(self, folder: Path) -> bool: ...
    def code(self, path: Path) -> types.CodeType: ...


class Folder:
    """Files where the student wrote them."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def is_file(self, path: Path) -> bool:
        return path.is_file()

    def holds_modules(self, folder: Path) -> bool:
        return folder.is_dir() and any(folder.glob("*.py"))

    def code(self, path: Path) -> types.CodeType:
        """Return the compiled module; raise BadSubmission with file and line if it is not Python."""
        try:
            source = path.read_bytes()
        except OSError as error:
            raise BadSubmission(f"cannot read {path}: {error}") from None
        return compile_file(source, path, self._root)


class Bundle:
    """Compiled modules by their names relative to the root, as "raft.py" or "core/timing.py"."""

    def __init__(self, root: Path, modules: Mapping[str, Compiled]) -> None:
        self._modules = {root / name: compiled for name, compiled in modules.items()}
        self._folders = {path.parent for path in self._modules}

    def is_file(self, path: Path) -> bool:
        return path in self._modules

    def holds_modules(self, folder: Path) -> bool:
        return folder in self._folders

    def code(self, path: Path) -> types.CodeType:
        """Return the compiled module; raise BadSubmission if it was not Python."""
        data, error = self._modules[path]
        if error:
            raise BadSubmission(error)
        code: types.CodeType = marshal.loads(data)
        return code


def compile_file(source: bytes, path: Path, root: Path) -> types.CodeType:
    """Return the code of a module; raise BadSubmission with file and line if it is not Python, or takes too long."""
    code, why_not = _compiled(source, str(path), name_in(root, str(path)))
    if code is None:
        raise BadSubmission(why_not)
    return code


@functools.lru_cache(maxsize=256)  # one process runs the same files hundreds of times
def _compiled(source: bytes, path: str, name: str) -> tuple[types.CodeType | None, str]:
    """Return the code of a module, or why there is none.

    The compiler's warnings are not shown: they quote lines, possibly of a file that must stay secret.
    """
    begun = time.process_time()
    try:
        with warnings.catch_warnings(action="ignore"):
            code = compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        where = name + (f":{error.lineno}" if error.lineno else "")
        shown = f"\n    {error.text.rstrip()}" if error.text else ""
        return None, f"{where} is not valid Python: {error.msg}{shown}"
    except ValueError as error:  # null bytes, before Python 3.11.4
        return None, f"{name} is not valid Python: {error}"
    except (RecursionError, MemoryError) as error:
        return None, f"{name} cannot be compiled: {str(error) or type(error).__name__}"
    if time.process_time() - begun > COMPILE_SECONDS:
        return None, too_long(name)
    return code, ""


def too_long(name: str) -> str:
    """Return the message for a file that is not compiled in time."""
    return (
        f"{name} cannot be compiled within {COMPILE_SECONDS:g} s of CPU time. Look for deeply nested try statements, "
        "or for data that belongs elsewhere"
    )


def compile_all(sources: Mapping[str, bytes], root: Path) -> dict[str, Compiled]:
    """Return a bundle's modules; a module that is not Python counts only once it is imported."""
    compiled: dict[str, Compiled] = {}
    for name, source in sources.items():
        try:
            compiled[name] = marshal.dumps(compile_file(source, root / name, root)), ""
        except BadSubmission as error:
            compiled[name] = b"", str(error)
    return compiled


def name_in(root: Path, file: str) -> str:
    """Return a file's name as shown to the student: relative to the submission's folder."""
    return file.removeprefix(str(root)).lstrip("/\\")


def read_all(root: Path, entry: Path, alone: bool, besides: str) -> dict[str, bytes]:
    """Return all that a submission can import from its folder, by name; `besides` is a folder that is not part of it.

    Links that lead out of the folder are left out.
    """
    found: dict[str, bytes] = {}
    size = 0
    for path in [entry] if alone else [entry, *_modules_below(root, besides)]:
        name = path.relative_to(root).as_posix()
        if name in found or not path.resolve().is_relative_to(root) or not path.is_file():
            continue
        try:
            found[name] = path.read_bytes()
        except OSError as error:
            raise BadSubmission(f"cannot read {path}: {error}") from None
        size += len(found[name])
        if len(found) > MAX_FILES or size > MAX_BYTES:
            raise BadSubmission(
                f"{root} holds more than {MAX_FILES} Python files or {MAX_BYTES:,} bytes of them. "
                "Hand in a folder with nothing but your server"
            )
    return found


def _modules_below(root: Path, besides: str) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        at_root = Path(folder) == root
        folders[:] = sorted(f for f in folders if f.isidentifier() and not (at_root and f == besides))
        for file in sorted(files):
            if file.endswith(".py") and file.removesuffix(".py").isidentifier():
                yield Path(folder, file)
