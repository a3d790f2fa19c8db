"""Draws on plain Python integers: the twin of `sim.kernel.draws`, written from its description.

SplitMix64 gives the words of a key, MurmurHash3's fmix64 the key of a child. A distribution's sample is the upper
quantile of one uniform number, for the three distributions that the reference supports.
"""

from __future__ import annotations

import hashlib
import math

from sim.distributions import Constant, Distribution, Exponential, Uniform

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15

NETWORK_OUT, NETWORK_BACK, BALANCE, THINK = 0x4F5554, 0x4241434B, 0x42414C, 0x5448494E4B
BRANCH = 0x4252414E4348
BACKOFF_WORD, MIX_WORD = 2**40 + 1, 2**40 + 2


def word(key: int, k: int) -> int:
    z = (key + (k + 1) * GOLDEN) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def uniform(key: int, k: int) -> float:
    """The k-th uniform number of the stream `key`: the upper 52 bits, in the middle of their cell of (0, 1)."""
    return ((word(key, k) >> 12) + 0.5) / 2.0**52


def derive(key: int, salt: int) -> int:
    z = key ^ ((salt * 0xD1342543DE82EF95 + GOLDEN) & MASK)
    z = ((z ^ (z >> 33)) * 0xFF51AFD7ED558CCD) & MASK
    z = ((z ^ (z >> 33)) * 0xC4CEB9FE1A85EC53) & MASK
    return z ^ (z >> 33)


def name_hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def stream_key(seed: int, replication: int, name: str) -> int:
    return name_hash(f"{seed}/{replication}/{name}")


def step_key(handler_key: int, path: str, visit: int) -> int:
    return derive(handler_key, (name_hash(path) + visit) & MASK)


def choice(u: float, weights: tuple[float, ...]) -> int:
    """The first position whose cumulative weight exceeds u (the last one where rounding leaves none)."""
    cumulative = 0.0
    for position, weight in enumerate(weights):
        cumulative += weight
        if cumulative > u:
            return position
    return len(weights) - 1


def sample(distribution: Distribution, key: int) -> float:
    """One value of the distribution at the key: P(X > x) = u for the key's first uniform u."""
    match distribution:
        case Constant():
            return float(distribution.value)
        case Exponential():
            return -distribution.mean_value * math.log(uniform(key, 0))
        case Uniform():
            return distribution.high - (distribution.high - distribution.low) * uniform(key, 0)
    raise NotImplementedError(f"the reference does not know {distribution!r}")
