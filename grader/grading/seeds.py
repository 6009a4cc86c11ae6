"""Seeds that a student does not know before the grade: drawn from a course secret and the submission's content.

So the same submission always gets the same seeds, another one gets others, and they can be published afterwards:
`python -m grader seeds SUBMISSION`. The secret itself is never printed, stored in a result, or handed to a child.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path

from grader.exits import Usage
from grader.grading.rubric import Item
from grader.places import SECRET_FILE

FIRST = 1_000_000
"""Secret seeds are at least this, so that nobody takes one for a public seed."""
SHORTEST = 16


def course_secret() -> bytes:
    """Return the course secret: $GRADER_SECRET, or the content of $GRADER_SECRET_FILE or grader/.secret. A missing file
    is made, readable only by its owner.
    """
    text = os.environ.pop("GRADER_SECRET", "")
    if not text:
        text = _from_file(Path(os.environ.get("GRADER_SECRET_FILE") or SECRET_FILE))
    if len(text) < SHORTEST:
        raise Usage(f"the course secret has less than {SHORTEST} characters; choose a longer one")
    os.environ["GRADER_SECRET"] = text  # for a second call; children get an environment without it
    return text.encode()


def _from_file(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"cannot read the course secret {path}: {error}") from None
    text = secrets.token_hex(32)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another grader was faster
        return path.read_text().strip()
    except OSError as error:
        raise Usage(
            f"cannot write a course secret to {path}: {error}; set GRADER_SECRET_FILE or GRADER_SECRET"
        ) from None
    with os.fdopen(handle, "w") as file:
        file.write(text + "\n")
    print(f"a new course secret is in {path}; keep it, because secret seeds are drawn from it", file=sys.stderr)
    return text


def secret_seeds(secret: bytes, submission: str, test: str, count: int) -> list[int]:
    """Return the secret seeds of a test for a submission, given by its hash."""
    return [_draw(secret, f"{submission}/{test}/{number}") for number in range(count)]


def fingerprint(secret: bytes) -> str:
    """Return a name for the secret that does not give it away."""
    return hmac.new(secret, b"name of this secret", hashlib.sha256).hexdigest()[:16]


def _draw(secret: bytes, purpose: str) -> int:
    number = int.from_bytes(hmac.new(secret, purpose.encode(), hashlib.sha256).digest()[:8], "big")
    return FIRST + number % (2**31 - FIRST)


def seeds_of(items: Iterable[Item], submission: str, secret: bytes | None) -> dict[str, tuple[list[int], list[int]]]:
    """Return for each test its public and its secret seeds."""
    return {
        item.scenario.id: (
            list(item.public),
            secret_seeds(secret, submission, item.scenario.id, item.secret) if secret is not None else [],
        )
        for item in items
    }
