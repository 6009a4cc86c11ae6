"""JSON Schemas of other systems' files, written from their published documentation; closed where it lists all keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def schema_of(system: str) -> dict[str, Any]:
    """Return the schema of a system's file."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / f"{system}.schema.json").read_text(encoding="utf-8"))
    return found
