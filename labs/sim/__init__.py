"""The simulator: runs servers in virtual time on a network with faults. Knows no rule, no checker, no stage.

The way of a message, from `node.call` to the peer's handler and back, in eight modules:

1.  server/ports        `ServerNode.call` hands the message to its incarnation, and waits for the reply.
2.  server/incarnation  `Incarnation.call` checks and encodes it, and puts it into the outbox.
3.  dispatch            `Dispatcher.flush` takes the outboxes in the order of the servers' ids, once nobody can run.
4.  rpc                 `Calls.carry_call` records the request, and asks the network for its fate.
5.  net/network         decides whether it is lost, and how long it takes.
6.  kernel              `Kernel._hand_out` lets it arrive when that time has come (it waits in `world`).
7.  hosts/inline, or hosts/process/pool: lets the receiver run, whose `Incarnation` calls the submission's handler.
8.  codec/messages      encodes and decodes, on each side.

The reply goes the same way back: outbox, dispatch, `Calls.carry_reply`, network, kernel, `Incarnation.reply`.
"""
