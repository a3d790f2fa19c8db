"""`chaos`: faults at random from a mix, with a seed that replays them exactly.

As in chaos engineering (Basiri et al., Chaos Engineering, IEEE Software 33(3), 2016) and in Jepsen's nemeses: a stream
of faults of several kinds, each with a beginning and an end. They are drawn when the scenario is read, so that a run
knows of no chaos: what was drawn can be shown, written down as entries of `failures`, and played again without it.
Kind, place and length of fault number n depend on the seed and n only; so do the times between them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field, PlainValidator, WithJsonSchema

from sim.failures.form import FAULT_FORMS, FaultForm, Strike
from sim.failures.overlaps import Dead
from sim.failures.system import Group, System
from sim.failures.targets import GroupField
from sim.forms import DistributionField, Form, MistakeError, MistakesError, inside, show, suggestion
from sim.forms.base import Mistake, read_as, schema_of, unknown
from sim.forms.fields import Seed, read_number
from sim.units import format_duration

if TYPE_CHECKING:
    from sim.distributions import Distribution
    from sim.failures.dice import Places

MIXES: dict[str, dict[str, float]] = {
    "everything": {
        "crash": 3.0,
        "restart": 2.0,
        "outage": 1.0,
        "pause": 2.0,
        "slow": 2.0,
        "partition": 2.0,
        "loss": 1.0,
        "latency": 1.0,
    },
    "fail_stop": {"crash": 3.0, "restart": 2.0, "outage": 1.0},
    "gray": {"pause": 2.0, "slow": 2.0, "latency": 1.0, "loss": 1.0},
    "network": {"partition": 2.0, "loss": 1.0, "latency": 1.0, "link_down": 1.0, "link_slow": 1.0, "dns_outage": 1.0},
}
"""Weights of kinds of faults, by the name of the mix."""
DEFAULT_MIX = "everything"
MOST_TRIES = 20
"""Places that are drawn for one fault until it can happen."""
MOST_FAULTS = 10_000
PLAIN = re.compile(r"[\w.%-][\w.% -]*")
"""What YAML reads as a word, or as several, without quotes."""


class Mix(NamedTuple):
    """`name` is empty where the weights were written down."""

    name: str
    weights: Mapping[str, float]


class Drawn(NamedTuple):
    """One fault: its name, its entry as one would write it, and what comes of it."""

    name: str
    entry: Mapping[str, Any]
    strikes: tuple[Strike, ...]


def drawable() -> list[str]:
    """Kinds that may be drawn."""
    return [kind for kind, form in FAULT_FORMS.items() if "drawn" in form.__dict__]


def _read_mix(value: Any) -> Mix:
    if isinstance(value, str):
        if value not in MIXES:
            raise MistakeError(unknown("mix", value, MIXES, "or weights of kinds of faults"))
        return Mix(value, MIXES[value])
    if not isinstance(value, Mapping) or not value:
        raise MistakeError(
            f"got {show(value)}; must be a mix by name ({', '.join(MIXES)}), or weights of kinds of faults"
        )
    weights = {}
    for kind, weight in value.items():
        if kind not in drawable():
            text = (
                f"got {show(kind)}, which is no kind of fault that may be drawn; must be among {', '.join(drawable())}"
            )
            raise MistakesError([Mistake((kind,), text + suggestion(str(kind), drawable()))])
        with inside(kind):
            try:
                weights[kind] = read_number(weight)
            except MistakeError as error:
                raise MistakeError(f"{error.text}; write e.g. {kind}: 3") from None
    return Mix("", weights)


class ChaosForm(Form):
    shape = "a mapping such as {mix: everything, every: exponential(30s), lasting: exponential(5s), seed: 7}"

    mix: Annotated[Mix, PlainValidator(_read_mix), WithJsonSchema(schema_of("FaultMix"))] = Field(
        Mix(DEFAULT_MIX, MIXES[DEFAULT_MIX]), examples=["{crash: 3, pause: 1}"]
    )
    every: DistributionField = Field(examples=["exponential(30s)"])
    lasting: DistributionField = Field(examples=["exponential(5s)"])
    seed: Seed | None = Field(None, examples=[7])
    targets: GroupField | None = Field(None, examples=["{nodes: app}"])

    def problems(self) -> Iterator[Mistake]:
        for key, law in (("every", self.every), ("lasting", self.lasting)):
            if law.mean() <= 0.0:
                example = type(self).model_fields[key].examples
                assert example
                yield Mistake((key,), f"got a mean of 0s; must be above 0s; write e.g. {key}: {example[0]}")

    def draw(self, seed: int, duration_s: float, system: System, before: Dead) -> list[Drawn]:
        """The faults of a run. Those that cannot happen beside each other and those `before` are drawn again.

        Raises MistakeError or MistakesError.
        """
        from sim.failures.dice import Places

        expected = duration_s / self.every.mean()
        if expected > MOST_FAULTS:
            with inside("every"):
                text = f"makes about {expected:,.0f} faults in a run of {format_duration(duration_s)}"
                raise MistakeError(f"{text}; must make at most {MOST_FAULTS:,}")
        places = Places(system, frozenset(system.nodes) if self.targets is None else _nodes(self.targets, system))
        weights = self._possible(places, seed)
        times = _times(self.every, seed, "every")
        lengths = _times(self.lasting, seed, "lasting")
        found: list[Drawn] = []
        at_s = next(times)
        number = 0
        while round(at_s, 3) < duration_s:
            for_s = max(next(lengths), 1e-3)
            when = {"at": format_duration(round(at_s, 3)), "for": format_duration(round(for_s, 3))}
            if drawn := _one(number, seed, weights, when, places, before):
                found.append(drawn)
            number, at_s = number + 1, at_s + next(times)
        return found

    def _possible(self, places: Places, seed: int) -> dict[str, float]:
        """Without what cannot strike here, which a mix by name may hold. Raises MistakesError for others."""
        from sim.failures.dice import Dice

        weights = dict(self.mix.weights)
        for kind in self.mix.weights:
            if FAULT_FORMS[kind].drawn(Dice(seed, "possible"), places) is None:
                if not self.mix.name:
                    raise MistakesError([Mistake(("mix", kind), f"there is nothing that {kind} can strike; remove it")])
                del weights[kind]
        if not weights:
            with inside("mix"):
                raise MistakeError(f"got {self.mix.name}, of which nothing can strike here; write another mix")
        return weights


def _nodes(group: Group, system: System) -> frozenset[str]:
    with inside("targets"):
        nodes = system.members(group) & frozenset(system.nodes)
        if not nodes & system.occupied:
            raise MistakeError("got places in which nothing runs; must have nodes with instances")
    return nodes


def _times(law: Distribution, seed: int, which: str) -> Iterator[float]:
    from sim.distributions import draw_many
    from sim.kernel.draws import stream_key

    key, first, many = stream_key(seed, 0, f"chaos:{which}"), 0, 64
    while True:
        yield from draw_many(law, key, many, first).tolist()
        first += many


def _one(
    number: int, seed: int, weights: Mapping[str, float], when: Mapping[str, str], places: Places, dead: Dead
) -> Drawn | None:
    """Fault number `number`, or nothing where all tries could not happen."""
    from sim.failures.dice import Dice

    kind = Dice(seed, "kind", number).choice(list(weights), list(weights.values()))
    name = f"chaos {number + 1}, {kind}"
    dice = Dice(seed, "where", number)
    for _ in range(MOST_TRIES):
        keys = FAULT_FORMS[kind].drawn(dice, places)
        assert keys is not None
        entry = {"at": when["at"], **keys, "for": when["for"]}
        form: FaultForm = read_as(FAULT_FORMS[kind], entry, {})
        strikes = form.strikes(name, places.system)
        if any(strike.idle for strike in strikes):
            continue
        try:
            for strike in strikes:
                dead.check(strike.fault)
        except MistakeError:
            continue
        for strike in strikes:
            dead.add(strike.fault)
        return Drawn(name, entry, tuple(strikes))
    return None


def written(value: Any) -> str:
    """Plain data as YAML in one line: `{at: 40s, crash: {node: app-2}, for: 20s}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, str) and not PLAIN.fullmatch(value):
        return json.dumps(value, ensure_ascii=False)  # a vertex may be called anything
    return f"{value:g}" if isinstance(value, float) else str(value)
