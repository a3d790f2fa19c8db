"""Handlers that a user writes as SimPy generators.

    def handle(request):
        yield request.cpu(0.002)                      # core-seconds on this instance
        outcome = yield request.call("orders.place")  # 'ok', 'timeout', …; a call that the endpoint declares
        yield request.timeout(0.01)                   # a wait
        if outcome != "ok":
            request.fail()

The kernel writes a signal when a task reaches such an endpoint; the generator runs as a SimPy process at that simulated
time. What it yields is carried out by the kernel in a branch of the task, so queues, shares, timeouts, retries and
crashes treat it like any other work. Falling off the end answers ok; `request.fail()` answers error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any

import simpy

from sim.engine import loop
from sim.engine.clock import Environment
from sim.engine.cluster import Cluster
from sim.engine.holdings import Holdings
from sim.engine.node_clocks import NodeClock
from sim.errors import DsimError, PluginError
from sim.kernel.codes import CANCELLED, OK_PC, OUTCOMES, SIGNAL_DONE, SIGNAL_ENDED, SIGNAL_FULL, SIGNAL_START
from sim.kernel.draws import uniform
from sim.kernel.keys import USER_WORDS

Handler = Callable[["Request"], Generator[simpy.Event, Any, Any]]
BODY = "body"
"""The name of a built-in handler's own steps, among what it may run."""
VISITS = 1 << 20
OPERATIONS = 64
"""Numbers of operations that one visit of a step has to itself, for the draws of what it runs."""


class _Failed(Exception):
    pass


class Request:
    """One task of a behaviour, as its generator sees it."""

    def __init__(self, owner: Behaviours, task: int, generation: int, calls: dict[str, int]) -> None:
        row = owner.env.tables.state["task"][task]
        self.env: simpy.Environment = owner.env
        self.index = int(row["index"])
        """The request's number in its source."""
        self._owner, self._task, self._generation, self._calls = owner, task, generation, calls
        self._key = row["fresh"].copy()
        self._operations = OPERATIONS * (int(row["visit"]) % VISITS)
        self._instance = int(row["instance"])

    @property
    def now(self) -> float:
        """Simulated time in seconds."""
        return float(self.env.now)

    @property
    def clock(self) -> NodeClock:
        """The clocks of the node that it runs on: `request.clock.wall()`, `request.clock.monotonic()`."""
        tables = self._owner.env.tables
        node = int(tables.state["instance"][int(tables.state["task"][self._task]["instance"])]["node"])
        return self._owner.cluster.clock(tables.model.nodes[node].name)

    def timeout(self, wait_s: float) -> simpy.Event:
        """Happens after some time."""
        return self.env.timeout(wait_s)

    def uniform(self, k: int) -> float:
        """The k-th uniform number of this attempt, k = 0, 1, …: reproducible, independent of all other draws."""
        if not 0 <= k < USER_WORDS:
            raise DsimError(f"request.uniform: got {k!r}; must be an integer of at least 0 and below 2**40")
        return float(uniform(self._key, k))

    def cpu(self, work_s: float) -> simpy.Event:
        """Happens when `work_s` core-seconds have been given to this task."""
        if not work_s >= 0.0:
            raise DsimError(f"request.cpu: got {work_s!r}; must be a number of core-seconds of at least 0")
        return self._start(loop.BURST, OK_PC, work_s)

    def call(self, target: str) -> simpy.Event:
        """Happens when the call has ended, with its outcome's name as value."""
        if target not in self._calls:
            known = ", ".join(self._calls) or "none"
            raise DsimError(
                f"request.call: got {target!r}; the endpoint declares under `calls:`: {known}; add it there"
            )
        return self._start(loop.CALL, self._calls[target], 0.0)

    def fail(self) -> None:
        """Answer error."""
        raise _Failed

    # What built-in handlers may do besides

    @property
    def cluster(self) -> Cluster:
        return self._owner.cluster

    @property
    def instance(self) -> str:
        """The process that it runs in."""
        return self._owner.instances[self._instance]

    def run_body(self) -> simpy.Event:
        """Happens when the step's own steps have ended, with `ok` or how they failed."""
        return self._start(loop.CALL, self._calls[BODY], 0.0)

    def hold(self, holding: Any) -> Any:
        """What all that it runs from now on carries with it; None: nothing more. Returns what that was before."""
        return self._owner.holdings.put(self._task, self._generation, holding)

    @property
    def held(self) -> Any:
        """What the nearest of those on whose behalf it runs holds; None: none of them does."""
        return self._owner.holdings.of(self._task)

    def _start(self, act: int, pc: int, amount: float) -> simpy.Event:
        event = self.env.event()
        self._operations += 1
        waiting = self._owner.waiting.setdefault((self._task, self._generation), {})
        waiting[self._operations] = event
        self._owner.env.control(act, self._task, self._generation, pc, self._operations, amount)
        return event


class Behaviours:
    """Runs the generators of all tasks that are in a behaviour."""

    def __init__(self, env: Environment, cluster: Cluster) -> None:
        self.env = env
        self.cluster = cluster
        self.waiting: dict[tuple[int, int], dict[int, simpy.Event]] = {}
        """By task: the operations under way."""
        self.processes: dict[tuple[int, int], simpy.Process] = {}
        self.holdings = Holdings(env.tables.state)
        self.instances = list(env.tables.instance_row)
        self.handlers = list(self._declared())
        env.on_signals = self.read_signals

    def _declared(self) -> Iterator[tuple[Handler, str, dict[str, int]]]:
        """Each generator, its name, and what it may run."""
        for handler, entries in self.env.tables.behaviours:
            if isinstance(handler, str):
                yield find(handler), f"behaviour {handler}", self._calls(entries)
            else:
                yield handler.handle, f"step {type(handler).__name__.lower()}", dict(zip([BODY], entries, strict=False))

    def _calls(self, entries: Sequence[int]) -> dict[str, int]:
        tables = self.env.tables
        calls: dict[str, int] = {}
        for entry in entries:
            edge = tables.edges[int(tables.state["step"][entry]["a"])]
            calls[f"{edge.service}.{edge.endpoint}"] = entry
            calls.setdefault(edge.service, entry)
        return calls

    def read_signals(self) -> None:
        """Empty the kernel's outbox."""
        state = self.env.tables.state
        signals = state["outbox"][: int(state["outbox_length"])].tolist()
        state["outbox_length"] = 0
        for kind, task, generation, operation, outcome in signals:
            if kind == SIGNAL_START:
                self.processes[task, generation] = self.env.process(self._run(task, generation))
            elif kind == SIGNAL_DONE:
                event = self.waiting.get((task, generation), {}).pop(operation, None)
                if event is not None:
                    event.succeed(OUTCOMES[outcome])
            elif kind == SIGNAL_ENDED:
                self.env.ended(operation, OUTCOMES[outcome])
            elif kind == SIGNAL_FULL:
                self.env.on_full_memory(task)
            else:
                self.waiting.pop((task, generation), None)
                process = self.processes.pop((task, generation), None)
                if process is not None and process.is_alive:
                    process.interrupt(OUTCOMES[CANCELLED])

    def _run(self, task: int, generation: int) -> Generator[simpy.Event, Any, None]:
        number = int(self.env.tables.state["step"][int(self.env.tables.state["task"][task]["pc"])]["a"])
        handler, name, calls = self.handlers[number]
        try:
            yield from _checked(handler(Request(self, task, generation, calls)))
            succeeded = 1
        except _Failed:
            succeeded = 0
        except simpy.Interrupt:
            return
        except DsimError as error:
            raise PluginError(f"{name}: {error}") from error
        except Exception as error:
            raise PluginError(
                f"{name} failed at {self.env.now:.6g} s of simulated time: {type(error).__name__}: {error}"
            ) from error
        self.processes.pop((task, generation), None)
        self.waiting.pop((task, generation), None)
        self.env.control(loop.FINISH, task, generation, pc=succeeded)


def _checked(generator: Any) -> Generator[simpy.Event, Any, None]:
    """Drive a user's generator, which must be one, and must yield events."""
    if not isinstance(generator, Generator):
        raise DsimError(
            "must be a generator: a function that yields what the request does, e.g. yield request.cpu(0.001)"
        )
    resume = partial(next, generator)
    while True:
        try:
            event = resume()
        except StopIteration:
            return
        if not isinstance(event, simpy.Event):
            raise DsimError(f"yielded {event!r}; must be an event, e.g. yield request.timeout(0.01)")
        try:
            resume = partial(generator.send, (yield event))
        except simpy.Interrupt:
            generator.close()
            raise
        except Exception as error:
            resume = partial(generator.throw, error)


def find(function: str) -> Handler:
    """The generator function `module:function` of a loaded plugin."""
    module, _, name = function.partition(":")
    if module not in sys.modules:
        raise PluginError(
            f"behaviour {function}: no module {module!r} is loaded; give its file with --plugin {module}.py"
        )
    handler = getattr(sys.modules[module], name, None)
    if handler is None:
        raise PluginError(
            f"behaviour {function}: {module} has no function {name!r}; define `def {name}(request):` there"
        )
    checked: Handler = handler
    return checked
