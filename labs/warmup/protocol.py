"""The warm-up's only remote call. Registered when this is imported; in servers' processes, too.

Its messages stand in labs.messages, and `node.call` has a line for them (labs.node): a student's imports never change.
"""

from __future__ import annotations

from labs.codec.rpcs import Kind, Rpc, register
from labs.messages import PingArgs, PingReply

PING = Rpc("Ping", "ping", Kind(6, PingArgs), Kind(7, PingReply), short="ping", shown="")
register(__name__, PING)
