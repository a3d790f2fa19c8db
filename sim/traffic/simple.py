"""Arrival processes that look the same at every time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sim.distributions import Distribution, Form, Parameter
from sim.distributions.parameters import Parameters
from sim.errors import DsimError
from sim.traffic.base import CLOSED, CONSTANT, MMPP, POISSON, RENEWAL, Arrivals, Process, register

RATE = Parameter("rate", "arrivals per second", above=0.0, attribute="rate_per_s")


@register
@dataclass(frozen=True)
class Poisson(Arrivals):
    """Independent users without number: exponential gaps. Gap i is E_i / rate, so that rates compare draw by draw."""

    name = "poisson"
    code = POISSON
    parameters: ClassVar[Parameters] = {"rate": RATE}
    forms = (Form(("rate",)),)
    single = "rate"

    rate_per_s: float

    def mean_rate(self, until_s: float) -> float:
        return self.rate_per_s

    def lower(self) -> Process:
        return Process(POISSON, a=1.0 / self.rate_per_s)


@register
@dataclass(frozen=True)
class ConstantRate(Arrivals):
    """A metronome: request i at (i + 1) / rate, so the first one comes after one full gap."""

    name = "constant"
    code = CONSTANT
    parameters: ClassVar[Parameters] = {"rate": RATE}
    forms = (Form(("rate",)),)
    single = "rate"

    rate_per_s: float

    def mean_rate(self, until_s: float) -> float:
        return self.rate_per_s

    def lower(self) -> Process:
        return Process(CONSTANT, a=self.rate_per_s)


@register
@dataclass(frozen=True)
class Renewal(Arrivals):
    """Independent gaps of one distribution; request 0 comes after gap 0 (an ordinary renewal process from time 0)."""

    name = "renewal"
    code = RENEWAL
    parameters: ClassVar[Parameters] = {"gap": Parameter("distribution", "time between arrivals, of any distribution")}
    forms = (Form(("gap",)),)
    single = "gap"

    gap: Distribution

    def validate(self) -> None:
        if self.gap.mean() == 0.0:
            raise DsimError("renewal.gap: got a distribution that is always 0; its mean must be above 0")

    def mean_rate(self, until_s: float) -> float:
        """The long-run rate, 1 / mean gap; the rate from time 0 differs from it until the process has settled."""
        return 1.0 / self.gap.mean()

    def lower(self) -> Process:
        return Process(RENEWAL, gap=self.gap)


@register
@dataclass(frozen=True)
class Mmpp(Arrivals):
    """Markov-modulated Poisson process: bursts (Fischer & Meier-Hellstern, Performance Evaluation 18, 1993).

    The states are visited in a cycle; each lasts an exponential time and has its own Poisson rate, which may be 0.
    Time 0 is a moment like any other: the first state is drawn in proportion to the mean sojourns.
    """

    name = "mmpp"
    code = MMPP
    parameters: ClassVar[Parameters] = {
        "states": Parameter(
            "list[record]",
            "the states, in the order of their visits",
            example="[{rate: 100/s, for: 9s}, {rate: 400/s, for: 1s}]",
            item={
                "rate": Parameter("rate", "arrivals per second in this state", at_least=0.0),
                "for": Parameter("duration", "mean time that it lasts", above=0.0),
            },
        )
    }
    forms = (Form(("states",)),)
    single = "states"

    rates_per_s: tuple[float, ...]
    sojourns_s: tuple[float, ...]

    @classmethod
    def from_parameters(cls, **values: Any) -> Mmpp:
        states = values["states"]
        return cls(tuple(state["rate"] for state in states), tuple(state["for"] for state in states))

    def validate(self) -> None:
        assert len(self.rates_per_s) == len(self.sojourns_s)
        if len(self.rates_per_s) < 2 or not any(self.rates_per_s):
            raise DsimError(
                f"mmpp.states: got rates {', '.join(f'{r:g}' for r in self.rates_per_s)}; must be at least two states, "
                "one of them with a rate above 0"
            )

    def mean_rate(self, until_s: float) -> float:
        weighted = math.fsum(r * s for r, s in zip(self.rates_per_s, self.sojourns_s, strict=True))
        return weighted / math.fsum(self.sojourns_s)

    def lower(self) -> Process:
        """Data: (rate, mean sojourn, cumulative share of time) a state."""
        share = np.cumsum(self.sojourns_s) / math.fsum(self.sojourns_s)
        data = np.column_stack([self.rates_per_s, self.sojourns_s, share])
        return Process(MMPP, data=data.ravel(), length=len(data))


@register
@dataclass(frozen=True)
class Closed(Arrivals):
    """A fixed number of users: each thinks, sends one request, waits for its end, and thinks again.

    Every user begins with a think time. The load adapts to the system: an overload shows as few requests, not as a
    queue. The engine moves the users; the row only carries their number (length) and the think distribution (gap).
    """

    name = "closed"
    code = CLOSED
    parameters: ClassVar[Parameters] = {
        "users": Parameter("integer", "how many users", at_least=1),
        "think": Parameter(
            "distribution", "time between a response and the user's next request", example="exponential(1s)"
        ),
    }
    forms = (Form(("users", "think")),)

    users: int
    think: Distribution

    def mean_rate(self, until_s: float) -> float:
        """An upper bound, reached when responses take no time; inf without think time."""
        think_s = self.think.mean()
        return self.users / think_s if think_s > 0.0 else math.inf

    def lower(self) -> Process:
        return Process(CLOSED, length=self.users, gap=self.think)
