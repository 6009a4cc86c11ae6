"""What a page may ask for, as data: each message from the browser is one of these, or it is refused."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from labs.schedule.actions import AnyAction


class Act(msgspec.Struct, tag="act", forbid_unknown_fields=True):
    """Do something to the cluster now."""

    action: AnyAction


class Run(msgspec.Struct, tag="run", forbid_unknown_fields=True):
    """Let virtual time pass: this many virtual seconds per second; 0 stops it."""

    speed: float


class Speed(msgspec.Struct, tag="speed", forbid_unknown_fields=True):
    """Let virtual time pass at another speed, if it passes."""

    speed: float


class StepOn(msgspec.Struct, tag="step", forbid_unknown_fields=True):
    """Go on to the next event."""


class Until(msgspec.Struct, tag="until", forbid_unknown_fields=True):
    """Go on to a virtual time."""

    time: float


class Rewind(msgspec.Struct, tag="rewind", forbid_unknown_fields=True):
    """Repeat the run up to a virtual time, and go on from there."""

    time: float


class ByHand(msgspec.Struct, tag="by_hand", forbid_unknown_fields=True):
    """Hold every message from now on until it is delivered by hand, or no longer."""

    is_on: bool


class Preset(msgspec.Struct, tag="preset", forbid_unknown_fields=True):
    """Begin one of the prepared situations."""

    name: str


class Keep(msgspec.Struct, tag="keep", forbid_unknown_fields=True):
    """Write what was played as a schedule; as a test it goes into the folder that `make test` runs."""

    name: str
    where: Literal["out", "tests"] = "out"


AnyCommand: TypeAlias = Act | Run | Speed | StepOn | Until | Rewind | ByHand | Preset | Keep
decode = msgspec.json.Decoder(AnyCommand).decode
