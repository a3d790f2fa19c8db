"""What random faults are drawn with, and from: numbers that a seed and a position decide, and the places to strike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeVar

from sim.distributions import Uniform, draw_many
from sim.failures.system import System
from sim.kernel.draws import stream_key
from sim.model import Node

NUMBERS = 128
"""Set aside for each fault, so that what one takes leaves the next one's alone."""
_Item = TypeVar("_Item")


class Dice:
    """Uniform numbers number `first`, first + 1 … of a seed's stream."""

    def __init__(self, seed: int, stream: str, first: int = 0) -> None:
        key = stream_key(seed, 0, f"chaos:{stream}")
        self._numbers = iter(draw_many(Uniform(0.0, 1.0), key, NUMBERS, first * NUMBERS).tolist())

    def number(self) -> float:
        """In (0, 1)."""
        return float(next(self._numbers))

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.number()

    def choice(self, items: Sequence[_Item], weights: Sequence[float] | None = None) -> _Item:
        """One of at least one item, alike or by weight."""
        if weights is None:
            return items[int(self.number() * len(items))]
        left = self.number() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            left -= weight
            if left < 0.0:
                return item
        return items[-1]


class Places:
    """Where random faults may strike: some nodes, and what runs on them."""

    def __init__(self, system: System, nodes: frozenset[str]) -> None:
        self.system = system
        self.nodes = tuple(
            node for node in system.nodes.values() if node.name in nodes and node.name in system.occupied
        )
        self.instances = tuple(name for name, node in system.node_of.items() if node in nodes)

    @cached_property
    def machines(self) -> tuple[dict[str, str], ...]:
        """Nodes and instances, as a fault names them."""
        return (*({"node": node.name} for node in self.nodes), *({"instance": name} for name in self.instances))

    @cached_property
    def zones(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(node.zone for node in self.nodes))

    @cached_property
    def areas(self) -> tuple[dict[str, str], ...]:
        """Zones and racks that are not everything, as a fault names them."""
        racks = tuple(dict.fromkeys(node.rack for node in self.nodes if node.rack is not None))
        return tuple(
            {kind: name} for kind, names in (("zone", self.zones), ("rack", racks)) if len(names) > 1 for name in names
        )

    @cached_property
    def links(self) -> tuple[dict[str, Any], ...]:
        """Links between two of the sites, each once, as a fault names them: one way where there is none back."""
        sites = {node.site for node in self.system.nodes.values()} | set(self.zones)
        links = self.system.network.links
        pairs = [pair for pair in links if pair[0] != pair[1] and (self.system.network.routed or set(pair) <= sites)]
        return tuple(
            {"between": [*pair]} if pair[::-1] in links else {"from": pair[0], "to": pair[1]}
            for pair in pairs
            if pair[0] < pair[1] or pair[::-1] not in links
        )

    def apart(self, dice: Dice) -> list[dict[str, Any]] | None:
        """Two groups of places: a zone and the others, two zones of several, or in one zone a node and the others;
        None where there is one node only."""
        if len(self.zones) > 1:
            first = dice.choice(self.zones)
            others = [zone for zone in self.zones if zone != first]
            if len(others) > 1 and dice.number() < 1 / 2:
                return [{"zone": first}, {"zone": dice.choice(others)}]
            return [{"zone": first}, {"zone": others[0] if len(others) == 1 else others}]
        if len(self.nodes) > 1:
            one = dice.choice(self.nodes)
            return [{"node": one.name}, {"node": _one_or_all([n for n in self.nodes if n is not one])}]
        return None


def _one_or_all(nodes: Sequence[Node]) -> str | list[str]:
    names = [node.name for node in nodes]
    return names[0] if len(names) == 1 else names
