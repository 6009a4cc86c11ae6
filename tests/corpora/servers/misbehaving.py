"""Known-wrong servers, each wrong in one way that has nothing to do with Raft. `# here` marks the line to blame."""

from __future__ import annotations

import sys
import time
from typing import Any

import trio

from labs.messages import (
    ApplyCommand,
    ApplySnapshot,
    LogEntry,
    PersistentState,
    PingArgs,
    PingReply,
    RequestVoteArgs,
    RequestVoteReply,
)

from .plain import Plain

# Servers that raise.


class RaisesInConstructor(Plain):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        raise KeyError("wrong")  # here: RaisesInConstructor


class RaisesInRun(Plain):
    async def run(self) -> None:
        await trio.sleep(0.1)
        raise KeyError("wrong")  # here: RaisesInRun


class RaisesInTask(Plain):
    async def ping_peer(self, peer: int, args: PingArgs) -> None:
        await self.node.call(peer, args)
        raise KeyError("wrong")  # here: RaisesInTask


class RaisesInHandler(Plain):
    def ping(self, args: PingArgs) -> Any:
        raise KeyError("wrong")  # here: RaisesInHandler


class RaisesGeneratorExitInSlowHandler(Plain):
    """Looks like a coroutine that is cleared away."""

    async def ping(self, args: PingArgs) -> Any:
        raise GeneratorExit("wrong")  # here: RaisesGeneratorExitInSlowHandler


class Unsplit(ExceptionGroup[Exception]):
    """A group that takes itself apart in its own way."""

    exceptions: Any = 5

    def split(self, *arguments: Any) -> Any:
        return 5


class RaisesItsOwnGroup(Plain):
    def ping(self, args: PingArgs) -> Any:
        try:
            raise KeyError("wrong")  # here: RaisesItsOwnGroup
        except KeyError as error:
            raise Unsplit("several", [error]) from None


class CancelsTheRun(Plain):
    """Cancels nurseries that it did not open."""

    async def run(self) -> None:
        await trio.sleep(0.1)
        task = trio.lowlevel.current_task()
        for _ in range(3):
            assert task.parent_nursery is not None
            task.parent_nursery.cancel_scope.cancel()
            task = task.parent_nursery.parent_task
        await trio.sleep_forever()


class RaisesCancelledInHandler(Plain):
    """A handler never waits, so nobody has cancelled it, whatever it raises."""

    async def run(self) -> None:
        try:
            with trio.fail_after(0.05):
                try:
                    await trio.sleep_forever()  # here: RaisesCancelledInHandler
                except trio.Cancelled as cancelled:
                    self.cancelled = cancelled
                    raise
        except trio.TooSlowError:
            await super().run()

    def ping(self, args: PingArgs) -> Any:
        raise self.cancelled  # again: RaisesCancelledInHandler


class RaisesGeneratorExitInStart(Plain):
    def start(self, command: Any) -> Any:
        raise GeneratorExit("wrong")  # here: RaisesGeneratorExitInStart


class RaisesInSlowHandler(Plain):
    async def ping(self, args: PingArgs) -> Any:
        await trio.sleep(0.1)
        raise KeyError("wrong")  # here: RaisesInSlowHandler


class RaisesInStart(Plain):
    def start(self, command: Any) -> Any:
        raise KeyError("wrong")  # here: RaisesInStart


class RaisesInGetState(Plain):
    def get_state(self) -> Any:
        raise KeyError("wrong")  # here: RaisesInGetState


class RaisesInSnapshot(Plain):
    def start(self, command: Any) -> Any:
        for index in range(1, 11):
            self.apply_ch.send_nowait(ApplyCommand(index, command))
        return -1, 0, False

    def snapshot(self, index: int, snapshot: bytes) -> Any:
        raise KeyError("wrong")  # here: RaisesInSnapshot


class RaisesWhenCrashed(Plain):
    async def run(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise KeyError("nobody can see this")


class RaisesInOneTaskWhenCrashed(Plain):
    """Its error comes out in one group with the cancellations of its other tasks."""

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.last_words)
            await trio.sleep_forever()

    async def last_words(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise KeyError("wrong")


class RaisesWithoutText(Plain):
    async def run(self) -> None:
        class Unspeakable(Exception):
            def __str__(self) -> str:
                raise KeyError("nor this")

        raise Unspeakable  # here: RaisesWithoutText


class Exits(Plain):
    def ping(self, args: PingArgs) -> Any:
        sys.exit("wrong")  # here: Exits


# Servers whose methods are not what the simulator calls.


class RunWithoutSelf(Plain):
    async def run() -> None:  # type: ignore[misc]  # here: RunWithoutSelf
        await trio.sleep_forever()


class PlainRun(Plain):
    def run(self) -> Any:  # here: PlainRun
        return None


class AsyncStart(Plain):
    async def start(self, command: Any) -> Any:  # here: AsyncStart
        return 1, 1, True


class AsyncGetState(Plain):
    async def get_state(self) -> Any:  # here: AsyncGetState
        return 1, True


class StartReturnsNothing(Plain):
    def start(self, command: Any) -> Any:  # here: StartReturnsNothing
        return None


class StartReturnsFloat(Plain):
    def start(self, command: Any) -> Any:  # here: StartReturnsFloat
        return 1.0, 1, True


class StartReturnsUnspeakable(Plain):
    def start(self, command: Any) -> Any:  # here: StartReturnsUnspeakable
        class Unspeakable:
            def __repr__(self) -> str:
                raise KeyError("nobody can see this")

        return Unspeakable()


class GetStateReturnsOneThing(Plain):
    def get_state(self) -> Any:  # here: GetStateReturnsOneThing
        return True


class ReturnsNothing(Plain):
    def ping(self, args: PingArgs) -> Any:  # here: ReturnsNothing
        return None


class ReturnsAnotherReply(Plain):
    def ping(self, args: PingArgs) -> Any:  # here: ReturnsAnotherReply
        return RequestVoteReply(1, True)


class ReturnsWrongField(Plain):
    async def ping(self, args: PingArgs) -> Any:  # here: ReturnsWrongField
        return PingReply("one")  # type: ignore[arg-type]


class ReturnsHollowReply(Plain):
    def ping(self, args: PingArgs) -> Any:  # here: ReturnsHollowReply
        return object.__new__(PingReply)


# Servers that hand over what nobody can take.


class CallsItself(Plain):
    async def run(self) -> None:
        await self.node.call(self.node.me, PingArgs(1))  # here: CallsItself


class CallsFraction(Plain):
    async def run(self) -> None:
        await self.node.call(self.node.peers[0] / 1, PingArgs(1))  # type: ignore[call-overload]  # here: CallsFraction


class SendsText(Plain):
    async def run(self) -> None:
        await self.node.call(self.node.peers[0], "hello")  # type: ignore[call-overload]  # here: SendsText


class SendsReply(Plain):
    async def run(self) -> None:
        await self.node.call(self.node.peers[0], PingReply(1))  # type: ignore[call-overload]  # here: SendsReply


class SendsWrongField(Plain):
    async def run(self) -> None:
        args = RequestVoteArgs(term=1, candidate_id=None, last_log_index=0, last_log_term=0)  # type: ignore[arg-type]
        await self.node.call(self.node.peers[0], args)  # here: SendsWrongField


class SendsAndCatches(Plain):
    async def run(self) -> None:
        try:
            await self.node.call(self.node.peers[0], None)  # type: ignore[call-overload]  # here: SendsAndCatches
        except Exception:
            await trio.sleep_forever()


class SavesSet(Plain):
    async def run(self) -> None:
        self.node.persister.save(PersistentState(1, None, [LogEntry(1, {1, 2})]))  # type: ignore[arg-type]  # here: SavesSet


class SavesTuple(Plain):
    async def run(self) -> None:
        self.node.persister.save(PersistentState(1, None, ()))  # type: ignore[arg-type]  # here: SavesTuple


class SavesText(Plain):
    async def run(self) -> None:
        self.node.persister.save(PersistentState(1, None, []), "text")  # type: ignore[arg-type]  # here: SavesText


class SavesDict(Plain):
    async def run(self) -> None:
        self.node.persister.save({"current_term": 1})  # type: ignore[arg-type]  # here: SavesDict


class AppliesSet(Plain):
    async def run(self) -> None:
        await self.apply_ch.send(ApplyCommand(1, {1, 2}))  # type: ignore[arg-type]  # here: AppliesSet


class AppliesEntry(Plain):
    async def run(self) -> None:
        self.apply_ch.send_nowait(LogEntry(1, "x"))  # type: ignore[arg-type]  # here: AppliesEntry


class AppliesTextIndex(Plain):
    async def run(self) -> None:
        self.apply_ch.send_nowait(ApplyCommand("1", "x"))  # type: ignore[arg-type]  # here: AppliesTextIndex


class AppliesTextSnapshot(Plain):
    async def run(self) -> None:
        self.apply_ch.send_nowait(ApplySnapshot(1, 1, "x"))  # type: ignore[arg-type]  # here: AppliesTextSnapshot


# Servers that take time in the wrong way, or none.


class Spins(Plain):
    async def run(self) -> None:
        while True:
            await trio.sleep(0)  # here: Spins


class SpinsWithPeer(Plain):
    async def run(self) -> None:
        while True:
            await self.node.call(self.node.peers[0], PingArgs(1))  # here: SpinsWithPeer


class SpinsInTwoTasks(Plain):
    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(self.spin)

    async def spin(self) -> None:
        while True:
            await trio.lowlevel.checkpoint()  # here: SpinsInTwoTasks


class SpinsMakingTasks(Plain):
    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            while True:
                nursery.start_soon(trio.sleep_forever)
                await trio.lowlevel.checkpoint()  # here: SpinsMakingTasks


class Sleeps(Plain):
    async def run(self) -> None:
        time.sleep(0.1)  # here: Sleeps


class ImportsThreading(Plain):
    async def run(self) -> None:
        import threading  # here: ImportsThreading

        threading.Thread(target=print).start()


class ImportsAsyncio(Plain):
    async def run(self) -> None:
        from asyncio import sleep  # here: ImportsAsyncio

        await sleep(0.1)


class NeverYields(Plain):
    async def run(self) -> None:
        while True:
            pass  # here: NeverYields


class NeverYieldsInGetState(Plain):
    def get_state(self) -> Any:
        while True:
            pass  # here: NeverYieldsInGetState


class NeverYieldsNorListens(Plain):
    async def run(self) -> None:
        while True:
            try:
                while True:
                    pass  # here: NeverYieldsNorListens
            except BaseException:
                pass


# Servers that go on after their crash.


class SwallowsCancelled(Plain):
    async def run(self) -> None:
        while True:
            try:
                await trio.sleep(0.1)  # here: SwallowsCancelled
            except trio.Cancelled:
                self.node.note("not me")


class ShieldsItself(Plain):
    async def run(self) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(10.0)  # here: ShieldsItself


class LingersAfterCrash(Plain):
    async def run(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(0.1)  # here: LingersAfterCrash


# Servers that go too far.


class NotesBadText(Plain):
    async def run(self) -> None:
        self.node.note("\ud800")


class RaisesBadText(Plain):
    async def run(self) -> None:
        raise ValueError("\ud800" * 10_000)  # here: RaisesBadText


class SendsHugeTerm(Plain):
    async def run(self) -> None:
        await self.node.call(self.node.peers[0], RequestVoteArgs(2**70, 0, 0, 0))  # here: SendsHugeTerm
