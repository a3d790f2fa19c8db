"""The files of the project and what their Python says, for the tidy tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".cfg", ".ini", ".txt", ".ipynb", ""}
IGNORED = {"build", "dist", "runs", "__pycache__", "htmlcov"}


def project_files() -> list[Path]:
    """Every text file of the project: no environments, no caches, no outputs."""
    return sorted(p for p in _walk(ROOT) if p.suffix in TEXT_SUFFIXES and p.stat().st_size < 1_000_000)


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        hidden = entry.name.startswith(".") and entry.name not in (".ci", ".gitignore")
        if hidden or entry.name in IGNORED or entry.name.endswith(".egg-info"):
            continue
        if entry.is_dir():
            yield from _walk(entry)
        else:
            yield entry


def python_files(*folders: str) -> list[Path]:
    present = [ROOT / folder for folder in folders if (ROOT / folder).is_dir()]
    return sorted(p for folder in present for p in _walk(folder) if p.suffix == ".py")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by name."""
    return {module_name(path): path for path in python_files("sim")}


def imports_of(path: Path) -> set[str]:
    """Modules of the package that a file imports, wherever in the file the import stands."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            children = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {child for child in children if child in modules()} or {node.module}
    return {name for name in found if name.split(".")[0] == "sim"}


def names_defined(path: Path) -> set[str]:
    """Names at the top level of a file, imported ones too, and members of its classes as `Class.member`."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{member}" for member in _bound(node.body)}
    return names | _bound(tree_of(path).body)


def _bound(body: list[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {leaf.id for target in node.targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return names
