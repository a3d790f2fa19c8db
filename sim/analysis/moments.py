"""Means and variances of times that follow each other, race each other, or are tried again.

Every quantity is an array over the instances of a service, so that slower nodes and farther zones differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

POINTS = 4096
"""Of the grid on which the law of a join is integrated."""
TAIL = 1e-10
"""Probability beyond the end of that grid."""
FLAT = 1e-12
"""A squared coefficient of variation below this is no variation."""


@dataclass(frozen=True, slots=True)
class Moments:
    """First and second moment, float64 arrays of one shape; inf where they are infinite."""

    mean: np.ndarray
    second: np.ndarray

    @classmethod
    def zero(cls, count: int) -> Moments:
        return cls(np.zeros(count), np.zeros(count))

    @classmethod
    def of(cls, mean: float, variance: float, times: np.ndarray) -> Moments:
        """Of a random time, multiplied by each of `times`."""
        with np.errstate(invalid="ignore"):
            return cls(mean * times, (variance + mean * mean) * times * times)

    @property
    def variance(self) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(self.second), np.maximum(self.second - self.mean**2, 0.0), np.inf)

    def then(self, rest: Moments, share: float = 1.0) -> Moments:
        """This, and with probability `share` the rest after it, independently."""
        if share == 0.0:
            return self
        with np.errstate(invalid="ignore"):
            cross = np.where((self.mean == 0.0) | (rest.mean == 0.0), 0.0, self.mean * rest.mean)
            return Moments(self.mean + share * rest.mean, self.second + share * (2.0 * cross + rest.second))

    def averaged(self, weights: np.ndarray) -> float:
        """The mean over instances with these weights."""
        return float(np.where(weights > 0.0, weights * self.mean, 0.0).sum())


def mixed(weights: Sequence[float], parts: Sequence[Moments]) -> Moments:
    """One of the parts, with these probabilities."""
    return Moments(
        np.sum([w * part.mean for w, part in zip(weights, parts, strict=True)], axis=0),
        np.sum([w * part.second for w, part in zip(weights, parts, strict=True)], axis=0),
    )


def kth(branches: Sequence[Moments], need: int) -> Moments:
    """The time of the `need`-th end of several that start together.

    The branches are taken as independent gamma laws with their means and variances, which is exact for constant,
    exponential and Erlang times; where a variance is infinite, the `need`-th smallest mean stands for it.
    """
    if len(branches) == 1:
        return branches[0]
    means, variances = np.array([b.mean for b in branches]), np.array([b.variance for b in branches])
    rows, of = np.unique(np.vstack([means, variances]).T, axis=0, return_inverse=True)
    found = [_kth_of(row[: len(branches)], row[len(branches) :], need) for row in rows]
    mean, second = np.array(found).T
    return Moments(mean[of.ravel()], second[of.ravel()])


def _kth_of(means: np.ndarray, variances: np.ndarray, need: int) -> tuple[float, float]:
    flat = variances <= FLAT * means**2
    if not np.isfinite(variances).all() or flat.all():
        time = float(np.sort(means)[need - 1])
        return time, (float("inf") if not np.isfinite(variances).all() else time * time)
    grid = _grid(means, variances, flat)
    ended = np.array([_cdf(grid, m, v, f) for m, v, f in zip(means, variances, flat, strict=True)])
    late = 1.0 - _at_least(need, ended)
    return float(np.trapezoid(late, grid)), float(np.trapezoid(2.0 * grid * late, grid))


def _grid(means: np.ndarray, variances: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Times from 0 to beyond all of the law, dense near 0, with both sides of every jump."""
    from scipy.special import gammainccinv

    shapes = means[~flat] ** 2 / variances[~flat]
    end = max([*means[flat], *(gammainccinv(shapes, TAIL) * variances[~flat] / means[~flat])])
    jumps = means[flat]
    return np.unique(np.concatenate([end * np.linspace(0.0, 1.0, POINTS) ** 3, jumps, np.nextafter(jumps, 0.0)]))


def _cdf(grid: np.ndarray, mean: float, variance: float, flat: bool) -> np.ndarray:
    from scipy.special import gammainc

    if flat:
        return (grid >= mean).astype(np.float64)
    return np.asarray(gammainc(mean**2 / variance, grid * mean / variance))


def _at_least(need: int, probabilities: np.ndarray) -> np.ndarray:
    """Of independent events, `need` or more have happened; shape (events, times) to (times,)."""
    counts = np.zeros((len(probabilities) + 1, probabilities.shape[1]))
    counts[0] = 1.0
    for p in probabilities:
        counts[1:] += p * (counts[:-1] - counts[1:])
        counts[0] *= 1.0 - p
    return np.asarray(counts[need:].sum(axis=0))
