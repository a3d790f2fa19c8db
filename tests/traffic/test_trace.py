"""Recorded arrivals come back as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.errors import DsimError
from sim.kernel.draws import name_hash
from sim.traffic import Trace, arrival_times
from tests.traffic.cases import KEY

ROWS = "ms,call,user,bytes,id\n1000,api.read,ann,10,7\n1250.5,api.write,bob,0,8\n1250.5,api.write,bob,2500,9\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "requests.csv"
    file.write_text(ROWS)
    return file


def test_times_are_exact(path: Path) -> None:
    trace = Trace.build(file=path, column="ms", unit=0.001)
    assert arrival_times(trace, KEY).tolist() == [0.0, 250.5 * 0.001, 250.5 * 0.001]
    absolute = Trace.build(file=path, column="ms", unit=0.001, from_zero=False)
    assert arrival_times(absolute, KEY).tolist() == [1.0, 1250.5 * 0.001, 1250.5 * 0.001]
    assert absolute.mean_rate(1.1) == pytest.approx(1 / 1.1)


def test_the_key_plays_no_part(path: Path) -> None:
    trace = Trace.build(file=path, column="ms")
    assert np.array_equal(arrival_times(trace, KEY), arrival_times(trace, np.uint64(1)))


def test_columns_besides_the_times(path: Path, tmp_path: Path) -> None:
    parquet = tmp_path / "requests.parquet"
    pd.read_csv(path).to_parquet(parquet)
    for file in (path, parquet):
        trace = Trace.build(file=file, column="ms", endpoint="call", key="user", size="bytes")
        assert [trace.endpoint_names[i] for i in trace.endpoints] == ["api.read", "api.write", "api.write"]
        assert trace.keys.tolist() == [int(name_hash(name)) for name in ("ann", "bob", "bob")]
        assert trace.sizes_bytes.tolist() == [10.0, 0.0, 2500.0]
    assert Trace.build(file=path, column="ms", key="id").keys.tolist() == [7, 8, 9]


def test_compared_by_contents(path: Path) -> None:
    given: dict[str, Any] = {"file": path, "column": "ms"}
    assert Trace.build(**given) == Trace.build(**given)
    assert hash(Trace.build(**given)) == hash(Trace.build(**given))
    variants = [{"unit": 0.001}, {"from_zero": False}, {"endpoint": "call"}, {"key": "user"}, {"size": "bytes"}]
    different = [Trace.build(**given), *(Trace.build(**given, **variant) for variant in variants)]
    assert len(set(different)) == len(different), "every key changes the model"


@pytest.mark.parametrize(
    "text, given, sentence",
    [
        (
            "t\n1\n3\n2\n",
            {},
            "request number 3 (at 1 s) is earlier than the one before it (at 2 s); must be sorted by time",
        ),
        ("t\n-1\n3\n", {"from_zero": False}, "column 't', value number 1: got -1; must be a number of at least 0"),
        ("t\n1\n\nsoon\n", {}, "column 't', value number 2: got soon; must be a number"),
        ("t,u\n1,2\n", {}, "has the columns t, u; name one of them as column"),
        ("t,u\n1,2\n", {"column": "t", "endpoint": "call"}, "has no column 'call'; it has t, u"),
        (
            "t,u\n1,a\n2,\n",
            {"column": "t", "endpoint": "u"},
            "column 'u', row 2: got nothing; must be an endpoint's name",
        ),
        (
            "t,u\n1,-3\n",
            {"column": "t", "size": "u"},
            "column 'u', value number 1: got -3; must be a number of at least 0",
        ),
    ],
)
def test_sentences(text: str, given: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "requests.csv"
    file.write_text(text)
    with pytest.raises(DsimError, match=re.escape(sentence)):
        Trace.build(file=file, **given)


def test_negative_times_are_fine_when_counted_from_the_first(tmp_path: Path) -> None:
    file = tmp_path / "requests.csv"
    file.write_text("t\n-5\n-2\n")
    assert arrival_times(Trace.build(file=file), KEY).tolist() == [0.0, 3.0]
