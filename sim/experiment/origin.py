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
    """What was run, and by what.

    `files` are the scenario file and those that it includes as they were read, by path, the scenario file first;
    `texts` what it says about itself (title, question …); `overrides` what was changed on the way, as `key=value`;
    `models` the resolved model of each variant as plain data; `notes` what a reader has to be told, a sentence each.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    models: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=versions)
