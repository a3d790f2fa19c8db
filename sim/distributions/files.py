"""Columns of numbers from CSV and Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import DsimError

if TYPE_CHECKING:
    import pandas as pd

PARQUET_SUFFIXES = (".parquet", ".pq")
TEXT_SUFFIXES = (".csv", ".txt")


def load_column(path: str | Path, column: str | None = None, unit_scale: float = 1.0) -> np.ndarray:
    """One column of non-negative numbers, float64, times `unit_scale`.

    Raises: DsimError for a missing or unreadable file, a missing column, and values that are not numbers at least 0.
    """
    frame = load_table(Path(path))
    return numbers(frame, Path(path), pick_column(frame, Path(path), column)) * unit_scale


def load_table(path: Path) -> pd.DataFrame:
    """A CSV (first row: names; a lone column of bare numbers may do without) or Parquet file as a frame."""
    import pandas as pd

    if not path.is_file():
        raise DsimError(f"{path}: there is no such file; give the path of a CSV or Parquet file")
    if path.suffix not in PARQUET_SUFFIXES + TEXT_SUFFIXES:
        raise DsimError(f"{path}: got a name ending in {path.suffix!r}; must be .csv, .txt or .parquet")
    try:
        if path.suffix in PARQUET_SUFFIXES:
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, skipinitialspace=True, header=None if _has_no_header(path) else "infer")
    except (ValueError, OSError) as error:
        raise DsimError(f"{path}: cannot be read as a table: {str(error).splitlines()[0]}") from error
    if frame.empty:
        raise DsimError(f"{path}: has no rows; at least one is needed")
    return frame.rename(columns=str)


def pick_column(frame: pd.DataFrame, path: Path, column: str | None) -> str:
    """The column asked for, or the only one."""
    names = ", ".join(frame.columns)
    if column is None:
        if len(frame.columns) > 1:
            raise DsimError(f"{path}: has the columns {names}; name one of them as column")
        return str(frame.columns[0])
    if column not in frame.columns:
        raise DsimError(f"{path}: has no column {column!r}; it has {names}")
    return column


def numbers(frame: pd.DataFrame, path: Path, column: str, at_least: float = 0.0) -> np.ndarray:
    """The column as float64, every value finite and of at least `at_least`."""
    import pandas as pd

    given = frame[column]
    values = pd.to_numeric(given, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= at_least)))
    if wrong.size:
        row = int(wrong[0])
        raise DsimError(
            f"{path}: column {column!r}, value number {row + 1}: got {given.iloc[row]}; must be a number of at least "
            f"{at_least:g}" + (f" ({wrong.size} values are not)" if wrong.size > 1 else "")
        )
    return values


def _has_no_header(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline().strip()
    try:
        float(first)
    except ValueError:
        return False
    return True
