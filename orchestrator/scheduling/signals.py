"""SIGINT and SIGTERM as a polite request to stop."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        except NotImplementedError:
            pass
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
