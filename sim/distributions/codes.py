"""Numbers of the standard laws in the kernel."""

from __future__ import annotations

(
    CONSTANT,
    EXPONENTIAL,
    LOGNORMAL,
    UNIFORM,
    BIMODAL,
    PARETO,
    WEIBULL,
    GAMMA,
    ERLANG,
    NORMAL,
    HYPEREXPONENTIAL,
    EMPIRICAL,
    REPLAY,
    MIXTURE,
) = range(14)
