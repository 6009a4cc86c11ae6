"""The command line: `python -m labs --help`."""

import os
import shlex
import signal
import subprocess
import sys

SECONDS_TO_END = 10
USAGE = 2
"""The exit code of a command that was called wrongly."""


def start_again() -> int:
    """Run the same command with PYTHONHASHSEED=0, so that a set of strings has the same order in every run."""
    os.environ["PYTHONHASHSEED"] = "0"
    command = [sys.executable, *sys.orig_argv[1:]]
    if os.name == "nt":  # where exec does not wait
        return subprocess.call(command)
    os.execv(sys.executable, command)


def end_as_by_hand() -> None:
    """Treat a termination signal, or a closed terminal, like Ctrl-C, so that nothing half done is left behind."""
    for number in (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")):
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: object) -> None:
    """Interrupt; end at once on a second signal, or if a server that never yields prevents the interrupt."""
    signal.signal(number, signal.SIG_DFL)
    if hasattr(signal, "alarm"):
        signal.alarm(SECONDS_TO_END)
    raise KeyboardInterrupt


def without(package: str | None) -> str:
    """Return what to do where a package is missing: most often this is another Python than that of the lab."""
    python = os.path.join(".venv", "Scripts", "python.exe") if os.name == "nt" else ".venv/bin/python"
    first = f"this Python, {sys.executable}, has no package {package}."
    if os.path.exists(python) and os.path.abspath(python) != os.path.abspath(sys.executable):
        return f"{first} The lab's own Python has it:\n  {python} -m labs {shlex.join(sys.argv[1:])}".rstrip()
    made = "pip install -e ." if os.name == "nt" else "make clean setup"
    return f"{first} Set the lab up in its folder:\n  {made}"


def start() -> int:
    """Run the command line; return its exit code."""
    try:
        from labs.cli import main
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "labs":
            raise
        print(f"labs: {without(error.name)}", file=sys.stderr)
        return USAGE
    end_as_by_hand()
    return main()


if __name__ == "__main__":
    sys.exit(start() if os.environ.get("PYTHONHASHSEED") == "0" else start_again())
