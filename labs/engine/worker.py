"""One process of the engine: takes orders from its pipe, does the work, and sends back the records."""

from __future__ import annotations

import gc
import signal
import sys
import traceback
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from labs.engine import stalls
from labs.engine.stalls import Limits
from labs.engine.work import Loss, Work


class Order(msgspec.Struct, array_like=True):
    """One job for a worker: an encoded job, and its time limits."""

    job: bytes
    limits: Limits


class Brought(msgspec.Struct, array_like=True):
    """A worker's answer: an encoded record; if `spoiled`, the worker ends after it. Or an error of the work itself."""

    record: bytes
    is_spoiled: bool = False
    error: str = ""


encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(Order).decode
decode_brought = msgspec.msgpack.Decoder(Brought).decode


def serve(work: Work[Any, Any], number: int, pipe: Connection, others: Iterable[Connection], stack: Path) -> None:
    """Do jobs until the pipe closes; `others` are ends of pipes that this process inherited and must not hold."""
    for other in others:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    sys.unraisablehook = lambda unraisable: None  # servers that are ended by force complain
    decode_job = msgspec.msgpack.Decoder(work.job).decode
    with stack.open("w", encoding="utf-8") as file, stalls.installed():
        work.begin(number)
        gc.freeze()  # all modules are loaded; to look through them again and again took a sixth of a run's time
        try:
            while True:
                try:
                    order = decode_order(pipe.recv_bytes())
                except EOFError:
                    return
                job = decode_job(order.job)
                try:
                    with stalls.watched(order.limits, file):
                        record = work.run(job)
                    is_spoiled = work.is_spoiled(record)
                except stalls.Stalled:  # while the work had its record already, or was about to begin
                    record, is_spoiled = work.lost(job, Loss("took too long", is_stall=True)), True
                except Exception:
                    pipe.send_bytes(encode(Brought(b"", is_spoiled=True, error=traceback.format_exc())))
                    return
                pipe.send_bytes(encode(Brought(encode(record), is_spoiled)))
                if is_spoiled:
                    return
        finally:
            work.end()
