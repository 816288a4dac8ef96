"""SIGINT and SIGTERM as a polite request to stop."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruption_held() -> Iterator[None]:
    """Inside the block Ctrl-C is only noted; it takes effect at its end. Meant for imports that take a second.

    While classes are being built, libraries turn what interrupts them into errors of their own (pydantic's serializer
    does, and `__set_name__`), and an interrupted import leaves half a module behind.

    Raises:
        KeyboardInterrupt: at the end of the block, when a signal came in it.
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
