"""CPU on two levels: a node water-fills its cores over its instances, an instance shares what it gets among its bursts.

An instance's *clock* is virtual time: the core-seconds that a burst running all along would have got. A burst of work w
that joins at clock v ends at clock v + w, whatever the rates in between: a change of rate (another burst, another
instance, a speed change, a crash) touches only the instance, never its bursts. Bursts wait in a pairing heap by the
clock at which they end (Fredman et al. 1986), threaded through their task rows; the earliest end of each instance
stands in an indexed heap of its own, where it is moved in place. The clock restarts at 0 when the instance falls idle.
"""

from __future__ import annotations

import numpy as np

from sim.kernel.codes import CPU_WAIT, EVENT_LOOP, NONE, ON_CPU
from sim.kernel.events import before, next_order
from sim.kernel.jit import b1, f8, i8, kernel, void
from sim.kernel.tables import STATE_TYPE

TOLERANCE = 1e-12
"""Relative slack below which a node's demand counts as within its cores (sums of fractional caps)."""

# Pairing heap of an instance's bursts -------------------------------------------------------------------------------


@kernel(b1, STATE_TYPE, i8, i8)
def ends_before(S, a, b):
    """Ties end in order of joining."""
    x, y = S.task[a], S.task[b]
    return x.finish < y.finish or (x.finish == y.finish and x.burst_order < y.burst_order)


@kernel(i8, STATE_TYPE, i8, i8)
def meld(S, a, b):
    """The root of two heaps made one; either may be -1."""
    if a == NONE:
        return b
    if b == NONE:
        return a
    if ends_before(S, b, a):
        a, b = b, a
    root, under = S.task[a], S.task[b]
    under.next = root.child
    if root.child != NONE:
        S.task[root.child].previous = b
    under.previous = a
    root.child = b
    root.next = NONE
    root.previous = NONE
    return a


@kernel(i8, STATE_TYPE, i8)
def merge_pairs(S, first):
    """One heap out of a list of siblings: pairs from left to right, then the pairs from right to left."""
    pairs = NONE
    while first != NONE:
        a = first
        b = S.task[a].next
        first = NONE
        if b != NONE:
            first = S.task[b].next
            S.task[b].next = NONE
        S.task[a].next = NONE
        pair = meld(S, a, b)
        S.task[pair].next = pairs
        pairs = pair
    root = NONE
    while pairs != NONE:
        rest = S.task[pairs].next
        S.task[pairs].next = NONE
        root = meld(S, root, pairs)
        pairs = rest
    return root


@kernel(i8, STATE_TYPE, i8, i8)
def without(S, top, row):
    """The root of the heap `top` after burst `row` has left it."""
    task = S.task[row]
    rest = merge_pairs(S, task.child)
    task.child = NONE
    if row == top:
        top = rest
    else:
        if S.task[task.previous].child == row:
            S.task[task.previous].child = task.next
        else:
            S.task[task.previous].next = task.next
        if task.next != NONE:
            S.task[task.next].previous = task.previous
        top = meld(S, top, rest)
    task.next = NONE
    task.previous = NONE
    return top


# Indexed heap of the instances' next ends ---------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, i8, i8, i8)
def place(S, position, bits, order, instance):
    entry = S.armed[position]
    entry.bits = bits
    entry.order = order
    entry.instance = instance
    S.position[instance] = position


@kernel(void, STATE_TYPE, i8, i8, i8, i8)
def sift(S, hole, bits, order, instance):
    """Put an entry where it belongs, starting from a hole: down to a leaf along the earlier children, up from there."""
    armed = S.armed
    right = 2 * hole + 2
    while right <= S.armed_length:
        a, b = armed[right - 1], armed[right]
        below = right - 1
        if right < S.armed_length:
            below += before(b.bits, b.order, a.bits, a.order)
        entry = armed[below]
        place(S, hole, entry.bits, entry.order, entry.instance)
        hole = below
        right = 2 * hole + 2
    while hole > 0:
        parent = (hole - 1) >> 1
        above = armed[parent]
        if before(above.bits, above.order, bits, order):
            break
        place(S, hole, above.bits, above.order, above.instance)
        hole = parent
    place(S, hole, bits, order, instance)


@kernel(void, STATE_TYPE, i8)
def disarm(S, instance):
    position = S.position[instance]
    if position == NONE:
        return
    S.position[instance] = NONE
    S.armed_length -= 1
    last = S.armed[S.armed_length]
    if position < S.armed_length:
        sift(S, position, last.bits, last.order, last.instance)


@kernel(void, STATE_TYPE, i8, hot=True)
def arm(S, row):
    """Let the instance's next burst end when the present rate says."""
    instance = S.instance[row]
    if instance.top == NONE or instance.rate <= 0.0:
        disarm(S, row)
        return
    left = S.task[instance.top].finish - instance.clock
    time = S.now + max(left, 0.0) / instance.rate
    hole = S.position[row]
    if hole == NONE:
        hole = S.armed_length
        S.armed_length += 1
    sift(S, hole, np.float64(time).view(np.int64), next_order(S, 0, 0), row)


# Shares -------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, hot=True)
def settle(S, row):
    """Bring an instance's clock and areas up to now."""
    instance = S.instance[row]
    elapsed = S.now - instance.settled
    if elapsed > 0.0:
        instance.settled = S.now
        instance.in_system_area += instance.in_system * elapsed
        instance.queue_area += instance.queue_length * elapsed
        instance.busy_area += instance.share * elapsed
        instance.clock += instance.rate * elapsed


@kernel(f8, STATE_TYPE, i8)
def demand(S, row):
    """Cores that an instance asks for."""
    instance = S.instance[row]
    return min(instance.cores, 1.0 * instance.running)


@kernel(void, STATE_TYPE, i8, f8, hot=True)
def grant(S, row, share):
    """Give a settled instance its share of the node and re-arm it."""
    instance = S.instance[row]
    instance.share = share
    if instance.running > 0:
        instance.rate = share / instance.running * instance.speed
    else:
        instance.rate = 0.0
        instance.clock = 0.0
    arm(S, row)


@kernel(f8, STATE_TYPE, i8, inline=True)
def fair_level(S, node_row):
    """The level of max–min fair shares: an instance gets its demand or the level, whichever is less.

    Starts from equal shares and gives back what the satisfied do not need until nobody more is satisfied.
    """
    node = S.node[node_row]
    level, satisfied = 0.0, NONE
    while True:
        left, hungry, met = node.cores, 0, 0
        row = node.first_instance
        while row != NONE:
            wish = demand(S, row)
            if wish > level:
                hungry += 1
            elif wish > 0.0:
                met += 1
                left -= wish
            row = S.instance[row].node_next
        if hungry == 0 or met == satisfied:
            return level
        satisfied = met
        level = left / hungry


@kernel(void, STATE_TYPE, i8, i8)
def reshare(S, node_row, changed):
    """Share a node's cores anew over all its instances; `changed` (or -1) is granted even an equal share anew."""
    node = S.node[node_row]
    level = fair_level(S, node_row) if node.tight else node.cores
    row = node.first_instance
    while row != NONE:
        settle(S, row)
        share = min(demand(S, row), level)
        if row == changed or share != S.instance[row].share:
            grant(S, row, share)
        row = S.instance[row].node_next


@kernel(void, STATE_TYPE, i8, f8, hot=True)
def ask_anew(S, row, before_):
    """A settled instance, which asked for `before_` cores, may ask for others now: share the node's."""
    instance = S.instance[row]
    node = S.node[instance.node]
    after = demand(S, row)
    node.demand += after - before_
    tight = 1 if node.demand > node.cores * (1.0 + TOLERANCE) else 0
    if tight or node.tight:
        node.tight = tight
        reshare(S, instance.node, row)
    else:
        grant(S, row, after)


@kernel(void, STATE_TYPE, i8, i8, hot=True)
def change_running(S, row, by):
    """One burst more (+1) or fewer (-1) in a settled instance's heap; `top` is already up to date."""
    before_ = demand(S, row)
    S.instance[row].running += by
    ask_anew(S, row, before_)


@kernel(void, STATE_TYPE, i8)
def change_speed(S, row):
    """Let an instance go on at what its node's speed and its own are now."""
    settle(S, row)
    instance = S.instance[row]
    instance.speed = S.node[instance.node].speed * instance.own_speed
    grant(S, row, instance.share)


# The instance's queue: requests waiting for a worker, or bursts waiting for the event loop --------------------------


@kernel(void, STATE_TYPE, i8, i8)
def append(S, row, task_row):
    """Append a task to a settled instance's queue."""
    instance = S.instance[row]
    task = S.task[task_row]
    task.next = NONE
    task.previous = instance.queue_tail
    if instance.queue_tail == NONE:
        instance.queue_head = task_row
    else:
        S.task[instance.queue_tail].next = task_row
    instance.queue_tail = task_row
    instance.queue_length += 1


@kernel(void, STATE_TYPE, i8, i8)
def unqueue(S, row, task_row):
    """Take a task out of a settled instance's queue, wherever it stands."""
    instance = S.instance[row]
    task = S.task[task_row]
    if task.previous == NONE:
        instance.queue_head = task.next
    else:
        S.task[task.previous].next = task.next
    if task.next == NONE:
        instance.queue_tail = task.previous
    else:
        S.task[task.next].previous = task.previous
    instance.queue_length -= 1
    task.next = NONE
    task.previous = NONE


# Bursts -------------------------------------------------------------------------------------------------------------


@kernel(void, STATE_TYPE, i8, hot=True)
def join_processor(S, row):
    """Add a burst to its instance's running set; task.finish holds its work."""
    task = S.task[row]
    instance = S.instance[task.instance]
    settle(S, task.instance)
    task.state = ON_CPU
    task.finish += instance.clock
    S.sequence += 1
    task.burst_order = S.sequence
    instance.top = meld(S, instance.top, row)
    change_running(S, task.instance, 1)


@kernel(void, STATE_TYPE, i8, f8)
def start_burst(S, row, work):
    """Start a burst of `work` core-seconds, or queue it behind the event loop's running one."""
    task = S.task[row]
    task.finish = work
    instance = S.instance[task.instance]
    if instance.model == EVENT_LOOP and instance.running > 0:
        settle(S, task.instance)
        task.state = CPU_WAIT
        append(S, task.instance, row)
    else:
        join_processor(S, row)


@kernel(void, STATE_TYPE, i8, hot=True)
def leave_processor(S, row):
    """Take a burst off its processor, finished or not; the event loop turns to the next."""
    task = S.task[row]
    host = task.instance
    instance = S.instance[host]
    settle(S, host)
    instance.top = without(S, instance.top, row)
    change_running(S, host, -1)
    if instance.model == EVENT_LOOP and instance.queue_head != NONE:
        following = instance.queue_head
        unqueue(S, host, following)
        join_processor(S, following)


@kernel(i8, STATE_TYPE, i8)
def finish_burst(S, row):
    """The burst of this instance that ends now."""
    instance = S.instance[row]
    settle(S, row)
    done = instance.top
    instance.clock = S.task[done].finish
    leave_processor(S, done)
    return done
