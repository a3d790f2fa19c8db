"""`dsim list`: the scenarios of a folder, or what the language offers."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.errors import exit_status
from sim.cli.options import AsJson, Plugins
from sim.cli.output import print_json, print_rich

if TYPE_CHECKING:
    from sim.distributions import Declared, Parameter

GALLERY = Path("scenarios")
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that a scenario may name."""

    name: str
    does: str
    parameters: dict[str, str]
    example: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A scenario file; `problem` says why it cannot be read."""

    file: str
    scenario: str
    title: str
    question: str
    problem: str = ""


def list_(
    what: Annotated[
        str | None,
        typer.Argument(
            help="A folder, by default scenarios/; or policies, steps, faults, registries, transports, distributions, "
            "arrivals.",
            show_default=False,
            metavar="[FOLDER|KIND]",
        ),
    ] = None,
    plugins: Plugins = None,
    as_json: AsJson = False,
) -> None:
    """List scenarios with their questions, or what the language offers: policies, steps, faults, distributions …"""
    with exit_status("nothing was listed"):
        from sim.plugins import load_plugin

        for path in plugins or []:
            load_plugin(path)
        if what is not None and what in KINDS:
            _show_kind(what, list(KINDS[what]()), as_json)
        else:
            _show_gallery(_folder(what), as_json)


# What the language offers ---------------------------------------------------------------------------------------------


def _policies() -> Iterator[Entry]:
    from sim.balancing import POLICIES
    from sim.forms.parameters import example

    for name, policy in sorted(POLICIES.items()):
        given = ", ".join(f"{key}: {example(rule)}" for key, rule in policy.parameters.items())
        written = f"{{{name}: {{{given}}}}}" if given else name
        own = policy.__module__.startswith("sim.")
        says = _says(sys.modules[policy.__module__] if own else policy)
        yield Entry(name, says, _parameters(policy.parameters), f"balance: {written}")


def _steps() -> Iterator[Entry]:
    import sim.steps as steps
    from sim.forms import STEP_FORMS

    modules = {module.__name__.rpartition(".")[2]: module for module in steps.KINDS.values()}
    for kind, form in STEP_FORMS.items():
        keys = {name: info for name, info in form.model_fields.items() if name != kind}
        beside = {name: f"e.g. {info.examples[0]}" for name, info in keys.items() if info.examples}
        example = f"{{{kind}: {(form.model_fields[kind].examples or ['…'])[0]}}}"
        yield Entry(kind, _says(modules[kind]).removeprefix(f"`{kind}`: "), beside, example)


def _faults() -> Iterator[Entry]:
    import sim.failures as failures

    modules = {module.__name__.rpartition(".")[2]: module for module in failures.KINDS.values()}
    for kind, form in failures.FAULT_FORMS.items():
        keys = {info.alias or name: info for name, info in form.model_fields.items() if name != kind}
        beside = {name: f"e.g. {info.examples[0]}" for name, info in keys.items() if info.examples}
        yield Entry(kind, _says(modules[kind]).removeprefix(f"`{kind}`: "), beside, form.example)


def _registries() -> Iterator[Entry]:
    import sim.registries as registries

    for kind, form in registries.REGISTRY_FORMS.items():
        says = _says(registries.KINDS[kind]).removeprefix(f"`{kind}`: ")
        keys = {info.alias or name: info for name, info in form.model_fields.items()}
        beside = {name: f"e.g. {info.examples[0]}" for name, info in keys.items() if info.examples}
        names = " or ".join(form.names()[1:] or form.names())
        given = next(iter(beside.items()), None)
        written = f"{{{kind}: {{{given[0]}: {given[1][5:]}}}}}" if given else kind
        sections = {"registry": form.is_registry, "stores": form.is_store}
        where = ", ".join(section for section, may_stand in sections.items() if may_stand)
        versions = f" ({names})" if form.names()[1:] else ""
        yield Entry(kind + versions, says, beside, f"{where}: {written}")


def _distributions() -> Iterator[Entry]:
    from sim.distributions import DISTRIBUTIONS

    return (_declared(cls) for _, cls in sorted(DISTRIBUTIONS.items()))


def _arrivals() -> Iterator[Entry]:
    from sim.traffic import ARRIVALS

    return (_declared(cls) for _, cls in sorted(ARRIVALS.items()))


TRANSPORTS = {
    "ideal": "connections are always open and never full; what is lost is sent again.",
    "udp": "a message is lost with any of its datagrams.",
    "tcp": "handshakes, pools, windows, order and retransmission, with Linux's defaults.",
}


def _transports() -> Iterator[Entry]:
    from sim.forms.transport import PRESETS, IdealForm, TcpForm, UdpForm
    from sim.model import Tcp

    for name, form in (("ideal", IdealForm), ("udp", UdpForm), ("tcp", TcpForm)):
        keys = {key: f"e.g. {info.examples[0]}" for key, info in form.model_fields.items() if info.examples}
        first = next(iter(keys.items()))
        yield Entry(name, TRANSPORTS[name], keys, f"transport: {{{name}: {{{first[0]}: {first[1][5:]}}}}}")
    plain = asdict(Tcp())
    for name, preset in PRESETS.items():
        own = {key: f"{value:g}" for key, value in asdict(preset).items() if value != plain[key]}
        yield Entry(name, "tcp as that client has it, other keys as in tcp.", own, f"transport: {name}")


KINDS: Mapping[str, Callable[[], Iterator[Entry]]] = {
    "policies": _policies,
    "steps": _steps,
    "faults": _faults,
    "registries": _registries,
    "transports": _transports,
    "distributions": _distributions,
    "arrivals": _arrivals,
}


def _declared(cls: type[Declared]) -> Entry:
    from sim.forms.declared import canonical
    from sim.forms.parameters import example

    short = [f"{cls.name}({example(cls.parameters[cls.single])})"] if cls.single and _is_scalar(cls) else []
    return Entry(cls.name, _says(cls), _parameters(cls.parameters), " or ".join([*short, canonical(cls)]))


def _is_scalar(cls: type[Declared]) -> bool:
    """May its lone parameter stand in parentheses?"""
    return not cls.parameters[str(cls.single)].kind.startswith("list[")


def _parameters(parameters: Mapping[str, Parameter]) -> dict[str, str]:
    found = {}
    for name, parameter in parameters.items():
        inner = ", ".join(f"{key} ({rule.meaning})" for key, rule in parameter.item.items())
        default = "" if parameter.default is None else f"; {_shown(parameter.default)} if left out"
        found[name] = parameter.meaning + (f": {inner}" if inner else "") + default
    return found


def _shown(default: Any) -> str:
    return str(default).lower() if isinstance(default, bool) else f"{default:g}"


def _says(thing: object) -> str:
    """The first line of its docstring."""
    return (inspect.getdoc(thing) or "–").splitlines()[0]


def _show_kind(kind: str, entries: list[Entry], as_json: bool) -> None:
    if as_json:
        print_json({kind: [asdict(entry) for entry in entries]})
        return
    from rich.console import Console
    from rich.markup import escape

    def render(console: Console) -> None:
        for entry in entries:
            console.print(f"[bold]{entry.name}[/bold]  {escape(entry.does)}", highlight=False)
            for name, meaning in entry.parameters.items():
                console.print(f"    {name}: {meaning}", highlight=False, markup=False)
            console.print(f"    {entry.example}", highlight=False, markup=False, style="green")
        console.print("What each means in full: docs/language.md", highlight=False, style="dim")

    print_rich(render)


# Scenarios ------------------------------------------------------------------------------------------------------------


def _folder(given: str | None) -> Path:
    """Where to look. Raises DsimError."""
    from sim.errors import DsimError

    if given is None:
        return GALLERY if GALLERY.is_dir() else Path()
    if Path(given).is_dir():
        return Path(given)
    if Path(given).exists():
        raise DsimError(f"{given}: is a file; give a folder, or look into the file with dsim explain {given}")
    from sim.forms import suggestion

    kinds = ", ".join(KINDS)
    raise DsimError(f"{given}: there is no such folder; give one, or one of {kinds}{suggestion(given, KINDS)}")


def _show_gallery(folder: Path, as_json: bool) -> None:
    from sim.errors import DsimError

    found = [listed for file in sorted(folder.rglob("*")) if file.suffix in SUFFIXES for listed in _scenarios(file)]
    if not found:
        where = "here" if folder == Path() else f"in {folder}"
        raise DsimError(f"there are no scenarios {where}; give a folder that has some, or begin one: dsim new my-shop")
    if as_json:
        print_json({"scenarios": [asdict(listed) for listed in found]})
        return
    from rich.console import Console

    def render(console: Console) -> None:
        for listed in found:
            console.print(listed.file, highlight=False, markup=False, style="bold")
            for line in (listed.title, listed.question, listed.problem):
                if line:
                    console.print(f"    {line}", highlight=False, markup=False)

    print_rich(render)


def _scenarios(file: Path) -> Iterator[Listed]:
    """The scenario in a file; nothing for other YAML."""
    from sim.errors import DsimError
    from sim.scenario.files import read_scenario
    from sim.scenario.reader import read_tree

    try:
        tree, _ = read_tree(read_scenario(file), str(file))
    except DsimError as error:
        yield Listed(str(file), "", "", "", str(error).splitlines()[0])
        return
    if "scenario" in tree:
        yield Listed(str(file), str(tree["scenario"]), _text(tree, "title"), _text(tree, "question"))


def _text(tree: Mapping[str, Any], key: str) -> str:
    value = tree.get(key) or ""
    return (" ".join(map(str, value)) if isinstance(value, list) else str(value)).strip()
