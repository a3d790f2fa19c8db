"""Closed forms of queueing theory: small pure functions, each with its source.

Kleinrock: Queueing Systems, volume 1: Theory, Wiley 1975. Harchol-Balter: Performance Modeling and Design of Computer
Systems, Cambridge 2013. Lazowska et al.: Quantitative System Performance, Prentice Hall 1984.

Rates are per second and times in seconds; in most functions the mean service takes 1 s, so that the arrival rate is the
load. T is the time in the system, W the time in the queue, L the number in the system, X the throughput.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.optimize import brentq
from scipy.sparse.linalg import spsolve

Floats = NDArray[np.float64]


def quantile_of(survival: Callable[[float], float], q: float) -> float:
    """The t at which P(T > t) falls to 1 - q."""
    high = 1.0
    while survival(high) > 1.0 - q:
        high *= 2.0
    return float(brentq(lambda t: survival(t) - (1.0 - q), 0.0, high, xtol=1e-12, rtol=1e-12))


# One station, open ----------------------------------------------------------------------------------------------------


def mm1_time(rho: float) -> float:
    """Mean T of M/M/1 with S = 1 (Kleinrock, section 3.2), first come first served or processor sharing."""
    return 1.0 / (1.0 - rho)


def mm1_time_quantile(rho: float, q: float) -> float:
    """T of M/M/1 is exponential (Kleinrock, section 5.7)."""
    return -math.log(1.0 - q) / (1.0 - rho)


def mm1_number_variance(rho: float) -> float:
    """Of N, which is geometric (Kleinrock, section 3.2)."""
    return rho / (1.0 - rho) ** 2


def mm1_wait_quantile(rho: float, q: float) -> float:
    """P(W > t) = ρ exp(-(1-ρ)t) (Kleinrock, section 5.7)."""
    return max(math.log(rho / (1.0 - q)) / (1.0 - rho), 0.0)


def erlang_b(c: int, a: float) -> float:
    """Loss probability of M/G/c/c with offered load a, whatever the service law (Kleinrock, section 3.7; Sevastyanov
    1957); by the recursion B(k) = a·B(k-1) / (k + a·B(k-1))."""
    blocked = 1.0
    for k in range(1, c + 1):
        blocked = a * blocked / (k + a * blocked)
    return blocked


def erlang_c(c: int, a: float) -> float:
    """Probability of waiting in M/M/c (Kleinrock, section 3.5), from Erlang B."""
    blocked = erlang_b(c, a)
    return blocked / (1.0 - a / c * (1.0 - blocked))


def mmc_wait(c: int, rho: float) -> float:
    """Mean W of M/M/c with S = 1 (Harchol-Balter, chapter 14)."""
    return erlang_c(c, c * rho) / (c * (1.0 - rho))


def mmc_time_quantile(c: int, rho: float, q: float) -> float:
    """T = S + W, where W is 0, or with probability C exponential with rate c(1-ρ)."""
    waits, drain = erlang_c(c, c * rho), c * (1.0 - rho)

    def survival(t: float) -> float:
        both = t if abs(drain - 1.0) < 1e-9 else (math.exp(-t) - math.exp(-drain * t)) / (drain - 1.0) * math.exp(t)
        late = math.exp(-drain * t) + drain * both * math.exp(-t)
        return (1.0 - waits) * math.exp(-t) + waits * late

    return quantile_of(survival, q)


def mmck(c: int, k: int, rate: float) -> tuple[float, float, float, float]:
    """(loss probability, X, L, T of the accepted) of M/M/c/K with S = 1 (after Kleinrock, section 3.6)."""
    states = birth_death([rate] * k, [float(min(n, c)) for n in range(1, k + 1)])
    throughput = rate * (1.0 - states[k])
    number = float(states @ np.arange(k + 1))
    return float(states[k]), float(throughput), number, float(number / throughput)


def birth_death(births: Sequence[float], deaths: Sequence[float]) -> Floats:
    """Stationary probabilities of a finite birth–death chain (Kleinrock, section 3.1)."""
    ratios = np.array(births) / np.array(deaths)
    weights = np.concatenate([[1.0], np.cumprod(ratios)])
    return np.asarray(weights / weights.sum())


def pollaczek_khinchine_wait(rho: float, cv2: float) -> float:
    """Mean W of M/G/1 with S = 1 (Kleinrock, section 5.7)."""
    return rho * (1.0 + cv2) / (2.0 * (1.0 - rho))


def md1_wait_quantile(rho: float, q: float) -> float:
    """Of M/D/1 with S = 1: P(W ≤ t) = (1-ρ) Σ_{k≤t} (ρ(k-t))^k / k! · exp(ρ(t-k)) (Erlang 1909; Tijms, A First Course
    in Stochastic Models, Wiley 2003, section 9.6). The terms alternate and cancel, hence the 60 digits."""

    def survival(t: float) -> float:
        with localcontext(prec=60):
            late = [Decimal(rho) * (Decimal(t) - k) for k in range(int(t) + 1)]
            terms = [(-x) ** k * x.exp() / math.factorial(k) if k else x.exp() for k, x in enumerate(late)]
            return float(1 - (1 - Decimal(rho)) * sum(terms))

    return quantile_of(survival, q)


def gim1_sigma(transform: Callable[[float], float]) -> float:
    """The root σ in (0, 1) of σ = A*(1 - σ), for the Laplace transform A* of the gaps and S = 1 (Kleinrock, section
    6.4): an arrival waits with probability σ, T is exponential with mean 1 / (1-σ)."""
    return float(brentq(lambda s: s - transform(1.0 - s), 0.0, 1.0 - 1e-9, xtol=1e-15))


def constant_gap(rate: float) -> Callable[[float], float]:
    return lambda s: math.exp(-s / rate)


def erlang_gap(rate: float, stages: int) -> Callable[[float], float]:
    return lambda s: (stages * rate / (stages * rate + s)) ** stages


def gim1_wait(sigma: float) -> float:
    """Mean W of GI/M/1 with S = 1 (Kleinrock, section 6.4)."""
    return sigma / (1.0 - sigma)


def kingman_wait(rho: float, cv2_gaps: float, cv2_service: float) -> float:
    """Kingman's approximation of mean W (Mathematical Proceedings of the Cambridge Philosophical Society 57, 1961):
    exact for M/G/1, too high for regular arrivals."""
    return rho / (1.0 - rho) * (cv2_gaps + cv2_service) / 2.0


def sharing_time(rho: float, work: float) -> float:
    """Mean T of a job of this work in M/G/1 under processor sharing, whatever the service law (Harchol-Balter,
    chapter 30; Sakata, Noguchi & Oizumi, Operations Research 19, 1971)."""
    return work / (1.0 - rho)


# Networks -------------------------------------------------------------------------------------------------------------


def tandem_time_quantile(rate: float, services: tuple[float, float], q: float) -> float:
    """T through two M/M/1 in a row, first come first served: the sojourns are independent (Reich, Annals of
    Mathematical Statistics 28, 1957), so T is the sum of two exponentials. `services` are the service rates."""
    a, b = (mu - rate for mu in services)
    return quantile_of(lambda t: (b * math.exp(-a * t) - a * math.exp(-b * t)) / (b - a), q)


def jackson(outside: Floats, routing: Floats, services: Floats) -> tuple[Floats, Floats, float]:
    """(arrival rate, L) of each station and T of an open Jackson network (Harchol-Balter, chapter 17)."""
    rates = np.linalg.solve(np.eye(len(outside)) - routing.T, outside)
    loads = rates / services
    numbers = loads / (1.0 - loads)
    return rates, numbers, float(numbers.sum() / outside.sum())


def finite_source(users: int, servers: int, think_s: float) -> tuple[float, float, float]:
    """(X, L, R) of `users` who think for an exponential time and queue for `servers` with S = 1: the machine repairman
    (Kleinrock, section 3.8)."""
    births = [(users - n) / think_s for n in range(users)]
    states = birth_death(births, [float(min(n, servers)) for n in range(1, users + 1)])
    number = float(states @ np.arange(users + 1))
    throughput = (users - number) / think_s
    return throughput, number, number / throughput


def mean_value_analysis(demands: Sequence[float], think_s: float, users: int) -> tuple[float, float, Floats]:
    """(X, R, L of each station) of a closed product-form network (Lazowska, chapter 6; Reiser & Lavenberg,
    Journal of the ACM 27, 1980)."""
    queues = np.zeros(len(demands))
    throughput, response = 0.0, 0.0
    for n in range(1, users + 1):
        residence = np.array(demands) * (1.0 + queues)
        response = float(residence.sum())
        throughput = n / (think_s + response)
        queues = throughput * residence
    return throughput, response, queues


def fork_join_mean(n: int) -> float:
    """Of the longest of n exponentials with mean 1: the harmonic number."""
    return math.fsum(1.0 / k for k in range(1, n + 1))


def fork_join_quantile(n: int, q: float) -> float:
    """P(max ≤ t) = (1 - exp(-t))^n."""
    return -math.log1p(-(q ** (1.0 / n)))


# Load balancing -------------------------------------------------------------------------------------------------------


def round_robin_sigma(rho: float, n: int) -> float:
    """One dispatcher that deals a Poisson stream to n servers in turn makes n times E_n/M/1."""
    return gim1_sigma(erlang_gap(rho, n))


def supermarket_time(rho: float, d: int) -> float:
    """Mean T of the best of d random queues out of infinitely many (Mitzenmacher, The Power of Two Choices in
    Randomized Load Balancing, IEEE TPDS 12(10), 2001), S = 1."""
    if d == 1:
        return mm1_time(rho)
    total, i = 0.0, 1
    while True:
        term = rho ** ((d**i - d) / (d - 1))
        total += term
        if term < 1e-15:
            return total
        i += 1


def _supermarket_fixed_point(rho: float, d: int, levels: int = 60) -> tuple[Floats, Floats]:
    """In the fluid limit: the share of queues with at least 1, 2, … jobs, and the drift's Jacobian there."""
    k = np.arange(1, levels + 1)
    shares = rho ** np.minimum((float(d) ** k - 1.0) / (d - 1.0), 1e4)
    slope = rho * d * shares ** (d - 1)
    jacobian = np.diag(-slope - 1.0) + np.diag(np.ones(levels - 1), 1) + np.diag(slope[:-1], -1)
    return shares, jacobian


def supermarket_slowest_mode_s(rho: float, d: int) -> float:
    """How long deviations from the fluid limit's fixed point live: they die out as exp(-t / this)."""
    _, jacobian = _supermarket_fixed_point(rho, d)
    return float(-1.0 / np.linalg.eigvals(jacobian).real.max())


def supermarket_missing(rho: float, d: int, time_s: float, step_s: float = 0.02) -> float:
    """What share of the jobs at the fixed point the fluid limit lacks when it started empty (Euler's method)."""
    shares, _ = _supermarket_fixed_point(rho, d)
    x = np.zeros_like(shares)
    for _ in range(round(time_s / step_s)):
        above, below = np.append(x[1:], 0.0), np.append(1.0, x[:-1])
        x += step_s * (rho * (below**d - x**d) - (x - above))
    return float(1.0 - x.sum() / shares.sum())


def supermarket_time_finite(rho: float, d: int, n: int, distinct: bool = True) -> float:
    """Mean T with n queues: the limit and its correction of order 1/n.

    Gast & Van Houdt, A Refined Mean Field Approximation, Proceedings of the ACM on Measurement and Analysis of
    Computing Systems 1(2), 2017: E[x] ≈ π + V/n with A·V + ½B·W + C = 0 and A·W + W·Aᵀ + Q = 0, where x_k is the share
    of queues with at least k jobs, A and B are the first two derivatives of the drift at its fixed point π, Q is the
    covariance of the jumps. C is what the drift itself owes to n: d `distinct` queues all have at least k jobs with
    probability x^d - d(d-1)/2 · x^(d-1)(1-x)/n + O(1/n²).
    """
    shares, jacobian = _supermarket_fixed_point(rho, d)
    up = rho * (np.append(1.0, shares[:-1]) ** d - shares**d)
    down = shares - np.append(shares[1:], 0.0)
    spread = linalg.solve_continuous_lyapunov(jacobian, -np.diag(up + down))
    bend = 0.5 * rho * d * (d - 1) * shares ** (d - 2) * np.diag(spread)
    if distinct:
        bend -= rho * d * (d - 1) / 2 * shares ** (d - 1) * (1.0 - shares)
    correction = -np.linalg.solve(jacobian, np.append(0.0, bend[:-1]) - bend)
    return float((shares.sum() + correction.sum() / n) / rho)


def shortest_queue_of_two(rho: float, longest: int = 120) -> float:
    """Mean T of two exponential servers behind one dispatcher that joins the shorter queue, ties at random; S = 1.

    The stationary chain over (shorter, longer) with both at most `longest`, solved as a sparse linear system (Kingman,
    Two similar queues in parallel, Annals of Mathematical Statistics 32, 1961, has the generating function)."""
    size = longest + 1
    number = {(i, j): i * size + j for i in range(size) for j in range(i, size)}
    order = {state: row for row, state in enumerate(number)}
    entries: dict[tuple[int, int], float] = {}

    def move(start: tuple[int, int], i: int, j: int, rate: float) -> None:
        end = (min(i, j), max(i, j))
        if end in order:
            for row, flow in ((order[end], rate), (order[start], -rate)):
                entries[row, order[start]] = entries.get((row, order[start]), 0.0) + flow

    for i, j in order:
        move((i, j), i + 1, j, 2.0 * rho)
        if i > 0:
            move((i, j), i - 1, j, 1.0)
        if j > 0:
            move((i, j), i, j - 1, 1.0)
    count = len(order)
    rows, columns = np.array(list(entries)).T
    balance = sparse.csr_matrix((list(entries.values()), (rows, columns)), shape=(count, count)).tolil()
    balance[0, :] = 1.0
    states = spsolve(balance.tocsr(), np.eye(1, count)[0])
    jobs = np.array([i + j for i, j in order])
    return float(states @ jobs / (2.0 * rho))


def breakdowns_time(arrivals: float, services: float, breakdowns: float, repairs: float) -> float:
    """Mean time in an M/M/1 whose server breaks down at any time, idle or busy, and resumes (White & Christie,
    Operations Research 6, 1958); all rates per s. L = (λ/μ + λξ/(ξ+η)²) / (1 − λ(ξ+η)/(μη)) · (ξ+η)/η."""
    cycle = breakdowns + repairs
    number = (arrivals / services + arrivals * breakdowns / cycle**2) * cycle / repairs
    return number / (1.0 - arrivals * cycle / (services * repairs)) / arrivals
