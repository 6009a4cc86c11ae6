"""Seeds that a student does not know before the grade: drawn from a course secret and the submission's content.

So the same submission always gets the same seeds, another one gets others, and they can be published afterwards:
`.venv/bin/python -m grader seeds SUBMISSION`. The secret itself is never printed, stored in a result, or handed to
a child.
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
from labs.report.json_files import write_whole

FIRST = 1_000_000
"""Secret seeds are at least this, so that nobody takes one for a public seed."""
SHORTEST = 16
_is_from_file = False
"""Whether this process has read the secret from its file."""


def course_secret() -> bytes:
    """Return the course secret: $GRADER_SECRET, or the content of $GRADER_SECRET_FILE or grader/.secret. A missing file
    is made, readable only by its owner.
    """
    global _is_from_file
    text = os.environ.pop("GRADER_SECRET", "")
    if not text:
        text, _is_from_file = _from_file(_file()), True
    if len(text) < SHORTEST:
        raise Usage(f"the course secret has less than {SHORTEST} characters; choose a longer one")
    os.environ["GRADER_SECRET"] = text  # for a second call; children get an environment without it
    return text.encode()


def _file() -> Path:
    return Path(os.environ.get("GRADER_SECRET_FILE") or SECRET_FILE)


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
    print(
        f"a new course secret is in {path}; keep it, because secret seeds are drawn from it. If another machine grades "
        "this course, too, use its secret instead: .venv/bin/python -m grader secret --help",
        file=sys.stderr,
    )
    return text


def place() -> str:
    """Return where the course secret is from."""
    return "$GRADER_SECRET" if os.environ.get("GRADER_SECRET") and not _is_from_file else str(_file())


def export_to(path: Path) -> str:
    """Write the course secret to a new file that only its owner can read; return its fingerprint."""
    secret = course_secret()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret + b"\n")
    except OSError as error:
        raise Usage(f"cannot write the secret to {path}: {error.strerror}; give a new file") from None
    return fingerprint(secret)


def import_from(path: Path, replace: bool) -> str:
    """Make the secret of a file the course secret; return its fingerprint. Another one is replaced only if asked."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"cannot read a secret from {path}: {error}") from None
    if len(text) < SHORTEST:
        raise Usage(f"{path} has less than {SHORTEST} characters: it is not a course secret")
    if place() == "$GRADER_SECRET":
        raise Usage("GRADER_SECRET is set, and would be used in place of the imported secret: unset it first")
    file = _file()
    known = file.read_text(encoding="utf-8").strip() if file.exists() else text
    if known != text and not replace:
        raise Usage(
            f"{file} holds another secret, {fingerprint(known.encode())}, and results may depend on it. Export it to a "
            "file that you keep, and give --replace"
        )
    before = os.umask(0o077)
    try:
        write_whole(file, text.encode() + b"\n")
    finally:
        os.umask(before)
    os.environ.pop("GRADER_SECRET", None)
    return fingerprint(text.encode())


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
