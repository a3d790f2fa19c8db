"""Scenario files: the human form, its variants, and the machine model that each resolves to."""

from sim.scenario.loader import Scenario, load, load_text
from sim.scenario.schema import schema

__all__ = ["Scenario", "load", "load_text", "schema"]
