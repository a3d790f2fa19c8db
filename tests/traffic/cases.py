"""One or more arrival processes of every open kind."""

from __future__ import annotations

import numpy as np

from sim.distributions import Constant, Empirical, Erlang, Hyperexponential, Mixture, Pareto, Replay
from sim.traffic import Arrivals, ConstantRate, Diurnal, Mmpp, Poisson, Ramp, Renewal, Spike, Steps, Trace

CASES: dict[str, Arrivals] = {
    "poisson": Poisson(50.0),
    "constant": ConstantRate(30.0),
    "renewal erlang": Renewal(Erlang(0.02, 3)),
    "renewal constant": Renewal(Constant(0.02)),
    "renewal replay": Renewal(Replay([0.01, 0.0, 0.05])),
    "renewal empirical": Renewal(Empirical([0.01, 0.0, 0.05])),
    "renewal hyperexponential": Renewal(Hyperexponential.build(mean=0.02, cv=3.0)),
    "renewal mixture": Renewal(Mixture((0.5, 0.5), (Constant(0.01), Pareto(0.005, 3.0)))),
    "mmpp": Mmpp((10.0, 300.0), (2.0, 0.5)),
    "mmpp silent states": Mmpp((0.0, 100.0, 0.0, 20.0), (1.0, 0.3, 0.1, 2.0)),
    "steps": Steps((0.0, 5.0, 9.0, 12.0), (20.0, 100.0, 0.0, 40.0)),
    "steps late": Steps((3.0, 8.0), (60.0, 0.0)),
    "ramp": Ramp(10.0, 100.0, 12.0, 3.0),
    "ramp from nothing": Ramp(0.0, 80.0, 10.0),
    "ramp to nothing": Ramp(80.0, 0.0, 10.0),
    "spike": Spike(20.0, 200.0, 6.0, 3.0),
    "spike from nothing": Spike(0.0, 200.0, 0.0, 3.0),
    "diurnal": Diurnal(50.0, 0.6, 8.0, 0.1),
    "diurnal to zero": Diurnal(50.0, 1.0, 8.0, 0.75),
    "trace": Trace(np.array([0.0, 0.5, 0.5, 2.25, 7.0])),
}
KEY = np.uint64(0xA441)
