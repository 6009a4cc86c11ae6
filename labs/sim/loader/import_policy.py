"""What a submission may not reach: modules, and names of modules, with what to use instead.

A server's world is its node and virtual time. All here would let in real time, threads, chance, files or the machine
that it runs on, so that the same seed would no longer give the same run. This is advice, not a wall: other parts
confine hostile code.
"""

from __future__ import annotations

TASKS = "use trio tasks: nursery.start_soon(...)"
CALLS = "servers talk with node.call only"
DISK = "a server has no files: node.persister is its disk, and node.note(text) writes into the trace"
CHANCE = "use node.random: the same seed must give the same run"
CLOCK = "use trio.current_time(): the lab runs in virtual time"
PROGRAMS = "a server may not start programs"
SIGNALS = "a crash is a cancellation: let trio.Cancelled pass"
LOOP = "the lab runs trio's loop, and every server shares it"
WHOLE = "it concerns the whole loop, not this server alone"


class ForbiddenImport(ImportError):
    """A submission reached for what would let real time, threads, files or chance into a server."""


MODULES: dict[str, str] = {
    "asyncio": "the lab runs on trio: use trio",
    "threading": TASKS,
    "_thread": TASKS,
    "multiprocessing": "a server is one process: use trio tasks",
    "concurrent": TASKS,
    "subprocess": PROGRAMS,
    "socket": CALLS,
    "socketserver": CALLS,
    "ssl": CALLS,
    "select": CALLS,
    "selectors": CALLS,
    "http": CALLS,
    "urllib": CALLS,
    "signal": SIGNALS,
    "secrets": CHANCE,
    "uuid": CHANCE,
    "sched": "use trio.sleep",
    "ctypes": "a server is plain Python",
    "shutil": DISK,
    "tempfile": DISK,
    "glob": DISK,
    "fileinput": DISK,
    "sqlite3": DISK,
    "dbm": DISK,
    "shelve": DISK,
    "mmap": DISK,
}

BUILTINS: dict[str, str] = {
    "open": DISK,
    "input": "nobody types into a server; commands come through start",
}

TRIO: dict[str, str] = {
    "run": LOOP,
    "testing": "the tests own the clock: use trio.sleep and trio.Event",
    "to_thread": TASKS,
    "from_thread": TASKS,
    "open_signal_receiver": SIGNALS,
    "run_process": PROGRAMS,
    "Process": PROGRAMS,
    **dict.fromkeys(("open_file", "wrap_file", "Path", "PosixPath", "WindowsPath"), DISK),
    **dict.fromkeys(
        (
            "socket",
            "open_tcp_stream",
            "open_tcp_listeners",
            "open_unix_socket",
            "open_ssl_over_tcp_stream",
            "open_ssl_over_tcp_listeners",
            "serve_tcp",
            "serve_ssl_over_tcp",
            "serve_listeners",
            "SocketStream",
            "SocketListener",
            "SSLStream",
            "SSLListener",
            "DTLSEndpoint",
            "DTLSChannel",
        ),
        CALLS,
    ),
}

LOWLEVEL: dict[str, str] = {
    "open_process": PROGRAMS,
    "start_thread_soon": TASKS,
    "FdStream": DISK,
    **dict.fromkeys(
        (
            "start_guest_run",
            "spawn_system_task",
            "current_root_task",
            "current_statistics",
            "current_trio_token",
            "TrioToken",
            "add_instrument",
            "remove_instrument",
        ),
        f"{WHOLE}; use nursery.start_soon for tasks",
    ),
    **dict.fromkeys(
        (
            "wait_readable",
            "wait_writable",
            "notify_closing",
            "wait_overlapped",
            "write_overlapped",
            "readinto_overlapped",
            "register_with_iocp",
            "current_iocp",
            "monitor_completion_key",
            "WaitForSingleObject",
            "monitor_kevent",
            "wait_kevent",
            "current_kqueue",
        ),
        CALLS,
    ),
}

OS_KEPT = frozenset(
    [
        "altsep",
        "curdir",
        "devnull",
        "environ",
        "error",
        "extsep",
        "fsdecode",
        "fsencode",
        "fspath",
        "getenv",
        "linesep",
        "name",
        "pardir",
        "path",
        "pathsep",
        "PathLike",
        "sep",
        "strerror",
    ]
)
"""What is left of `os`: names and paths as text. `environ` and `getenv` see an empty environment."""
OS: dict[str, str] = {
    "urandom": CHANCE,
    "getrandom": CHANCE,
    "times": CLOCK,
    **dict.fromkeys(("fork", "forkpty", "system", "popen", "posix_spawn", "posix_spawnp"), PROGRAMS),
    **dict.fromkeys(("_exit", "abort", "kill", "killpg"), "a server ends when the simulator crashes it"),
}
OS_REST = "a server has no files and no machine of its own: node is all that it may see and do"

IO: dict[str, str] = dict.fromkeys(("open", "open_code", "FileIO"), DISK)

DATETIME: dict[str, dict[str, str]] = {
    "date": {"today": CLOCK},
    "datetime": dict.fromkeys(("now", "utcnow", "today"), CLOCK),
}
"""For each class the methods that read the wall clock; the rest of `datetime` is arithmetic."""

PATH: dict[str, str] = dict.fromkeys(
    [
        "open",
        "read_text",
        "read_bytes",
        "write_text",
        "write_bytes",
        "touch",
        "mkdir",
        "rmdir",
        "unlink",
        "rename",
        "replace",
        "chmod",
        "symlink_to",
        "hardlink_to",
        "iterdir",
        "glob",
        "rglob",
        "walk",
    ],
    DISK,
)
"""Methods of `pathlib.Path` that read or change the disk."""

IMPORTLIB: dict[str, str] = {
    "reload": "a module is loaded once per start of a server",
    **dict.fromkeys(("__import__", "util", "machinery", "resources", "metadata", "abc"), "use import_module or import"),
}
