"""Arrivals as they were recorded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sim.distributions import Form, Parameter
from sim.distributions.files import load_table, numbers, pick_column
from sim.distributions.parameters import Parameters
from sim.errors import DsimError
from sim.traffic.base import TRACE, Arrivals, Process, register

if TYPE_CHECKING:
    import pandas as pd


@register
@dataclass(frozen=True)
class Trace(Arrivals):
    """One request a row of a file, in the file's order; none after the last.

    The optional columns say more about each request: its endpoint (`service.endpoint`), its key (a number, or text that
    is hashed) and its size in bytes. Compared by the contents' hash.
    """

    name = "trace"
    code = TRACE
    parameters: ClassVar[Parameters] = {
        "file": Parameter("file", "CSV or Parquet file with one request a row"),
        "column": Parameter("text", "column of the times; not needed where the file has one column"),
        "unit": Parameter("unit", "unit of the times; seconds where left out", default=1.0, above=0.0),
        "from_zero": Parameter("flag", "count times from the first request, which then arrives at 0", default=True),
        "endpoint": Parameter("text", "column of the endpoints' names"),
        "key": Parameter("text", "column of the requests' keys"),
        "size": Parameter("text", "column of the requests' sizes in bytes"),
    }
    forms = (Form(("file",), ("column", "unit", "from_zero", "endpoint", "key", "size")),)
    single = "file"

    times_s: np.ndarray = field(repr=False, compare=False)
    """float64, ascending."""
    endpoint_names: tuple[str, ...] = ()
    endpoints: np.ndarray | None = field(default=None, repr=False, compare=False)
    """int32: each request's place in `endpoint_names`."""
    keys: np.ndarray | None = field(default=None, repr=False, compare=False)
    """uint64."""
    sizes_bytes: np.ndarray | None = field(default=None, repr=False, compare=False)
    """float64."""
    origin: str = field(default="times", compare=False)
    digest: str = field(init=False, repr=False)

    @classmethod
    def from_parameters(cls, **values: Any) -> Trace:
        path = values["file"]
        frame = load_table(path)
        names, endpoints = _endpoints(frame, path, values["endpoint"])
        return cls(
            times_s=_times(frame, path, values["column"], values["unit"], values["from_zero"]),
            endpoint_names=names,
            endpoints=endpoints,
            keys=_keys(frame, path, values["key"]),
            sizes_bytes=None if values["size"] is None else _column(frame, path, values["size"]),
            origin=str(path),
        )

    def __post_init__(self) -> None:
        times_s = np.array(self.times_s, dtype=np.float64)
        if times_s.ndim != 1 or times_s.size == 0 or not np.isfinite(times_s).all() or times_s[0] < 0.0:
            raise DsimError("trace.times: must be a list of at least one time, each finite and at least 0")
        backwards = np.flatnonzero(np.diff(times_s) < 0.0)
        if backwards.size:
            at = int(backwards[0])
            raise DsimError(
                f"trace {self.origin}: request number {at + 2} (at {times_s[at + 1]:.9g} s) is earlier than the one "
                f"before it (at {times_s[at]:.9g} s); must be sorted by time"
            )
        object.__setattr__(self, "times_s", times_s)
        digest = hashlib.blake2b(times_s.tobytes(), digest_size=16)
        for column in (self.endpoints, self.keys, self.sizes_bytes):
            digest.update(b"|" if column is None else column.tobytes())
        object.__setattr__(self, "digest", digest.hexdigest())

    def mean_rate(self, until_s: float) -> float:
        return float(np.searchsorted(self.times_s, until_s, side="right")) / until_s

    def lower(self) -> Process:
        return Process(TRACE, data=self.times_s, length=self.times_s.size)


def _column(frame: pd.DataFrame, path: Path, column: str) -> np.ndarray:
    return numbers(frame, path, pick_column(frame, path, column))


def _times(frame: pd.DataFrame, path: Path, column: str | None, unit_s: float, from_zero: bool) -> np.ndarray:
    name = pick_column(frame, path, column)
    times = numbers(frame, path, name, at_least=-np.inf if from_zero else 0.0)
    return (times - times[0] if from_zero else times) * unit_s


def _endpoints(frame: pd.DataFrame, path: Path, column: str | None) -> tuple[tuple[str, ...], np.ndarray | None]:
    import pandas as pd

    if column is None:
        return (), None
    codes, names = pd.factorize(frame[pick_column(frame, path, column)])
    if (codes < 0).any():
        raise DsimError(
            f"{path}: column {column!r}, row {int(np.argmin(codes)) + 1}: got nothing; must be an endpoint's name"
        )
    return tuple(map(str, names)), codes.astype(np.int32)


def _keys(frame: pd.DataFrame, path: Path, column: str | None) -> np.ndarray | None:
    import pandas as pd

    from sim.kernel.draws import name_hash

    if column is None:
        return None
    given = frame[pick_column(frame, path, column)]
    if pd.api.types.is_integer_dtype(given):
        return given.to_numpy().astype(np.uint64)
    codes, names = pd.factorize(given, use_na_sentinel=False)
    return np.array([name_hash(str(name)) for name in names], dtype=np.uint64)[codes]
