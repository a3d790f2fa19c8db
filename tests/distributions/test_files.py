"""Values from files: what is read, and the sentence for what cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.distributions import Empirical, Replay, draw_many, load_column
from sim.errors import DsimError
from tests.distributions.cases import KEY


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "times.csv"
    path.write_text("service,latency\napi,1.5\napi,0.25\ndb,4\n")
    return path


def test_csv_and_parquet_give_the_same_numbers(table: Path, tmp_path: Path) -> None:
    parquet = tmp_path / "times.parquet"
    pd.read_csv(table).to_parquet(parquet)
    for path in (table, parquet):
        assert load_column(path, "latency", 0.001).tolist() == [1.5e-3, 0.25e-3, 4e-3]


def test_replay_of_a_file_is_the_file(table: Path) -> None:
    law = Replay.build(file=table, column="latency", unit=0.001)
    assert draw_many(law, KEY, 4).tolist() == [1.5e-3, 0.25e-3, 4e-3, 1.5e-3]
    assert law == Replay.build(values=[1.5e-3, 0.25e-3, 4e-3]), "compared by contents, not by origin"


def test_the_only_column_needs_no_name_and_no_header(tmp_path: Path) -> None:
    named, bare = tmp_path / "named.csv", tmp_path / "bare.txt"
    named.write_text("latency\n1\n2\n")
    bare.write_text("1\n2\n")
    assert load_column(named).tolist() == load_column(bare).tolist() == [1.0, 2.0]
    assert Empirical.build(file=str(bare)).mean() == 1.5


@pytest.mark.parametrize(
    "text, column, sentence",
    [
        (None, "latency", "there is no such file; give the path of a CSV or Parquet file"),
        ("a,b\n1,2\n", None, "has the columns a, b; name one of them as column"),
        ("a,b\n1,2\n", "c", "has no column 'c'; it has a, b"),
        ("a,b\n", "a", "has no rows; at least one is needed"),
        ("", "a", "cannot be read as a table: No columns to parse from file"),
        ("a\n1\nfast\n", "a", "column 'a', value number 2: got fast; must be a number of at least 0"),
        ("a,b\n1,2\n,2\n", "a", "column 'a', value number 2: got nan; must be a number of at least 0"),
        (
            "a\n1\n-2\n-3\n",
            "a",
            "column 'a', value number 2: got -2; must be a number of at least 0 (2 values are not)",
        ),
        ("a\n1\ninf\n", "a", "column 'a', value number 2: got inf; must be a number of at least 0"),
    ],
)
def test_sentences(text: str | None, column: str | None, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "times.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DsimError, match=re.escape(f"{path}: {sentence}")):
        load_column(path, column)


def test_other_formats_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "times.xlsx"
    path.write_bytes(b"PK")
    with pytest.raises(DsimError, match=re.escape("got a name ending in '.xlsx'; must be .csv, .txt or .parquet")):
        load_column(path, "a")


def test_a_broken_parquet_file_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "times.parquet"
    path.write_bytes(np.arange(10).tobytes())
    with pytest.raises(DsimError, match="cannot be read as a table"):
        load_column(path, "a")
