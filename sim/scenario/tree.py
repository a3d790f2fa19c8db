"""What a file says, with the place of every key: mappings and lists that carry marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value was written: its path in the file (variants included), and the line, counted from 1."""

    path: Path
    line: int
    origin: str = ""
    """Instead of a line: the command-line option that gave the value."""
    file: str = ""
    """The included file that it stands in; empty for the scenario file itself."""

    def text(self, file: str) -> str:
        """`knee.yaml:12: services.cart.instances: `, to begin a sentence with; `file` is the scenario file."""
        if self.origin:
            return f"{self.origin} {path_text(self.path)}: "
        return f"{self.file or file}:{self.line}: " + (f"{path_text(self.path)}: " if self.path else "")


class Map(dict[str, Any]):
    """A mapping. `marks` has the place of each key."""

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.marks: dict[str, Mark] = {}

    def put(self, key: str, value: Any, mark: Mark) -> None:
        self[key] = value
        self.marks[key] = mark

    def drop(self, key: str) -> None:
        del self[key]
        del self.marks[key]


class Seq(list[Any]):
    """A list. `marks` has the place of each item."""

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        self.marks: list[Mark] = []

    def put(self, value: Any, mark: Mark) -> None:
        self.append(value)
        self.marks.append(mark)


def locate(tree: Any, path: Sequence[str | int]) -> Mark:
    """The mark of the value at `path`, or of what stands nearest above it.

    A name at a list is passed over: shorthands leave out keys that the canonical form has.
    """
    mark: Mark = tree.mark
    for part in path:
        if isinstance(tree, Map) and part in tree.marks:
            mark, tree = tree.marks[str(part)], tree[str(part)]
        elif isinstance(tree, Seq) and isinstance(part, int) and part < len(tree):
            mark, tree = tree.marks[part], tree[part]
        elif not (isinstance(tree, Seq) and isinstance(part, str)):
            break
    return mark


def copy_tree(value: Any, path: Path | None = None) -> Any:
    """A copy; with `path`, moved to that place of the file."""
    if isinstance(value, Map):
        mapping = Map(_moved(value.mark, path))
        for key, item in value.items():
            below = None if path is None else (*path, key)
            mapping.put(key, copy_tree(item, below), _moved(value.marks[key], below))
        return mapping
    if isinstance(value, Seq):
        items = Seq(_moved(value.mark, path))
        for i, item in enumerate(value):
            below = None if path is None else (*path, i)
            items.put(copy_tree(item, below), _moved(value.marks[i], below))
        return items
    return value


def without(tree: Map, *keys: str) -> Map:
    """A copy that lacks some keys."""
    result = copy_tree(tree)
    assert isinstance(result, Map)
    for key in keys:
        if key in result:
            result.drop(key)
    return result


def existing(tree: Any, path: Sequence[str | int]) -> Path:
    """The longest part of `path` that leads to something, read as `locate` reads it."""
    found: list[str | int] = []
    for part in path:
        if isinstance(tree, Map) and part in tree:
            tree = tree[str(part)]
        elif isinstance(tree, Seq) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        elif isinstance(tree, Seq) and isinstance(part, str):
            continue
        else:
            break
        found.append(part)
    return tuple(found)


def value_at(tree: Any, path: Sequence[str | int]) -> Any:
    """What stands at a path, None where nothing does."""
    for part in path:
        if isinstance(tree, Map):
            tree = tree.get(str(part))
        else:
            tree = tree[part] if isinstance(tree, Seq) and isinstance(part, int) and part < len(tree) else None
    return tree


def entries_of(tree: Map, section: str) -> frozenset[str] | None:
    """The names in a section, None where there is no such mapping."""
    entries = tree.get(section)
    return frozenset(entries) if isinstance(entries, Map) else None


def edit(tree: Map, changes: Mapping[Path, Any]) -> None:
    """Set the values at some paths, in place; None takes what is there out, and what follows in a list moves up."""
    order = sorted(changes, key=lambda path: [(isinstance(part, int), part) for part in path], reverse=True)
    for path in order:
        here: Any = tree
        for part in path[:-1]:
            here = here[part]
        last, value = path[-1], changes[path]
        if value is not None:
            here.put(str(last), value, Mark(path, here.mark.line))
        elif isinstance(here, Map):
            here.drop(str(last))
        else:
            del here[last], here.marks[last]


def size(value: Any) -> int:
    """Number of values in a tree, itself included."""
    if isinstance(value, Map):
        return 1 + sum(size(item) for item in value.values())
    if isinstance(value, Seq):
        return 1 + sum(size(item) for item in value)
    return 1


def path_text(path: Path) -> str:
    """`services.api.steps[0].cpu`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if part.isprintable() and len(part) <= 60 else ascii(part[:60])
            text += f".{shown}" if text else shown
    return text


def _moved(mark: Mark, path: Path | None) -> Mark:
    return mark if path is None else replace(mark, path=path)
