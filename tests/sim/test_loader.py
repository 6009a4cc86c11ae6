"""The loader: fresh modules for each incarnation, stand-ins for chance and time, and errors with file and line."""

from __future__ import annotations

import random
import re
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import trio

from labs.raft.testing.cluster import Cluster
from labs.sim.loader import import_policy, sources
from labs.sim.loader.import_policy import ForbiddenImport
from labs.sim.loader.program import BadSubmission, Modules, Program
from labs.trace.events import Note
from tests.running import make_scenario, simulate, write_submission

Write: TypeAlias = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes files to a folder: `core__log_py="x = 1"` is core/log.py."""

    def write(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_py", ".py").replace("/init", "/__init__")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def instance(path: Path, notes: list[str] | None = None, seed: int = 1) -> Modules:
    printed = [] if notes is None else notes
    return Modules(Program(path), random.Random(seed), random.Random(seed + 1), printed.append)


def load(path: Path, seed: int = 1) -> Any:
    """Return the server class; its attributes are what the tests look at."""
    return instance(path, seed=seed).load()


# What belongs to one incarnation.


def test_each_instance_has_its_own_globals_classes_and_helpers(write: Write) -> None:
    folder = write(
        raft_py="import helper\nseen = []\nclass Raft:\n    shared = []\n    seen = seen\n    helper = helper.kept",
        helper_py="kept = {}",
    )
    program = Program(folder)
    one, other = (Modules(program, random.Random(1), random.Random(2), print).load() for _ in range(2))
    for name in ("shared", "seen", "helper"):
        assert getattr(one, name) is not getattr(other, name)
    assert one is not other


def test_module_is_executed_once_in_an_instance(write: Write) -> None:
    notes: list[str] = []
    folder = write(
        raft_py="import a, b, a\nfrom a import x\nfrom b import a as again\nclass Raft: same = a is again",
        a_py="print('a')\nx = 1",
        b_py="import a",
    )
    assert instance(folder, notes).load().same  # type: ignore[attr-defined]
    assert notes == ["a"]


SHARING_SERVER = """
import trio
import counting

seen = []

class Raft(Plain):
    lives = []

    async def run(self):
        self.lives.append(self.node.me)
        seen.append(self.node.me)
        counting.counter["n"] += 1
        self.node.note(f"{self.lives} {seen} {counting.counter['n']}")
        await trio.sleep_forever()
"""


def test_servers_and_their_later_lives_share_nothing(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(0.1)
        cluster.restart(1)
        await cluster.sleep(0.1)

    folder = write_submission(tmp_path, SHARING_SERVER, {"counting.py": "counter = {'n': 0}"})
    run = simulate(folder, make_scenario(test, servers=3))
    assert run.notes() == ["[0] [0] 1", "[1] [1] 1", "[2] [2] 1", "[1] [1] 1"]


def test_standard_library_stays_the_real_one(write: Write) -> None:
    folder = write(raft_py="import collections, json, os.path\nclass Raft: d, p = collections.deque, os.path.join")
    assert load(folder).d is sys.modules["collections"].deque


def test_submission_leaves_no_module_of_its_name_behind(write: Write) -> None:
    load(write(raft_py="import helper\nclass Raft: ...", helper_py=""))
    assert "raft" not in sys.modules and "helper" not in sys.modules


# Where modules are found.


def test_package_with_relative_imports_is_found(write: Write) -> None:
    folder = write(
        raft_py="from core.log import Log\nimport core.state.disk as disk\n"
        "import core\nclass Raft: log, disk, core = Log, disk, core",
        core__init_py="from . import log\nfrom .log import Log\nname = 'core'",
        core__log_py="from .state.disk import SIZE\nfrom . import name_of\nclass Log: size = SIZE; name = name_of.x",
        core__name_of_py="x = 'found'",
        core__state__disk_py="from .. import name_of\nfrom ..name_of import x\nSIZE = 7",
    )
    raft = load(folder)
    assert (raft.log.size, raft.log.name, raft.disk.x, raft.core.name) == (7, "found", "found", "core")
    assert raft.core.state.disk is raft.disk


def test_relative_import_in_the_top_folder_is_found(write: Write) -> None:
    folder = write(
        raft_py="from . import helper\nfrom .helper import x\nclass Raft: y = helper.x + x", helper_py="x = 2"
    )
    assert load(folder).y == 4


def test_relative_import_out_of_the_folder_is_refused(write: Write) -> None:
    with pytest.raises(ImportError, match=r"\.\.secret lies outside of the submission"):
        load(write(raft_py="from ..secret import x\nclass Raft: ..."))
    with pytest.raises(ImportError, match="lies outside"):
        load(write(raft_py="import core.deep\nclass Raft: ...", core__deep_py="from ...secret import x"))


def test_modules_that_import_each_other_work(write: Write) -> None:
    folder = write(
        raft_py="import a\nclass Raft: y = a.get()",
        a_py="import b\nx = 5\ndef get(): return b.get()",
        b_py="import a\ndef get(): return a.x",
    )
    assert load(folder).y == 5


def test_star_import_takes_all_public_names(write: Write) -> None:
    assert load(write(raft_py="from helper import *\nclass Raft: y = x", helper_py="x, _y = 1, 2")).y == 1


def test_helper_with_the_name_of_a_library_module_is_the_submissions(write: Write) -> None:
    folder = write(raft_py="import queue, types\nclass Raft: x = queue.x + types.x", queue_py="x = 1", types_py="x = 2")
    assert load(folder).x == 3
    assert not hasattr(sys.modules["types"], "x")


def test_one_file_is_a_submission_and_its_neighbours_are_not(write: Write) -> None:
    folder = write(mine_py="class Raft: name = __name__", other_py="x = 1")
    assert load(folder / "mine.py").name.endswith("mine")
    (folder / "mine.py").write_text("import other\nclass Raft: ...")
    with pytest.raises(ModuleNotFoundError, match="No module named 'other'"):
        load(folder / "mine.py")


def test_whole_course_folder_works_with_the_installed_labs(write: Write) -> None:
    folder = write(
        raft_py="from labs.messages import LogEntry\nclass Raft: entry = LogEntry",
        labs__init_py="raise SystemExit('a copy that was handed in')",
        labs__messages_py="",
    )
    assert load(folder).entry is sys.modules["labs.messages"].LogEntry


def test_only_the_submissions_own_files_are_blamed(write: Write) -> None:
    folder = write(sub__raft_py="class Raft: ...", subway__raft_py="")
    program = Program(folder / "sub")
    assert program.owns(str(folder / "sub" / "raft.py")) and program.owns(str(folder / "sub" / "core" / "log.py"))
    assert not program.owns(str(folder / "subway" / "raft.py"))
    assert not program.owns(str(folder / "sub" / ".venv" / "lib" / "site-packages" / "trio" / "x.py"))
    alone = Program(folder / "sub" / "raft.py")
    assert alone.owns(str(folder / "sub" / "raft.py")) and not alone.owns(str(folder / "sub" / "core.py"))
    assert program.name_of(str(folder / "sub" / "core" / "log.py")) == "core/log.py"


def test_dataclasses_enums_and_named_tuples_can_be_defined(write: Write) -> None:
    text = """
from __future__ import annotations
import enum
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple, get_type_hints
from labs.messages import LogEntry

class Role(enum.Enum):
    LEADER = 1

@dataclass(frozen=True)
class Own(LogEntry):
    role: Role = Role.LEADER
    count: ClassVar[int] = 7

class Pair(NamedTuple):
    index: int
    term: int

class Raft:
    own, pair = replace(Own(1, "x"), term=2), Pair(1, 2)
    def later(self):
        @dataclass
        class Local:
            x: int = 3
        return Local().x
"""
    raft = load(write(raft_py=text))
    assert (raft.own.term, raft.own.count, raft.pair.term, raft().later()) == (2, 7, 2, 3)


# Chance, time, and what is forbidden.


def test_random_draws_from_the_servers_own_generator(write: Write) -> None:
    folder = write(
        raft_py="import random\nclass Raft: x = [random.random(), random.choice('abc'), random.uniform(0, 9)]"
    )
    expected = random.Random(1)
    assert load(folder, seed=1).x == [expected.random(), expected.choice("abc"), expected.uniform(0, 9)]
    assert load(folder, seed=1).x == load(folder, seed=1).x != load(folder, seed=2).x


def test_generator_without_a_seed_is_repeatable(write: Write) -> None:
    text = "from random import Random\na, b = Random(), Random()\na.seed()\nclass Raft: x = a.random(), b.random()"
    folder = write(raft_py=text)
    assert load(folder).x == load(folder).x
    assert len(set(load(folder).x)) == 2


def test_generator_with_a_seed_is_the_ordinary_one(write: Write) -> None:
    folder = write(raft_py="import random\nclass Raft: x = random.Random(5).random()")
    assert load(folder).x == random.Random(5).random()


def test_randomness_of_the_system_is_refused(write: Write) -> None:
    with pytest.raises(RuntimeError, match=r"cannot be repeated; use node.random"):
        load(write(raft_py="import random\nrandom.SystemRandom()"))


def test_every_module_of_an_instance_gets_the_same_stand_in(write: Write) -> None:
    folder = write(
        raft_py="import random, helper\nclass Raft: same = random is helper.random", helper_py="import random"
    )
    assert load(folder).same


TIME_SERVER = """
import time, trio
from time import monotonic

class Raft(Plain):
    async def run(self):
        await trio.sleep(2.5)
        clocks = [time.time(), monotonic(), time.perf_counter(), time.process_time(), trio.current_time()]
        self.node.note(f"{clocks} {time.time_ns()} {time.monotonic_ns()} {time.gmtime(0).tm_year}")
        time.sleep(1)
"""


def test_clocks_show_virtual_time_and_sleep_says_what_to_use(tmp_path: Path) -> None:
    async def test(cluster: Cluster) -> None:
        await cluster.sleep(3.0)

    run = simulate(write_submission(tmp_path, TIME_SERVER), make_scenario(test, servers=1))
    assert run.notes() == ["[2.5, 2.5, 2.5, 2.5, 2.5] 2500000000 2500000000 1970"]
    assert "time.sleep would stop every server; use: await trio.sleep(seconds)" in run.record.message


@pytest.mark.parametrize("name", sorted(import_policy.MODULES))
def test_forbidden_module_is_refused_with_advice(write: Write, name: str) -> None:
    with pytest.raises(ForbiddenImport) as failure:
        load(write(raft_py=f"import {name}\nclass Raft: ..."))
    assert str(failure.value) == f"import {name}: {import_policy.MODULES[name]}"


@pytest.mark.parametrize(
    "line",
    [
        "from threading import Thread",
        "import concurrent.futures",
        "import asyncio as trio",
        "__import__('threading')",
        "import importlib\nimportlib.import_module('threading')",
        "import importlib\nimportlib.import_module('trio.to_thread')",
        "from importlib import util",
        "import builtins\nbuiltins.__import__('threading')",
    ],
)
def test_forbidden_module_is_refused_however_it_is_imported(write: Write, line: str) -> None:
    with pytest.raises(ForbiddenImport):
        load(write(raft_py=line))


@pytest.mark.parametrize(
    "text",
    [
        "import trio\nreal = trio.to_thread.run_sync",
        "from trio import to_thread",
        "from trio.to_thread import run_sync",
        "import trio\nreal = trio.open_file",
        "import trio\nreal = trio.Path",
        "import trio\nreal = trio.open_tcp_stream",
        "import trio\nreal = trio.run_process",
        "import trio\nreal = trio.open_signal_receiver",
        "import trio\nreal = trio.lowlevel.spawn_system_task",
        "import trio.socket",
        "import trio.testing",
        "from trio.from_thread import run",
        "from trio.lowlevel import open_process",
        "import trio\ntrio.run(trio.sleep, 1)",
        "import trio\nreal = getattr(trio, '_' + 'core')",
    ],
)
def test_what_reaches_the_real_world_through_trio_is_refused(write: Write, text: str) -> None:
    with pytest.raises(ForbiddenImport, match=r"^trio\.\S+: .{20}"):
        load(write(raft_py=f"{text}\nclass Raft: ..."))


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("open('raft.log', 'w')", "open: a server has no files: node.persister is its disk"),
        ("import builtins\nbuiltins.open(0)", "open: a server has no files"),
        ("import io\nio.open(0)", "io.open: a server has no files"),
        (
            "from pathlib import Path\nPath('raft.log').read_text()",
            "pathlib.PosixPath.read_text: a server has no files",
        ),
        ("input()", "input: nobody types into a server"),
        ("import os\nos.urandom(8)", "os.urandom: use node.random"),
        ("from os import fork", "os.fork: a server may not start programs"),
        ("import os\nos.system('true')", "os.system: a server may not start programs"),
        ("import os\nos._exit(0)", "os._exit: a server ends when the simulator crashes it"),
        ("import os\nos.getpid()", "os.getpid: a server has no files and no machine"),
        ("import os\nos.open('x', 0)", "os.open: a server has no files and no machine"),
        ("import datetime\ndatetime.datetime.now()", "datetime.datetime.now: use trio.current_time()"),
        ("from datetime import datetime\ndatetime.utcnow()", "datetime.datetime.utcnow: use trio.current_time()"),
        ("from datetime import date\ndate.today()", "datetime.date.today: use trio.current_time()"),
    ],
)
def test_files_chance_and_the_wall_clock_are_refused_with_advice(write: Write, text: str, advice: str) -> None:
    with pytest.raises(ForbiddenImport) as failure:
        load(write(raft_py=f"{text}\nclass Raft: ..."))
    assert str(failure.value).replace("WindowsPath", "PosixPath").startswith(advice)


REAL_TRIO = """
import trio, trio.abc
import trio.lowlevel as low
from trio import Cancelled, MemorySendChannel, open_nursery
from trio.lowlevel import checkpoint

class Raft:
    same = trio, low, Cancelled, MemorySendChannel, open_nursery, checkpoint
    also = trio is __import__("trio"), low is trio.lowlevel, hasattr(trio, "no_such_name"), trio.__version__
"""


def test_the_rest_of_trio_is_the_real_one(write: Write) -> None:
    raft = load(write(raft_py=REAL_TRIO))
    stand_in, low, *same = raft.same
    assert same == [trio.Cancelled, trio.MemorySendChannel, trio.open_nursery, trio.lowlevel.checkpoint]
    assert raft.also == (True, True, False, trio.__version__)
    assert (stand_in.sleep, stand_in.CancelScope, stand_in.abc) == (trio.sleep, trio.CancelScope, trio.abc)
    assert low.wait_task_rescheduled is trio.lowlevel.wait_task_rescheduled


def test_names_that_are_put_into_trio_stay_with_one_server(write: Write) -> None:
    folder = write(raft_py="import trio\nclass Raft: before = hasattr(trio, 'mine')\ntrio.mine = trio.sleep = 1")
    assert not load(folder).before and not load(folder).before
    assert not hasattr(trio, "mine") and callable(trio.sleep)


TRIO_FOR_SERVERS = {
    "BrokenResourceError",
    "BusyResourceError",
    "CancelScope",
    "Cancelled",
    "CapacityLimiter",
    "CapacityLimiterStatistics",
    "ClosedResourceError",
    "Condition",
    "ConditionStatistics",
    "EndOfChannel",
    "Event",
    "EventStatistics",
    "Lock",
    "LockStatistics",
    "MemoryChannelStatistics",
    "MemoryReceiveChannel",
    "MemorySendChannel",
    "Nursery",
    "RunFinishedError",
    "Semaphore",
    "StapledStream",
    "StrictFIFOLock",
    "TASK_STATUS_IGNORED",
    "TaskStatus",
    "TooSlowError",
    "TrioDeprecationWarning",
    "TrioInternalError",
    "WouldBlock",
    "abc",
    "aclose_forcefully",
    "as_safe_channel",
    "current_effective_deadline",
    "current_time",
    "fail_after",
    "fail_at",
    "lowlevel",
    "move_on_after",
    "move_on_at",
    "open_memory_channel",
    "open_nursery",
    "sleep",
    "sleep_forever",
    "sleep_until",
    "annotations",
    "DTLSChannelStatistics",
    "NeedHandshakeError",
}
LOWLEVEL_FOR_SERVERS = {
    "Abort",
    "ParkingLot",
    "ParkingLotStatistics",
    "RaiseCancelT",
    "RunStatistics",
    "RunVar",
    "RunVarToken",
    "Task",
    "UnboundedQueue",
    "UnboundedQueueStatistics",
    "add_parking_lot_breaker",
    "cancel_shielded_checkpoint",
    "checkpoint",
    "checkpoint_if_cancelled",
    "current_clock",
    "current_task",
    "currently_ki_protected",
    "disable_ki_protection",
    "enable_ki_protection",
    "encode_hostname",
    "in_trio_run",
    "in_trio_task",
    "permanently_detach_coroutine_object",
    "reattach_detached_coroutine_object",
    "remove_parking_lot_breaker",
    "reschedule",
    "temporarily_detach_coroutine_object",
    "wait_task_rescheduled",
}


@pytest.mark.parametrize(
    ("module", "allowed", "advice"),
    [(trio, TRIO_FOR_SERVERS, import_policy.TRIO), (trio.lowlevel, LOWLEVEL_FOR_SERVERS, import_policy.LOWLEVEL)],
    ids=["trio", "trio.lowlevel"],
)
def test_each_name_of_trio_is_either_for_servers_or_refused(
    module: Any, allowed: set[str], advice: dict[str, str]
) -> None:
    names = {name for name in vars(module) if not name.startswith("_")}
    assert names - allowed - set(advice) - {"TYPE_CHECKING"} == set(), "new in trio: refuse it, or allow it here"
    assert allowed & set(advice) == set()


ORDINARY = """
import importlib, io, os, os.path, datetime, pathlib, core
from datetime import timedelta
assert io.StringIO("x").read() == "x"
assert (pathlib.Path("a") / "b.txt").suffix == ".txt" and isinstance(pathlib.Path("a"), pathlib.PurePath)
assert os.path.join("a", "b") == os.sep.join("ab") and os.environ.get("HOME") is None and os.getenv("HOME", "x") == "x"
assert (datetime.datetime(2020, 1, 2) - datetime.datetime(2020, 1, 1)) == timedelta(days=1)
assert timedelta(milliseconds=150).total_seconds() == 0.15
log = importlib.import_module("core.log")
assert log is core.log is importlib.import_module(".log", "core") and importlib.import_module("os.path") is os.path
class Raft: ...
"""


def test_what_is_harmless_in_such_modules_stays(write: Write) -> None:
    load(write(raft_py=ORDINARY, core__init_py="from . import log", core__log_py=""))


def test_environment_is_empty_and_says_so(write: Write) -> None:
    with pytest.raises(KeyError, match="DEBUG: a server sees no environment variables"):
        load(write(raft_py="import os\nos.environ['DEBUG']"))


def test_refusal_inside_a_server_names_file_line_and_rule(tmp_path: Path) -> None:
    text = """
import trio

class Raft(Plain):
    async def run(self):
        await trio.to_thread.run_sync(print)
"""
    run = simulate(write_submission(tmp_path, text), make_scenario(servers=1))
    assert (run.record.status, run.record.rule) == ("error", "SimulatedTimeOnly")
    assert re.search(r"raft.py:\d+ in run", run.record.message)
    assert "server 0 has no trio.to_thread: use trio tasks: nursery.start_soon(...)" in run.record.message


def test_forbidden_name_is_allowed_for_a_file_of_the_submission(write: Write) -> None:
    assert load(write(raft_py="import select\nclass Raft: x = select.x", select_py="x = 1")).x == 1


def test_libraries_may_import_what_is_forbidden_to_servers(write: Write) -> None:
    assert load(write(raft_py="import trio, logging\nclass Raft: x = logging.INFO")).x == 20


def test_print_goes_to_the_trace_line_by_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = """
import sys, trio

class Raft(Plain):
    async def run(self):
        print("one", 2, sep="-", end="!")
        print("three\\nfour", file=sys.stderr, flush=True)
        print()
        print("five", file=sys.stdout)
        await trio.sleep_forever()
"""
    run = simulate(write_submission(tmp_path, text), make_scenario(servers=1))
    assert run.notes() == ["one-2", "three", "four", "", "five"]
    assert all(note.printed for note in run.of(Note))
    assert capfd.readouterr() == ("", "")


def test_print_to_a_file_goes_to_that_file(tmp_path: Path) -> None:
    text = "import io\nbuffer = io.StringIO()\nprint('x', file=buffer)\nclass Raft(Plain): got = buffer.getvalue()"
    assert load(write_submission(tmp_path, text)).got == "x\n"


def test_long_note_is_cut(tmp_path: Path) -> None:
    text = "class Raft(Plain):\n    async def run(self):\n        self.node.note('x' * 10_000)\n"
    run = simulate(write_submission(tmp_path, text), make_scenario(servers=1))
    assert run.notes() == ["x" * 2000 + "…"]


# What cannot be loaded.


def test_missing_folder_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(BadSubmission, match=r"there is no .*nowhere. Give a folder with raft.py, or one Python file"):
        Program(tmp_path / "nowhere")


def test_folder_without_the_main_file_says_its_name(write: Write) -> None:
    with pytest.raises(BadSubmission, match=r"has no raft.py. A submission is a folder with raft.py, or one file"):
        Program(write(other_py=""))


def test_syntax_error_names_file_line_and_text(write: Write) -> None:
    with pytest.raises(BadSubmission, match=r"raft.py:3 is not valid Python: .*\n +term = = 1"):
        Program(write(raft_py="class Raft:\n\n    term = = 1\n"))


@pytest.mark.parametrize("content", [b"\x00\x01", b"\xff\xfe\xff", b"# coding: nothing\n", b"\xff"])
def test_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "raft.py").write_bytes(content)
    with pytest.raises(BadSubmission, match=r"raft.py"):
        Program(tmp_path)


def test_missing_class_is_named(write: Write) -> None:
    with pytest.raises(BadSubmission, match=r"raft.py defines no class Raft"):
        load(write(raft_py="Raft = 3"))


def test_empty_file_lacks_the_class(write: Write) -> None:
    with pytest.raises(BadSubmission, match=r"raft.py defines no class Raft"):
        load(write(raft_py=""))


def test_module_that_fails_once_fails_again_when_it_is_imported_again(write: Write) -> None:
    folder = write(
        raft_py="try:\n    import bad\nexcept ValueError:\n    pass\nimport bad\nclass Raft: ...",
        bad_py="raise ValueError(1)",
    )
    with pytest.raises(ValueError, match="1"):
        load(folder)


def nested_finally(depth: int) -> str:
    """Return a function that is short, and twice as long to compile for each step deeper."""
    lines = [f"{' ' * at}try: a()\n{' ' * at}finally:\n" for at in range(1, depth + 1)]
    return "def f():\n" + "".join(lines) + " " * (depth + 1) + "b()\n"


def test_module_that_takes_long_to_compile_is_named_and_not_compiled_again(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "COMPILE_SECONDS", 0.02)
    program = Program(write(raft_py="import helper\nclass Raft: ...\n", helper_py=nested_finally(14)))
    modules = Modules(program, random.Random(1), random.Random(2), lambda text: None)
    begun = time.process_time()
    with pytest.raises(BadSubmission, match=r"^helper\.py cannot be compiled within 0\.02 s of CPU time"):
        modules.load()
    took = time.process_time() - begun
    begun = time.process_time()
    with pytest.raises(BadSubmission, match=r"^helper\.py cannot be compiled"):
        modules.load()
    assert time.process_time() - begun < took / 5


def test_what_the_compiler_warns_of_is_not_shown(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    program = Program(write(raft_py="import helper\nclass Raft: ...\nx = 1 is 1\n", helper_py="y = '\\d'\n"))
    with warnings.catch_warnings(record=True, action="always") as caught:
        Modules(program, random.Random(1), random.Random(2), lambda text: None).load()
    assert (caught, capfd.readouterr()) == ([], ("", ""))
