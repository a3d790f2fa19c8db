"""Values from a file: drawn at random, or taken in order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from sim.distributions.base import Distribution, Law, register
from sim.distributions.codes import EMPIRICAL, REPLAY
from sim.distributions.files import load_column
from sim.distributions.parameters import Form, Parameter, Parameters
from sim.errors import DsimError

PARAMETERS = {
    "file": Parameter("file", "CSV or Parquet file with one value a row"),
    "column": Parameter("text", "the column's name; not needed where the file has one column"),
    "unit": Parameter("unit", "unit of the file's numbers; the base unit where left out", default=1.0, above=0.0),
    "values": Parameter("list[quantity]", "the values themselves, instead of a file", at_least=0.0),
}
FORMS = (Form(("file",), ("column", "unit")), Form(("values",)))


@dataclass(frozen=True)
class Recorded(Distribution):
    """Base of the two: values (float64, base units) and where they came from. Compared by the values' hash."""

    parameters: ClassVar[Parameters] = PARAMETERS
    forms = FORMS

    values: np.ndarray = field(repr=False, compare=False)
    origin: str = field(default="values", compare=False)
    digest: str = field(init=False, repr=False)

    @classmethod
    def from_parameters(cls, **values: Any) -> Self:
        if "values" in values:
            return cls(values["values"])
        path, column, unit = values["file"], values["column"], values["unit"]
        return cls(load_column(path, column, unit), str(path) if column is None else f"{path}:{column}")

    def __post_init__(self) -> None:
        array = np.array(self.values, dtype=np.float64)
        if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all() or (array < 0.0).any():
            raise DsimError(f"{self.name}.values: must be a list of at least one number, each finite and at least 0")
        array.flags.writeable = False
        object.__setattr__(self, "values", array)
        object.__setattr__(self, "digest", hashlib.blake2b(array.tobytes(), digest_size=16).hexdigest())

    def mean(self) -> float:
        return float(self.values.mean())

    def variance(self) -> float:
        """Of the values themselves (divided by their number): they are the whole law, not a sample of one."""
        return float(self.values.var())

    def minimum(self) -> float:
        return float(self.values.min())


@register
@dataclass(frozen=True)
class Empirical(Recorded):
    """The values, drawn with replacement: the bootstrap's law. Sorted, so that a draw is monotone in its uniform."""

    name = "empirical"
    single = "file"

    def lower(self) -> Law:
        return Law(EMPIRICAL, data=np.sort(self.values))


@register
@dataclass(frozen=True)
class Replay(Recorded):
    """The values in their order: request number i of its source takes value i, from the start again at the end."""

    name = "replay"
    single = "file"

    def lower(self) -> Law:
        return Law(REPLAY, data=self.values)
