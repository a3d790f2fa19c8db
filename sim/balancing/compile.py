"""From a policy's hooks to addresses that the kernel can call.

For each policy a small module is written into the cache folder: it binds the hooks to the kernel's tables as C
functions of one signature. It is named by a hash of the policy's source, and Numba caches its machine code.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from sim.balancing.policy import HOOKS, Policy
from sim.errors import PluginError
from sim.kernel import hooks, jit

HEADER = '''"""Bindings of the policy {name}; generated, do not edit."""
import numba

from sim.balancing.policy import POLICIES
from sim.kernel.hooks import HOOK, records, state_at
from sim.kernel.jit import HOOK_OPTIONS, INTERPRETED

POLICY = POLICIES["{name}"]
CLIENT, SERVER = POLICY.client_type(), POLICY.server_type()
bind = (lambda function: function) if INTERPRETED else numba.cfunc(HOOK, cache=True, **HOOK_OPTIONS)
'''
HOOK_TEXT = """
{hook}_function = POLICY.{hook}


@bind
def {hook}(address, channel_row, key, endpoint, latency_s, outcome):
    S = state_at(address)
    channel = S.channel[channel_row]
    service = S.service[channel.service]
    client = records(S, channel.client, 1, CLIENT)[0]
    servers = records(S, channel.servers, service.instance_count, SERVER)
    known = S.listing[channel.listing]
    view = S.member[known.start : known.start + known.count]
    world = S.instance[service.first_instance : service.first_instance + service.instance_count]
    {call}
"""
CALLS = {
    "pick": "return {hook}_function(client, view, servers, key)",
    "on_send": "{hook}_function(client, servers, endpoint)\n    return 0",
    "on_response": "{hook}_function(client, servers, endpoint, latency_s, outcome)\n    return 0",
    "on_view_change": "{hook}_function(client, view, servers)\n    return 0",
}
_loaded: dict[type[Policy], ModuleType] = {}


def binding_text(policy: type[Policy]) -> str:
    text = HEADER.format(name=policy.name)
    for hook in HOOKS:
        if getattr(policy, hook, None) is not None:
            call = CALLS[hook].format(hook=hook)
            if hook == "pick" and policy.perfect_knowledge:
                call = call.replace("servers, key", "servers, world, key")
            text += HOOK_TEXT.format(hook=hook, call=call)
    return text


def _write_module(policy: type[Policy], text: str) -> Path:
    source = Path(inspect.getfile(policy)).read_bytes()
    key = hashlib.sha256(text.encode() + source).hexdigest()[:16]
    path = jit.CACHE / "policies" / f"{policy.name}_{key}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False) as file:
            file.write(text)
        os.replace(file.name, path)
    return path


def _reason(error: Exception) -> str:
    """One sentence about why a hook does not compile."""
    for cause in (error, error.__cause__, error.__context__):
        if isinstance(cause, KeyError):
            return f"a hook uses the undeclared field {cause.args[0]!r}; declare it in client_state or server_state"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in lines[1:] if not line.startswith(("File ", ">>>", "During"))), "".join(lines[:1]))
    return (
        f"a hook does not compile: {told[:200]}; hooks are Numba code, see sim.balancing.Policy for what they are given"
    )


def addresses(policy: type[Policy]) -> dict[str, int]:
    """The address of each hook, 0 where the policy has none; compiled on first use.

    Raises PluginError where a hook does not compile.
    """
    if policy not in _loaded:
        path = _write_module(policy, binding_text(policy))
        spec = importlib.util.spec_from_file_location(f"dsim_policy_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # Numba lets its inner errors through, a KeyError for a field for one
            del sys.modules[spec.name]
            raise PluginError(f"policy {policy.name}: {_reason(error)}") from error
        _loaded[policy] = module
    module = _loaded[policy]
    found = {}
    for hook in HOOKS:
        function = getattr(module, hook, None)
        if function is None:
            found[hook] = 0
        elif jit.INTERPRETED:
            found[hook] = hooks.python_address(function)
        else:
            found[hook] = function.address
    return found
