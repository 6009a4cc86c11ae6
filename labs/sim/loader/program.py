"""The loader: gives each incarnation of a server fresh instances of the submission's modules.

So neither module globals nor class attributes are shared between servers, or survive a crash. A submission is a folder
with `raft.py` and what it imports, or one file. Modules that lie in the folder come from there; some have stand-ins, as
`random` and `time` (labs.sim.loader.shims); some are refused (labs.sim.loader.import_policy); all others are Python's
own, shared.
"""

from __future__ import annotations

import builtins
import io
import random
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from labs import messages
from labs.codec.messages import DERIVED
from labs.codec.rpcs import KIND_OF
from labs.sim.loader import import_policy, shims
from labs.sim.loader.import_policy import ForbiddenImport
from labs.sim.loader.sources import BadSubmission as BadSubmission
from labs.sim.loader.sources import Bundle, Compiled, Folder, Sources, name_in, read_all

LABS = Path(__file__).parents[2]
"""The lab's own folder: what lies there is never the submission's."""


class Program:
    """A submission's code: found, compiled once, and instantiated for each incarnation."""

    def __init__(
        self, path: Path | str, entry: str = "raft.py", class_name: str = "Raft", *, compiled: bool = True
    ) -> None:
        """Find the code; raise BadSubmission if it is not there, or no Python, unless it is not to be compiled yet."""
        path = Path(path)
        if not path.exists():
            raise BadSubmission(f"there is no {path}. Give a folder with {entry}, or one Python file")
        root = (path if path.is_dir() else path.parent).resolve()
        file = root / (entry if path.is_dir() else path.name)
        self.take(Folder(root), root, file, class_name, not path.is_dir())
        if not file.is_file():
            raise BadSubmission(f"{path} has no {file.name}. A submission is a folder with {entry}, or one file")
        if file.suffix != ".py":
            raise BadSubmission(
                f"{path} is not a Python file, by its name. Give a folder with {entry}, or one .py file"
            )
        if compiled:
            self.code(self.entry)

    @classmethod
    def of_bundle(
        cls, modules: Mapping[str, Compiled], root: Path, entry: str, class_name: str, alone: bool
    ) -> Program:
        """Return the program that was read and compiled elsewhere; `alone` if it is one file."""
        program = cls.__new__(cls)
        program.take(Bundle(root, modules), root, root / entry, class_name, alone)
        return program

    def take(self, sources: Sources, root: Path, entry: Path, class_name: str, alone: bool) -> None:
        """Become the program of these sources; `alone` if it is one file."""
        self.root, self.entry, self.class_name, self.alone = root, entry, class_name, alone
        self._sources = sources
        self._code: dict[Path, types.CodeType] = {}
        self._found: dict[tuple[str, ...], Path | None] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the compiled modules: code cannot be sent to a process that was not forked.

        The process that gets the program compiles them again.
        """
        return {**vars(self), "_code": {}}

    def read(self) -> dict[str, bytes]:
        """Return all of its files by name, to be sent elsewhere."""
        return read_all(self.root, self.entry, self.alone, besides=LABS.name)

    def code(self, path: Path) -> types.CodeType:
        """Return the compiled module; raise BadSubmission with file and line if it is not Python."""
        if path not in self._code:
            self._code[path] = self._sources.code(path)
        return self._code[path]

    def find(self, parts: tuple[str, ...]) -> Path | None:
        """Return the file of a module that lies in the submission's folder, or None."""
        if parts not in self._found:
            self._found[parts] = self._search(parts)
        return self._found[parts]

    def _search(self, parts: tuple[str, ...]) -> Path | None:
        if parts[0] == LABS.name:  # a whole course folder was handed in
            return None
        base = self.root.joinpath(*parts)
        for candidate in (base / "__init__.py", base.with_suffix(".py")):
            if (candidate == self.entry or not self.alone) and self._sources.is_file(candidate):
                return candidate
        return base if not self.alone and self._sources.holds_modules(base) else None

    def owns(self, file: str) -> bool:
        """Return whether a code object's file belongs to the submission."""
        if self.alone:
            return file == str(self.entry)
        path = Path(file)
        return path.is_relative_to(self.root) and not path.is_relative_to(LABS) and "site-packages" not in path.parts

    def name_of(self, file: str) -> str:
        """Return a file's name as shown to the student: relative to the submission's folder."""
        return name_in(self.root, file)

    def place_of(self, error: BaseException, callers: int = 0) -> str:
        """Return where in the submission an error came up, as "raft.py:88 in append_entries", or "".

        With `callers` it goes on with the calls that led there, the innermost first: the line that raises may be in a
        small helper, which only does what the caller asked.
        """
        if isinstance(error, SyntaxError) and error.filename and self.owns(error.filename):
            return f"{self.name_of(error.filename)}:{error.lineno}"
        places, traceback = [], error.__traceback__
        while traceback is not None:
            code = traceback.tb_frame.f_code
            if self.owns(code.co_filename):
                places.append(f"{self.name_of(code.co_filename)}:{traceback.tb_lineno} in {code.co_name}")
            traceback = traceback.tb_next
        return ", called from ".join(places[: -callers - 2 : -1])


class Modules:
    """One incarnation's own instances of the submission's modules."""

    def __init__(
        self, program: Program, generator: random.Random, seeds: random.Random, note: Callable[[str], None]
    ) -> None:
        self._program = program
        self._modules: dict[str, types.ModuleType] = {}
        self._stood_in: dict[str, types.ModuleType] = {}
        self._stand_ins: dict[str, Callable[[], types.ModuleType]] = {
            "random": lambda: shims.make_random(generator, seeds),
            "time": shims.make_time,
            "datetime": shims.make_datetime,
            "trio": shims.make_trio,
            "os": shims.make_os,
            "io": shims.make_io,
            "pathlib": shims.make_pathlib,
            "importlib": lambda: shims.make_importlib(self._import_module),
            "builtins": lambda: shims.make_builtins(self._builtins),
        }
        self._note = note
        refusals = {name: shims.refusing(name, advice) for name, advice in import_policy.BUILTINS.items()}
        self._builtins = dict(vars(builtins), __import__=self._import, print=self._print, **refusals)

    def load(self) -> type:
        """Execute the submission's main module and return its server class."""
        name = self._program.entry.stem
        module = self._load((name,))
        cls = getattr(module, self._program.class_name, None)
        if not isinstance(cls, type):
            raise BadSubmission(f"{self._program.entry.name} defines no class {self._program.class_name}")
        return cls

    def find_class(self, name: str) -> type | None:
        """Return the class of this name in this incarnation's modules, or None."""
        if name.startswith(DERIVED):
            return self._derived_from(_base_class(name.removeprefix(DERIVED)))
        for module in self._modules.values():
            found = vars(module).get(name)
            if isinstance(found, type):
                return found
        return None

    def _derived_from(self, base: Any) -> type | None:
        """Return the one class that these modules derive from one of labs.messages, or None if there is not one.

        Its own fields need defaults. A RequestVote or AppendEntries with a field that is true by default is something
        else, such as a pre-vote or a hand-over.
        """
        everything = [value for module in self._modules.values() for value in vars(module).values()]
        derived = {cls for cls in everything if isinstance(cls, type) and issubclass(cls, base) and cls is not base}
        own = {cls: fields(cls)[len(fields(base)) :] for cls in derived}
        fit: list[type] = [cls for cls in derived if all(map(_may_be_left_out, own[cls]))]
        if base in (messages.RequestVoteArgs, messages.AppendEntriesArgs):
            fit = [cls for cls in fit if not any(field.default is True for field in own[cls])]
        return fit[0] if len(fit) == 1 else None

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        """Take the place of the built-in `__import__` inside a submission."""
        if level:
            package = [part for part in str((globals or {}).get("__package__") or "").split(".") if part]
            if level > len(package) + 1:
                raise ImportError(f"{'.' * level}{name} lies outside of the submission")
            parts = (*package[: len(package) - level + 1], *(name.split(".") if name else ()))
        else:
            parts = tuple(name.split("."))
        if not parts:
            return self._import_all(fromlist or ())
        if self._program.find(parts[:1]) is None:
            if parts[0] in self._stand_ins:
                return self._stand_in(parts, whole=not fromlist)
            if parts[0] in import_policy.MODULES:
                raise ForbiddenImport(f"import {name}: {import_policy.MODULES[parts[0]]}")
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        for end in range(1, len(parts) + 1):
            module = self._load(parts[:end])
        if not fromlist:
            return module if level else self._modules[parts[0]]
        for attribute in fromlist:
            if not hasattr(module, attribute) and self._program.find((*parts, attribute)) is not None:
                self._load((*parts, attribute))
        return module

    def _stand_in(self, parts: tuple[str, ...], whole: bool) -> types.ModuleType:
        """Return what stands for a module, made when it is first wanted; `whole`: its package, as `import a.b` does."""
        if parts[0] not in self._stood_in:
            self._stood_in[parts[0]] = self._stand_ins[parts[0]]()
        package = module = self._stood_in[parts[0]]
        for part in parts[1:]:
            module = getattr(module, part, None)  # type: ignore[assignment]
            if not isinstance(module, types.ModuleType):
                raise ModuleNotFoundError(f"No module named {'.'.join(parts)!r}", name=".".join(parts))
        return package if whole else module

    def _import_module(self, name: str, package: str | None = None) -> types.ModuleType:
        """Take the place of `importlib.import_module` inside a submission."""
        level = len(name) - len(name.lstrip("."))
        return self._import(name.lstrip("."), {"__package__": package}, None, ("__name__",), level)

    def _import_all(self, names: Sequence[str]) -> types.ModuleType:
        """Return a package of modules that lie in the submission's folder itself: `from . import names`."""
        package = types.ModuleType("submission")
        for name in names:
            setattr(package, name, self._load((name,)))
        return package

    def _load(self, parts: tuple[str, ...]) -> types.ModuleType:
        name = ".".join(parts)
        if name in self._modules:
            return self._modules[name]
        path = self._program.find(parts)
        if path is None:
            raise ModuleNotFoundError(f"No module named {name!r} in the submission", name=name)
        module = self._modules[name] = types.ModuleType(f"submission.{name}")
        is_folder = path.suffix != ".py"
        is_package = is_folder or path.name == "__init__.py"
        vars(module)["__builtins__"] = self._builtins
        module.__package__ = name if is_package else name.rpartition(".")[0]
        if is_package:
            module.__path__ = [str(path if is_folder else path.parent)]
        if not is_folder:
            module.__file__ = str(path)
            sys.modules[module.__name__] = module  # dataclasses look names up there
            try:
                exec(self._program.code(path), vars(module))
            except BaseException:
                del self._modules[name]
                raise
            finally:  # what stays there must not keep an incarnation alive
                sys.modules[module.__name__] = types.ModuleType(module.__name__)
        if len(parts) > 1:
            setattr(self._modules[".".join(parts[:-1])], parts[-1], module)
        return module

    def _print(
        self, *values: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        """Take the place of `print`: what goes to the terminal goes into the trace instead, with time and server."""
        if file not in (None, sys.stdout, sys.stderr):
            print(*values, sep=sep, end=end, file=file, flush=flush)
            return
        buffer = io.StringIO()
        print(*values, sep=sep, end="", file=buffer)
        for line in buffer.getvalue().splitlines() or [""]:
            self._note(line)


def _base_class(name: str) -> type:
    """Return a class of labs.messages, or a message of whatever protocol is in use."""
    return next((cls for cls in KIND_OF if cls.__name__ == name), None) or getattr(messages, name)


def _may_be_left_out(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING
