"""`static`: every client knows every instance from the start, and nothing ever tells it otherwise.

As a list in a configuration file, such as the `server` lines of nginx 1.24 and HAProxy 2.6 without checks. It is what
holds where a scenario says nothing of registries.
"""

from __future__ import annotations

from sim.model import Service
from sim.registries.form import RegistryForm, RegistryScope


class StaticForm(RegistryForm):
    shape = "a mapping without keys"
    kind = "static"

    def resolve(self, scope: RegistryScope, services: tuple[Service, ...]) -> None:
        """Nothing runs: the lists with which clients begin are all there is."""
