"""Documents name only what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tidy.sources import ROOT, modules, names_defined, project_files

DOCUMENTS = [path for path in project_files() if path.suffix == ".md"]
TEXTS = [*DOCUMENTS, *sorted(modules().values())]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:sim|tests|docs|scenarios|benchmarks|notebooks|results|\.ci)/[\w./{},*-]*)`")
DOTTED = re.compile(r"`(sim(?:\.\w+)+)(?:\(.*?\))?`")
TARGET = re.compile(r"`make ([a-z]+)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    links = [
        link for link in LINK.findall(document.read_text()) if "://" not in link and not link.startswith("mailto:")
    ]
    dead = [link for link in links if not (document.parent / link).exists()]
    assert not dead, f"{document.relative_to(ROOT)} links to {', '.join(dead)}"


@pytest.mark.parametrize("text", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_paths_exist(text: Path) -> None:
    dead = [path for path in PATH.findall(text.read_text()) if not _exists(path)]
    assert not dead, f"{text.relative_to(ROOT)} names {', '.join(dead)}"


@pytest.mark.parametrize("text", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_dotted_names_exist(text: Path) -> None:
    dead = [name for name in DOTTED.findall(text.read_text()) if not _is_defined(name)]
    assert not dead, f"{text.relative_to(ROOT)} names {', '.join(dead)}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_make_targets_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    dead = [t for t in TARGET.findall(document.read_text()) if not re.search(rf"^{t}:", makefile, re.MULTILINE)]
    assert not dead, f"{document.relative_to(ROOT)} names make {', '.join(dead)}"


def _exists(path: str) -> bool:
    """A path, a pattern, or `a/{b,c}/`."""
    choice = re.search(r"\{([^}]*)\}", path)
    if choice:
        return all(_exists(path.replace(choice.group(), option)) for option in choice.group(1).split(","))
    return any(ROOT.glob(path.rstrip("/"))) if "*" in path else (ROOT / path).exists()


def _is_defined(name: str) -> bool:
    """A module, or a name (and its member) of one."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        module = ".".join(parts[:cut])
        if module in modules():
            rest = parts[cut:]
            return not rest or ".".join(rest) in names_defined(modules()[module]) or _is_offered(module, rest)
    return False


def _is_offered(module: str, rest: list[str]) -> bool:
    """`sim` imports its names when they are used; they stand in its `__all__`."""
    return module == "sim" and len(rest) == 1 and f'"{rest[0]}"' in modules()[module].read_text()
