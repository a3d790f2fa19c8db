"""Hypothesis looks for knobs that break an invariant. Numba must check indices: set NUMBA_BOUNDSCHECK=1.

NUMBA_BOUNDSCHECK=1 python -m tests.swarm.search 1000
"""

from __future__ import annotations

import sys

import numba
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from tests.swarm.networks import CUT_ANSWERS, CUT_BOTH, CUT_NOTHING, CUT_REQUESTS
from tests.swarm.swarm import SHOWN, Knobs, failures

KNOBS = st.builds(
    Knobs,
    seed=st.integers(0, 10**6),
    ties=st.integers(0, 1),
    slices=st.sampled_from((1 << 20, 997, 101, 31)),
    pauses=st.sampled_from((3, 20)),
    behaviours=st.sampled_from((0, 0, 3, 1)),
    in_flight=st.sampled_from((100_000, 100_000, 100_000, 8)),
    warmup=st.sampled_from((0, 30)),
    drain=st.sampled_from((1, 1, 0)),
    network=st.one_of(st.just(0), st.integers(1, 10**6), st.integers(1, 10**6)),
    cut=st.sampled_from((CUT_NOTHING, CUT_NOTHING, CUT_BOTH, CUT_REQUESTS, CUT_ANSWERS)),
)


def search(examples: int, derandomize: bool) -> None:
    """Raises AssertionError for the simplest knobs found that fail, with the command that replays them."""

    @settings(
        max_examples=examples,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(KNOBS)
    def holds(knobs: Knobs) -> None:
        found = failures(knobs)
        event("stopped at a limit" if knobs.in_flight < 1000 else "ran to its end")
        assert not found, "\n".join([f"replay: {knobs.command()}", *found[:SHOWN]])

    holds()


def main() -> None:
    assert numba.config.BOUNDSCHECK, "indices are not checked; set NUMBA_BOUNDSCHECK=1"
    examples = int(sys.argv[1])
    search(examples, derandomize="--random" not in sys.argv)
    print(f"{examples} scenarios kept every invariant")


if __name__ == "__main__":
    main()
