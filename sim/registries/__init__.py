"""How clients learn where services are. A registry is one file: its machine form, its human form, its versions.

A new registry is one file and one entry of KINDS.
"""

from __future__ import annotations

from types import ModuleType

from sim.registries import consul, dns, etcd, eureka, go_micro, kubernetes, redis, redlock, static
from sim.registries.form import REGISTRY_FORMS, RegistryField, RegistryForm, RegistryScope, StoreField

KINDS: dict[str, ModuleType] = {
    "static": static,
    "dns": dns,
    "etcd": etcd,
    "consul": consul,
    "eureka": eureka,
    "kubernetes": kubernetes,
    "redis": redis,
    "redlock": redlock,
    "go_micro": go_micro,
}
"""File by the name of the kind."""

__all__ = ["KINDS", "REGISTRY_FORMS", "RegistryField", "RegistryForm", "RegistryScope", "StoreField"]
