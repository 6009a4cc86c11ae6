"""Numbers in words, in one place."""


def counted(number: int, noun: str) -> str:
    """Return a number of things, such as "1 run" or "2 runs"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
