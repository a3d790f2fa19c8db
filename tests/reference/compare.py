"""Requests of the reference against requests of the engine. To replay: `python -m tests.reference.compare SEED`."""

from __future__ import annotations

import argparse

from sim.model import Model
from tests.reference.accounts import Row
from tests.reference.generate import random_model
from tests.reference.model import simulate

TOLERANCE_S = 1e-9


def differences(model: Model, expected: list[Row], got: list[Row]) -> list[str]:
    """A line for each request that differs, the earliest first.

    Requests intended after the measured interval may be missing: the engine ends when the others have."""
    wanted = {(row.source, row.index): row for row in expected if row.outcome != "unfinished"}
    found = {(row.source, row.index): row for row in got}
    wrong = []
    for name in wanted.keys() | found.keys():
        want, have = wanted.get(name), found.get(name)
        if have is None and want is not None and want.intended_s > model.run.duration_s:
            continue
        if want is None or have is None or not alike(want, have):
            row = want or have
            assert row is not None
            wrong.append((row.intended_s, f"{name[0]} {name[1]}: reference {told(want)}; engine {told(have)}"))
    return [line for _, line in sorted(wrong)]


def alike(want: Row, have: Row) -> bool:
    assert want.finished_s is not None and have.finished_s is not None
    return (
        (want.endpoint, want.outcome, want.attempts) == (have.endpoint, have.outcome, have.attempts)
        and abs(want.intended_s - have.intended_s) <= TOLERANCE_S
        and abs(want.finished_s - have.finished_s) <= TOLERANCE_S
    )


def told(row: Row | None) -> str:
    if row is None:
        return "unfinished"
    return f"{row.endpoint} {row.intended_s:.9f} → {row.finished_s:.9f} {row.outcome} ({row.attempts})"


def main() -> None:
    from tests.reference.kernel import kernel_rows

    parser = argparse.ArgumentParser(prog="python -m tests.reference.compare", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--ties", action="store_true")
    arguments = parser.parse_args()
    model = random_model(arguments.seed, arguments.ties)
    print(f"features: {model.title}")
    wrong = differences(model, simulate(model), kernel_rows(model))
    print(*(wrong or ["no request differs"]), sep="\n")


if __name__ == "__main__":
    main()
