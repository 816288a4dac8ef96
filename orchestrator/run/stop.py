"""SIGINT and SIGTERM as a polite request to stop."""

from __future__ import annotations

import asyncio
import contextvars
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

from orchestrator.errors import OrchestratorError, StoppedError
from orchestrator.goals.events import StopRequested, notify

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruption_held() -> Iterator[None]:
    """Inside the block Ctrl-C is only noted; it takes effect at its end. Meant for imports that take a second.

    While classes are being built, libraries turn what interrupts them into errors of their own (pydantic's serializer
    does, and `__set_name__`), and an interrupted import leaves half a module behind.

    Raises KeyboardInterrupt: at the end of the block, when a signal came in it.
    """
    came = threading.Event()
    main = threading.current_thread() is threading.main_thread()
    # Whoever has chosen a handler of their own, or none, keeps it.
    held = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if held:
        signal.signal(signal.SIGINT, lambda _number, _frame: came.set())
    try:
        yield
    finally:
        if held:
            signal.signal(signal.SIGINT, signal.default_int_handler)
    if came.is_set():
        raise KeyboardInterrupt


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Inside the block, each SIGINT or SIGTERM calls `stop` on the running loop; afterwards all is as before.

    Give it `Scheduler.shutdown`: the first signal stops in order, the second at once. Where a loop cannot take
    signals (another thread than the main one, Windows) the block runs without.
    """
    loop = asyncio.get_running_loop()
    before = {}
    if threading.current_thread() is threading.main_thread():
        try:
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                loop.add_signal_handler(number, stop)
                before[number] = handler
        except NotImplementedError:  # Python says so of loops that take no signals, as on Windows
            pass
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


Value = TypeVar("Value")

ASKED = "it was asked to stop"


class Stop:
    """What a request to stop means at each moment.

    At first a request ends the run at once, since there is nothing to lose. After `ends_with`, the first request only
    calls what was given, so that the run comes to its end by itself; a second one ends it at once.
    """

    def __init__(self, cancel: Callable[[], object]) -> None:
        self._cancel = cancel
        self._end: Callable[[], object] | None = None
        self.requests = 0

    @property
    def reason(self) -> str:
        """Why the run ends early, "" when it does not."""
        return ASKED if self.requests else ""

    def ends_with(self, end: Callable[[], object]) -> None:
        """From now on, let the first request call `end`."""
        self._end = end

    def request(self) -> None:
        """Ask the run to stop."""
        self.requests += 1
        in_order = self.requests == 1 and self._end is not None
        notify(StopRequested(at_once=not in_order))
        if self._end is not None:
            self._end()
        if not in_order:
            self._cancel()


@asynccontextmanager
async def stoppable() -> AsyncIterator[Stop]:
    """Inside the block, SIGINT and SIGTERM are requests to stop; afterwards all is as before.
    Raises StoppedError: the run was ended at once.
    """
    task = asyncio.current_task()
    assert task is not None
    cancels = 0

    def cancel() -> None:
        nonlocal cancels
        cancels += 1
        task.cancel()

    stop = Stop(cancel)
    try:
        try:
            with stop_on_signals(stop.request):
                yield stop
                # A signal that came while nothing was awaited is still with the loop, which takes two rounds to hand it
                # over and a third to cancel; behind this block nobody would hear of it.
                for _ in range(3):
                    await asyncio.sleep(0)
        finally:
            if cancels:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)  # one that has not arrived yet would hit whatever comes next
            for _ in range(cancels):
                task.uncancel()
    except (asyncio.CancelledError, OrchestratorError) as error:
        # Ctrl-C reaches the programs we started, too: what they then failed at is no error of its own.
        if cancels and not task.cancelling():
            raise StoppedError(
                "The run was stopped before its end",
                hint="What was tried is in the ledger: the next run goes on from there.",
            ) from error
        raise


async def in_background(work: Callable[[], Value]) -> Value:
    """Run blocking `work` in a thread that nobody has to wait for: a cancelled caller leaves it behind, as does the
    end of the program. So Ctrl-C works while git or npm does.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Value] = loop.create_future()
    context = contextvars.copy_context()

    def tell(set_answer: Callable[[Any], None], value: object) -> None:
        if not answer.done():
            set_answer(value)

    def run() -> None:
        outcome: tuple[Callable[[Any], None], object]
        try:
            outcome = (answer.set_result, context.run(work))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the caller's
            outcome = (answer.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, *outcome)

    threading.Thread(target=run, daemon=True, name=f"background {getattr(work, '__name__', 'work')}").start()
    return await answer
