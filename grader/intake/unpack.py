"""Takes the Python files out of a submission: a folder, one file, a zip, or a tar. Trusts nothing, and runs nothing.

It takes only regular files, with plain names, within limits, and follows no link; a submission that tries to get out of
its folder, or is larger than it declares, is refused as a whole. Only the working tree of a git checkout is read, as
files: no git command, so no hook, no submodule. Meant to run in a child with limits of its own (grader.intake.taken).
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, cast

from grader.intake.names import SERVER, Refused, Unique, is_litter, is_plain, normalised
from grader.intake.no_links import Folder, NotPlain, is_link, open_file
from grader.lacks import is_a_lack


@dataclass(frozen=True)
class Limits:
    """The limits of a submission; sizes in bytes. A Raft server has one or a few files of some 20,000 bytes each."""

    archive: int = 20 << 20
    entries: int = 2000
    one_file: int = 1 << 20
    python: int = 4 << 20
    everything: int = 64 << 20
    """Everything that is unpacked, including files that are left out afterwards."""
    ratio: int = 200
    """Unpacked size divided by packed size; counts from `ratio_from` bytes on."""
    ratio_from: int = 1 << 20


@dataclass
class Contents:
    """The Python files of a submission by name, and the files that were left out."""

    files: dict[str, bytes] = field(default_factory=dict)
    left_out: int = 0
    warnings: list[str] = field(default_factory=list)


def read(source: Path, limits: Limits | None = None) -> Contents:
    """Return the Python files of a submission; raise Refused if it must not be taken.

    An OSError because the machine lacks something (grader.lacks) is not a reason to refuse: it goes through.
    """
    limits = limits or Limits()
    reader = _Reader(limits)
    if is_link(source):
        raise Refused("it is a link, which may lead to another student's work; hand in the folder or file itself")
    try:
        if source.is_dir():
            reader.take_folder(source)
        elif source.suffix.lower() == ".py":
            reader.take_one(source)
        else:
            reader.take_archive(source)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile) as error:
        raise Refused(f"the archive is broken: {error}") from None
    except NotPlain as error:
        raise Refused(f"it cannot be read: it is {error}") from None
    except (OSError, ValueError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, OSError) and is_a_lack(error):
            raise
        raise Refused(f"it cannot be read: {error}") from None
    except (MemoryError, RecursionError, OverflowError):
        raise Refused("it takes more memory than a submission may") from None
    return reader.contents


class _Reader:
    """Reads one submission, and counts."""

    def __init__(self, limits: Limits) -> None:
        self.contents = Contents()
        self._limits = limits
        self._names = Unique()
        self._entries = self._python = 0

    def take_one(self, source: Path) -> None:
        """Take one Python file; it is the server, under any name."""
        with open_file(source) as file:
            self._take(SERVER, file)

    def take_folder(self, source: Path) -> None:
        """Take the content of a folder; links are not followed."""
        with Folder.at(source) as folder:
            self._take_folder(folder, "")

    def _take_folder(self, folder: Folder, prefix: str) -> None:
        for entry, kind in folder.entries():
            self._count()
            name = normalised(prefix + entry)
            if is_litter(entry) or kind == "link":
                self._leave_out(name, "a link" if kind == "link" else "")
                continue
            try:
                if kind == "folder":
                    self._take_inner(folder, entry, name)
                elif kind == "file":
                    self._take_file(folder, entry, name)
                else:
                    self._leave_out(name, "not a regular file")
            except NotPlain as error:
                self._leave_out(name, str(error))

    def _take_inner(self, folder: Folder, entry: str, name: str) -> None:
        with folder.folder(entry) as inner:
            if inner.holds("pyvenv.cfg"):
                self._leave_out(name, "a Python environment")
            else:
                self._take_folder(inner, f"{name}/")

    def _take_file(self, folder: Folder, entry: str, name: str) -> None:
        if self._is_wanted(name):
            with folder.file(entry) as file:
                self._take(name, file)

    def take_archive(self, source: Path) -> None:
        """Take the content of an archive; its first bytes determine its kind."""
        with open_file(source) as file:
            size = os.fstat(file.fileno()).st_size
            if size > self._limits.archive:
                raise Refused(f"the archive has {size:,} bytes, more than {self._limits.archive:,}")
            head = file.read(6)
            file.seek(0)
            allowed = min(self._limits.everything, max(self._limits.ratio * size, self._limits.ratio_from))
            if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
                self._take_zip(file, allowed)
            elif head.startswith(b"\x1f\x8b"):
                self._take_tar(cast(BinaryIO, gzip.GzipFile(fileobj=file)), allowed)
            elif head.startswith(b"\xfd7zXZ\x00"):
                with lzma.LZMAFile(file) as unpacked:
                    self._take_tar(cast(BinaryIO, unpacked), allowed)
            else:
                self._take_tar(file, allowed)

    def _take_zip(self, file: BinaryIO, allowed: int) -> None:
        left = allowed
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                self._count()
                name = normalised(info.orig_filename)
                kind = stat.S_IFMT(info.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise Refused(f"the zip holds something that is neither file nor folder: {name}")
                if info.flag_bits & 1:
                    raise Refused("the zip is encrypted; hand in a plain one")
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise Refused(f"the zip is packed in an unusual way ({name}); pack it again, or hand in a .tar.gz")
                left -= info.file_size
                if left < 0:
                    raise Refused(f"unpacked it has more than {allowed:,} bytes")
                if not info.is_dir() and self._is_wanted(name):
                    with archive.open(info) as member:
                        self._take(name, member)

    def _take_tar(self, file: BinaryIO, allowed: int) -> None:
        with tarfile.open(fileobj=_Capped(file, allowed), mode="r|") as archive:
            for member in archive:
                self._count()
                name = normalised(member.name)
                if member.isdir():
                    continue
                if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                    raise Refused(f"the tar holds something that is neither file nor folder: {name}")
                if self._is_wanted(name):
                    inner = archive.extractfile(member)
                    assert inner is not None
                    self._take(name, inner)

    def _count(self) -> None:
        self._entries += 1
        if self._entries > self._limits.entries:
            raise Refused(f"it has more than {self._limits.entries} files and folders")

    def _is_wanted(self, name: str) -> bool:
        """Return whether to take a file: Python, with a plain name. All others are left out."""
        self._names.add(name)
        if is_litter(name) or not name.endswith(".py"):
            self._leave_out(name, "")
            return False
        if not is_plain(name):
            self._leave_out(name, "its name has other characters than plain letters, digits and _")
            return False
        return True

    def _leave_out(self, name: str, why: str) -> None:
        self.contents.left_out += 1
        if why and len(self.contents.warnings) < 20:
            self.contents.warnings.append(f"left out {ascii(name)[1:-1]}: {why}")

    def _take(self, name: str, file: IO[bytes]) -> None:
        content = file.read(self._limits.one_file + 1)
        if len(content) > self._limits.one_file:
            raise Refused(f"{name} has more than {self._limits.one_file:,} bytes")
        self._python += len(content)
        if self._python > self._limits.python:
            raise Refused(f"its Python files have more than {self._limits.python:,} bytes")
        self.contents.files[name] = content


class _Capped(io.RawIOBase):
    """A stream that ends with Refused after this many bytes, whatever is packed in it."""

    def __init__(self, file: BinaryIO, allowed: int) -> None:
        self._file, self._allowed, self._left = file, allowed, allowed

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._left:
            size = self._left + 1
        content = self._file.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise Refused(f"unpacked it has more than {self._allowed:,} bytes")
        return content
