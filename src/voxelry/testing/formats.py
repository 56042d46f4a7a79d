"""The contract of volume formats, as a pytest class to inherit from.

>>> class TestNifti(FormatTests):  # doctest: +SKIP
...     format = voxelry.formats.nifti.nifti_format.FORMAT
...     suffix = ".nii"

Needs the packages ``pytest`` and ``hypothesis``, which Voxelry itself does not install.
"""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.lazy import LazyArray
from voxelry.core.protocols import VolumeFormat
from voxelry.core.spacing import Spacing
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.testing.volumes import AXIAL_LPS, DTYPES, assert_same_volume, full_volume, placed, volumes, voxels

HONEST_BYTES = 64 << 20
"""Most memory for reading a damaged file of a few kilobytes."""

# Many classes inherit the same test, which a health check would refuse.
_SHARED = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)


class FormatTests:
    """Contract tests of a volume format. Subclasses name the format, its suffix and what it can hold.

    The format must refuse everything else with a sentence.

    Attributes
    ----------
    format, suffix
        The format and its suffix. A format of several suffixes (``.nii``, ``.nii.gz``) has a class for each.
    options
        Options for writing.
    dtypes
        Supported dtypes; others must be refused.
    colours
        Supported dtypes of colour volumes, with three samples.
    holds_several, holds_shear, holds_unknown_spacing
        Whether it supports several volumes of one grid; tilted stacks; volumes without affine and spacing.
    holds
        Names of the Volume's other fields that it keeps: ``{"unit", "label"}``.
    place_rtol
        Tolerance of affines, as a fraction of the largest number: 0 if the format keeps 64 bits.
    is_folder
        True if the format writes a folder.
    """

    format: ClassVar[VolumeFormat]
    suffix: ClassVar[str]
    options: ClassVar[dict[str, Value]] = {}
    dtypes: ClassVar[tuple[str, ...]] = DTYPES
    colours: ClassVar[tuple[str, ...]] = ("uint8", "uint16")
    holds_several: ClassVar[bool] = True
    holds_shear: ClassVar[bool] = True
    holds_unknown_spacing: ClassVar[bool] = True
    holds: ClassVar[frozenset[str]] = frozenset()
    place_rtol: ClassVar[float] = 0.0
    is_folder: ClassVar[bool] = False

    # --- what they share ----------------------------------------------------------------------------------------------

    @contextmanager
    def written(self, given: Sequence[Volume]) -> Iterator[str]:
        """Write volumes to a file that exists within this context."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / f"volume{self.suffix}")
            self.format.write(given, path, options=dict(self.options))
            yield path

    def and_back(self, *given: Volume) -> tuple[Volume, ...]:
        """Write volumes and read them back."""
        with self.written(given) as path:
            return tuple(replace(one, array=np.array(one.array)) for one in self.format.read(path))

    def check(self, *given: Volume) -> None:
        found = self.and_back(*given)
        assert len(found) == len(given)
        for one, other in zip(found, given, strict=True):
            assert_same_volume(one, other, rtol=self.place_rtol)

    def check_refused(self, *given: Volume) -> None:
        """Assert that writing raises a FormatError with a sentence."""
        with pytest.raises(FormatError) as caught, self.written(given):
            pass
        assert len(str(caught.value).split()) > 3

    def check_or_refused(self, holds: bool, *given: Volume) -> None:
        (self.check if holds else self.check_refused)(*given)

    def check_damaged(self, path: str) -> None:
        """Assert that a file is read or refused with a sentence, without much memory."""
        tracemalloc.start()
        try:
            for volume in self.format.read(path):
                np.asarray(volume.array)
        except FormatError as error:
            assert len(str(error).split()) > 3
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < HONEST_BYTES, f"{peak:,} bytes for a file of a few"

    # --- the contract -------------------------------------------------------------------------------------------------

    def test_it_is_a_format(self) -> None:
        assert isinstance(self.format, VolumeFormat)
        assert self.suffix in self.format.suffixes
        assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in self.format.suffixes)
        assert self.format.description

    @_SHARED
    @given(data=st.data())
    def test_what_is_written_is_read(self, data: st.DataObject) -> None:
        """Oblique, anisotropic, left-handed volumes of one slice or several, of any dtype, with NaN and infinities."""
        self.check(data.draw(volumes(dtypes=self.dtypes, shear=self.holds_shear)))

    @pytest.mark.parametrize("dtype", [*DTYPES, "float16", "bool", "complex64"])
    def test_every_dtype_comes_back_or_is_refused(self, dtype: str) -> None:
        array = voxels((2, 3, 4), dtype) if dtype in DTYPES else np.ones((2, 3, 4), dtype)
        self.check_or_refused(dtype in self.dtypes, placed(array))

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
    def test_colour_comes_back_or_is_refused(self, dtype: str) -> None:
        volume = placed(voxels((2, 3, 4, 3), dtype))
        self.check_or_refused(dtype in self.colours, volume)
        self.check_or_refused(dtype in self.colours and self.holds_several, volume, placed(volume.array[::-1]))

    def test_several_come_back_in_their_order_or_are_refused(self) -> None:
        several = [placed(voxels((2, 3, 4), "int16", seed)) for seed in range(3)]
        self.check_or_refused(self.holds_several, *several)

    def test_several_of_two_dtypes_keep_their_values_or_are_refused(self) -> None:
        low, high = (placed(voxels((2, 3, 4), dtype)) for dtype in ("int16", "uint16"))
        try:
            found = self.and_back(low, high)
        except FormatError:
            return
        np.testing.assert_array_equal(found[0].array, low.array)
        np.testing.assert_array_equal(found[1].array, high.array)

    def test_several_that_no_one_grid_holds_come_back_or_are_refused(self) -> None:
        one, longer = placed(voxels((2, 3, 4), "int16")), placed(voxels((3, 3, 4), "int16"))
        elsewhere = AXIAL_LPS.copy()
        elsewhere[0, 3] += 1
        for other in (longer, placed(one.array, elsewhere)):
            try:
                self.check(one, other)
            except FormatError as error:
                assert len(str(error).split()) > 3

    def test_a_tilted_stack_comes_back_or_is_refused(self) -> None:
        tilted = AXIAL_LPS.copy()
        tilted[1, 0] = 0.9
        self.check_or_refused(self.holds_shear, placed(voxels((3, 4, 5), "int16"), tilted))

    @pytest.mark.parametrize("spacing", [(None, None, None), (None, 0.8, 0.7), (2.5, None, 0.7), (2.5, 0.8, 0.7)])
    def test_an_unknown_place_stays_unknown_or_is_refused(self, spacing: Spacing) -> None:
        """An unknown spacing is never 1.0."""
        volume = Volume(array=voxels((1, 4, 5), "uint16"), spacing=spacing)
        if not self.holds_unknown_spacing:
            self.check_refused(volume)
            return
        (found,) = self.and_back(volume)
        np.testing.assert_array_equal(found.array, volume.array)
        assert found.affine is None
        assert found.spacing == pytest.approx(spacing, rel=1e-6) if None not in spacing else True
        assert [one is None for one in found.spacing] == [one is None for one in spacing]

    def test_the_rest_of_a_volume_comes_back(self) -> None:
        wanted = full_volume()
        (found,) = self.and_back(wanted)
        assert_same_volume(found, wanted, rtol=self.place_rtol)
        for name in self.holds - {"padding"}:
            assert getattr(found, name) == getattr(wanted, name), name
        if "padding" in self.holds:
            assert found.padding is not None
            np.testing.assert_array_equal(found.padding, wanted.padding)

    def test_arrays_of_any_layout_are_written(self) -> None:
        """Lazy arrays, reversed and transposed views, big endian arrays."""
        array = voxels((3, 4, 5), "int16")
        lazy = LazyArray(array.shape, array.dtype, lambda numbers: array[list(numbers)])
        self_made = (array[::-1, :, ::-1], np.asfortranarray(array), array.astype(">i2"), lazy)
        for layout in self_made:
            (found,) = self.and_back(placed(layout))  # type: ignore[arg-type]
            np.testing.assert_array_equal(found.array, np.asarray(layout))
            assert found.array.dtype == np.int16

    def test_progress_is_told_and_can_stop_the_work(self, tmp_path: Path) -> None:
        class Enough(Exception): ...

        def stop(fraction: float, words: str) -> None:
            raise Enough

        told: list[float] = []
        volume, path = placed(voxels((3, 4, 5), "int16")), str(tmp_path / f"a{self.suffix}")
        self.format.write([volume], path, options={}, progress=lambda fraction, words: told.append(fraction))
        assert told == sorted(told)
        assert told[-1] == 1.0
        with pytest.raises(Enough):
            self.format.write([volume], str(tmp_path / f"b{self.suffix}"), options={}, progress=stop)

    def test_what_cannot_be_asked_for_is_refused(self, tmp_path: Path) -> None:
        path = str(tmp_path / f"a{self.suffix}")
        with pytest.raises(ParameterError):
            self.format.write([], path, options={})
        with pytest.raises(ParameterError, match="no_such_option"):
            self.format.write([placed(voxels((2, 3, 4), "int16"))], path, options={"no_such_option": 1})
        assert not Path(path).exists()

    # --- damaged and hostile files ------------------------------------------------------------------------------------

    @pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"no volume " * 400, b"\x1f\x8b" + b"\xff" * 600])
    def test_what_is_no_such_file_is_refused(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / f"a{self.suffix}"
        if self.is_folder:
            path.mkdir()
            path = path / "zarr.json"
        path.write_bytes(content)
        with pytest.raises(FormatError) as caught:
            self.format.read(str(tmp_path / f"a{self.suffix}"))
        assert len(str(caught.value).split()) > 3

    def test_a_file_that_ends_too_early_is_refused(self) -> None:
        with self.written([placed(voxels((4, 16, 17), "int16"))]) as path:
            file = self._largest(path)
            content = file.read_bytes()
            for fraction in (0.02, 0.2, 0.5, 0.9, 0.99):
                file.write_bytes(content[: int(len(content) * fraction)])
                with pytest.raises(FormatError) as caught:
                    for volume in self.format.read(path):
                        np.asarray(volume.array)
                assert len(str(caught.value).split()) > 3

    @_SHARED
    @given(seed=st.integers(0, 2**32 - 1), early=st.booleans())
    def test_a_damaged_file_is_read_or_refused_and_costs_little(self, seed: int, early: bool) -> None:
        """A file with some bytes changed, in the header or anywhere."""
        random = np.random.default_rng(seed)
        with self.written([placed(voxels((2, 8, 9), "int16"))]) as path:
            file = self._largest(path)
            content = bytearray(file.read_bytes())
            end = min(len(content), 400) if early else len(content)
            for place in random.integers(0, end, random.integers(1, 4)):
                content[place] = random.integers(0, 256)
            file.write_bytes(content)
            self.check_damaged(path)

    def _largest(self, path: str) -> Path:
        """The file itself, or the largest file of a folder, which holds voxels."""
        files = [file for file in Path(path).rglob("*") if file.is_file()] if self.is_folder else [Path(path)]
        return max(files, key=lambda file: file.stat().st_size)
