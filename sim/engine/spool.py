"""Recorded requests: from the kernel's buffer to a Parquet file, a row group at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.engine.lowered import Lowered
from sim.kernel.codes import OUTCOMES
from sim.traffic import Trace

ROWS_PER_GROUP = 1 << 17


class Spool:
    """Empties the kernel's record buffer into a file; memory stays bounded however long the run."""

    def __init__(self, tables: Lowered, path: Path) -> None:
        self.tables = tables
        self.path = path
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[np.ndarray] = []
        self._pending_rows = 0
        self._instances = np.array([*tables.instance_row, None], dtype=object)
        self._sources = np.array([source.name for source in tables.model.sources], dtype=object)
        self._endpoints = np.array([f"{edge.service}.{edge.endpoint}" for edge in tables.edges], dtype=object)

    def drain(self) -> None:
        """Take what the kernel has recorded."""
        state = self.tables.state
        length = int(state["spool_length"])
        if length:
            self._pending.append(state["spool"][:length].copy())
            self._pending_rows += length
            state["spool_length"] = 0
        if self._pending_rows >= ROWS_PER_GROUP:
            self._write()

    def close(self) -> Path:
        self.drain()
        self._write()
        assert self._writer is not None
        self._writer.close()
        return self.path

    def _write(self) -> None:
        rows = np.concatenate(self._pending) if self._pending else self.tables.state["spool"][:0]
        table = self._table(rows)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, table.schema)
        if len(rows) or not self._pending:
            self._writer.write_table(table)
        self._pending, self._pending_rows = [], 0

    def _table(self, rows: np.ndarray) -> pa.Table:
        key, size = self._trace_columns(rows)
        text = pa.dictionary(pa.int32(), pa.string())
        columns: dict[str, Any] = {
            "index": pa.array(rows["index"]),
            "source": pa.array(self._sources[rows["source"]]).cast(text),
            "endpoint": pa.array(self._endpoints[rows["edge"]]).cast(text),
            "intended_s": pa.array(rows["intended_s"]),
            "latency_s": pa.array(rows["latency_s"]),
            "outcome": pa.array(np.array(OUTCOMES, dtype=object)[rows["outcome"]]).cast(text),
            "attempts": pa.array(rows["attempts"]),
            "instance": pa.array(self._instances[rows["instance"]], pa.string()).cast(text),
            "key": key,
            "size_bytes": size,
        }
        return pa.table(columns)

    def _trace_columns(self, rows: np.ndarray) -> tuple[pa.Array, pa.Array]:
        """Key and size of requests that came from a trace with such columns; null elsewhere."""
        keys, sizes = np.zeros(len(rows), np.uint64), np.zeros(len(rows))
        no_key, no_size = np.ones(len(rows), bool), np.ones(len(rows), bool)
        for number, source in enumerate(self.tables.model.sources):
            if not isinstance(source.arrivals, Trace):
                continue
            chosen = rows["source"] == number
            index = rows["index"][chosen]
            if source.arrivals.keys is not None:
                keys[chosen], no_key[chosen] = source.arrivals.keys[index], False
            if source.arrivals.sizes_bytes is not None:
                sizes[chosen], no_size[chosen] = source.arrivals.sizes_bytes[index], False
        return pa.array(keys, mask=no_key), pa.array(sizes, mask=no_size)
