"""What an etcd cluster and its clients are told: every time of it, in s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sim.registries.etcd.lessor import minimum_ttl_s

Reads = Literal["linearizable", "serializable"]

LEADER_CHECKS = 3
"""A member that saw no leader in so many looks, an election timeout apart, ends the streams that need one
(`v3rpc/interceptor.go`: `maxNoLeaderCnt`)."""
FORWARD_RETRY_S = 0.05
"""Between two tries of a member to pass a keep-alive on to the leader."""
STREAM_RETRY_S = 0.5
"""Between two keep-alives, and before a broken stream of them is opened anew (`clientv3/lease.go`: `retryConnWait`)."""
WATCH_RETRY_S = 0.1
"""Before a broken watch is opened anew (`clientv3/watch.go`: at most)."""
DEADLINE_CHECK_S = 1.0
"""How often a client looks for leases that nobody has confirmed for their whole time (`deadlineLoop`)."""
DIAL_TIMEOUT_S, BACKOFF_S, BACKOFF_FACTOR, BACKOFF_MOST_S, BACKOFF_JITTER = 20.0, 1.0, 1.6, 120.0, 0.2
"""grpc-go's connection backoff."""
TCP_KEEP_ALIVE_S, TCP_KEEP_ALIVE_PROBES = 15.0, 9
"""Go's dialer lets the kernel probe an idle connection so often (`net.Dialer`); Linux gives up after so many."""
TCP_GIVES_UP_S = 924.6
"""Linux on unacknowledged data, with tcp_retries2 = 15 (ip-sysctl)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`lease_s`: as asked for by those who register; `keep_alive_s` (None: off): how often a client pings a silent
    connection (`DialKeepAliveTime`), which it gives up after `keep_alive_timeout_s`. `request_s` bounds one request of
    a client, and `retry_s` passes before one that failed is made again: both are the application's. `read_retry_s`: a
    member asks the leader again for the index of a read (None: never)."""

    lease_s: float
    heartbeat_s: float
    election_s: float
    pre_vote: bool
    read_retry_s: float | None
    reads: Reads
    keep_alive_s: float | None
    keep_alive_timeout_s: float
    request_s: float
    retry_s: float

    @property
    def election_ticks(self) -> int:
        """Whole ones, rounded down (`embed/config.go`: `ElectionTicks`)."""
        return int(self.election_s / self.heartbeat_s + 1e-9)

    @property
    def minimum_ttl_s(self) -> float:
        return minimum_ttl_s(self.election_ticks, self.heartbeat_s)

    @property
    def server_request_s(self) -> float:
        """How long a member works on a request (`ReqTimeout`)."""
        return 5.0 + 2.0 * self.election_s
