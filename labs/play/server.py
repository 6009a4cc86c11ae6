"""The server of the page: on this machine only, and only for a browser with the token in the address.

One thread serves one page. A page gets the lines of the trace as they come, and sends commands; several pages may show
one cluster. Virtual time passes only while a page is open.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from labs.play import commands
from labs.play.live import Live, Refused

HOST = "127.0.0.1"
TICK = 0.04
"""Real seconds between two looks at the cluster."""
MOST_LINES = 20_000
"""How many lines one message to a page has at most."""


class News(msgspec.Struct, omit_defaults=True):
    """What a page is sent. `lines` are those of the trace that it has not got; with `reset`, all of another run."""

    now: float
    speed: float
    by_hand: bool
    is_over: bool
    reset: bool = False
    lines: str = ""
    words: str = ""
    error: str = ""


class PageServer:
    """Serves one page, and its cluster if there is one."""

    def __init__(self, make_page: Callable[[str], str], live: Live | None) -> None:
        self._token = secrets.token_urlsafe(16)
        self._live, self._lock, self._ticked = live, threading.Lock(), time.monotonic()
        self._closing = threading.Event()
        self._server: Server = serve(self._talk, HOST, 0, process_request=self._answer, max_size=64_000)
        self._place = f"{HOST}:{self._server.socket.getsockname()[1]}"
        self._page = make_page(self._place).encode()

    @property
    def address(self) -> str:
        """Where the page is, with the token."""
        return f"http://{self._place}/?token={self._token}"

    def serve(self) -> None:
        """Serve until `close` is called, or Ctrl-C."""
        self._server.serve_forever()

    def close(self) -> None:
        """Stop serving, and end the run."""
        self._closing.set()  # of connections not every version of the library takes care
        self._server.shutdown()
        if self._live is not None:
            with self._lock:
                self._live.end()

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return the page, or a refusal; None lets a page of ours connect."""
        parts = urlsplit(request.path)
        token = parse_qs(parts.query).get("token", [""])[0]
        origin = request.headers.get("Origin", f"http://{self._place}")
        is_ours = request.headers.get("Host") == self._place and origin == f"http://{self._place}"
        if not is_ours or not hmac.compare_digest(token.encode(), self._token.encode()):
            return connection.respond(HTTPStatus.FORBIDDEN, "Use the whole address that the command printed.\n")
        if parts.path == "/live" and self._live is not None:
            return None
        if parts.path != "/":
            return connection.respond(HTTPStatus.NOT_FOUND, "There is only one page.\n")
        headers = Headers(
            {
                "Content-Type": "text/html; charset=utf-8",
                "Content-Length": str(len(self._page)),
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Connection": "close",
            }
        )
        return Response(HTTPStatus.OK, "OK", headers, self._page)

    def _talk(self, connection: ServerConnection) -> None:
        """Serve one page: carry out its commands, and send it what is new."""
        assert self._live is not None
        epoch, sent, before, known = -1, 0, None, ""
        try:
            while not self._closing.is_set():
                words, error = self._obey(connection)
                with self._lock:
                    self._tick(self._live)
                    reset = epoch != self._live.epoch
                    epoch, sent = self._live.epoch, 0 if reset else sent
                    lines = self._live.lines[sent : sent + MOST_LINES]
                    sent += len(lines)
                    is_over = self._live.is_over and sent == len(self._live.lines)  # the last line is the verdict
                    state = self._live.now, self._live.speed, self._live.by_hand, is_over
                    here = known if self._live.is_over and not is_over else self._live.words
                if here != known:
                    words, known = words or here, here
                if lines or reset or words or error or state != before:
                    news = News(*state, reset, b"".join(lines).decode(), words, error)
                    connection.send(msgspec.json.encode(news).decode())
                before = state
        except ConnectionClosed:
            return

    def _obey(self, connection: ServerConnection) -> tuple[str, str]:
        """Carry out the next command, if one comes soon; return words about it, and an error."""
        assert self._live is not None
        try:
            command = commands.decode(connection.recv(timeout=TICK))
            with self._lock:
                return self._live.take(command), ""
        except TimeoutError:
            return "", ""
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return "", f"not a command: {error}"
        except (Refused, OSError) as error:
            return "", str(error)

    def _tick(self, live: Live) -> None:
        """Let the time pass that has passed really."""
        now = time.monotonic()
        passed, self._ticked = now - self._ticked, now
        live.pass_time(passed)
