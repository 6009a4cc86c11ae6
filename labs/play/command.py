"""`python -m labs play`: serves the page of a live cluster until Ctrl-C."""

from __future__ import annotations

import base64
import os
import sys
import webbrowser
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec

from labs.engine import replay
from labs.engine.stages import StageRuns
from labs.play.live import Live
from labs.play.presets import presets
from labs.play.server import PageServer
from labs.raft.lab import RAFT
from labs.report.page import write
from labs.schedule import recording
from labs.schedule.actions import Schedule
from labs.sim.loader.program import Program
from labs.sim.net.network import Conditions
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario
from labs.trace.recorder import FORMAT, VERSION, Header

DEMO = Path(__file__).parent / "demo.trace.jsonl"
"""A recorded run of a finished server."""
NETWORK = Conditions(request_delay=(0.004, 0.02), reply_delay=(0.004, 0.02), silence=(0.0, 0.1))
"""A network without faults on which messages can be seen on their way, and held."""
BEGIN = 0.001
"""The virtual seconds after which a server without a `run` has shown that."""
NOTHING_WRITTEN = (
    "your server has no run() yet, so this is a recorded run of a finished one; yours plays as soon as it runs"
)


def free(stage: str, servers: int, seed: int) -> Schedule:
    """Return a schedule in which nothing is planned."""
    return Schedule(name="play", stage=stage, servers=servers, network=NETWORK, seed=seed, duration=0.0)


def recorded(
    scenario: Scenario, submission: Path, seed: int, leave: Callable[[RunRecord], NoReturn]
) -> tuple[Schedule, RunRecord]:
    """Run a test, to play it; return what it did, and its record. A server that never yields is ended.

    Code that catches every alarm cannot be ended: then `leave` gets the record, and must end the process. Raises
    NotRecordable for a test that cannot be played.
    """
    with replay.alarmed(StageRuns(submission, "inline"), scenario, seed, leave, replay.LIMITS):
        return recording.record(scenario, submission, seed)


def play(schedule: Schedule, submission: Path) -> int:
    """Serve the page of a cluster that plays a schedule, until Ctrl-C; return the exit code."""
    server, words = make_server(schedule, submission)
    print(f"{words}{server.address}\nCtrl-C ends it", flush=True)
    if sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(server.address)
    try:
        server.serve()
    except KeyboardInterrupt:
        print()
    finally:
        server.close()
    return 0


def make_server(schedule: Schedule, submission: Path) -> tuple[PageServer, str]:
    """Return a server of a cluster, or of the recorded run if there is no server yet; and words about that.

    Raises BadSubmission if the submission cannot be run at all.
    """
    live = Live(schedule, Program(submission, *RAFT.entry.split(":")))
    live.run_until(BEGIN)
    if live.rule == "NotWritten":
        return PageServer(_demo_page, None), f"{NOTHING_WRITTEN}\n"
    return PageServer(_live_page(schedule, submission), live), ""


def _live_page(schedule: Schedule, submission: Path) -> Callable[[str], str]:
    title = f"live: {schedule.name}"
    header = Header(
        FORMAT, VERSION, title, "your own servers", schedule.seed, schedule.servers, submission.resolve().name
    )
    nothing = base64.b64encode(zlib.compress(b"")).decode()

    def page(place: str) -> str:
        return write.fill(
            header,
            RAFT.rules,
            "play",
            nothing,
            place,
            live=True,
            presets=list(presets(schedule.stage, schedule.servers)),
        )

    return page


def _demo_page(place: str) -> str:
    with DEMO.open("rb") as file:
        header = msgspec.json.decode(file.readline(), type=Header)
        return write.render(header, file.read(), RAFT.rules, "demo", note=NOTHING_WRITTEN)
