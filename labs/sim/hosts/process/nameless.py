"""Removes the names of the lab's folders from a process: a server need not know the path of the grader.

A confined server can look at its arguments, the interpreter's lists, its modules and the code of their functions. It
cannot open a file there anyway; this makes a name that might help elsewhere hard to find, not impossible.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Sequence
from pathlib import Path

from labs.sim.loader import program


def forget_folders(folders: Sequence[str]) -> None:
    """Name everything from these folders as if they were the root; nothing more can be imported from there."""
    sys.argv[:], sys.orig_argv[:] = [""], []
    sys.path[:] = [path for path in sys.path if path not in folders]
    sys.path_importer_cache.clear()
    for module in list(sys.modules.values()):
        _forget_file(module, folders)
    for thing in gc.get_objects():
        if type(thing) is types.FunctionType and _shorter(thing.__code__.co_filename, folders) is not None:
            thing.__code__ = _renamed(thing.__code__, folders)
    program.LABS = Path("/labs")


def _shorter(path: object, folders: Sequence[str]) -> str | None:
    """Return a path as if its folder were the root, None if the folder is not one of these."""
    if type(path) is str:
        for folder in folders:
            if path.startswith(f"{folder}/"):
                return path[len(folder) :]
    return None


def _forget_file(module: types.ModuleType, folders: Sequence[str]) -> None:
    names = vars(module)
    if type(module) is not types.ModuleType or _shorter(_place_of(names), folders) is None:
        return
    for name in ("__file__", "__cached__"):
        if name in names:
            names[name] = _shorter(names[name], folders)
    names["__spec__"] = names["__loader__"] = None
    if "__path__" in names:
        names["__path__"] = []


def _place_of(names: dict[str, object]) -> object:
    path = names.get("__path__")
    return names.get("__file__") or (next(iter(path), None) if isinstance(path, list) else None)


def _renamed(code: types.CodeType, folders: Sequence[str]) -> types.CodeType:
    inner = tuple(_renamed(item, folders) if type(item) is types.CodeType else item for item in code.co_consts)
    return code.replace(co_filename=_shorter(code.co_filename, folders) or code.co_filename, co_consts=inner)
