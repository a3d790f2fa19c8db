"""A table of texts, for a terminal or for a notebook."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape

from rich.table import Table

PADDING = 3
"""Columns that a terminal's table adds to each of its own: a border and two spaces."""


@dataclass(frozen=True, slots=True)
class Grid:
    """`names` is how many leading columns are names, set to the left; numbers are set to the right. A line is drawn
    below the rows numbered in `lines`."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    caption: str = ""
    lines: Collection[int] = ()

    def widths(self) -> list[int]:
        """Of the columns in a terminal, borders not counted."""
        return [max(map(len, column)) for column in zip(self.headers, *self.rows, strict=True)]

    def columns(self, chosen: Sequence[int]) -> Grid:
        """The same table with these columns only."""
        rows = [[row[column] for column in chosen] for row in self.rows]
        names = sum(column < self.names for column in chosen)
        return Grid(self.title, [self.headers[c] for c in chosen], rows, names, self.caption, self.lines)


def to_rich(grid: Grid) -> Table:
    table = Table(
        title=grid.title,
        caption=grid.caption or None,
        title_justify="left",
        caption_justify="left",
        header_style="bold",
    )
    for number, header in enumerate(grid.headers):
        if number < grid.names:
            table.add_column(header, overflow="fold")
        else:
            table.add_column(header, justify="right")
    for number, row in enumerate(grid.rows):
        table.add_row(*row, end_section=number in grid.lines)
    return table


def to_html(grid: Grid) -> str:
    """Styled by the notebook; inline only what numbers need."""
    head = _html_row(grid.headers, "th", grid.names)
    body = "".join(_html_row(row, "td", grid.names) for row in grid.rows)
    caption = f"<caption style='text-align:left'><b>{escape(grid.title)}</b></caption>"
    below = f"<div>{escape(grid.caption)}</div>" if grid.caption else ""
    return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>{below}"


def _html_row(cells: Sequence[str], tag: str, names: int) -> str:
    texts = [
        f"<{tag} style='text-align:{'left' if number < names else 'right'}'>{escape(cell)}</{tag}>"
        for number, cell in enumerate(cells)
    ]
    return f"<tr>{''.join(texts)}</tr>"


def within(grid: Grid, width: int, repeated: int) -> list[Grid]:
    """The table, or several with the first `repeated` columns in each, so that each fits the terminal if it can."""
    widths = [w + PADDING for w in grid.widths()]
    fixed = list(range(repeated))
    room = width - 1 - sum(widths[:repeated])
    parts: list[list[int]] = []
    left = 0
    for column in range(repeated, len(widths)):
        if not parts or widths[column] > left:
            parts.append([])
            left = room
        parts[-1].append(column)
        left -= widths[column]
    return [grid.columns([*fixed, *part]) for part in parts]
