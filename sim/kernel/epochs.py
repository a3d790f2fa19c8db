"""Logs by their ends: which entries two of them share.

A leader appends, and its log as it was elected is the base of its epoch. So a log that ends with entry i of epoch e is
the base of e and the entries of e up to i (log matching, Ongaro & Ousterhout, section 5.3), and is told by this pair.
"""

from __future__ import annotations

import numba

from sim.kernel.codes import NONE
from sim.kernel.jit import b1, i8, kernel, void
from sim.kernel.log_tables import POSITION
from sim.kernel.tables import STATE_TYPE

POSITION_TYPE = numba.from_dtype(POSITION)


@kernel(void, POSITION_TYPE, POSITION_TYPE, apart="log")
def put(to, source):
    to.epoch = source.epoch
    to.index = source.index
    to.offset = source.offset


@kernel(b1, POSITION_TYPE, POSITION_TYPE, apart="log")
def is_same(a, b):
    return a.epoch == b.epoch and a.index == b.index


@kernel(b1, STATE_TYPE, POSITION_TYPE, i8, i8, apart="log")
def holds(S, end, epoch, index):
    """Does the log that ends at `end` have entry `index` of `epoch`? Each has the one before the first."""
    if index == 0:
        return True
    e, upper = end.epoch, end.index
    while e != NONE:
        base = S.epoch[e].origin
        if e == epoch:
            return base.index < index <= upper
        e, upper = base.epoch, base.index
    return False


@kernel(void, STATE_TYPE, POSITION_TYPE, POSITION_TYPE, POSITION_TYPE, apart="log")
def meet(S, to, a, b):
    """Set `to`, which may be one of the two, to the last entry that the logs which end at `a` and `b` share."""
    epoch, index, offset = a.epoch, a.index, a.offset
    while epoch != NONE:
        other, other_index, other_offset = b.epoch, b.index, b.offset
        while other != NONE and other != epoch:
            base = S.epoch[other].origin
            other, other_index, other_offset = base.epoch, base.index, base.offset
        if other == epoch:
            if other_index < index:
                index, offset = other_index, other_offset
            break
        base = S.epoch[epoch].origin
        epoch, index, offset = base.epoch, base.index, base.offset
    to.epoch = epoch
    to.index = index
    to.offset = offset
