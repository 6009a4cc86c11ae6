"""The modules that a submission gets in place of real ones.

`random` and `time` run on the simulation's seed and clock. Others are like the real ones, with the same classes and
functions, but without what labs.sim.loader.import_policy lists: reaching for that raises ForbiddenImport, which names
what to use.
"""

from __future__ import annotations

import builtins
import datetime
import importlib
import io
import os
import pathlib
import random
import time
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NoReturn

import trio

from labs.sim.loader import import_policy
from labs.sim.loader.import_policy import ForbiddenImport


def make_random(generator: random.Random, seeds: random.Random) -> types.ModuleType:
    """Return a module like `random` whose functions draw from the server's own generator.

    `Random()` without a seed is seeded from `seeds`, so that it is repeatable too.
    """
    module = types.ModuleType("random", "The server's own generator, in place of the module random.")
    for name in random.__all__:
        method = getattr(generator, name, None)
        if callable(method):
            setattr(module, name, method)

    class Random(random.Random):
        """A generator that is repeatable even without a seed."""

        def __init__(self, seed: Any = None) -> None:
            super().__init__(seeds.getrandbits(64) if seed is None else seed)

        def seed(self, a: Any = None, version: int = 2) -> None:
            super().seed(seeds.getrandbits(64) if a is None else a, version)

    def no_system_random(*args: object) -> NoReturn:
        raise RuntimeError("random.SystemRandom cannot be repeated; use node.random")

    module.Random = Random  # type: ignore[attr-defined]
    module.SystemRandom = no_system_random  # type: ignore[attr-defined]
    return module


def make_time() -> types.ModuleType:
    """Return a module like `time`: its clocks show virtual time, its `sleep` raises an error that names what to use."""
    module = types.ModuleType("time", "The virtual clock, in place of the module time.")
    for name in ("struct_time", "strftime", "strptime", "gmtime", "localtime", "mktime", "asctime", "ctime"):
        setattr(module, name, getattr(time, name))

    def now() -> float:
        return trio.current_time()

    def now_ns() -> int:
        return round(trio.current_time() * 1e9)

    def no_sleep(seconds: float) -> NoReturn:
        raise RuntimeError("time.sleep would stop every server; use: await trio.sleep(seconds)")

    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(module, name, now)
        setattr(module, name + "_ns", now_ns)
    module.sleep = no_sleep  # type: ignore[attr-defined]
    return module


def make_trio() -> types.ModuleType:
    """Return trio without its threads, files, sockets, processes and private parts."""
    return _without(trio, import_policy.TRIO, lowlevel=_without(trio.lowlevel, import_policy.LOWLEVEL))


def make_os() -> types.ModuleType:
    """Return what is left of `os`; its environment is empty, for what differs between machines decides no run."""
    advice = {name: import_policy.OS_REST for name in vars(os) if name not in import_policy.OS_KEPT} | import_policy.OS
    environment = _Environment()
    return _without(os, advice, environ=environment, getenv=environment.get)


class _Environment(dict[str, str]):
    """The environment variables of a server: none."""

    def __missing__(self, name: str) -> NoReturn:
        raise KeyError(f"{name}: a server sees no environment variables; put settings into its own files")


def make_io() -> types.ModuleType:
    """Return `io` without files."""
    return _without(io, import_policy.IO)


def make_datetime() -> types.ModuleType:
    """Return `datetime` without the wall clock."""
    classes = {name: _class_without(getattr(datetime, name), names) for name, names in import_policy.DATETIME.items()}
    return _without(datetime, {}, **classes)


def make_pathlib() -> types.ModuleType:
    """Return `pathlib` whose paths are good for their names only."""
    return _without(pathlib, {}, Path=_class_without(type(pathlib.Path()), import_policy.PATH))


def make_importlib(import_module: Callable[..., types.ModuleType]) -> types.ModuleType:
    """Return `importlib` with another `import_module`."""
    return _without(importlib, import_policy.IMPORTLIB, import_module=import_module)


def make_builtins(names: Mapping[str, Any]) -> types.ModuleType:
    """Return the module `builtins` as the submission sees it."""
    module = types.ModuleType("builtins", builtins.__doc__)
    vars(module).update(names)
    return module


def refusing(name: str, advice: str) -> Callable[..., NoReturn]:
    """Return a function that replaces another, and raises an error that names what to use instead."""

    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise ForbiddenImport(f"{name}: {advice}")

    return refuse


def _without(real: types.ModuleType, advice: Mapping[str, str], **own: Any) -> types.ModuleType:
    """Return a module like a real one, with some names of its own, and without others: `advice` names what to use."""
    module = types.ModuleType(real.__name__, real.__doc__)
    vars(module).update(_left(real, frozenset(advice)), **own)

    def find(name: str) -> Any:
        if name in advice and hasattr(real, name):
            raise ForbiddenImport(f"{real.__name__}.{name}: {advice[name]}")
        if name.startswith("_") and not name.startswith("__") and hasattr(real, name):
            raise ForbiddenImport(f"{real.__name__}.{name}: that is a private part of {real.__name__}")
        raise AttributeError(f"module {real.__name__!r} has no attribute {name!r}")

    module.__getattr__ = find  # type: ignore[method-assign]
    return module


@cache
def _left(real: types.ModuleType, refused_names: frozenset[str]) -> dict[str, Any]:
    """Return a module's public names and what they stand for, but for some."""
    public = {name: value for name, value in vars(real).items() if not name.startswith("_") or name == "__version__"}
    return {name: value for name, value in public.items() if name not in refused_names}


def _class_without(real: type, advice: Mapping[str, str]) -> type:
    """Return a class like a real one, without some of its methods."""
    label = f"{real.__module__.partition('._')[0]}.{real.__name__}"  # pathlib._local, in some versions of Python
    refusals = {name: staticmethod(refusing(f"{label}.{name}", advice[name])) for name in advice}
    return type(real.__name__, (real,), {"__slots__": (), "__doc__": real.__doc__, **refusals})
