"""The tree of draw keys (contract 2): what a draw's position is made of.

A request's key comes from its source's named stream and its index. Every other key derives from its parent's:

    source    stream_key(seed, replication, "source:" + name)
    request   derive(source, index)              also the key of its call
    user      derive(derive(source, user), cycle) in closed traffic
    attempt   derive(call, attempt number)
    handler   two keys: `fresh`, the attempt's, and `kept`, derive(call's kept key, 0)
    step      derive(handler's fresh or kept key, step salt + visit)
    call      two keys: derive(handler's fresh key, …) and derive(handler's kept key, step salt + visit)
    branch    same handler keys (step salts differ by branch)

A step's salt is the hash of its path ("service.endpoint/0/parallel/1/0"), its visit the number of loop turns taken
so far; a branch counts on from derive(its parent's visit, BRANCH), so that no two visits to a step are alike. Steps
with `draw: attempt` use the fresh key, so that a retry draws anew; `draw: request` the kept one, which is equal in all
attempts. Within a key, the purposes below number the words.
"""

from __future__ import annotations

import numpy as np

from sim.kernel.draws import derive
from sim.kernel.jit import kernel, u8

NETWORK_OUT, NETWORK_BACK, BALANCE = np.uint64(0x4F5554), np.uint64(0x4241434B), np.uint64(0x42414C)
"""Salts by which an attempt's key is derived into the keys of its latencies and of its pick."""
BACKOFF_WORD, MIX_WORD, RECORD_WORD = 2**40 + 1, 2**40 + 2, 2**40 + 3
"""Words of an attempt's key: jitter of the back-off after it; of a request's key: target in the mix; is it recorded."""
THINK_SALT = np.uint64(0x5448494E4B)
"""Salt by which the key of a closed user's request is derived into the key of the think time before it."""
BRANCH = np.uint64(0x4252414E4348)
USER_WORDS = 2**40
"""Words of an attempt's key that belong to behaviours."""


@kernel(u8, u8, u8, u8)
def step_key(handler_key, salt, visit):
    """The key of one visit to one step."""
    return derive(handler_key, salt + visit)
