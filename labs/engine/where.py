"""Chooses where jobs run: in this process, in processes of this machine, or on the machines of a Dask scheduler."""

from __future__ import annotations

import argparse
import importlib.util
from typing import TYPE_CHECKING

from labs.engine.unavailable import Unavailable

if TYPE_CHECKING:
    from labs.engine.engine import Backend

INSTALL = ".venv/bin/python -m pip install -e '.[cluster]'"
HELP = "do the runs on the workers of this Dask scheduler, tcp://HOST:PORT"


def scheduler(text: str) -> str:
    """Return the address of a scheduler, "" for none, as an option has it; raise an argument error if it is not one."""
    if not text:
        return ""
    protocol, _, rest = text.partition("://")
    host, _, port = rest.rpartition(":")
    if protocol not in ("tcp", "tls") or not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not the address of a Dask scheduler, as tcp://10.0.0.5:8786")
    return text


def backend(most: int, address: str) -> Backend:
    """Return the backend of this machine with up to this many processes; with an address, that of this scheduler."""
    from labs.engine.local import processes

    return machines(address) if address else processes(most)


def machines(address: str) -> Backend:
    """Return the backend of a scheduler, whose workers do as many jobs at once as they can.

    Raise Unavailable if Dask is not installed.
    """
    if importlib.util.find_spec("distributed") is None:
        raise Unavailable(f"--scheduler needs Dask, which is not installed here: {INSTALL}")
    from labs.engine.machines.backend import Machines

    return Machines(address)
