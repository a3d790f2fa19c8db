"""dsim: describe a distributed system in a file, simulate it, learn its throughput, latency and availability.

    import sim

    results = sim.run(sim.load("scenarios/quickstart.yaml"))
    results.summary()

The names below are imported when they are first used, so that `import sim` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim import network, report
    from sim.analysis import explain_scenario as explain
    from sim.experiment import Results, load_results
    from sim.experiment import run_scenario as run
    from sim.experiment.state_runs import weigh
    from sim.experiment.states import failure_states
    from sim.scenario import load, load_text

__version__ = "0.1.0"
__all__ = [
    "Results",
    "__version__",
    "explain",
    "failure_states",
    "load",
    "load_results",
    "load_text",
    "network",
    "report",
    "run",
    "weigh",
]

_HOMES = {
    "Results": ("sim.experiment", "Results"),
    "explain": ("sim.analysis", "explain_scenario"),
    "failure_states": ("sim.experiment.states", "failure_states"),
    "load": ("sim.scenario", "load"),
    "load_results": ("sim.experiment", "load_results"),
    "load_text": ("sim.scenario", "load_text"),
    "network": ("sim", "network"),
    "report": ("sim", "report"),
    "run": ("sim.experiment", "run_scenario"),
    "weigh": ("sim.experiment.state_runs", "weigh"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    module, attribute = _HOMES[name]
    value = import_module(f"sim.{name}") if module == "sim" else getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
