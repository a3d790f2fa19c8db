"""Who may import whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidy.sources import imports_of, modules

LAYERS = (
    ("sim",),  # the version, and names that are imported when they are used
    ("sim.errors",),
    ("sim.units",),
    ("sim.plugins",),
    ("sim.protocols",),
    ("sim.checks",),
    ("sim.kernel.jit", "sim.kernel.draws", "sim.kernel.keys", "sim.kernel.histogram"),
    ("sim.distributions",),
    ("sim.traffic",),
    ("sim.kernel",),
    ("sim.model",),
    ("sim.network",),
    ("sim.balancing",),
    ("sim.forms",),
    ("sim.steps",),
    ("sim.engine",),
    ("sim.failures",),
    ("sim.registries",),
    ("sim.scenario",),
    ("sim.analysis",),
    ("sim.statistics",),
    ("sim.experiment",),
    ("sim.report",),
    ("sim.cli",),
    ("sim.__main__",),
)
"""From low to high: a module imports those of its own row and of rows above it here. A module belongs to the row with
the longest name that it starts with. The kernel stands in two rows: what all compiled code is made of, and the data
plane itself, whose tables hold the distributions' and the arrivals'."""

LAZY = {"sim"}
"""Modules that name higher ones for their users, without importing them."""


def layer_of(module: str) -> int:
    best, found = "", -1
    for index, names in enumerate(LAYERS):
        for name in names:
            covers = module == name or (module.startswith(name + ".") and name != "sim")
            if covers and len(name) > len(best):
                best, found = name, index
    assert found >= 0, f"{module} has no layer; add it to LAYERS"
    return found


@pytest.mark.parametrize("module, path", [(m, p) for m, p in sorted(modules().items()) if m not in LAZY])
def test_imports_point_downwards(module: str, path: Path) -> None:
    upward = sorted(name for name in imports_of(path) if name in modules() and layer_of(name) > layer_of(module))
    assert not upward, f"{module} may not import {', '.join(upward)}: they stand above it in LAYERS"


def test_every_layer_exists() -> None:
    missing = [name for names in LAYERS for name in names if name not in modules()]
    assert not missing, f"LAYERS names {', '.join(missing)}, which do not exist"
