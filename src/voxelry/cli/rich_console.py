"""Rich's consoles for the terminal's two streams, and tables of figures on them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 100_000
_GAP = 3
_LEAST_WORDS = 12
"""So many letters of a line's words stand beside its figures, at least."""


class _Console(Console):
    """As wide as the terminal; what goes into a pipe or a file has no width, so that nothing is cut or folded there."""

    @property
    def size(self) -> ConsoleDimensions:
        return super().size if self.is_terminal else ConsoleDimensions(_UNBOUNDED, 25)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size


out = _Console(highlight=False, markup=False)
err = _Console(stderr=True, highlight=False, markup=False)


def print_figures(headings: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
    """A table whose first column is words and whose others are figures, of which none is cut.

    Where they do not stand side by side in the terminal, each figure has a line of its own below the words.
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
