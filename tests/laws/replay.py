"""The draws of a run, made again from outside: the key tree of `sim.kernel.keys`, walked for all requests at once.

Random numbers are pure functions of their place in that tree, so a test can know what every request had to do. Keys are
uint64 and draws float64 arrays, one a request, in the order of the requests' numbers.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from sim.distributions import Distribution, lower_distributions
from sim.distributions.sampling import DISTRIBUTION_TYPE, sample
from sim.kernel.draws import derive, name_hash, stream_key, uniform
from sim.kernel.jit import f8s, kernel, void
from sim.kernel.keys import BALANCE, BRANCH
from sim.model import Model

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
_U8S = numba.types.uint64[::1]


@kernel(void, _U8S, _U8S, cache=True)
def _derive_all(keys, salts):
    for i in range(keys.size):
        keys[i] = derive(keys[i], salts[i])


@kernel(void, _U8S, f8s, cache=True)
def _uniform_all(keys, out):
    for i in range(keys.size):
        out[i] = uniform(keys[i], 0)


@kernel(void, numba.types.Array(DISTRIBUTION_TYPE, 1, "C"), f8s, _U8S, f8s, cache=True)
def _sample_all(rows, data, keys, out):
    for i in range(keys.size):
        out[i] = sample(rows[0], data, keys[i], i)


def _children(keys: Keys, salts: Any) -> Keys:
    result = keys.copy()
    _derive_all(result, np.broadcast_to(np.asarray(salts, np.uint64), keys.shape).copy())
    return result


def requests(model: Model, replication: int, source: str, count: int) -> Keys:
    """Keys of the first requests of an open source; also those of their calls."""
    key = stream_key(model.run.seed, replication, f"source:{source}")
    return _children(np.full(count, key, np.uint64), np.arange(count))


def first_attempts(calls: Keys) -> Keys:
    """Keys of the calls' first attempts; also those of the handlers that serve them."""
    return _children(calls, 0)


def steps(handlers: Keys, path: str) -> Keys:
    """Keys of a step that each handler takes once, such as "station.main/0"; of a call step, the keys of the calls."""
    visit = np.uint64(0)
    for _ in range(path.count("/parallel/")):
        visit = _children(np.array([visit], np.uint64), BRANCH)[0]
    with np.errstate(over="ignore"):
        salt = name_hash(path) + visit
    return _children(handlers, salt)


def values(keys: Keys, distribution: Distribution) -> Floats:
    """What was drawn at these places."""
    rows, data, _ = lower_distributions([distribution])
    out = np.empty(keys.size)
    _sample_all(rows, data, keys, out)
    return out


def picks(attempts: Keys) -> Floats:
    """The uniform numbers that the balancer's picks for these attempts were made with."""
    out = np.empty(attempts.size)
    _uniform_all(_children(attempts, BALANCE), out)
    return out
