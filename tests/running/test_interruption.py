"""Signals that ask a run to end."""

import os
import signal

import pytest

from benchmark.running.interruption import Interrupted, Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_raised_or_remembered(number):
    before = signal.getsignal(number)
    with Interruption() as interruption:
        with pytest.raises(Interrupted) as raised:
            os.kill(os.getpid(), number)
        assert raised.value.number == number
        interruption.deferred = True
        os.kill(os.getpid(), number)
        assert interruption.number == number
    assert signal.getsignal(number) == before


def test_a_second_signal_ends_at_once_unless_it_tells_of_the_terminal_again():
    with Interruption() as interruption:
        interruption.deferred = True
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGHUP):
            os.kill(os.getpid(), number)
        assert interruption.number == signal.SIGTERM
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_that_was_ignored_stays_ignored():
    """As SIGHUP is under `nohup`, and Ctrl-C in the background of a script."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interruption
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
