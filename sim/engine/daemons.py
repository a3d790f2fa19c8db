"""Daemons: the control plane's processes, which run protocols at hosts and know only what messages tell them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from sim.engine import loop
from sim.errors import DsimError
from sim.kernel.codes import NONE
from sim.kernel.draws import name_hash, stream_key, uniform

if TYPE_CHECKING:
    from sim.engine.cluster import Cluster
    from sim.engine.mail import Letter

MESSAGE_BYTES = 200.0
RESET_BYTES = 40.0
BROKEN_AFTER_S = 15.0
"""Linux's tcp_retries2 allows more; servers' own timeouts, such as the 5 s of etcd 3.4's rafthttp and the 10 s of
yamux, less."""
Outcome = Literal["ok", "refused", "reset", "timeout"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a question ended. `refused`: nobody listens there; `reset`: the process died meanwhile, on a living host."""

    outcome: Outcome
    message: Any = None


def operation_key(name: str) -> int:
    """The key of the draws of something that the control plane begins in the kernel."""
    return int(name_hash(name)) >> 1


class Timer:
    """Something that is due later, unless it is cancelled."""

    __slots__ = ("act", "is_cancelled")

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def ring(self) -> None:
        if not self.is_cancelled:
            self.act()


class Daemon:
    """A process of the control plane at one host. Its address is `HOST/NAME`.

    Subclasses override what they hear of (`started`, `crashed`, `stopping`, `received`, `asked`) and use the rest. All
    of it runs at the host: it waits while the host is paused and is forgotten when it dies. What code that is still
    unwinding then asks for does not happen. `kept` is what the host's disk holds; whoever writes to it has waited for
    `flush`.
    """

    broken_after_s = BROKEN_AFTER_S
    """A stream on which nothing gets through for so long is given up."""

    def __init__(self, cluster: Cluster, host: str, name: str) -> None:
        self.cluster = cluster
        self.host = host
        self.address = f"{host}/{name}"
        self.kept: dict[str, Any] = {}
        self._at = cluster.hosts.find(host)
        self._asks: dict[int, Callable[[Answer], None]] = {}
        self._serves: dict[tuple[str, int], Daemon] = {}
        self._streams: dict[str, Stream] = {}
        self._incoming: list[Stream] = []
        self._asked = self._drawn = self._written = 0
        plan, tables = cluster.env.tables.model.run, cluster.env.tables
        self._key = stream_key(plan.seed, tables.replication, f"daemon:{self.address}")
        if self.address in cluster.daemons:
            raise DsimError(f"there is a daemon at {self.address} already; give it another name")
        cluster.daemons[self.address] = self
        self._at.daemons.append(self)

    # What it hears of

    def started(self) -> None:
        """The process runs, from the beginning or again; nothing is left of an earlier life but `kept`."""

    def crashed(self) -> None:
        """The process is gone. For records only: it cannot do anything any more."""

    def stopping(self) -> None:
        """The process was asked to end (SIGTERM), and will, a little later."""

    def received(self, sender: str, message: Any) -> None:
        """A message has come."""

    def asked(self, sender: str, message: Any, reply: Callable[[Any], None]) -> None:
        """A question has come; `reply` answers it, now or later."""

    # What it may do

    @property
    def now(self) -> float:
        """True time in s: for records, not for protocols."""
        return self.cluster.env.now

    @property
    def clock_s(self) -> float:
        """What the node's monotonic clock says."""
        return self._at.clock.monotonic()

    @property
    def is_up(self) -> bool:
        return self._at.up

    def uniform(self) -> float:
        """The next number of this daemon's own stream, in (0, 1)."""
        self._drawn += 1
        return float(uniform(self._key, self._drawn - 1))

    def after(self, delay_s: float, function: Callable[..., object], *arguments: Any) -> Timer:
        """Call a function when the node's monotonic clock has advanced by `delay_s`."""
        timer = Timer(lambda: function(*arguments))
        if not self._at.up:
            timer.cancel()
        self._later(self._at.clock.true_s(max(delay_s, 0.0)), timer.ring)
        return timer

    def every(self, period_s: float, function: Callable[[], object], first_s: float | None = None) -> Timer:
        """Call a function at first_s (default: period_s) from now, and whenever another period_s has passed. Ticks that
        fall into a pause are dropped but for one (as a Go `Ticker` does)."""
        begin_s, clock = self.now, self._at.clock
        offset_s = period_s if first_s is None else first_s
        turn = 0

        def ring() -> None:
            plan()
            function()

        def plan() -> None:
            nonlocal turn
            wait_s = begin_s + clock.true_s(offset_s + turn * period_s) - self.now
            while wait_s <= 0.0 and turn:
                turn += 1
                wait_s = begin_s + clock.true_s(offset_s + turn * period_s) - self.now
            turn += 1
            self._later(max(wait_s, 0.0), timer.ring)

        timer = Timer(ring)
        if self._at.up:
            plan()
        return timer

    def send(self, to: str, message: Any, size_bytes: float = MESSAGE_BYTES) -> None:
        """A datagram: it arrives once, or not at all."""
        if not self._at.up:
            return
        receiver, mail = self.cluster.daemon(to), self.cluster.mail
        letter = mail.letter(self.address, to, message)

        def arrive() -> None:
            if receiver.is_up:
                letter.arrived_s = self.now
                receiver._hear(partial(receiver.received, self.address, message))

        mail.post(self._at, receiver._at, size_bytes, arrive)

    def tell(self, to: str, message: Any, size_bytes: float = MESSAGE_BYTES) -> None:
        """A message on a stream (TCP): in order, and sent again when it is lost, until the stream breaks."""
        if not self._at.up:
            return
        if to not in self._streams or self._streams[to].is_broken:
            self._streams[to] = Stream(self, self.cluster.daemon(to))
        self._streams[to].put(message, size_bytes)

    def ask(
        self,
        to: str,
        message: Any,
        then: Callable[[Answer], None],
        timeout_s: float,
        size_bytes: float = MESSAGE_BYTES,
        answer_bytes: float = MESSAGE_BYTES,
    ) -> None:
        """A question over TCP. `then` gets the answer, or how it ended without one, after `timeout_s` at the latest."""
        if not self._at.up:
            return
        number = self._asked
        self._asked += 1
        self._asks[number] = then
        receiver, mail = self.cluster.daemon(to), self.cluster.mail
        letter = mail.letter(self.address, to, message)

        def is_wanted() -> bool:
            return number in self._asks

        def arrive() -> None:
            if not receiver.is_up:
                self._return(number, receiver, Answer("refused"), MESSAGE_BYTES)
                return
            letter.arrived_s = self.now
            receiver._serves[self.address, number] = self
            receiver._hear(lambda: receiver.asked(self.address, message, reply))

        def reply(answer: Any) -> None:
            if receiver._serves.pop((self.address, number), None) is not None:
                self._return(number, receiver, Answer("ok", answer), answer_bytes)

        mail.carry(self._at, receiver._at, size_bytes, arrive, is_wanted)
        self.after(timeout_s, self._answered, number, Answer("timeout"))

    def flush(self, size_bytes: float, then: Callable[[], None]) -> None:
        """Write bytes to the node's disk and wait for them to be there (fsync). `then` does not happen if the host dies
        before."""
        if not self._at.up:
            return
        env, incarnation = self.cluster.env, self._at.incarnation
        node = env.tables.node_row.get(self._at.place, NONE)
        if node == NONE or env.tables.state["node"][node]["disk"] == NONE:
            self._later(0.0, then)
            return
        self._written += 1
        key = operation_key(f"{int(self._key)}/write/{self._written}")

        def written(outcome: str) -> None:
            self._at.when_running(then, incarnation)

        env.begin(loop.WRITE, node, key, written, amount=size_bytes)

    def probe(self, name: str, instance: str, then: Callable[[str, float], None]) -> None:
        """Send one of the requests that `Model.probes` lists to an instance; `then` gets the outcome, as the kernel
        calls it, and the seconds that it took."""
        if not self._at.up:
            return
        begin_s, incarnation = self.now, self._at.incarnation

        def ended(outcome: str) -> None:
            taken_s = self.now - begin_s
            self._at.when_running(lambda: then(outcome, taken_s), incarnation)

        self.cluster.probe(self.host, name, instance, ended)

    # How it works

    def died(self) -> None:
        """The host is down: it waits for nothing any more, and who waits for it hears of it if the machine lives."""
        self._asks, self._streams = {}, {}
        serves, self._serves = self._serves, {}
        incoming, self._incoming = self._incoming, []
        if self._at.node_up:
            for stream in incoming:
                stream.reset()
            for (_, number), asker in serves.items():
                asker._return(number, self, Answer("reset"), MESSAGE_BYTES)
        self.crashed()

    def _return(self, number: int, receiver: Daemon, answer: Answer, size_bytes: float) -> None:
        """An answer travels back."""
        incarnation = self._at.incarnation
        letter = self.cluster.mail.letter(receiver.address, self.address, answer)

        def arrive() -> None:
            letter.arrived_s = self.now
            self._at.when_running(lambda: self._answered(number, answer), incarnation)

        self.cluster.mail.carry(receiver._at, self._at, size_bytes, arrive, lambda: number in self._asks)

    def _answered(self, number: int, answer: Answer) -> None:
        then = self._asks.pop(number, None)
        if then is not None:
            then(answer)

    def _hear(self, act: Callable[[], None]) -> None:
        self._at.when_running(act, self._at.incarnation)

    def _later(self, wait_s: float, act: Callable[[], None]) -> None:
        self.cluster.env.call_later(wait_s, self._at.when_running, act, self._at.incarnation)


class Stream:
    """Messages from one life of a daemon to one of another, in order: one that is lost holds up those behind it.

    It is broken when its sender gives it up, or hears a reset: of a machine whose process has ended, at once; of one
    that has died and is back, in answer to a message that its next life does not know.
    """

    def __init__(self, sender: Daemon, receiver: Daemon) -> None:
        self.sender, self.receiver = sender, receiver
        self.is_broken = False
        self._lives = sender._at.incarnation, receiver._at.incarnation
        self._put = self._delivered = 0
        self._early: dict[int, tuple[Any, Letter]] = {}
        receiver._incoming = [*(stream for stream in receiver._incoming if stream.lives), self]

    @property
    def lives(self) -> bool:
        return not self.is_broken and self.sender._at.incarnation == self._lives[0]

    def put(self, message: Any, size_bytes: float) -> None:
        sender, receiver = self.sender, self.receiver
        mail, number = sender.cluster.mail, self._put
        self._put += 1
        letter = mail.letter(sender.address, receiver.address, message)
        arrive = partial(self._arrive, number, message, letter)
        mail.carry(sender._at, receiver._at, size_bytes, arrive, partial(self._is_wanted, letter.sent_s))

    def reset(self) -> None:
        """The receiver's machine says that nobody is there."""
        self.sender.cluster.mail.post(self.receiver._at, self.sender._at, RESET_BYTES, self._break)

    def _break(self) -> None:
        self.is_broken = True

    def _is_wanted(self, since_s: float) -> bool:
        self.is_broken = self.is_broken or self.sender.now - since_s > self.sender.broken_after_s
        return self.lives

    def _arrive(self, number: int, message: Any, letter: Letter) -> None:
        receiver = self.receiver
        if not receiver.is_up or receiver._at.incarnation != self._lives[1]:
            self.reset()
            return
        if self.is_broken:
            return
        if number != self._delivered:
            self._early[number] = message, letter
            return
        self._deliver(message, letter)
        while self._early and self._delivered in self._early:
            self._deliver(*self._early.pop(self._delivered))

    def _deliver(self, message: Any, letter: Letter) -> None:
        self._delivered += 1
        letter.arrived_s = self.sender.now
        self.receiver._hear(partial(self.receiver.received, self.sender.address, message))
