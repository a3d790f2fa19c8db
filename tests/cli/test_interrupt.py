"""Ctrl-C where Python would lose it."""

from __future__ import annotations

import signal
import weakref

import pytest

from sim.cli.interrupt import Interrupts


class Thing:
    """Something with a finalizer."""


def test_an_interrupt_inside_a_finalizer_is_raised_later(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        thing = Thing()
        watcher = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
        del thing  # the callback runs here; Python reports and drops what it raises
        assert watcher() is None
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
    assert capsys.readouterr().err == ""
    assert signal.getsignal(signal.SIGINT) is before


def test_without_an_interrupt_nothing_happens() -> None:
    with Interrupts() as interrupts:
        interrupts.check()


def test_an_interrupt_elsewhere_is_raised_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupts():
        signal.raise_signal(signal.SIGINT)
