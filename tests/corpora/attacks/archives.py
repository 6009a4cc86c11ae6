"""Archives that try to write outside of their folder, to be larger than they declare, or to be two files at once.

Each is made in memory; `ARCHIVES` maps a name to the file's name, its bytes, and the grader's message if it refuses it:
"." where it may as well take the harmless part and leave out the rest.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable

SERVER = b"class Raft: pass\n"
OUTSIDE = "../../../../../../tmp/raft-attack-escaped.py"
Made = tuple[str, bytes, str]


def _zip(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def _tar(members: Iterable[tarfile.TarInfo | tuple[str, bytes]], mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return file.getvalue()


def _special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def _zip_link() -> bytes:
    link = zipfile.ZipInfo("link.py")
    link.external_attr = 0o120777 << 16
    return _zip(("raft.py", SERVER), (link, b"/etc/passwd"))


def _zip_of_lies() -> bytes:
    """Return a zip whose directory declares that a member is small."""
    honest = _zip(("raft.py", SERVER), ("large.py", b"x" * 5_000_000))
    size, lie = (5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    return honest.replace(size, lie)


ARCHIVES: dict[str, Callable[[], Made]] = {
    "zip_slip": lambda: ("a.zip", _zip(("raft.py", SERVER), (OUTSIDE, b"x = 1\n")), "."),
    "zip_absolute": lambda: ("a.zip", _zip(("raft.py", SERVER), ("/tmp/raft-attack-escaped.py", b"x = 1\n")), "."),
    "zip_backslash": lambda: ("a.zip", _zip(("raft.py", SERVER), ("..\\..\\raft-attack-escaped.py", b"x = 1\n")), "."),
    "zip_link": lambda: ("a.zip", _zip_link(), "neither file nor folder"),
    "zip_bomb": lambda: ("a.zip", _zip(("raft.py", SERVER), ("large.py", b"\0" * (200 << 20))), "more than"),
    "zip_many": lambda: ("a.zip", _zip(*((f"m{n}.py", b"") for n in range(5000))), "more than"),
    "zip_of_lies": lambda: ("a.zip", _zip_of_lies(), "broken|more than|cannot be read"),
    "zip_twins": lambda: ("a.zip", _zip(("raft.py", SERVER), ("RAFT.py", b"x"), ("Raft.PY", b"y")), "."),
    "zip_same_name": lambda: ("a.zip", _zip(("raft.py", SERVER), ("raft.py", b"x = 1\n")), "."),
    "zip_turned": lambda: ("a.zip", _zip(("raft.py", SERVER), ("a\u202eyp.py", b"x = 1\n")), "."),
    "zip_long_name": lambda: ("a.zip", _zip(("raft.py", SERVER), ("d/" * 3000 + "a.py", b"x")), "."),
    "zip_method": lambda: ("a.zip", _zip(("raft.py", SERVER), method=zipfile.ZIP_LZMA), "unusual way"),
    "zip_cut": lambda: ("a.zip", _zip(("raft.py", SERVER * 1000))[:-40], "broken|cannot be read"),
    "tar_slip": lambda: ("a.tar", _tar([("raft.py", SERVER), (OUTSIDE, b"x = 1\n")]), "."),
    "tar_absolute": lambda: ("a.tar", _tar([("raft.py", SERVER), ("/tmp/raft-attack-escaped.py", b"x")]), "."),
    "tar_link": lambda: (
        "a.tar",
        _tar([("raft.py", SERVER), _special("out", tarfile.SYMTYPE, "/tmp"), ("out/raft-attack-escaped.py", b"x")]),
        "neither file nor folder",
    ),
    "tar_hard_link": lambda: (
        "a.tar",
        _tar([("raft.py", SERVER), _special("x.py", tarfile.LNKTYPE, "/etc/passwd")]),
        "neither file nor folder",
    ),
    "tar_fifo": lambda: ("a.tar", _tar([_special("raft.py", tarfile.FIFOTYPE)]), "neither file nor folder"),
    "tar_device": lambda: ("a.tar", _tar([_special("raft.py", tarfile.CHRTYPE)]), "neither file nor folder"),
    "tar_bomb": lambda: (
        "a.tar.gz",
        _tar([("raft.py", SERVER), ("large.py", b"\0" * (100 << 20))], "w:gz"),
        "more than",
    ),
    "gzip_of_zeros": lambda: ("a.tar.gz", _gzip(b"\0" * (100 << 20)), "."),
    "garbage": lambda: ("a.zip", b"PK\x03\x04" + bytes(range(256)) * 100, "broken|cannot be read"),
    "empty": lambda: ("a.zip", b"", "."),
}


def _gzip(content: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(content) + packer.flush()
