"""The closed forms against published or independently computed figures, and against each other. No simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.laws import closed_forms as law


def agrees(values: object, printed: object, relative: float = 1e-4) -> bool:
    """Do they agree to the digits that were printed?"""
    return bool(np.allclose(np.array(values, float), np.array(printed, float), rtol=relative, atol=0.0))


def test_one_server() -> None:
    loads = (0.5, 0.8, 0.9, 0.95)
    assert agrees([law.mm1_time(rho) for rho in loads], [2, 5, 10, 20])
    assert agrees([law.mm1_number_variance(rho) for rho in loads], [2, 20, 90, 380])
    printed = {
        0.5: [1.3863, 3.4657, 6.9315, 13.863],
        0.95: [5.9915, 14.979, 29.957, 59.915],
        0.99: [9.2103, 23.026, 46.052, 92.103],
        0.999: [13.816, 34.539, 69.078, 138.16],
    }
    for q, figures in printed.items():
        assert agrees([law.mm1_time_quantile(rho, q) for rho in loads], figures)
    assert agrees(law.mm1_wait_quantile(0.8, 0.99), 21.910)


def test_breakdowns() -> None:
    """Figures of the two-dimensional Markov chain, solved numerically."""
    rows = [(0.5, 0.01, 0.1), (0.7, 0.01, 0.1), (0.5, 0.1, 1.0)]
    times = [law.breakdowns_time(arrivals, 1.0, xi, eta) for arrivals, xi, eta in rows]
    assert agrees(times, [4.4646, 8.7352, 2.6465])
    assert law.breakdowns_time(0.8, 1.0, 0.0, 1.0) == pytest.approx(law.mm1_time(0.8))


def test_several_servers() -> None:
    printed = {
        (2, 0.8): (0.71111, 1.7778),
        (2, 0.9): (0.85263, 4.2632),
        (4, 0.8): (0.59643, 0.74554),
        (10, 0.9): (0.66873, 0.66873),
        (16, 0.95): (0.78019, 0.97524),
        (100, 0.95): (0.50646, 0.10129),
    }
    for (c, rho), figures in printed.items():
        assert agrees([law.erlang_c(c, c * rho), law.mmc_wait(c, rho)], figures)
    assert agrees([law.mmc_time_quantile(4, 0.8, q) for q in (0.5, 0.99)], [1.3462, 6.8932])
    assert agrees([law.mmc_time_quantile(10, 0.9, q) for q in (0.5, 0.99)], [1.3291, 6.2499])
    assert agrees(law.mmc_time_quantile(1, 0.8, 0.99), law.mm1_time_quantile(0.8, 0.99))


def test_loss() -> None:
    stations = ((5, 4.0), (10, 8.0), (10, 10.0), (100, 90.0))
    assert agrees([law.erlang_b(c, a) for c, a in stations], [0.19907, 0.12166, 0.21458, 0.026957])
    assert agrees([law.mmck(c, c, a)[0] for c, a in stations], [law.erlang_b(c, a) for c, a in stations], 1e-12)


def test_finite_queue() -> None:
    printed = {
        (1, 5, 0.9): (0.12602, 0.78658, 2.1948, 2.7903),
        (1, 10, 1.2): (0.19259, 0.96890, 6.7107, 6.9261),
        (4, 10, 3.2): (0.035741, 3.0856, 4.2398, 1.3741),
        (4, 10, 5.0): (0.23002, 3.8499, 7.3561, 1.9107),
        (2, 4, 2.0): (0.22222, 1.5556, 2.2222, 1.4286),
    }
    for station, figures in printed.items():
        assert agrees(law.mmck(*station), figures)


def test_any_service() -> None:
    printed = {
        0.0: [0.5, 1.1667, 2, 4.5],
        0.5: [0.75, 1.75, 3, 6.75],
        math.e - 1.0: [1.3591, 3.1713, 5.4366, 12.232],
        4.0: [2.5, 5.8333, 10, 22.5],
        4.75: [2.875, 6.7083, 11.5, 25.875],
    }
    for cv2, figures in printed.items():
        assert agrees([law.pollaczek_khinchine_wait(rho, cv2) for rho in (0.5, 0.7, 0.8, 0.9)], figures)
    places = ((0.5, 0.99), (0.8, 0.5), (0.8, 0.99), (0.9, 0.5), (0.9, 0.99))
    assert agrees([law.md1_wait_quantile(*place) for place in places], [3.3363, 1.2759, 10.356, 3.0130, 21.898])


def test_any_arrivals() -> None:
    loads = (0.5, 0.8, 0.9)
    constant = [law.gim1_wait(law.gim1_sigma(law.constant_gap(rho))) for rho in loads]
    erlang = [law.gim1_wait(law.gim1_sigma(law.erlang_gap(rho, 2))) for rho in loads]
    assert agrees(constant, [0.25500, 1.6927, 4.1787])
    assert agrees(erlang, [0.61803, 2.8440, 6.5883])
    assert agrees([law.kingman_wait(rho, 0.0, 1.0) for rho in loads], [0.5, 2, 4.5])
    assert agrees([law.kingman_wait(rho, 0.5, 1.0) for rho in loads], [0.75, 3, 6.75])
    assert agrees(law.gim1_sigma(law.erlang_gap(0.8, 1)), 0.8), "Poisson arrivals are Erlang ones of one stage"


def test_networks() -> None:
    assert agrees([law.tandem_time_quantile(0.8, (1.0, 1.25), q) for q in (0.5, 0.99)], [5.8633, 25.961])
    routing = np.array([[0.0, 0.6, 0.4], [0.3, 0.0, 0.0], [0.2, 0.0, 0.0]])
    rates, numbers, time_s = law.jackson(np.array([1.0, 0.0, 0.0]), routing, np.array([2.0, 1.5, 1.0]))
    assert agrees(rates, [1.35135, 0.81081, 0.54054])
    assert agrees(numbers, [2.08333, 1.17647, 1.17647])
    assert agrees(time_s, 4.43627)


def test_closed_systems() -> None:
    printed = {
        5: (0.43605, 1.4666),
        10: (0.78542, 2.7321),
        11: (0.83677, 3.1458),
        20: (0.99813, 10.037),
        30: (1.0, 20.0),
    }
    for users, figures in printed.items():
        throughput, _, response = law.finite_source(users, 1, 10.0)
        assert agrees([throughput, response], figures)
        assert agrees(law.mean_value_analysis((1.0,), 10.0, users)[:2], (throughput, response), 1e-9)
    assert agrees(law.finite_source(10, 2, 10.0), [0.89614, 1.03864, 1.15902])
    throughput, response, queues = law.mean_value_analysis((0.5, 0.4, 0.3), 0.0, 5)
    assert agrees([throughput, response, *queues], [1.71673, 2.91252, 2.50946, 1.56436, 0.92617])


def test_fork_join() -> None:
    printed = {2: (1.5, 1.2279, 5.2958), 10: (2.9290, 2.7036, 6.9032), 100: (5.1874, 4.9751, 9.2054)}
    for n, figures in printed.items():
        assert agrees([law.fork_join_mean(n), *(law.fork_join_quantile(n, q) for q in (0.5, 0.99))], figures)


def test_balancing() -> None:
    two = [law.shortest_queue_of_two(rho) for rho in (0.5, 0.7, 0.8, 0.9)]
    assert agrees(two, [1.42632, 2.10820, 2.95574, 5.47491])
    sizes = (2, 4, 10, 100)
    turns = [[1.0 / (1.0 - law.round_robin_sigma(rho, n)) for n in sizes] for rho in (0.8, 0.9)]
    assert agrees(turns, [[3.8440, 3.2674, 2.9223, 2.7157], [7.5883, 6.3830, 5.6603, 5.2268]])


def test_supermarket() -> None:
    printed = {
        1: [2, 3.3333, 5, 10, 20, 100],
        2: [1.26569, 1.61445, 1.94736, 2.61406, 3.38305, 5.43200],
        3: [1.12524, 1.35684, 1.58089, 2.02786, 2.53513, 3.85785],
        5: [1.03125, 1.16809, 1.32892, 1.63288, 1.98877, 2.90168],
    }
    for d, figures in printed.items():
        assert agrees([law.supermarket_time(rho, d) for rho in (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)], figures)


def test_supermarket_of_finite_size() -> None:
    """Gast & Van Houdt's table of average queue lengths (choices with replacement), and the bias of a thousand
    servers that `test_supermarket` states."""
    printed = {(0.9, 10): 2.7513, (0.9, 100): 2.3925, (0.95, 10): 4.1017, (0.95, 100): 3.3027}
    for (rho, n), figure in printed.items():
        assert agrees(rho * law.supermarket_time_finite(rho, 2, n, distinct=False), figure)
    assert agrees(law.supermarket_time_finite(0.95, 2, 1000) / law.supermarket_time(0.95, 2), 1.0022)
    assert agrees(law.supermarket_time_finite(0.95, 3, 1000) / law.supermarket_time(0.95, 3), 1.0031)


@pytest.mark.parametrize("rho, d", [(0.5, 2), (0.8, 2), (0.9, 2), (0.95, 2), (0.95, 3)])
def test_supermarket_warm_up(rho: float, d: int) -> None:
    """200 services after an empty start the fluid limit has arrived."""
    assert 0.0 <= law.supermarket_missing(rho, d, 200.0) < 3e-4
    earlier, later = (law.supermarket_missing(rho, d, t * law.supermarket_slowest_mode_s(rho, d)) for t in (4.0, 5.0))
    assert earlier / later == pytest.approx(math.e, rel=0.02), "one slowest mode later 1/e is left"
