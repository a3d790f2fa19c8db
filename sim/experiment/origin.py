"""Where results come from: enough to run them again."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import sim

PACKAGES = ("numba", "numpy", "pandas", "pyarrow", "scipy", "simpy")


def versions() -> dict[str, str]:
    """Of dsim, Python and the packages that the numbers depend on."""
    return {
        "dsim": sim.__version__,
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


@dataclass(frozen=True)
class Origin:
    """What was run: the scenario file as it was read, what was changed on the way, the resolved model of each variant
    as plain data, and the versions that ran it."""

    text: str = ""
    overrides: tuple[str, ...] = ()
    models: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=versions)
