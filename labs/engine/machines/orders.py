"""What crosses between the parent and the workers: bytes that Dask carries and shows to nobody."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Any, Literal

import msgspec

from labs.engine.stalls import Limits
from labs.engine.work import Work
from labs.sim.loader.sources import read_all

ENTRY = "raft.py"
FOLDERS = ("labs", "reference", "grader", "tests")
"""The folders of code that can make records."""


class Sealed:
    """Bytes whose repr, which Dask logs and shows, does not hold them."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __repr__(self) -> str:
        return "<sealed>"


class Server(msgspec.Struct, array_like=True):
    """A copy of a server's code: the Python files of a folder by name, or one file."""

    files: dict[str, bytes]
    is_folder: bool


class Campaign(msgspec.Struct, array_like=True):
    """The part that all orders of one opened work share."""

    name: str
    """A name that nothing can be learned from."""
    code_digests: dict[str, str]
    """The digest of each folder of code that makes its records."""
    work: bytes
    """The pickled work: made by the parent, never by a server."""
    server: bytes
    """The packed code of the server; b"" if jobs read none."""
    limits: Limits
    after_stall: Limits


class Answer(msgspec.Struct, array_like=True):
    """A worker's answer: an encoded record, or why there is none."""

    site: str
    """The address of the worker."""
    record: bytes = b""
    kind: Literal["record", "refused", "failed", "not started"] = "record"
    text: str = ""


encode = msgspec.msgpack.Encoder().encode
decode_campaign = msgspec.msgpack.Decoder(Campaign).decode
decode_answer = msgspec.msgpack.Decoder(Answer).decode


def pack(path: Path | None) -> bytes:
    """Return a copy of a server's code."""
    if path is None:
        return b""
    path = path.resolve()
    is_folder = path.is_dir()
    root = path if is_folder else path.parent
    files = read_all(root, root / ENTRY if is_folder else path, not is_folder, besides="labs")
    return zlib.compress(encode(Server(files, is_folder)))


def unpack(data: bytes, folder: Path) -> Path:
    """Write a copy of a server's code below a folder; return where the server is."""
    server = msgspec.msgpack.decode(zlib.decompress(data), type=Server)
    for name, content in server.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder if server.is_folder else folder / next(iter(server.files))


def folders_of(work: Work[Any, Any]) -> list[str]:
    """Return the folders of code that make the records of a work."""
    top = type(work).__module__.partition(".")[0]
    if top == "__main__":
        raise ValueError(f"other machines cannot import {type(work).__name__} from {sys.argv[0]}")
    return [folder for folder in FOLDERS if folder in ("labs", "reference", top)]
