"""Draws from a lowered distribution, compiled.

Every inversion uses the *upper* tail: from one uniform u, the draw x solves P(X > x) = u, so that small u mean large
values. Laws drawn from the same key therefore move together (common random numbers), and the long tail gets the fine
end of the floating-point grid. Interpreted and compiled draws are equal to the bit: plain arithmetic and scalar
functions of `math` only.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.distributions.base import Distribution
from sim.distributions.codes import (
    BIMODAL,
    CONSTANT,
    EMPIRICAL,
    ERLANG,
    EXPONENTIAL,
    GAMMA,
    HYPEREXPONENTIAL,
    LOGNORMAL,
    MIXTURE,
    NORMAL,
    PARETO,
    UNIFORM,
    WEIBULL,
)
from sim.distributions.rows import DISTRIBUTION, PART_WIDTH, lower_distributions
from sim.kernel.draws import derive, uniform
from sim.kernel.jit import f8, f8s, i8, kernel, u8, void

DISTRIBUTION_TYPE = numba.from_dtype(DISTRIBUTION)
PART_SALT = np.uint64(0x50415254)
"""Salt by which a mixture's key is derived into its component's."""


@kernel(f8, f8, f8, f8, f8, f8, f8, f8, f8, f8)
def _polynomial(r, c0, c1, c2, c3, c4, c5, c6, c7):
    return ((((((c7 * r + c6) * r + c5) * r + c4) * r + c3) * r + c2) * r + c1) * r + c0


@kernel(f8, f8)
def _normal_centre(q):
    """Quantile of 0.5 + q for |q| <= 0.425."""
    r = 0.180625 - q * q
    return (
        q
        * _polynomial(
            r,
            3.3871328727963666080e0,
            1.3314166789178437745e2,
            1.9715909503065514427e3,
            1.3731693765509461125e4,
            4.5921953931549871457e4,
            6.7265770927008700853e4,
            3.3430575583588128105e4,
            2.5090809287301226727e3,
        )
        / _polynomial(
            r,
            1.0,
            4.2313330701600911252e1,
            6.8718700749205790830e2,
            5.3941960214247511077e3,
            2.1213794301586595867e4,
            3.9307895800092710610e4,
            2.8729085735721942674e4,
            5.2264952788528545610e3,
        )
    )


@kernel(f8, f8)
def _normal_tail(p):
    """z > 0 with P(Z > z) = p, for 0 < p < 0.075."""
    r = math.sqrt(-math.log(p))
    if r <= 5.0:
        r -= 1.6
        return _polynomial(
            r,
            1.42343711074968357734e0,
            4.63033784615654529590e0,
            5.76949722146069140550e0,
            3.64784832476320460504e0,
            1.27045825245236838258e0,
            2.41780725177450611770e-1,
            2.27238449892691845833e-2,
            7.74545014278341407640e-4,
        ) / _polynomial(
            r,
            1.0,
            2.05319162663775882187e0,
            1.67638483018380384940e0,
            6.89767334985100004550e-1,
            1.48103976427480074590e-1,
            1.51986665636164571966e-2,
            5.47593808499534494600e-4,
            1.05075007164441684324e-9,
        )
    r -= 5.0
    return _polynomial(
        r,
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ) / _polynomial(
        r,
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    )


@kernel(f8, f8)
def normal_upper(p):
    """z with P(Z > z) = p for a standard normal Z, 0 < p <= 1; p = 1 counts as 1 - 2^-54.

    Wichura's PPND16 (AS 241, Applied Statistics 37(3), 1988): relative accuracy about 1e-16.
    """
    q = 0.5 - p
    if abs(q) <= 0.425:
        return _normal_centre(q)
    if q > 0.0:
        return _normal_tail(p)
    return -_normal_tail(max(1.0 - p, 2.0**-54))


@kernel(f8, f8, f8, f8, u8)
def _gamma(d, c, boost, key):
    """Gamma of scale 1 (Marsaglia & Tsang, A Simple Method for Generating Gamma Variables, ACM TOMS 26(3), 2000).

    d = shape - 1/3 and c = 1/√(9d); a shape below 1 is drawn as shape + 1 and multiplied by U^(1/shape).
    """
    attempt = 0
    while True:
        x = normal_upper(uniform(key, 2 * attempt + 1))
        root = 1.0 + c * x
        if root > 0.0:
            v = root * root * root
            log_u = math.log(uniform(key, 2 * attempt + 2))
            if log_u < 0.5 * x * x + d - d * v + d * math.log(v):
                return d * v * math.pow(uniform(key, 0), boost) if boost > 0.0 else d * v
        attempt += 1


@kernel(f8, f8, f8, u8)
def _erlang(stage_mean, stages, key):
    product = 1.0
    for k in range(int(stages)):
        product *= uniform(key, k)
    return -stage_mean * math.log(product)


@kernel(f8, i8, i8, f8s, u8)
def _hyperexponential(start, phases, data, key):
    """Data: (upper end of the phase's share, mean) a phase; word 0 chooses, word 1 draws."""
    choice = uniform(key, 0)
    phase = 0
    while phase < phases - 1 and choice >= data[start + 2 * phase]:
        phase += 1
    return -data[start + 2 * phase + 1] * math.log(uniform(key, 1))


@kernel(f8, i8, i8, f8s, u8)
def _empirical(start, length, data, key):
    """Data in ascending order; the upper tail comes from small uniforms."""
    return data[start + max(length - 1 - int(uniform(key, 0) * length), 0)]


@kernel(f8, i8, i8, i8, f8, f8, f8, f8s, u8, i8)
def _standard(code, start, length, a, b, c, data, key, index):
    """A draw of any law but a mixture, before its factor and shift."""
    if code == EXPONENTIAL:
        return -a * math.log(uniform(key, 0))
    if code == CONSTANT:
        return a
    if code == LOGNORMAL:
        return math.exp(a + b * normal_upper(uniform(key, 0)))
    if code == UNIFORM:
        return b - (b - a) * uniform(key, 0)
    if code == BIMODAL:
        return b if uniform(key, 0) < c else a
    if code == PARETO:
        return a * math.pow(uniform(key, 0), b)
    if code == WEIBULL:
        return a * math.pow(-math.log(uniform(key, 0)), b)
    if code == GAMMA:
        return _gamma(a, b, c, key)
    if code == ERLANG:
        return _erlang(a, b, key)
    if code == NORMAL:
        return max(a + b * normal_upper(c * uniform(key, 0)), 0.0)
    if code == HYPEREXPONENTIAL:
        return _hyperexponential(start, int(a), data, key)
    if code == EMPIRICAL:
        return _empirical(start, length, data, key)
    return data[start + index % length]  # REPLAY


@kernel(f8, i8, i8, f8s, u8, i8)
def _mixture(start, parts, data, key, index):
    """Word 0 chooses the component, which draws from a key of its own."""
    choice = uniform(key, 0)
    at = start
    last = start + (parts - 1) * PART_WIDTH
    while at < last and choice >= data[at]:
        at += PART_WIDTH
    own = derive(key, PART_SALT)
    code, first, length = int(data[at + 1]), int(data[at + 2]), int(data[at + 3])
    draw = _standard(code, first, length, data[at + 6], data[at + 7], data[at + 8], data, own, index)
    return data[at + 5] + data[at + 4] * draw


@kernel(f8, DISTRIBUTION_TYPE, f8s, u8, i8)
def sample(dist, data, key, index):
    """One draw.

    Args:
        dist: a row of the distribution table (dtype DISTRIBUTION).
        data: the numbers that all distributions share, float64.
        key: this draw's own stream; any of its words may be used.
        index: the request's number in its source; only `replay` looks at it.
    """
    if dist.code == EXPONENTIAL:
        return dist.plus - dist.a * math.log(uniform(key, 0))
    if dist.code == CONSTANT:
        return dist.a
    if dist.code == MIXTURE:
        return _mixture(dist.start, dist.length, data, key, index)
    draw = _standard(dist.code, dist.start, dist.length, dist.a, dist.b, dist.c, data, key, index)
    return dist.plus + dist.times * draw


@kernel(void, numba.types.Array(DISTRIBUTION_TYPE, 1, "C"), f8s, u8, i8, f8s, cache=True)
def _sample_many(rows, data, key, first, out):
    for i in range(out.size):
        out[i] = sample(rows[0], data, derive(key, np.uint64(first + i)), first + i)


def draw_many(distribution: Distribution, key: np.uint64, count: int, first: int = 0) -> np.ndarray:
    """Draws number first, first + 1, … of a distribution; float64, shape (count,).

    Number i has the key derive(key, i): the same value whatever else is asked for.
    """
    rows, data, _ = lower_distributions([distribution])
    out = np.empty(count)
    with np.errstate(over="ignore"):
        _sample_many(rows, data, key, first, out)
    return out
