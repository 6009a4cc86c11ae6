"""The command line: `python -m labs --help`."""

import os
import signal
import subprocess
import sys

SECONDS_TO_END = 10


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


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit(start_again())
    from labs.cli import main

    end_as_by_hand()
    sys.exit(main())
