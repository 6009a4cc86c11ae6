"""Takes the Python files out of a submission: a folder, one file, a zip, or a tar. Trusts nothing, and runs nothing.

It takes only regular files, with plain names, within limits, and follows no link; a submission that tries to get out of
its folder, or is larger than it declares, is refused as a whole. Only the working tree of a git checkout is read, as
files: no git command, so no hook, no submodule. Environments, caches and version control are skipped, whatever is in
them, before anything is counted. Meant to run in a child with limits of its own (grader.intake.taken).
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO, NoReturn, cast

from grader.intake.names import SERVER, Refused, Unique, find_root, is_litter, is_plain, normalised
from grader.intake.no_links import Folder, NotPlain, is_link, open_file
from grader.lacks import is_a_lack

ENVIRONMENT = "pyvenv.cfg"
"""A folder that holds this is a Python environment."""
REMEDY = "Hand in only raft.py and its own modules; `make submit` packs exactly those"


@dataclass(frozen=True)
class Limits:
    """The limits of a submission; sizes in bytes. A Raft server has one or a few files of some 20,000 bytes each."""

    archive: int = 100 << 20
    entries: int = 2000
    scanned: int = 100_000
    """Names that are looked at, including those that are skipped."""
    one_file: int = 1 << 20
    python: int = 4 << 20
    everything: int = 64 << 20
    """Everything that is unpacked, including files that are left out afterwards."""
    stream: int = 512 << 20
    """A tar as a whole, including files that are skipped: it has to be unpacked to get at the others."""
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


class _Tally:
    """Counts what a submission holds, by folder, to name the largest one if it is too much."""

    def __init__(self) -> None:
        self.entries, self.size = Counter[str](), Counter[str]()

    def add(self, name: str, size: int = 0) -> None:
        """Count a file or folder with the folder that it is in, of which at most two levels are distinguished."""
        folder = "/".join(name.split("/")[:-1][:2])
        self.entries[folder] += 1
        self.size[folder] += size

    @staticmethod
    def largest(found: Counter[str], unit: str) -> str:
        """Return which folder holds most, and what to do."""
        above = Counter[str]()
        for folder, count in found.items():
            above[folder.partition("/")[0]] += count
        [(outer, most)] = above.most_common(1) or [("", 0)]
        inner = Counter({folder: count for folder, count in found.items() if folder.startswith(f"{outer}/")})
        [(folder, count)] = inner.most_common(1) or [("", 0)]
        if 2 * count > most:
            outer, most = folder, count
        where = f"{ascii(outer)[1:-1]}/" if outer else "its top folder"
        return f"; {most:,} {unit} are in {where}. {REMEDY}"


class _Reader:
    """Reads one submission, and counts."""

    def __init__(self, limits: Limits) -> None:
        self.contents = Contents()
        self._limits = limits
        self._names = Unique()
        self._tally, self._python = _Tally(), Counter[str]()
        self._scanned = self._read = 0

    def take_one(self, source: Path) -> None:
        """Take one Python file; it is the server, under any name."""
        with open_file(source) as file:
            self._take(SERVER, file)

    def take_folder(self, source: Path) -> None:
        """Take the content of a folder; links are not followed."""
        with Folder.at(source) as folder:
            self._take_folder(folder, "")
        self._finish()

    def _take_folder(self, folder: Folder, prefix: str) -> None:
        for entry, kind in folder.entries():
            self._scan()
            if is_litter(entry):
                self._leave_out(entry, "")
                continue
            name = normalised(prefix + entry)
            self._tally.add(name)
            if kind == "link":
                self._leave_out(name, "a link")
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
            if inner.holds(ENVIRONMENT):
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
            head = file.read(6)
            file.seek(0)
            is_zip = head.startswith((b"PK\x03\x04", b"PK\x05\x06"))
            if size > self._limits.archive:
                most = _largest_in_zip(file) if is_zip else f". {REMEDY}"
                raise Refused(f"the archive has {size:,} bytes, more than {self._limits.archive:,}{most}")
            packed = max(self._limits.ratio * size, self._limits.ratio_from)
            allowed, stream = min(self._limits.everything, packed), min(self._limits.stream, packed)
            if is_zip:
                self._take_zip(file, allowed)
            elif head.startswith(b"\x1f\x8b"):
                self._take_tar(cast(BinaryIO, gzip.GzipFile(fileobj=file)), stream)
            elif head.startswith(b"\xfd7zXZ\x00"):
                with lzma.LZMAFile(file) as unpacked:
                    self._take_tar(cast(BinaryIO, unpacked), stream)
            elif head.startswith(b"BZh"):
                with bz2.BZ2File(file) as unpacked:
                    self._take_tar(cast(BinaryIO, unpacked), stream)
            else:
                self._take_tar(file, stream)
        self._finish()

    def _take_zip(self, file: BinaryIO, allowed: int) -> None:
        with zipfile.ZipFile(file) as archive:
            named = [(_name_in_zip(info), info) for info in archive.infolist()]
            environments = tuple(f"{name.rpartition('/')[0]}/" for name, _ in named if name.endswith(f"/{ENVIRONMENT}"))
            for raw, info in named:
                self._scan()
                if is_litter(raw.strip("/")) or raw.startswith(environments):
                    self._leave_out(raw, "")
                    continue
                name = normalised(raw)
                self._tally.add(name, info.file_size)
                self._require_plain(info, name)
                if self._tally.size.total() > allowed:
                    self._too_large(allowed)
                if not info.is_dir() and not raw.endswith("/") and self._is_wanted(name):
                    with archive.open(info) as member:
                        self._take(name, member)

    def _require_plain(self, info: zipfile.ZipInfo, name: str) -> None:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Refused(f"the zip holds something that is neither file nor folder: {name}")
        if info.flag_bits & 1:
            raise Refused("the zip is encrypted; hand in a plain one")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused(f"the zip is packed in an unusual way ({name}); pack it again, or hand in a .tar.gz")

    def _take_tar(self, file: BinaryIO, stream: int) -> None:
        with tarfile.open(fileobj=_Capped(file, stream, self._tally), mode="r|") as archive:
            for member in archive:
                self._scan()
                if is_litter(member.name.strip("/").removeprefix("./")):
                    self._leave_out(member.name, "")
                    continue
                name = normalised(member.name)
                self._tally.add(name, member.size)
                if member.isdir():
                    continue
                if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
                    raise Refused(f"the tar holds something that is neither file nor folder: {name}")
                if self._tally.size.total() > self._limits.everything:
                    self._too_large(self._limits.everything)
                if self._is_wanted(name):
                    inner = archive.extractfile(member)
                    assert inner is not None
                    self._take(name, inner)

    def _too_large(self, allowed: int) -> NoReturn:
        raise Refused(f"unpacked it has more than {allowed:,} bytes{self._tally.largest(self._tally.size, 'bytes')}")

    def _scan(self) -> None:
        self._scanned += 1
        if self._scanned > self._limits.scanned:
            most = self._tally.largest(self._tally.entries, "of them")
            raise Refused(f"it has more than {self._limits.scanned:,} files and folders{most}")

    def _finish(self) -> None:
        """Refuse a submission of too many files, now that all are counted; leave out those with odd names."""
        count = self._tally.entries.total()
        if count > self._limits.entries:
            most = self._tally.largest(self._tally.entries, "of them")
            raise Refused(f"it has {count:,} files and folders, more than {self._limits.entries:,}{most}")
        if self._python.total() > self._limits.python:
            most = self._tally.largest(self._python, "bytes")
            raise Refused(f"its Python files have more than {self._limits.python:,} bytes{most}")
        try:
            root = find_root(self.contents.files)
        except Refused:
            root = ""
        for name in list(self.contents.files):
            if not is_plain(name.removeprefix(f"{root}/") if root else name):  # folders around the server may be odd
                del self.contents.files[name]
                self._leave_out(name, "its name has other characters than plain letters, digits and _")

    def _is_wanted(self, name: str) -> bool:
        """Return whether to take a file: Python. All others are left out."""
        self._names.add(name)
        if not name.endswith(".py"):
            self._leave_out(name, "")
            return False
        return True

    def _leave_out(self, name: str, why: str) -> None:
        self.contents.left_out += 1
        if why and len(self.contents.warnings) < 20:
            self.contents.warnings.append(f"left out {ascii(name)[1:-1]}: {why}")

    def _take(self, name: str, file: IO[bytes]) -> None:
        content = file.read(self._limits.one_file + 1)
        if len(content) > self._limits.one_file:
            raise Refused(f"{name} has more than {self._limits.one_file:,} bytes. {REMEDY}")
        self._python["/".join(name.split("/")[:-1][:2])] += len(content)
        if self._python.total() <= self._limits.python:  # beyond, it is only counted, and refused in the end
            self.contents.files[name] = content


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    """Return an entry's name. Windows' own tools write backslashes, against the format's rules."""
    return info.orig_filename.replace("\\", "/") if info.create_system == 0 else info.orig_filename


def _largest_in_zip(file: BinaryIO) -> str:
    tally = _Tally()
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            tally.add(_name_in_zip(info), info.compress_size)
    return tally.largest(tally.size, "bytes")


class _Capped(io.RawIOBase):
    """A stream that ends with Refused after this many bytes, whatever is packed in it."""

    def __init__(self, file: BinaryIO, allowed: int, tally: _Tally) -> None:
        self._file, self._allowed, self._left, self._tally = file, allowed, allowed, tally

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > self._left:
            size = self._left + 1
        content = self._file.read(size)
        self._left -= len(content)
        if self._left < 0:
            most = self._tally.largest(self._tally.size, "bytes")
            raise Refused(f"unpacked it has more than {self._allowed:,} bytes{most}")
        return content
