"""Rich consoles for standard output and standard error, and tables of figures."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 100_000
_GAP = 3
_LEAST_WORDS = 12
"""Fewest characters of a row's text beside its figures."""


class _Console(Console):
    """A console with the terminal's width; output to a pipe or a file is neither cut nor wrapped."""

    @property
    def size(self) -> ConsoleDimensions:
        return super().size if self.is_terminal else ConsoleDimensions(_UNBOUNDED, 25)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size


out = _Console(highlight=False, markup=False)
err = _Console(stderr=True, highlight=False, markup=False)


def print_figures(headings: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
    """Print a table with a first column of text and further columns of figures, which are never cut.

    If the terminal is too narrow, each figure has its own line below the text.
    """
    columns = [(heading, *map(str, cells)) for heading, cells in zip(headings, zip(*rows, strict=True), strict=True)]
    widths = [max(map(cell_len, column)) for column in columns]
    if sum(width + _GAP for width in (min(widths[0], _LEAST_WORDS), *widths[1:])) <= out.width:
        table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim")
        table.add_column(headings[0])
        for heading, width in zip(headings[1:], widths[1:], strict=True):
            table.add_column(heading, justify="right", no_wrap=True, min_width=width)
        for row in rows:
            table.add_row(*row)
        out.print(table)
        return
    for words, *figures in rows:
        out.print(words, soft_wrap=True)
        for heading, figure in zip(headings[1:], figures, strict=True):
            if figure:
                out.print(Text.assemble((f"  {heading}: ", "dim"), figure), soft_wrap=True)
