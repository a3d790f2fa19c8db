"""Cases for the keys of networks: links, racks, regions, and topologies that are graphs."""

from __future__ import annotations

from tests.language.inert_cases import NARROW, SYSTEM, Case, case

GRAPH = """\
scenario: s
run: {duration: 2s, warmup: 400ms, drain: 1s, window: 500ms}
nodes: {app: {count: 2, cores: 2}, far: {count: 2, cores: 2}}
network:
  topology:
    graph:
      latency: 1ms
      links: [{between: [v1, v2]}, {between: [v2, v3], bandwidth: 3Mbps}, {between: [v3, v4]}, {from: v4, to: v1}]
services:
  api: {nodes: app, instances: 2, steps: [{cpu: exponential(4ms)}, {call: db}]}
  db: {nodes: far, instances: 2, io: exponential(20ms)}
traffic:
  users: {to: api, from: {vertex: v1}, arrivals: poisson(150/s)}
"""
"""From v2 and v3 the shortest way to the other leads over a link that holds a message for 3 ms."""
RACKS = (
    SYSTEM.replace("count: 2, zones: [a, b], cores: 2}", "count: 2, zones: b, racks: 1, cores: 2}")
    .replace("zones: [b, c], cores: 2}", "zones: [b, c], cores: 2, racks: 1}")
    .replace("from: {zone: a}", "from: {zone: b}")
)
OUTAGE = "failures={f: {at: 800ms, outage: {%s}}}"
TOPOLOGY = "network.topology"
EDGE = f"{TOPOLOGY}.graph.links.0"


def generated(form: str, name: str, **others: tuple[str, str]) -> dict[str, Case]:
    """A topology with the first of each two values, and in turn with the second."""
    text = GRAPH.replace("from: {vertex: v1}", "from: {vertex: VERTEX}")
    vertex = {"star": "hub", "ring": "ring-1"}.get(name, "host-1")
    base = {
        "latency": ("1ms", "2ms"),
        "jitter": ("exponential(1ms)", "exponential(2ms)"),
        "loss": ("1%", "5%"),
        "bandwidth": ("3Mbps", "2Mbps"),
        "sharing": ("first_come", "fair"),
        **others,
    }

    def written(changed: str = "") -> str:
        inner = ", ".join(f"{key}: {two[key == changed]}" for key, two in base.items())
        return f"{{{name}: {{{inner}}}}}"

    text = text.replace("VERTEX", vertex)
    head, _, tail = text.partition("network:\n")
    text = f"{head}network: {{topology: {written()}}}\n{tail[tail.index('services:') :]}"
    return {f"{form}.{key}": case(text, TOPOLOGY, written(), written(key), as_is=False) for key in base}


def link(form: str, text: str, place: str) -> dict[str, Case]:
    """The keys of a link that has a latency and a bandwidth."""
    return {
        f"{form}.latency": case(text, f"{place}.latency", "5ms", "exponential(4ms)"),
        f"{form}.jitter": case(text, f"{place}.jitter", "2ms", "exponential(1ms)"),
        f"{form}.loss": case(text, f"{place}.loss", "1%", "5%"),
        f"{form}.bandwidth": case(text, f"{place}.bandwidth", "1Mbps", "3Mbps"),
        f"{form}.sharing": case(text, f"{place}.sharing", "fair"),
    }


NETWORK = {
    **link("LinkForm", NARROW, "network.across_zones"),
    **link(
        "BetweenForm",
        NARROW.replace("2Mbps}}", "2Mbps}, between: [{zones: [a, b], latency: 3ms, bandwidth: 2Mbps}]}"),
        "network.between.0",
    ),
    **link("GraphForm", GRAPH.replace("latency: 1ms\n", "latency: 1ms\n      bandwidth: 2Mbps\n"), f"{TOPOLOGY}.graph"),
    **link("EdgeForm", GRAPH.replace("[v1, v2]}", "[v1, v2], bandwidth: 2Mbps}"), EDGE),
    **generated("StarForm", "star", leaves=("4", "2")),
    **generated("RingForm", "ring", vertices=("4", "9")),
    **generated("FatTreeForm", "fat_tree", k=("2", "4")),
    **generated("LeafSpineForm", "leaf_spine", spines=("1", "2"), leaves=("4", "2"), hosts=("1", "3")),
    "SameNodeForm.latency": case(
        SYSTEM, "network.same_node", "{latency: 3ms}", "{latency: 2ms}", also="services.db.nodes=app;nodes.far=null"
    ),
    "NetworkForm.same_rack": case(RACKS, "network.same_rack", "{latency: 0.1ms}", "{latency: 9ms}"),
    "NetworkForm.across_regions": case(
        SYSTEM,
        "network.across_regions",
        "{latency: 40ms}",
        "{latency: 9ms}",
        also="network.regions={x: [a, b], y: c}",
        as_is=False,
    ),
    "NetworkForm.regions": case(
        SYSTEM,
        "network.regions",
        "{x: [a, b], y: c}",
        "{x: [a, c], y: b}",
        also="network.across_regions={latency: 40ms}",
        as_is=False,
    ),
    "NetworkForm.topology": case(
        GRAPH, TOPOLOGY, "{graph: {links: [{between: [v1, v2], latency: 2ms}]}}", "{graph: graph.edgelist}"
    ),
    "PoolForm.racks": case(RACKS, "nodes.far.racks", "null", also="network.same_rack={latency: 0.1ms}"),
    "PoolForm.at": case(GRAPH, "nodes.app.at", "v3", "[v4, v2]"),
    "FromForm.vertex": case(GRAPH, "traffic.users.from.vertex", "v2", "v4"),
    "GraphForm.file": case(GRAPH, f"{TOPOLOGY}.graph", "graph.edgelist", "other.edgelist"),
    "GraphForm.links": case(GRAPH, f"{TOPOLOGY}.graph.links.3", "{between: [v4, v1]}", "{from: v3, to: v1}"),
    "GraphForm.vertices": case(
        GRAPH,
        f"{TOPOLOGY}.graph.vertices",
        "{v1: {zone: a}}",
        "{v3: {zone: a}}",
        also=OUTAGE % "zone: a",
        as_is=False,
    ),
    "EdgeForm.between": case(GRAPH, f"{EDGE}.between", "[v1, v3]"),
    "EdgeForm.from": case(GRAPH, f"{TOPOLOGY}.graph.links.3.from", "v3"),
    "EdgeForm.to": case(GRAPH, f"{TOPOLOGY}.graph.links.3.to", "v2"),
    "VertexForm.zone": case(
        GRAPH,
        f"{TOPOLOGY}.graph.vertices.v1.zone",
        "a",
        "b",
        also=f"{TOPOLOGY}.graph.vertices.v3.zone=a;{OUTAGE % 'zone: a'}",
        as_is=False,
    ),
    "VertexForm.rack": case(
        GRAPH,
        f"{TOPOLOGY}.graph.vertices.v1.rack",
        "r1",
        "r2",
        also=f"{TOPOLOGY}.graph.vertices.v3.rack=r1;{OUTAGE % 'rack: r1'}",
        as_is=False,
    ),
    "LeafSpineForm.spines": case(
        GRAPH,
        TOPOLOGY,
        "{leaf_spine: {spines: 1, leaves: 4, hosts: 1, latency: 1ms}}",
        "{leaf_spine: {spines: 2, leaves: 4, hosts: 1, latency: 1ms}}",
        also="failures={f: {at: 800ms, link_down: {between: [spine-1, leaf-1]}}};traffic.users.from=null",
        as_is=False,
    ),
}
NETWORK |= {
    key.replace("GraphForm", "LinkKeys"): of_graph
    for key, of_graph in NETWORK.items()
    if key in ("GraphForm.latency", "GraphForm.jitter", "GraphForm.loss", "GraphForm.bandwidth", "GraphForm.sharing")
}
GRAPH_FILES = {
    "graph.edgelist": "v1 v2 {'latency': '1ms'}\nv2 v3 {'latency': '9ms'}\nv3 v4 {'latency': '1ms'}\n",
    "other.edgelist": "v1 v2 {'latency': '3ms'}\nv2 v3 {'latency': '9ms'}\nv3 v4 {'latency': '1ms'}\n",
}
