"""What a person may write, and the sentence for what not."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.distributions import (
    DISTRIBUTIONS,
    Constant,
    Declared,
    DistributionTable,
    Empirical,
    Exponential,
    Lognormal,
    Mixture,
    Parameter,
    Replay,
    Scaled,
    draw_many,
    lower_distributions,
)
from sim.errors import DsimError
from sim.kernel.jit import INTERPRETED
from sim.traffic import ARRIVALS
from tests.distributions.cases import CASES, KEY

EVERYTHING: dict[str, type[Declared]] = {**DISTRIBUTIONS, **{f"{name} arrivals": c for name, c in ARRIVALS.items()}}
LIMITED = [
    (kind, name, parameter)
    for kind, cls in EVERYTHING.items()
    for name, parameter in cls.parameters.items()
    if parameter.kind in ("quantity", "duration", "rate", "ratio", "number", "integer", "unit")
]
positive = st.floats(1e-9, 1e9)
cvs = st.floats(0.01, 50.0)


@pytest.mark.parametrize("cls", EVERYTHING.values(), ids=EVERYTHING)
def test_declarations_are_whole(cls: type[Declared]) -> None:
    named = {name for form in cls.forms for name in (*form.required, *form.optional)}
    assert named == set(cls.parameters), "a form names what is not declared, or the other way round"
    assert cls.single is None or (cls.single,) in [form.required for form in cls.forms]
    for name, parameter in cls.parameters.items():
        assert parameter.meaning[0].islower() or parameter.meaning.startswith("CSV"), name
        optional = all(name not in form.required for form in cls.forms)
        assert optional or parameter.default is None


@pytest.mark.parametrize("kind, name, parameter", LIMITED)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, "8ms", None, True, [1.0]], ids=repr)
def test_a_number_must_be_a_finite_number(kind: str, name: str, parameter: Parameter, bad: Any) -> None:
    with pytest.raises(DsimError, match=r"^here: got .+; must be (a|an|the) "):
        parameter.check("here", bad)


@pytest.mark.parametrize("kind, name, parameter", LIMITED)
def test_limits_are_kept(kind: str, name: str, parameter: Parameter) -> None:
    step = 1 if parameter.kind == "integer" else 1e-9
    outside = []
    if parameter.above is not None:
        outside.append(parameter.above)
    if parameter.at_least is not None:
        outside.append(parameter.at_least - step)
        assert parameter.check("here", parameter.at_least) == parameter.at_least
    if parameter.at_most is not None:
        outside.append(parameter.at_most + step)
        assert parameter.check("here", parameter.at_most) == parameter.at_most
    for value in outside:
        with pytest.raises(DsimError, match=re.escape(f"here: got {value}; must be {parameter.allowed()}")):
            parameter.check("here", value)


@pytest.mark.parametrize(
    "name, given, sentence",
    [
        ("exponential", {"mean": -1}, "exponential.mean: got -1; must be a number of at least 0"),
        ("exponential", {}, "exponential: got no parameters; must have mean"),
        ("exponential", {"rate": 3}, "exponential: got rate; must have mean"),
        (
            "lognormal",
            {"mean": 1, "cv": -0.3},
            "lognormal.cv: got -0.3; must be a ratio of at least 0 and of at most 100",
        ),
        ("lognormal", {"mean": 1, "sigma": 1}, "lognormal: got mean, sigma; must have mean and cv"),
        ("uniform", {"low": 2, "high": 1}, "uniform.high: got 1.0, below low (2.0); must be at least low"),
        (
            "bimodal",
            {"low": 2, "high": 1, "share": 0.5},
            "bimodal.high: got 1.0, below low (2.0); must be at least low",
        ),
        (
            "normal",
            {"mean": 1, "sd": 1},
            "normal.sd: got 1.0 with mean 1.0; must be at most 0.999, since a normal cut off",
        ),
        ("erlang", {"mean": 1, "stages": 2.5}, "erlang.stages: got 2.5; must be an integer of at least 1"),
        ("erlang", {"mean": 1, "stages": 0}, "erlang.stages: got 0; must be an integer of at least 1"),
        ("pareto", {"mean": 1, "shape": 1}, "pareto.shape: got 1.0 with a mean; the mean is infinite there"),
        ("pareto", {"mean": 1}, "pareto: got mean; must have mean and shape, or minimum and shape"),
        ("pareto", {"mean": 1, "minimum": 1, "shape": 2}, "pareto: got mean, minimum, shape; must have"),
        ("hyperexponential", {"mean": 1, "cv": 0.9}, "hyperexponential.cv: got 0.9; must be a ratio of at least 1"),
        (
            "hyperexponential",
            {"probabilities": [0.5, 0.4], "means": [1, 2]},
            "hyperexponential.probabilities: got 0.5, 0.4, which sum to 0.9; must sum to 1",
        ),
        (
            "hyperexponential",
            {"probabilities": [1], "means": [1, 2]},
            "hyperexponential.means: got 2 means for 1 probabilities; must be as many",
        ),
        (
            "hyperexponential",
            {"probabilities": [], "means": []},
            "probabilities: got []; must be a list with at least one",
        ),
        (
            "mixture",
            {"components": [{"weight": 1}]},
            "mixture.components[0]: got the keys weight; must be a mapping with",
        ),
        (
            "mixture",
            {"components": [{"weight": 0.5, "of": Constant(1.0)}]},
            "mixture.components: got 0.5, which sum to 0.5; must sum to 1",
        ),
        (
            "mixture",
            {"components": [{"weight": 1, "of": 3}]},
            "mixture.components[0].of: got 3; must be a distribution",
        ),
        (
            "shifted",
            {"of": Exponential(1.0), "plus": -0.1},
            "shifted.plus: got -0.1 on a exponential that begins at 0.0",
        ),
        ("scaled", {"of": Exponential(1.0), "times": -1}, "scaled.times: got -1; must be a ratio of at least 0"),
        ("empirical", {"values": [1, -1]}, "empirical.values[1]: got -1; must be a number of at least 0"),
        ("empirical", {"values": [1], "unit": 0.001}, "empirical: got unit, values; must have file (optional: column"),
        ("replay", {"values": [math.nan]}, "replay.values[0]: got nan; must be a number of at least 0"),
    ],
)
def test_sentences(name: str, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DsimError, match=re.escape(sentence)):
        DISTRIBUTIONS[name].build(**given)


@given(name=st.sampled_from(["lognormal", "gamma"]), mean=positive, cv=cvs)
@settings(max_examples=60, deadline=None)
def test_mean_and_cv_survive_build(name: str, mean: float, cv: float) -> None:
    law = DISTRIBUTIONS[name].build(mean=mean, cv=cv)
    assert law.mean() == pytest.approx(mean)
    assert math.sqrt(law.variance()) == pytest.approx(mean * cv)
    values = draw_many(law, KEY, 20)
    assert np.isfinite(values).all()
    assert (values >= 0.0).all()


@given(mean=positive, cv=st.floats(1.0, 100.0))
@settings(max_examples=60, deadline=None)
def test_hyperexponential_fits_its_two_moments(mean: float, cv: float) -> None:
    law = DISTRIBUTIONS["hyperexponential"].build(mean=mean, cv=cv)
    assert law.mean() == pytest.approx(mean)
    assert law.variance() == pytest.approx((mean * cv) ** 2)


@given(mean=positive, cv=st.floats(0.0, 3.0))
@settings(max_examples=60, deadline=None)
def test_normal_takes_what_a_cut_normal_can_have(mean: float, cv: float) -> None:
    if cv > 0.999:
        with pytest.raises(DsimError, match="standard deviation below its mean"):
            DISTRIBUTIONS["normal"].build(mean=mean, sd=mean * cv)
        return
    values = draw_many(DISTRIBUTIONS["normal"].build(mean=mean, sd=mean * min(cv, 0.9989)), KEY, 20)
    assert np.isfinite(values).all()
    assert (values >= 0.0).all()


@given(minimum=positive, shape=st.floats(0.1, 50.0))
@settings(max_examples=60, deadline=None)
def test_pareto_moments_are_infinite_where_they_must_be(minimum: float, shape: float) -> None:
    law = DISTRIBUTIONS["pareto"].build(minimum=minimum, shape=shape)
    assert math.isinf(law.mean()) == (shape <= 1.0)
    assert math.isinf(law.variance()) == (shape <= 2.0)
    if shape > 1.001:
        again = DISTRIBUTIONS["pareto"].build(mean=law.mean(), shape=shape)
        assert again.minimum() == pytest.approx(minimum)


@given(low=positive, width=positive)
@settings(max_examples=40, deadline=None)
def test_uniform_stays_within(low: float, width: float) -> None:
    values = draw_many(DISTRIBUTIONS["uniform"].build(low=low, high=low + width), KEY, 20)
    assert ((low <= values) & (values <= low + width)).all()


def test_equal_distributions_are_equal_and_share_a_row() -> None:
    laws = [Exponential(1), Exponential(1.0), Lognormal(1, 1), Empirical([1, 2]), Empirical([1, 2]), Replay([1, 2])]
    rows, data, numbers = lower_distributions(laws)
    assert numbers.tolist() == [0, 0, 1, 2, 2, 3]
    assert rows.shape == (4,)
    assert data.tolist() == [1.0, 2.0], "equal data is stored once"
    assert Empirical([1, 2]) != Empirical([2, 1])
    assert Empirical([1, 2]) != Replay([1, 2])


def test_data_of_several_laws_lies_side_by_side() -> None:
    table = DistributionTable()
    numbers = [table.add(case.distribution) for case in CASES.values()]
    assert len(set(numbers)) == len(CASES)
    rows = table.rows()
    assert (rows["start"] + rows["length"] <= table.data().size).all()


@pytest.mark.skipif(INTERPRETED, reason="compares memory, not code")
def test_recorded_values_cannot_be_changed_behind_their_hash() -> None:
    given = np.array([1.0, 2.0])
    law = Empirical(given)
    given[0] = 9.0
    assert law.values.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        law.values[0] = 9.0


def test_nothing_of_weight_zero_is_drawn_or_counted() -> None:
    law = Mixture((0.0, 1.0, 0.0), (DISTRIBUTIONS["pareto"].build(minimum=1, shape=0.5), Constant(2.0), Exponential(1)))
    assert (law.mean(), law.variance(), law.minimum()) == (2.0, 0.0, 2.0)
    assert set(draw_many(law, KEY, 100)) == {2.0}


def test_a_mixture_in_a_mixture_keeps_its_shift_and_factor() -> None:
    inner = Mixture((0.5, 0.5), (Constant(1.0), Constant(2.0)))
    law = Mixture((0.5, 0.5), (Scaled(inner, 10.0), Constant(0.0)))
    assert sorted(set(draw_many(law, KEY, 200))) == [0.0, 10.0, 20.0]
