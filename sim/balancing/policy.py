"""What a balancing policy is, and where policies are registered."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numba
import numpy as np

from sim.errors import PluginError
from sim.kernel.jit import HOOK_OPTIONS, INTERPRETED

POLICIES: dict[str, type[Policy]] = {}

HOOKS = {
    "pick": ("client", "view", "servers", "key"),
    "on_send": ("client", "servers", "endpoint"),
    "on_response": ("client", "servers", "endpoint", "latency_s", "outcome"),
    "on_view_change": ("client", "view", "servers"),
}
"""The hooks and their parameters."""
WORD_TYPES = ("i8", "f8")


class Policy:
    """A balancing policy: hooks over the state of one client towards one service.

    The kernel calls the hooks with records (fields by name, modified in place):

    - `pick(client, view, servers, key) -> int`: the endpoint to send to, one of `view` (asked where there is a choice);
    - `on_send(client, servers, endpoint)`: an attempt leaves for it;
    - `on_response(client, servers, endpoint, latency_s, outcome)`: the client learns how it ended — the answer, a
      refusal or reset, or its own timeout or cancellation (`outcome` is a code of `sim.kernel.codes`, 0 is ok);
    - `on_view_change(client, view, servers)`: on first use and whenever the client's view changes.

    `view` (int32, shape (n,)) lists the endpoints that the client knows, as ordinals in the service; `servers` has a
    record for every endpoint of the service, so state survives its leaving the view. `key` is the attempt's own draw
    key: `uniform(key, k)`, k = 0, 1 …, are its uniforms. A policy sees nothing else, unless it declares
    `perfect_knowledge`: then `pick` takes one more argument before `key`, `world`: the service's true instance rows
    (`world[endpoint].in_system` and the other fields of `sim.kernel.tables.INSTANCE`; read only).
    """

    name: ClassVar[str]
    parameters: ClassVar[dict[str, Any]] = {}
    """Human parameters by name (`sim.distributions.parameters.Parameter`). One that is named like a field of
    `client_state` or, as a list by endpoint, of `server_state` sets that field's initial value."""
    client_state: ClassVar[dict[str, str]] = {}
    """Fields of the client's record, "i8" or "f8"; they start at 0."""
    server_state: ClassVar[dict[str, str]] = {}
    perfect_knowledge: ClassVar[bool] = False
    pick: ClassVar[Callable[..., Any]]
    on_send: ClassVar[Callable[..., Any] | None] = None
    on_response: ClassVar[Callable[..., Any] | None] = None
    on_view_change: ClassVar[Callable[..., Any] | None] = None

    @classmethod
    def client_type(cls) -> np.dtype[Any]:
        return _record_type(cls.client_state)

    @classmethod
    def server_type(cls) -> np.dtype[Any]:
        return _record_type(cls.server_state)

    @classmethod
    def image(cls, params: dict[str, Any], server_count: int) -> np.ndarray:
        """The initial client record and server records, as int64 words."""
        client = np.zeros(1, cls.client_type())
        servers = np.zeros(server_count, cls.server_type())
        for name, value in params.items():
            if name in cls.client_state:
                client[name] = value
            else:
                servers[name] = value
        return np.concatenate([client.view(np.int64), servers.view(np.int64)])


def _record_type(fields: dict[str, str]) -> np.dtype[Any]:
    return np.dtype((np.record, np.dtype(list(fields.items()) or [("unused", "i8")])))


def _check_parameters(policy: type[Policy], hook: str, function: Callable[..., Any]) -> None:
    expected = HOOKS[hook]
    if hook == "pick" and policy.perfect_knowledge:
        expected = (*expected[:-1], "world", expected[-1])
    given = tuple(inspect.signature(function).parameters)
    if len(given) != len(expected):
        raise PluginError(
            f"policy {policy.__name__}: {hook} takes ({', '.join(given)}); must take ({', '.join(expected)})"
        )


def register(policy: type[Policy]) -> type[Policy]:
    """Make a policy known by its name; hooks that are plain functions are compiled with `numba.njit`.

    Raises PluginError where the class is not a usable policy.
    """
    where = f"policy {policy.__name__}"
    if not getattr(policy, "name", "").isidentifier():
        raise PluginError(
            f"{where}: needs `name`, an identifier by which scenarios call it; write e.g. name = 'my_policy'"
        )
    if not hasattr(policy, "pick"):
        raise PluginError(f"{where}: needs the hook `pick(client, view, servers, key)`; see sim.balancing.Policy")
    for fields in (policy.client_state, policy.server_state):
        for name, kind in fields.items():
            if kind not in WORD_TYPES:
                raise PluginError(f"{where}: state {name!r}: got {kind!r}; must be 'i8' (integer) or 'f8' (float)")
    for hook in HOOKS:
        function = inspect.getattr_static(policy, hook, None)
        if isinstance(function, staticmethod):
            function = function.__func__
        if function is None:
            continue
        _check_parameters(policy, hook, getattr(function, "py_func", function))
        if INTERPRETED:
            function = getattr(function, "py_func", function)
        elif not hasattr(function, "py_func"):
            function = numba.njit(**HOOK_OPTIONS)(function)
        setattr(policy, hook, staticmethod(function))
    POLICIES[policy.name] = policy
    return policy
