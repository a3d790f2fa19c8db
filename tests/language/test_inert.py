"""No accepted key is inert: another value gives another machine model, and other results of a run.

The inventory is generated from the forms and the registries, so that a key without a case here is a failure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from inspect import isabstract
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim import balancing, distributions, traffic
from sim.distributions import Parameter
from sim.engine import Simulation
from sim.engine.run import Run
from sim.experiment import run_scenario
from sim.forms import Form
from sim.model import Model
from sim.plugins import load_plugin
from sim.scenario import Scenario, load, load_text
from sim.scenario.judge import RemainderForm
from sim.scenario.resolved import plain
from tests.language import inert_cases as cases
from tests.language.inert_cases import PLAIN, Case
from tests.language.inert_network import GRAPH_FILES, NETWORK
from tests.language.inert_transport import TRANSPORT

FORM_CASES = cases.FORM_CASES | NETWORK | TRANSPORT
for file in sorted(Path(__file__).parent.glob("inert_registry_*.py")):
    FORM_CASES |= import_module(f"tests.language.{file.stem}").CASES

ELSEWHERE = {
    "ScenarioForm.variants": "test_variants_and_their_baseline_show",
    "ScenarioForm.baseline": "test_variants_and_their_baseline_show",
    "ScenarioForm.expect": "test_claims_show",
    "ScenarioForm.include": "test_included_files_show",
    "ExpectForm.variant": "test_claims_show",
    "ExpectForm.that": "test_claims_show",
}
"""Keys that are about the file as a whole, and the tests that are about them."""


def all_forms(form: type[Form] = Form) -> Iterator[type[Form]]:
    for below in form.__subclasses__():
        yield below
        yield from all_forms(below)


def parameters_of(prefix: str, parameters: Mapping[str, Parameter]) -> Iterator[str]:
    for name, parameter in parameters.items():
        yield f"{prefix}.{name}"
        yield from parameters_of(f"{prefix}.{name}", parameter.item)


def keys_of_forms() -> set[str]:
    forms = [
        form
        for form in all_forms()
        if form.__module__.startswith("sim.") and form is not RemainderForm and not isabstract(form)
    ]
    return {f"{form.__name__}.{info.alias or name}" for form in forms for name, info in form.model_fields.items()}


def keys_of(registry: Mapping[str, Any]) -> set[str]:
    return {key for name, cls in registry.items() for key in parameters_of(name, cls.parameters)}


def keys_with_cases(samples: Mapping[str, Any]) -> set[str]:
    return {f"{name}.{key}" for name, ways in samples.items() for _, others in ways for key in others}


def test_every_key_has_a_case() -> None:
    assert set(FORM_CASES) | set(ELSEWHERE) == keys_of_forms()
    assert keys_with_cases(cases.LAWS) == keys_of(distributions.DISTRIBUTIONS)
    assert keys_with_cases(cases.ARRIVALS) == keys_of(traffic.ARRIVALS)
    policies = {name: cls for name, cls in balancing.POLICIES.items() if cls.__module__.startswith("sim.")}
    assert set(cases.POLICIES) == set(policies)
    assert {f"{name}.{key}" for name, keys in cases.POLICIES.items() for key in keys} == keys_of(policies)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (cases.TABLES | GRAPH_FILES).items():
        (tmp_path / name).write_text(text)
    plugin = tmp_path / "inert_plugin.py"
    plugin.write_text(cases.PLUGIN)
    load_plugin(plugin)
    return tmp_path


def numbers(run: Run) -> list[float]:
    """All that a run measured, without the names."""
    values: list[float] = [run.stopped_at_s, float(run.stopped is not None), *(x for _, *at in run.faults for x in at)]
    for scope in run.scopes:
        for counts in (scope.cohort, scope.total):
            values += [counts.offered, counts.unfinished, counts.good, *counts.outcomes.values()]
        values += [scope.throughput_per_s, scope.goodput_per_s, scope.latency.mean_s, scope.latency.variance_s2]
        values += [*scope.latency.bins.tolist(), *scope.attempts.values()]
    for gauge in run.gauges:
        values += [gauge.in_system_mean, gauge.queue_mean, gauge.busy_cores_mean, gauge.utilization]
    values += run.control["time_s"].tolist()
    table = run.series.select_dtypes("number").to_numpy(np.float64)
    return [*values, *np.nan_to_num(table, nan=-1.0).ravel().tolist()]


def simulated(model: Model, folder: Path) -> str:
    path = folder / "rows.parquet"
    run = Simulation(model, requests_path=path if model.run.record != "none" else None).run()
    rows = pd.read_parquet(path).to_json() if model.run.record != "none" else ""
    return json.dumps([numbers(run), rows])


def shown(what: str, scenario: Scenario, folder: Path) -> Any:
    model = scenario.resolve(scenario.baseline)
    match what:
        case "numbers" | "requests":
            return simulated(model, folder)
        case "violations":
            return Simulation(model).run().violations
        case "availability":
            return run_scenario(scenario).availability().to_json()
        case "replications":
            return len(run_scenario(scenario).runs)
        case "texts":
            return dict(scenario.texts)
        case _:
            return getattr(scenario, what)


def check(case: Case, folder: Path) -> None:
    """Every two of the case's scenarios have different models and show different things."""
    changes = [{}] if case.as_is else []
    changes += [{case.key: value} for value in case.values]
    also = dict(setting.split("=", 1) for setting in case.also)
    scenarios = [load_text(case.text, "f.yaml", {**also, **change}, folder=folder) for change in changes]
    models = [json.dumps(plain(scenario.resolve(scenario.baseline))) for scenario in scenarios]
    results = [shown(case.shows, scenario, folder) for scenario in scenarios]
    for i, j in combinations(range(len(scenarios)), 2):
        assert case.shows == "texts" or models[i] != models[j], f"same model: {changes[i]} and {changes[j]}"
        assert results[i] != results[j], f"same {case.shows}: {changes[i]} and {changes[j]}"


@pytest.mark.parametrize("key", FORM_CASES)
def test_keys_of_forms(key: str, folder: Path) -> None:
    check(FORM_CASES[key], folder)


def mapping(name: str, values: Mapping[str, str]) -> str:
    return f"{{{name}: {{{', '.join(f'{key}: {value}' for key, value in values.items())}}}}}"


def with_others(name: str, given: Mapping[str, str], others: Mapping[str, str]) -> list[str]:
    """The thing as given, and with each other value in turn; `states.rate` is another value of `states`."""
    changed = [{**given, key.partition(".")[0]: value} for key, value in others.items()]
    return [mapping(name, values) for values in (given, *changed)]


@pytest.mark.parametrize("name", cases.LAWS)
def test_parameters_of_distributions(name: str, folder: Path) -> None:
    for given, others in cases.LAWS[name]:
        check(Case(PLAIN, "services.api.cpu", tuple(with_others(name, given, others)), as_is=False), folder)


@pytest.mark.parametrize("name", cases.ARRIVALS)
def test_parameters_of_arrival_processes(name: str, folder: Path) -> None:
    """Keys and sizes of a trace's requests stand in the recorded rows."""
    text = cases.CALLING.replace("to: api", "to: {api: 1, db: 1}")
    for given, others in cases.ARRIVALS[name]:
        values = tuple(with_others(name, given, others))
        also = ("run.record=all", "services.log=null", "run.warmup=0s")
        check(Case(text, "traffic.users.arrivals", values, as_is=False, also=also), folder)


def test_every_balancing_policy_is_another(folder: Path) -> None:
    names = [name for name in cases.POLICIES if name not in ("weighted_round_robin", "round_robin")]
    values = (*names, "{weighted_round_robin: {weights: [1, 2, 3, 4]}}")
    check(Case(cases.CALLING, "services.api.steps.0.balance", values), folder)


@pytest.mark.parametrize("name", [name for name, parameters in cases.POLICIES.items() if parameters])
def test_parameters_of_balancing_policies(name: str, folder: Path) -> None:
    for key, values in cases.POLICIES[name].items():
        ways = tuple(mapping(name, {key: value}) for value in values)
        check(Case(cases.CALLING, "services.api.steps.0.balance", ways, as_is=False), folder)


@pytest.mark.parametrize("outcome", ["error", "timeout", "refused", "reset", "shed"])
def test_every_outcome_that_is_retried(outcome: str, folder: Path) -> None:
    """`unavailable` has no cause in this version: every client knows an instance."""
    text = cases.SYSTEM.replace("{call: db}", "{call: db, timeout: 30ms, retry: {attempts: 3, on: [unavailable]}}")
    text = text.replace("fail: 10%", "fail: 10%, concurrency: {threads: {workers: 2, queue: 1}}")
    text = text.replace("crash: app-2, for: 300ms", "crash: db-1, for: 300ms")
    check(Case(text, "services.api.steps.1.retry.on", (f"[{outcome}]",)), folder)


def test_variants_and_their_baseline_show() -> None:
    def variants(more: str) -> tuple[str, ...]:
        return load_text(PLAIN + more, "f.yaml").variants

    one = variants("")
    two = variants("variants: {plain: {}, other: {services: {api: {instances: 2}}}}\n")
    turned = variants("variants: {plain: {}, other: {services: {api: {instances: 2}}}}\nbaseline: other\n")
    assert (one, two, turned) == (("baseline",), ("plain", "other"), ("other", "plain"))


def test_claims_show() -> None:
    claims = [
        "p99 < 9ms",
        "p99 < 8ms",
        "p99 <= 9ms",
        "p95 < 9ms",
        "users.p99 < 9ms",
        "{variant: plain, that: p99 < 9ms}",
    ]
    read = [load_text(f"{cases.VARIED}expect: [{claim}]\n", "f.yaml").expectations for claim in claims]
    for one, other in combinations(read, 2):
        assert [(e.variant, e.source, e.metric, e.op, e.limit) for e in one] != [
            (e.variant, e.source, e.metric, e.op, e.limit) for e in other
        ]


def test_included_files_show(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(f"include: more.yaml\n{PLAIN}")
    seen = set()
    for seed in (1, 2):
        (tmp_path / "more.yaml").write_text(f"run: {{seed: {seed}}}\n")
        scenario = load(tmp_path / "s.yaml")
        seen.add(simulated(scenario.resolve("baseline"), tmp_path))
        assert scenario.files["more.yaml"] == f"run: {{seed: {seed}}}\n"
    assert len(seen) == 2
