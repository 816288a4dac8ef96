"""Ctrl-C while libraries are being imported."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from orchestrator.run.stop import interruption_held


@pytest.fixture(autouse=True)
def python_s_own_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_takes_effect_at_the_end_of_the_block() -> None:
    reached = []

    def interrupted() -> None:
        with interruption_held():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end of the block")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_ctrl_c_nothing_happens() -> None:
    with interruption_held():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_in_the_block_is_told_all_the_same() -> None:
    with pytest.raises(ImportError), interruption_held():
        raise ImportError("no such module")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_whoever_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interruption_held():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_handler_of_somebody_else_is_called_at_once() -> None:
    called = []
    signal.signal(signal.SIGINT, lambda _number, _frame: called.append("theirs"))
    with interruption_held():
        signal.raise_signal(signal.SIGINT)
        assert called == ["theirs"]
