"""The digest of the code that makes records: two machines with the same one make the same records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest(root: Path, folders: Iterable[str]) -> str:
    """Return a hash over the Python files in some folders below a root; a folder that is not there counts as empty."""
    found = hashlib.sha256()
    for folder in folders:
        for file in sorted((root / folder).rglob("*.py")):
            content = file.read_bytes()
            found.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()
