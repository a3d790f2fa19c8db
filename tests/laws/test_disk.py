"""The one queue of a disk, as M/M/1 and M/D/1, fed by several processes."""

from __future__ import annotations

import pytest

from sim.engine import Run
from sim.model import Model
from tests.laws import closed_forms as law
from tests.laws.estimate import Comparison, Replications, jackknife, ratio
from tests.laws.simulate import EFFORTS, Effort, hold, model_of

FLUSH_S, RATE = 0.008, 80.0
RHO = FLUSH_S * RATE


def utilization(run: Run) -> float:
    return next(gauge.utilization for gauge in run.gauges if gauge.kind == "disk")


def disk(flush: str) -> Model:
    return model_of("disk", {"nodes.machine.disk.fsync": flush})


@pytest.mark.parametrize("flush, cv2", [("exponential(8ms)", 1.0), ("8ms", 0.0)])
@pytest.mark.parametrize("effort", EFFORTS)
def test_operations_queue_first_come(effort: Effort, flush: str, cv2: float) -> None:
    """Time of an operation by Pollaczek and Khinchine, utilization of the disk, median of an M/M/1."""

    def claims(runs: Replications, table: Comparison) -> None:
        table.hold("T", runs.mean("users"), FLUSH_S * (1.0 + law.pollaczek_khinchine_wait(RHO, cv2)))
        table.hold("utilization", jackknife([(utilization(run), 1.0) for run in runs.runs], ratio), RHO)
        if cv2 == 1.0:
            for q in (0.5, 0.99):
                table.hold(
                    f"p{100 * q:g}", runs.quantile("users", q), FLUSH_S * law.mm1_time_quantile(RHO, q), tail=True
                )

    hold(disk(flush), effort, claims).close()


def test_a_disk_without_a_queue_is_noticed() -> None:
    """A mutant: were flushes to overlap, they would take their 8 ms only."""

    def claims(runs: Replications, table: Comparison) -> None:
        table.hold("T", runs.mean("users"), FLUSH_S)

    assert hold(disk("8ms"), Effort(10, 1.0, 1.0), claims).misses
