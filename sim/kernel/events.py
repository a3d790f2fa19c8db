"""The pending events: a binary heap by (time, class, creation), and a FIFO for those that are due at once.

An event due now enters the FIFO instead of the heap; the main loop takes whichever of the two comes first in the
order, so the FIFO changes speed and nothing else. Events name a row and its generation: an event of an earlier use of
the row is stale and ignored.
"""

from __future__ import annotations

import numpy as np

from sim.kernel.codes import DATA, READY, STEP
from sim.kernel.jit import b1, f8, i8, kernel, void
from sim.kernel.tables import CAPACITY, STATE_TYPE

READY_MASK = CAPACITY["ready"] - 1
KIND_MASK = 31
CLASS_SHIFT, SEQUENCE_SHIFT = 61, 5


@kernel(b1, i8, i8, i8, i8, hot=True)
def before(bits_a, order_a, bits_b, order_b):
    """Does event a come before event b? Without a branch: which of two children is earlier cannot be predicted."""
    return (bits_a < bits_b) | ((bits_a == bits_b) & (order_a < order_b))


@kernel(i8, i8, i8, i8, hot=True)
def order_word(late, sequence, kind):
    return (late << CLASS_SHIFT) | (sequence << SEQUENCE_SHIFT) | kind


@kernel(i8, STATE_TYPE, i8, i8, hot=True)
def next_order(S, late, kind):
    """The order word of an event created now."""
    S.sequence += 1
    return order_word(late, S.sequence, kind)


@kernel(void, STATE_TYPE, i8, i8, i8, i8, i8)
def rise(S, hole, bits, order, slot, generation):
    """Put an event where it belongs, at a hole or above it."""
    heap = S.heap
    while hole > 0:
        parent = (hole - 1) >> 1
        above = heap[parent]
        if before(above.bits, above.order, bits, order):
            break
        below = heap[hole]
        below.bits = above.bits
        below.order = above.order
        below.slot = above.slot
        below.generation = above.generation
        hole = parent
    event = heap[hole]
    event.bits = bits
    event.order = order
    event.slot = slot
    event.generation = generation


@kernel(void, STATE_TYPE)
def pop_heap(S):
    """Remove the first event (read its fields before).

    The hole goes down to a leaf along the earlier children, and the last event rises from there: it belongs near the
    bottom, so this saves a comparison a level (Wegener, Theoretical Computer Science 118, 1993).
    """
    heap = S.heap
    length = S.heap_length - 1
    S.heap_length = length
    last = heap[length]
    hole, right = 0, 2
    while right <= length:
        a, b = heap[right - 1], heap[right]
        below = right - 1
        if right < length:
            below += before(b.bits, b.order, a.bits, a.order)
        event, above = heap[below], heap[hole]
        above.bits = event.bits
        above.order = event.order
        above.slot = event.slot
        above.generation = event.generation
        hole = below
        right = 2 * hole + 2
    rise(S, hole, last.bits, last.order, last.slot, last.generation)


@kernel(void, STATE_TYPE, f8, i8, i8, i8, i8, hot=True)
def schedule(S, time, late, kind, slot, generation):
    """Create an event."""
    order = next_order(S, late, kind)
    if time == S.now and late == 0:
        event = S.ready[(S.ready_head + S.ready_length) & READY_MASK]
        event.time = time
        event.order = order
        event.slot = slot
        event.generation = generation
        S.ready_length += 1
    else:
        S.heap_length += 1
        rise(S, S.heap_length - 1, np.float64(time).view(np.int64), order, slot, generation)


@kernel(void, STATE_TYPE, f8, i8, i8)
def schedule_in_order(S, time, order, slot):
    """Create an event with an order word that was drawn earlier."""
    S.heap_length += 1
    rise(S, S.heap_length - 1, np.float64(time).view(np.int64), order, slot, 0)


@kernel(void, STATE_TYPE, i8, hot=True)
def wake(S, task):
    """Let a task run on, at once."""
    S.task[task].state = READY
    schedule(S, S.now, DATA, STEP, task, S.task[task].generation)
