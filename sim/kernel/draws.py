"""Counter-based draws: a draw is a pure function of (key, counter).

The generator is SplitMix64 (Steele, Lea & Flood, OOPSLA 2014, figure 16): `word(key, k)` is the k-th output of the
generator seeded with `key`. Keys form a tree: `derive` gives a child's key by a second, different finaliser
(MurmurHash3's fmix64), so that no child's key equals one of its parent's words. Streams are named: `stream_key`
hashes the seed and the stream's *name*, never its index, so that adding a component leaves the others' draws alone.
"""

from __future__ import annotations

import hashlib

import numpy as np

from sim.kernel.jit import f8, i8, kernel, u8

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_A1, _A2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_B1, _B2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_ODD = np.uint64(0xD1342543DE82EF95)
_S27, _S30, _S31, _S33, _S12 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(33), np.uint64(12)
_ONE = np.uint64(1)
_SCALE = 2.0**-52


@kernel(u8, u8, u8)
def word(key, k):
    """The k-th 64-bit word of the stream `key`."""
    z = key + (k + _ONE) * GOLDEN
    z = (z ^ (z >> _S30)) * _A1
    z = (z ^ (z >> _S27)) * _A2
    return z ^ (z >> _S31)


@kernel(f8, u8, i8, callable_from_python=True)
def uniform(key, k):
    """The k-th uniform number of the stream `key`, in the open interval (0, 1)."""
    return (np.float64(word(key, np.uint64(k)) >> _S12) + 0.5) * _SCALE


@kernel(u8, u8, u8)
def derive(key, salt):
    """The key of a child that its parent calls `salt` (a number or a name's hash)."""
    z = key ^ (salt * _ODD + GOLDEN)
    z = (z ^ (z >> _S33)) * _B1
    z = (z ^ (z >> _S33)) * _B2
    return z ^ (z >> _S33)


def name_hash(name: str) -> np.uint64:
    """A stable 64-bit hash of a name."""
    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


def stream_key(seed: int, replication: int, name: str) -> np.uint64:
    """The key of the named stream of one replication."""
    return name_hash(f"{seed}/{replication}/{name}")
