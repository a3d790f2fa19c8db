"""How kernel functions are compiled, cached and announced.

Numba's own cache does not notice an edit in *another* file, so the cache folder is named by a hash of every source
that ends up in the kernel. Signatures are pinned: each function compiles once, in definition order, and refuses any
other mix of types.
"""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import codegen, types

PACKAGE = Path(__file__).resolve().parent.parent
KERNEL_FOLDERS = ("kernel", "distributions", "traffic", "balancing", "steps", "engine")
CACHES_KEPT = 4

INTERPRETED: bool = bool(numba.config.DISABLE_JIT)

void, i8, f8, u8, b1 = types.void, types.int64, types.float64, types.uint64, types.boolean
f8s, u4s = types.float64[::1], types.uint32[::1]

_pinned: list[tuple[Any, Any]] = []
_apart: dict[str, list[tuple[Any, Any]]] = {"wire": [], "log": []}
"""What only some scenarios need, those with a network of some detail or with a replicated log; compiled apart, when one
comes."""


def kernel_sources() -> list[Path]:
    return sorted(p for folder in KERNEL_FOLDERS for p in (PACKAGE / folder).rglob("*.py"))


def source_key(paths: list[Path] | None = None) -> str:
    """Hash of everything that the compiled code depends on."""
    digest = hashlib.sha256()
    for flag in (numba.__version__, sys.version, str(numba.config.BOUNDSCHECK), str(PACKAGE)):
        digest.update(flag.encode())
    for path in paths if paths is not None else kernel_sources():
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def cache_root() -> Path:
    base = os.environ.get("DSIM_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dsim"


def _cache_folder() -> Path:
    """Where compiled code is kept: the user's cache folder, or a temporary one where that cannot be written."""
    folder = cache_root() / f"kernel-{source_key()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.gettempdir()) / f"dsim-{os.getuid()}" / folder.name


CACHE = _cache_folder()
numba.config.CACHE_DIR = str(CACHE)
COMPILE_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
HOOK_OPTIONS: dict[str, Any] = {"error_model": "numpy"}
"""Hooks make array views of the policies' records, which Numba does only with its runtime."""


def is_compiled() -> bool:
    return INTERPRETED or (CACHE / "complete").exists()


def mark_used() -> None:
    """Called when a cache is used: the least recently used ones go first."""
    with suppress(OSError):
        os.utime(CACHE)


def mark_compiled() -> None:
    """Called once the entry points are on disk; drops the oldest caches of other source versions."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "complete").touch()
    others = sorted(CACHE.parent.glob("kernel-*"), key=lambda p: p.stat().st_mtime, reverse=True)
    for stale in others[CACHES_KEPT:]:
        shutil.rmtree(stale, ignore_errors=True)


def kernel(
    result: Any = None,
    *arguments: Any,
    inline: bool = False,
    hot: bool = False,
    cache: bool = False,
    callable_from_python: bool = False,
    apart: str = "",
) -> Callable[[Any], Any]:
    """Decorate a kernel function.

    Args:
        result, arguments: the pinned signature; left out for `inline` functions, which take their caller's types.
        inline: paste the body into its (single) caller.
        hot: paste the machine code into every caller (small functions that each request runs through).
        callable_from_python: keep the wrapper that calls from Python need (a call without it crashes).
        cache: keep the machine code on disk; for entry points only, since their callees are linked into them.
        apart: not linked into the entry points, but into the `wire`, or the `log`.
    """

    def decorate(function: Any) -> Any:
        if INTERPRETED:
            return function
        if inline:
            return numba.njit(inline="always", **COMPILE_OPTIONS)(function)
        wrappers = {} if cache or callable_from_python else {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        compiled = numba.njit(cache=cache, forceinline=hot, **wrappers, **COMPILE_OPTIONS)(function)
        (_apart[apart] if apart else _pinned).append((compiled, result(*arguments)))
        return compiled

    return decorate


def load(*entries: Any) -> None:
    """Load entry points from the cache."""
    for function, signature in _pinned:
        if any(function is entry for entry in entries):
            function.compile(signature)
            function.disable_compile()


def compile_pinned() -> None:
    """Compile every pinned function in definition order and refuse further signatures."""
    _compile(_pinned)


def compile_apart(unit: str) -> None:
    """Compile the functions of the `wire` or the `log`, and those of the kernel's that they use."""
    own = _apart[unit]
    needed = {id(function) for function, _ in own}
    pending = [function.py_func for function, _ in own]
    while pending:
        code = pending.pop()
        for name in code.__code__.co_names:
            callee = code.__globals__.get(name)
            inner = getattr(callee, "py_func", None)
            if inner is not None and id(callee) not in needed:
                needed.add(id(callee))
                pending.append(inner)
    _compile([pinned for pinned in [*_pinned, *own] if id(pinned[0]) in needed])


def _compile(pinned: list[tuple[Any, Any]]) -> None:
    gc.disable()  # the compiler allocates much and frees little: a seventh of its time
    try:
        for function, signature in pinned:
            if not function.signatures:
                is_inner = function.targetoptions.get("no_cpython_wrapper", False)
                with _for_linking_only() if is_inner else nullcontext():
                    function.compile(signature)
            function.disable_compile()
    finally:
        gc.enable()


@contextmanager
def _for_linking_only() -> Iterator[None]:
    """Leave a function's code as it is before optimization, and make no machine code of it.

    Functions within the kernel are only ever run as parts of an entry point, into which they are linked, and where all
    is optimized together. Numba optimizes and emits each by itself too, with all that is linked into *it*: a third of
    the time. These are inner workings of Numba, whose versions pyproject.toml names.
    """

    def link(library: Any) -> None:
        library._finalize_dynamic_globals()
        library._finalized = True

    library, generator = codegen.JITCodeLibrary, codegen.JITCPUCodegen
    changes: list[tuple[Any, str, Any]] = [
        (library, "_optimize_final_module", lambda self: None),
        (library, "_finalize_final_module", link),
        (library, "get_pointer_to_function", lambda self, name: 0),
        (generator, "set_env", lambda self, name, environment: None),
    ]
    own = [(owner, name, vars(owner).get(name)) for owner, name, _ in changes]
    try:
        for owner, name, change in changes:
            setattr(owner, name, change)
        yield
    finally:
        for owner, name, before in own:
            if before is None:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
