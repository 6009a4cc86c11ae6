"""The modules that a confined server can import: a zygote imports them in advance, because a server opens no file.

They are all modules of Python's own that a server may use and could need, and those that the lab needs. The walls do
not depend on this list.
"""

from __future__ import annotations

import sys

from labs.sim.loader import import_policy

_OF_NO_USE = """
antigravity this turtle turtledemo tkinter idlelib lib2to3 ensurepip venv pydoc pydoc_data distutils
test asyncore asynchat smtpd smtplib ftplib poplib imaplib nntplib telnetlib xmlrpc webbrowser
wsgiref cgi cgitb imp crypt spwd nis pwd grp termios tty pty curses readline rlcompleter ossaudiodev
syslog resource msvcrt winreg winsound nt _winapi cProfile profile pstats trace tracemalloc pdb bdb
code codeop doctest unittest zipapp zipfile zipimport tarfile bz2 gzip lzma plistlib mailbox mailcap
mimetypes email netrc xml py_compile compileall ctypes curses pipes posix faulthandler getpass
gettext optparse argparse getopt configparser tomllib sqlite3 stringprep symtable sysconfig tabnanny
modulefinder pkgutil pyclbr runpy site sitecustomize usercustomize wave sndhdr sunau uu xdrlib chunk
aifc audioop imghdr nturl2path ntpath filecmp fcntl
"""
UNWANTED = frozenset(_OF_NO_USE.split())
"""Modules that are of no use to a server, or slow to import."""
MORE = ("collections.abc", "json.decoder", "json.encoder", "logging.handlers", "importlib.util", "_strptime")
ENCODINGS = ("utf_8", "utf_16", "utf_32", "latin_1", "ascii", "idna", "hex_codec", "base64_codec", "raw_unicode_escape")
THEIRS = (
    "labs.node",
    "labs.messages",
    "msgspec.json",
    "msgspec.msgpack",
    "sortedcontainers",
    "attr",
    "attrs",
    "outcome",
)


def preload() -> list[str]:
    """Return the names of the modules, in order."""
    own = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    wanted = own - UNWANTED - set(import_policy.MODULES)
    return [*sorted(wanted), *MORE, *(f"encodings.{name}" for name in ENCODINGS), *THEIRS]
