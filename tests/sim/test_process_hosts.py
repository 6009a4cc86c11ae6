"""Process hosts: the same runs as inline, and a server's process cannot do harm, whatever it sends or does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from labs.raft.stages import catalogue
from labs.raft.testing.cluster import Cluster
from labs.sim.hosts.base import HostOptions, HostsUnavailable
from labs.sim.hosts.process import compilations, frames
from labs.sim.hosts.process.pool import ProcessHosts
from labs.sim.loader.program import BadSubmission, Program
from labs.testing.run import RunRecord, run_scenario
from tests.running import REFERENCE, ROOT, call_labs, line_of, make_scenario, write_submission
from tests.sim.test_determinism import write_motley
from tests.sim.test_loader import nested_finally
from tests.sim.test_misbehaving import exercise
from tests.tools.parity import difference_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="process hosts need os.fork")


@pytest.fixture(scope="module")
def hosts() -> Iterator[ProcessHosts]:
    with ProcessHosts(HostOptions(step_seconds=20.0)) as hosts:
        yield hosts


def run_both(hosts: ProcessHosts, name: str, submission: Path, seed: int = 3) -> tuple[RunRecord, RunRecord]:
    (scenario,) = catalogue.find(name)
    return run_scenario(scenario, submission, seed), run_scenario(scenario, submission, seed, hosts=hosts)


# The same as inline.


@pytest.mark.parametrize(
    "name",
    [
        "2A/election_after_network_failure",
        "2B/figure_8",
        "2C/chaos",
        "2D/chaos",
        "2A/drill_one_vote_a_term",
        "2B/drill_majority_commits",
        "2D/drill_snapshot_overtakes_entries",
        "2D/drill_crash_between_saves",
    ],
)
def test_reference_runs_as_it_does_inline(hosts: ProcessHosts, name: str) -> None:
    inline, process = run_both(hosts, name, REFERENCE)
    assert (inline.hosts, process.hosts) == ("inline", "process")
    assert difference_of(inline, process) == ""
    assert process.status == "pass"
    assert process.server_cpu_time > 0


@pytest.mark.parametrize("name", ["2A/many_elections", "2C/chaos"])
def test_server_with_modules_chance_clocks_and_prints_runs_as_it_does_inline(
    hosts: ProcessHosts, tmp_path: Path, name: str
) -> None:
    inline, process = run_both(hosts, name, write_motley(tmp_path / "motley"))
    assert difference_of(inline, process) == ""


def test_submission_that_is_no_python_is_told_the_same(hosts: ProcessHosts, tmp_path: Path) -> None:
    (tmp_path / "raft.py").write_text("x = 1\ndef f(:\n")
    (scenario,) = catalogue.find("2A/initial_election")
    with pytest.raises(BadSubmission) as inline:
        run_scenario(scenario, tmp_path, 1)
    with pytest.raises(BadSubmission) as process:
        run_scenario(scenario, tmp_path, 1, hosts=hosts)
    assert str(inline.value) == str(process.value)


def test_module_that_is_no_python_counts_when_it_is_imported(hosts: ProcessHosts, tmp_path: Path) -> None:
    folder = write_submission(tmp_path, "class Raft(Plain): ...", {"unused.py": "x = = 1\n"})
    assert run_scenario(make_scenario(), folder, 1, hosts=hosts).status == "pass"
    folder = write_submission(tmp_path, "import unused\nclass Raft(Plain): ...")
    inline, process = (run_scenario(make_scenario(), folder, 1, hosts=h) for h in (None, hosts))
    assert process.rule == "WellFormed"
    assert difference_of(inline, process) == ""


def test_command_line_tells_hosts_and_gives_the_same_digest(tmp_path: Path) -> None:
    words = ["replay", "2A/initial_election", "--submission", REFERENCE, "--seed", 5]
    inline = call_labs(*words, folder=tmp_path)
    process = call_labs(*words, "--hosts", "process", folder=tmp_path)
    assert process.returncode == inline.returncode == 0, process.stderr
    assert inline.stdout == process.stdout


# Processes that do what they like.


def run_text(hosts: ProcessHosts, folder: Path, text: str, **options: Any) -> RunRecord:
    return run_scenario(make_scenario(**options), write_submission(folder, text), 1, hosts=hosts)


HOSTILE = {
    "no msgpack": (r"link.sendall(b'\x00\x00\x00\x01\xc1')", "DecodeError"),
    "an endless frame": (r"link.sendall(b'\xff\xff\xff\xff')", "a frame of 4,294,967,295 bytes"),
    "a deep frame": (r"d = b'\x98\x02\x01' + b'\x91' * 100_000; link.sendall(len(d).to_bytes(4, 'big') + d)", "Error"),
    "two frames": (
        "d = frames.encode([2, child._turn, 1.0, False, [], [], None, [], None]); "
        "link.sendall(2 * (len(d).to_bytes(4, 'big') + d))",
        "more than one frame",
    ),
    "another frame": ("frames.send(link, frames.Modules({}))", "ValidationError: Invalid value 1"),
    "an old turn": ("frames.send(link, frames.Answer(child._turn - 1, 1.0, False, [], [], None, []))", "out of turn"),
    "a deadline that is not a number": (
        "frames.send(link, frames.Answer(child._turn, float('nan'), False, [], [], None, []))",
        "a deadline that is not a number",
    ),
    "a state that is not one": (
        "frames.send(link, frames.Answer(child._turn, 1.0, False, [], [], [1, 2], []))",
        "get_state cannot return",
    ),
    "a ticket never given": ("out(wire.Replied(7, b''))", "a reply to request 7"),
    "a peer that is not one": ("out(wire.Called(1, 9, b''))", "a call to server 9"),
    "a call to itself": ("out(wire.Called(1, me, b''))", "a call to server"),
    "a call out of turn": ("out(wire.Called(5, 1 - me, b''))", "call 5 after call 0"),
    "a message that is not one": ("out(wire.Called(1, 1 - me, b''))", "Called"),
    "a message of no kind": (r"out(wire.Called(1, 1 - me, b'\x63'))", "Called"),
    "a message that is deep": (r"out(wire.Called(1, 1 - me, b'\xff\x93\x00\xa1x' + b'\x91' * 5000))", "Called"),
    "a reply for a request": ("out(wire.Called(1, 1 - me, codec.encode_message(messages.PingReply(1))))", "PingReply"),
    "a save of what is not there": (
        r"out(wire.Saved(b'\x00\x94\x01\xc0\x00\x00', 0, 3, 5, [], None, None, None))",
        "a save that keeps 5 entries",
    ),
    "a save that keeps too little": (
        r"out(wire.Saved(b'\x00\x94\x01\xc0\x00\x00', 0, 0, -1, [], None, None, None))",
        "a save that keeps -1 entries",
    ),
    "a save of more than a disk holds": (
        r"out(wire.Saved(b'\x00\x94\x01\xc0\x00\x00', 0, 0, 0, [], bytes(5_000_000), None, None))",
        "a save of 5,000,032 bytes",
    ),
    "a save after all logs": (
        r"out(wire.Saved(b'\x00\x94\x01\xc0\xce\x3b\x9a\xca\x00\x01', 10**9, 0, 0, [], None, None, None))",
        "last_included_index is 1,000,000,000: no log of this lab",
    ),
    "a state of no kind": (r"out(wire.Saved(b'\x63\x90', 0, 0, 0, [], None, None, None))", "Saved: KeyError"),
    "a state without fields": ("out(wire.Saved(b'', 0, 0, 0, [], None, None, None))", "Saved: IndexError"),
    "a term that is true": (
        r"out(wire.Saved(b'\x00\x94\xc3\xc0\x00\x00', 0, 0, 0, [], None, None, None))",
        "PersistentState: Expected `int`, got `bool`",
    ),
    "a field too many": (
        r"out(wire.Saved(b'\x00\x95\x01\xc0\x00\x00\x00', 0, 0, 0, [], None, None, None))",
        "PersistentState: Expected `array` of at most length 4, got 5",
    ),
    "a log that begins elsewhere": (
        r"out(wire.Saved(b'\x00\x94\x01\xc0\x00\x00', 5, 0, 0, [], None, None, None))",
        "a log after 5 that begins elsewhere",
    ),
    "an apply after all logs": (r"out(wire.Applied(10**9, b'\x01'))", "index is 1,000,000,000"),
    "an entry that is not one": (
        r"out(wire.Saved(b'\x00\x94\x01\xc0\x00\x00', 0, 0, 0, [b'\x93'], None, None, None))",
        "Saved",
    ),
    "fields that are not fields": (
        r"out(wire.Saved(b'\x00\x94\x01\xc0\x00\x00', 0, 0, 0, [], None, 'X', b'\x81\xa1a\xc7\x00\x01'))",
        "a Ext where",
    ),
    "a command that is not one": (r"out(wire.Applied(1, b'\xc1'))", "Applied"),
    "a command of another kind": (r"out(wire.Applied(1, b'\xc7\x00\x01'))", "Applied"),
    "a long note": ("out(wire.Noted('x' * 9000, False))", "a note of 9,000 characters"),
    "calls it did not make": (
        "frames.send(link, frames.Answer(child._turn, 1.0, False, [], [3], None, []))",
        "stopped waiting for call 3",
    ),
    "a spin that is described at length": (
        "frames.send(link, frames.Spun(child._turn, 1, wire.Failed('spins', 'x' * 9999, '')))",
        "at too great length",
    ),
    "a spin that is not one": (
        "frames.send(link, frames.Spun(child._turn, 1, wire.Failed('not written', '2A: x', '')))",
        "a failure of the kind 'not written'",
    ),
    "its end": ("sys.modules['os']._exit(7)", "ended its process, with exit code 7"),
    "its death": ("sys.modules['posix'].kill(sys.modules['posix'].getpid(), 9)", "had its process killed: SIGKILL"),
    "an error while it waits": (
        "child._receive = lambda: 1 / 0; await trio.sleep(0.1)",
        "broke the loop that it runs in: ZeroDivisionError: division by zero",
    ),
    "silence": ("link.close()", "closed the handles that its process needs"),
}
SPEAK = """
class Raft(Plain):
    async def run(self):
        await trio.sleep(0.5)
        if self.node.me == 1:
            import sys
            get = lambda name: sys.modules["labs." + name]
            frames, wire = get("sim.hosts.process.frames"), get("sim.server.outputs")
            codec, messages = get("codec.messages"), get("messages")
            msgspec = sys.modules["msgspec"]
            clock = trio.lowlevel.current_clock()
            child = clock._on_idle.__self__
            link, me = child._link, 1
            out = lambda output: frames.send(link, frames.Answer(child._turn, 9e9, False, [output], [], None, []))
            SAY
            sys.modules["signal"].pause()
"""


@pytest.mark.parametrize("what", HOSTILE)
def test_process_that_says_what_no_server_says_is_a_server_that_failed(
    hosts: ProcessHosts, tmp_path: Path, what: str
) -> None:
    say, told = HOSTILE[what]
    record = run_text(hosts, tmp_path, SPEAK.replace("SAY", say))
    assert (record.status, record.rule, record.involved) == ("error", "NoCrash", [1]), record.message
    assert record.message.startswith("NoCrash: server 1 ")
    assert told in record.message
    assert children_of_zygote() == []


def test_flood_of_outputs_ends_the_server(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        for number in range(5000):
            self.node.note(str(number))
"""
    with ProcessHosts(HostOptions(max_frame=20_000)) as hosts:
        assert "more than the 20,000 allowed" in run_text(hosts, tmp_path, text).message


def test_server_that_never_yields_is_ended_with_its_line(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        await trio.sleep(0.5)
        while True:
            try:
                while self.node.me == 1: sum(range(1000))  # here
            except BaseException: continue
            await trio.sleep_forever()
"""
    with ProcessHosts(HostOptions(step_seconds=1.0)) as hosts:
        record = run_text(hosts, tmp_path, text)
        assert (record.status, record.rule, record.involved) == ("error", "NoStall", [1]), record.message
        line = line_of(tmp_path / "raft.py", "# here")
        assert record.message.endswith(f"without an await that lets other tasks run at raft.py:{line} in run")
        assert children_of_zygote() == []


def test_server_that_crawls_runs_out_of_processor_time(tmp_path: Path) -> None:
    text = """
class Raft(Plain):
    async def run(self):
        while True:
            await trio.sleep(0.001)
            sum(range(1_000_000))
"""
    with ProcessHosts() as hosts:
        folder = write_submission(tmp_path, text)
        record = run_scenario(make_scenario(), folder, 1, hosts=hosts, cpu_seconds=0.5)
    assert (record.status, record.rule) == ("error", "CpuBudget"), record.message
    assert "more than the 0.5 s that this run has" in record.message
    assert record.server_cpu_time > 0.5


def test_crash_is_the_end_of_a_process_that_hides_from_it(hosts: ProcessHosts, tmp_path: Path) -> None:
    async def crash_and_restart(cluster: Cluster) -> None:
        await cluster.sleep(0.1)
        cluster.crash(1)
        await cluster.sleep(0.1)
        cluster.restart(1)
        await cluster.sleep(0.1)

    text = "class Raft(Plain):\n    async def run(self):\n        await trio.sleep_forever()\n"
    folder = write_submission(tmp_path, text)
    assert run_scenario(make_scenario(crash_and_restart), folder, 1, hosts=hosts).status == "pass"
    assert children_of_zygote() == []


# What is left.


def zygotes_here() -> list[str]:
    """Return the child processes of this process, newest first."""
    found = [str(pid) for pid in children_of(os.getpid())]
    return sorted(found, key=int, reverse=True)


def children_of_zygote() -> list[int]:
    """Return the processes whose parent is a zygote of this process."""
    return [child for zygote in zygotes_here() for child in children_of(int(zygote))]


def handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc")
def test_runs_leave_no_process_and_no_handle(tmp_path: Path) -> None:
    before = handles()
    folder = write_submission(tmp_path, "class Raft(Plain): ...")
    with ProcessHosts() as hosts:
        run_scenario(make_scenario(), folder, 1, hosts=hosts)
        after_one = handles()
        for seed in range(5):
            run_scenario(make_scenario(exercise, servers=3), folder, seed, hosts=hosts)
        assert handles() == after_one
        assert children_of_zygote() == []
    assert handles() == before


def test_module_that_takes_long_to_compile_is_named_and_costs_that_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []
    compile_all = compilations.Compilations._compile

    def count(self: compilations.Compilations, *files: Any) -> Any:
        tried.append(files)
        return compile_all(self, *files)

    monkeypatch.setattr(compilations.Compilations, "_compile", count)
    monkeypatch.setattr(compilations, "COMPILE_SECONDS", 0.3)
    folder = write_submission(tmp_path, "import helper, harmless\nclass Raft(Plain): ...")
    (folder / "harmless.py").write_text("x = 1\n")
    (folder / "helper.py").write_text(nested_finally(19))
    with ProcessHosts() as hosts:
        for _ in range(2):
            with pytest.raises(BadSubmission, match=r"^helper\.py cannot be compiled within 5 s of CPU time"):
                run_scenario(make_scenario(), folder, 1, hosts=hosts)
        assert len(tried) == 1
        hosts.zygote.finish()
        assert children_of_zygote() == []


class Interrupted(BaseException):
    """As a Ctrl-C in the middle of a run."""


def test_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    async def interrupt(cluster: Cluster) -> None:
        await cluster.sleep(0.1)
        raise Interrupted

    before = handles()
    folder = write_submission(tmp_path, "class Raft(Plain): ...")
    with ProcessHosts() as hosts:
        run_scenario(make_scenario(interrupt), folder, 1, hosts=hosts)
        assert children_of_zygote() == []
        with pytest.raises(KeyboardInterrupt), hosts.run(Program(folder), 2, 1, None) as run:
            run.fork(0, frames.Compile("", {}))
            raise KeyboardInterrupt
        assert handles() == before and children_of_zygote() == []
        assert run_scenario(make_scenario(), folder, 1, hosts=hosts).status == "pass"
    assert handles() == before


START = """
import sys, time
from labs.sim.hosts.process import frames
from labs.sim.server.disk import Disk
from labs.sim.loader.program import Program
from labs.sim.hosts.process.pool import ProcessHosts
hosts = ProcessHosts()
program = Program("skeleton", compiled=False)
modules = hosts.compile(program)
hosts.zygote.finish()
hosts.fork(frames.Begin(1, 0.0, 0, 0, 2, 1, 100, str(program.root), "raft.py", "Raft", False, modules, Disk()))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_zygote_ends_with_its_simulator(number: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", START], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    below = descendants(process.pid)
    assert len(below) == 2
    process.send_signal(number)
    process.communicate()
    end = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in below) and time.monotonic() < end:
        time.sleep(0.05)
    assert [pid for pid in below if Path(f"/proc/{pid}").exists()] == []


def children_of(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:  # it has just ended
            continue
        if rest.split()[1] == str(pid):
            found.append(int(name.split()[0]))
    return found


def descendants(pid: int) -> list[int]:
    children = children_of(pid)
    return children + [below for child in children for below in descendants(child)]


# The seam for a sandbox.


def test_stub_confines_each_process_before_a_submission_is_there(tmp_path: Path) -> None:
    stub = tmp_path / "stub.py"
    stub.write_text(
        "import os\n"
        "def prepare(options): return {**options, 'prepared': os.getpid()}\n"
        "def confine(options):\n"
        "    os.environ['CONFINED'] = options['word']\n"
        "    return {'own': os.getpid() != options['prepared'], 'fds': len(options['fds'])}\n"
    )
    text = """
class Raft(Plain):
    async def run(self):
        import sys
        environ = sys.modules["os"].environ
        assert environ["CONFINED"] == "yes"
        assert set(environ) <= {"CONFINED", "PYTHONHASHSEED", "LC_CTYPE"}, dict(environ)
"""
    with ProcessHosts(HostOptions(stub=stub, stub_options={"word": "yes"})) as hosts:
        record = run_text(hosts, tmp_path / "server", text)
        assert record.status == "pass", record.message
        assert hosts.facts == {"own": True, "fds": 2}


@pytest.mark.parametrize(
    ("stub", "message"),
    [("x = 1 / 0", "does not load: ZeroDivisionError"), ("def confine(options): 1 / 0", "not confined: ZeroDivision")],
)
def test_stub_that_fails_is_no_fault_of_the_server(tmp_path: Path, stub: str, message: str) -> None:
    (tmp_path / "stub.py").write_text(stub)
    with ProcessHosts(HostOptions(stub=tmp_path / "stub.py")) as hosts:
        with pytest.raises(HostsUnavailable, match=message):
            run_scenario(make_scenario(), REFERENCE, 1, hosts=hosts)


def test_zygote_that_does_not_start_says_why() -> None:
    with ProcessHosts(HostOptions(prefix=("/nothing/there",))) as hosts:
        with pytest.raises(HostsUnavailable, match="cannot start /nothing/there"):
            run_scenario(make_scenario(), REFERENCE, 1, hosts=hosts)
    with ProcessHosts(HostOptions(prefix=("sh", "-c", "echo no room >&2; exit 3"))) as hosts:
        with pytest.raises(HostsUnavailable, match="no room"):
            run_scenario(make_scenario(), REFERENCE, 1, hosts=hosts)


def test_zygote_that_is_gone_is_started_again(tmp_path: Path) -> None:
    async def end_zygote(cluster: Cluster) -> None:
        await cluster.sleep(0.1)
        running.zygote._process.kill()
        cluster.restart(0)

    folder = write_submission(tmp_path, "class Raft(Plain): ...")
    before = handles()
    with ProcessHosts() as running:
        assert run_scenario(make_scenario(), folder, 1, hosts=running).status == "pass"
        with pytest.raises(HostsUnavailable, match="the zygote is gone"):
            run_scenario(make_scenario(end_zygote), folder, 1, hosts=running)
        assert run_scenario(make_scenario(), folder, 1, hosts=running).status == "pass"
        running.zygote._process.kill()
        with pytest.raises(HostsUnavailable, match="the zygote is gone"):
            run_scenario(make_scenario(), folder, 1, hosts=running)
        assert run_scenario(make_scenario(), folder, 1, hosts=running).status == "pass"
    assert handles() == before


def test_where_nothing_can_fork_the_error_says_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    with ProcessHosts() as hosts, pytest.raises(HostsUnavailable, match="Use: --hosts inline"):
        run_scenario(make_scenario(), REFERENCE, 1, hosts=hosts)


def test_every_frame_survives_its_way() -> None:
    answer = frames.Answer(3, float("inf"), True, [], [4], [1, True], [], [1, 2, False])
    assert frames.decode_from_server(frames.encode(answer)) == answer
    with pytest.raises(msgspec.ValidationError):
        frames.decode_from_server(frames.encode([2, 3, 1.0, False, [], [], None, [], None, "more"]))
