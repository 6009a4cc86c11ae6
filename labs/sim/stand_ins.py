"""The modules that a submission gets in place of real ones: `random` and `time` on the simulation's seed and clock.

Also the list of modules that would let real time, threads or chance into a server, with what to use instead.
"""

from __future__ import annotations

import random
import time
import types
from typing import Any, NoReturn

import trio

FORBIDDEN: dict[str, str] = {
    "asyncio": "the lab runs on trio: use trio",
    "threading": "use trio tasks: nursery.start_soon(...)",
    "_thread": "use trio tasks: nursery.start_soon(...)",
    "multiprocessing": "a server is one process: use trio tasks",
    "concurrent": "use trio tasks: nursery.start_soon(...)",
    "subprocess": "a server may not start programs",
    "socket": "servers talk with node.call only",
    "ssl": "servers talk with node.call only",
    "select": "servers talk with node.call only",
    "selectors": "servers talk with node.call only",
    "signal": "a crash is a cancellation: let trio.Cancelled pass",
    "secrets": "use node.random: the same seed must give the same run",
    "uuid": "use node.random: the same seed must give the same run",
    "datetime": "use trio.current_time(): the lab runs in virtual time",
    "sched": "use trio.sleep",
    "ctypes": "a server is plain Python",
}


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
    """Return a module like `time` whose clocks show virtual time and whose `sleep` says what to use."""
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
