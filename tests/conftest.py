"""Isolation: what a test's plugins register is gone when the test ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from sim import plugins
from sim.balancing.policy import POLICIES


@pytest.fixture(autouse=True)
def forget_plugins() -> Iterator[None]:
    known, loaded, modules = dict(POLICIES), dict(plugins._loaded), set(sys.modules)
    yield
    added = [module.__name__ for path, module in plugins._loaded.items() if path not in loaded]
    for name in added:
        if name not in modules:
            sys.modules.pop(name, None)
    plugins._loaded.clear()
    plugins._loaded.update(loaded)
    POLICIES.clear()
    POLICIES.update(known)
