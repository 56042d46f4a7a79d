"""Races of loading compressed series: files, headers, decoding, rescale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

import voxelry
from benchmarks.plain_work import by_pydicom, by_simpleitk
from benchmarks.race import Race, Runner, Target
from benchmarks.series import write_series
from voxelry.dicom.pixels.encode import HTJ2K_LOSSLESS, JPEG_2000_LOSSLESS, JPEG_LS, RLE
from voxelry.testing.encoding import JPEG_LOSSLESS

_NEEDS = {
    "gdcm": ("gdcm",),
    "pylibjpeg-libjpeg": ("pylibjpeg", "libjpeg"),
    "pylibjpeg-openjpeg": ("pylibjpeg", "openjpeg"),
    "pylibjpeg-rle": ("pylibjpeg", "rle"),
    "pyjpegls": ("jpeg_ls",),
    "pydicom": (),
}
"""Packages of pydicom's plugins; pylibjpeg-libjpeg is under the GPL and is not installed by default."""

SYNTAXES: dict[str, tuple[str, float, tuple[str, ...]]] = {
    "JPEG lossless": (JPEG_LOSSLESS, 5.0, ("gdcm", "pylibjpeg-libjpeg")),
    "HTJ2K": (HTJ2K_LOSSLESS, 4.0, ("pylibjpeg-openjpeg",)),
    "RLE": (RLE, 3.0, ("pydicom", "pylibjpeg-rle")),
    "JPEG-LS": (JPEG_LS, 2.2, ("pyjpegls", "gdcm", "pylibjpeg-libjpeg")),
    "JPEG 2000": (JPEG_2000_LOSSLESS, 1.3, ("gdcm", "pylibjpeg-openjpeg")),
}
"""By name: transfer syntax, promised ratio to pydicom's fastest plugin, and its plugins."""


def races(stored: npt.NDArray[np.uint16], scratch: Path) -> Iterator[tuple[str, Callable[[], Race]]]:
    """Races by name, one for each transfer syntax (``jpeg-lossless``, ``htj2k``, ...); files are written on use."""
    for name in SYNTAXES:
        word = name.lower().replace(" ", "-")
        yield word, lambda name=name, word=word: _race(name, word, stored, scratch)  # type: ignore[misc]


def _race(name: str, word: str, stored: npt.NDArray[np.uint16], scratch: Path) -> Race:
    syntax, factor, plugins = SYNTAXES[name]
    series = write_series(scratch / word, stored, syntax)

    def equal(result: object) -> None:
        np.testing.assert_array_equal(np.asarray(result), series.array)

    peers = {f"pydicom, {plugin}": plugin for plugin in plugins}
    return Race(
        word,
        f"load {'x'.join(map(str, stored.shape))}, {name}",
        Runner("voxelry", lambda: voxelry.load_volume(series.folder).array),
        (
            *(
                Runner(
                    peer,
                    lambda plugin=plugin: by_pydicom(series.paths, plugin.split("-")[0]),  # type: ignore[misc]
                    _NEEDS[plugin],
                )
                for peer, plugin in peers.items()
            ),
            Runner("SimpleITK, names known", lambda: by_simpleitk(series.paths), ("SimpleITK",)),
        ),
        (Target(tuple(peers), factor), Target(("SimpleITK, names known",), 1.0)),
        equal,
    )
