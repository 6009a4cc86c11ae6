"""A worker's side: does the jobs of several works with one `Local`, and answers with records.

Runs in the threads of a Dask worker. It raises nothing, since Dask would log that: what goes wrong is an answer. A work
that its parent does not close, because that was killed, is closed here when it has been idle for a while.
"""

from __future__ import annotations

import contextlib
import functools
import pickle
import tempfile
import threading
import time
import traceback
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from labs.engine import code
from labs.engine.engine import Engine, WorkFailed
from labs.engine.environment import ROOT, clean
from labs.engine.local import Local
from labs.engine.machines.orders import FOLDERS, Answer, Campaign, Sealed, decode_campaign, encode, unpack
from labs.engine.work import Work

IDLE = 120.0
"""Wall seconds after which a work that has no job is closed."""
PREFIX = "raft-lab-"


class Refused(Exception):
    """This machine may not do the work; the text explains why."""


def perform(campaign: Sealed, job: Sealed) -> bytes:
    """Do one job; return the encoded answer."""
    where = _address()
    try:
        return encode(Answer(where, _site.perform(campaign.data, job.data)))
    except Refused as error:
        return encode(Answer(where, kind="refused", text=str(error)))
    except WorkFailed as error:
        return encode(Answer(where, kind="failed", text=str(error)))
    except OSError as error:
        return encode(Answer(where, kind="not started", text=f"{type(error).__name__}: {error}"))
    except Exception:
        return encode(Answer(where, kind="failed", text=traceback.format_exc()))


def close(name: str) -> None:
    """Close a work, and end its processes."""
    _site.close(name)


class _Open:
    """A work that is open here: its engine, and a folder with the server's code."""

    def __init__(self, campaign: Campaign, local: Local) -> None:
        self.users, self.since = 0, time.monotonic()
        self._exit = contextlib.ExitStack()
        with contextlib.ExitStack() as unless_opened:
            unless_opened.callback(self._exit.close)
            work: Work[Any, Any] = pickle.loads(campaign.work)
            if why := work.hindrance():
                raise Refused(why)
            if campaign.server:
                folder = Path(self._exit.enter_context(_folder()))
                work = work.moved(unpack(campaign.server, folder))
            self._decode = msgspec.msgpack.Decoder(work.job).decode
            opening = local.open(work, campaign.limits, campaign.after_stall)
            self._engine: Engine[Any, Any] = self._exit.enter_context(opening)
            unless_opened.pop_all()

    def do(self, job: bytes) -> bytes:
        return encode(self._engine.do(self._decode(job)))

    def close(self) -> None:
        self._exit.close()


class _Site:
    """The works that are open in this process, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, _Open] = {}
        self._local: Local | None = None

    def perform(self, encoded: bytes, job: bytes) -> bytes:
        campaign = decode_campaign(encoded)
        own = _digests()
        for folder, digest in campaign.code_digests.items():
            if own[folder] != digest:
                raise Refused(f"its code in {folder}/ is not the same as here: start it in the same version of the lab")
        opened = self._enter(campaign)
        try:
            return opened.do(job)
        finally:
            with self._lock:
                opened.users, opened.since = opened.users - 1, time.monotonic()

    def _enter(self, campaign: Campaign) -> _Open:
        with self._lock:
            if self._local is None:
                self._local = Local(1, clean(), _folder)
                threading.Thread(target=self._tidy_now_and_then, daemon=True).start()
            if campaign.name not in self._open:
                self._open[campaign.name] = _Open(campaign, self._local)
            opened = self._open[campaign.name]
            opened.users += 1
            return opened

    def close(self, name: str) -> None:
        with self._lock:
            opened = self._open.pop(name, None)
        if opened is not None:
            opened.close()

    def _tidy_now_and_then(self) -> None:
        while True:
            time.sleep(IDLE / 4)
            until = time.monotonic() - IDLE
            with self._lock:
                names = [name for name, opened in self._open.items() if not opened.users and opened.since < until]
                idle = [self._open.pop(name) for name in names]  # at once: a job may come while the first is closed
            for opened in idle:
                opened.close()


_site = _Site()


@functools.cache
def _digests() -> dict[str, str]:
    """Return the digest of each folder of code, as it was when this process did its first job."""
    return {folder: code.digest(ROOT, [folder]) for folder in FOLDERS}


def _address() -> str:
    """Return the address of this worker."""
    from distributed import get_worker

    return str(get_worker().address)


def _folder() -> AbstractContextManager[str]:
    """Make a folder that only this user can read, in Dask's own: that removes what killed workers have left."""
    from distributed import get_worker

    return tempfile.TemporaryDirectory(prefix=PREFIX, dir=get_worker().local_directory, ignore_cleanup_errors=True)
