"""The human forms of the language: what each kind of value looks like in a file, and what is said when it is wrong."""

from sim.forms.base import Form, MistakeError, MistakesError, inside, listed, mistakes_in, show, suggestion, unknown
from sim.forms.declared import ArrivalsField, DistributionField
from sim.forms.policy import CallPolicyForm, merge_policies
from sim.forms.steps import STEP_FORMS, Branches, Reference, StepForm, Steps, StepScope
from sim.forms.weights import WeightField, shares

__all__ = [
    "STEP_FORMS",
    "ArrivalsField",
    "Branches",
    "CallPolicyForm",
    "DistributionField",
    "Form",
    "MistakeError",
    "MistakesError",
    "Reference",
    "StepForm",
    "StepScope",
    "Steps",
    "WeightField",
    "inside",
    "listed",
    "merge_policies",
    "mistakes_in",
    "shares",
    "show",
    "suggestion",
    "unknown",
]
