"""The contract of steps, as a pytest class to inherit from.

>>> class TestGaussian(StepTests):  # doctest: +SKIP
...     step = voxelry.steps.gaussian.STEP
...     examples = ({"sigma": 1.0}, {"sigma": [2.0, 1.0, 1.0]})

Needs the packages ``pytest`` and ``hypothesis``, which Voxelry itself does not install.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxelry.core.errors import ParameterError, VoxelryError
from voxelry.core.lazy import LazyArray
from voxelry.core.progress import Progress, silent
from voxelry.core.registry import AnyStep
from voxelry.core.spacing import Spacing
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.testing.volumes import AXIAL_LPS, DTYPES, placed, unplaced, volumes

GROUPS = ("filter", "mask", "measure", "register", "model")
PATIENT = "SECRET^NAME"
"""A patient's value of the test volumes, which must appear nowhere in results."""
KNOWN_BEFORE = "something that was known before"
"""A warning of the test volumes, which results must keep."""

_SHARED = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
_OBLIQUE = np.array([[0.6, 0.48, -0.48, -10.0], [2.0, 0.0, 0.42, 20.0], [-1.2, 0.64, 0.26, 30.0], [0.0, 0.0, 0.0, 1.0]])
_LEFT_HANDED = AXIAL_LPS * [-1.0, 1.0, 1.0, 1.0]


def _tilted() -> npt.NDArray[np.float64]:
    affine = AXIAL_LPS.copy()
    affine[1, 0] = 0.9
    return affine


def _orthogonal(affine: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """An affine with the same position and lengths of axes, and perpendicular axes."""
    turned, lengths = affine.copy(), np.linalg.norm(affine[:3, :3], axis=0)
    turned[:3, :3] = np.linalg.qr(affine[:3, :3])[0] * lengths
    return turned


PLACES: dict[str, npt.NDArray[np.float64]] = {
    "axial": AXIAL_LPS,
    "oblique": _orthogonal(_OBLIQUE),
    "left-handed": _LEFT_HANDED,
    "tilted": _tilted(),
}
"""Affines of test volumes; a tilted (sheared) one may be refused."""


def body(shape: tuple[int, int, int] = (7, 24, 21), seed: int = 0) -> npt.NDArray[np.int16]:
    """A simple body in air, in HU: two ellipsoids, one dense, with noise; int16."""
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij"))
    distance = np.sqrt((places**2).sum(axis=0))
    values = np.where(distance < 0.9, 40.0, -1000.0) + np.where(distance < 0.35, 600.0, 0.0)
    return (values + np.random.default_rng(seed).normal(0, 8, shape)).astype(np.int16)


def _with_array(volume: Volume, array: npt.NDArray[Any]) -> Volume:
    slices, rows, columns = array.shape[:3]
    return volume.with_geometry(replace(volume.geometry, shape=(slices, rows, columns)), array=array)


class StepTests:
    """Contract tests of a step. Subclasses name the step, parameters to test it with, and what it needs.

    Attributes
    ----------
    step
        The step.
    examples
        Parameters to test it with; the first is used if one is enough.
    needs
        What the first example needs. ``"spacing"``: volumes without spacing are refused. ``"affine"``: those without
        an affine too. ``""``: both are accepted, and what is unknown stays unknown.
    """

    step: ClassVar[AnyStep]
    examples: ClassVar[tuple[Mapping[str, object], ...]] = ({},)
    needs: ClassVar[str] = ""

    def volumes(self) -> tuple[Volume, ...]:
        """Volumes that the step accepts: one for each input, of one grid. Override for other kinds."""
        return tuple(placed(body(seed=number), unit="HU") for number, _ in enumerate(self.step.inputs))

    # --- what they share ----------------------------------------------------------------------------------------------

    def run(
        self, given: Sequence[Volume], values: Mapping[str, object] | None = None, progress: Progress = silent
    ) -> StepResult:
        result = self.step.run(given, self.examples[0] if values is None else values, progress=progress)
        check_result(result)
        return result

    def run_or_refused(self, given: Sequence[Volume], values: Mapping[str, object] | None = None) -> StepResult | None:
        """The result, or None if the step refused with a sentence."""
        try:
            return self.run(given, values)
        except VoxelryError as error:
            assert len(str(error).split()) > 3, f"{error!r} is no sentence"
            assert PATIENT not in f"{error} {error.numbers}"
            return None

    def with_arrays(self, change: Any) -> tuple[Volume, ...]:
        """The volumes with other values, or a part of them from the first voxel on."""
        return tuple(_with_array(volume, change(volume.array)) for volume in self.volumes())

    # --- the parameters -----------------------------------------------------------------------------------------------

    def test_it_is_a_step(self) -> None:
        assert isinstance(self.step, Step)
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", self.step.name)
        assert self.step.title[:1].isupper()
        assert self.step.description.endswith(".")
        assert self.step.group in GROUPS
        assert self.step.inputs
        assert issubclass(self.step.params, Params)

    def test_each_parameter_says_what_it_is(self) -> None:
        """Parameters have title and description, numbers a unit or ``"1"``: ``json_schema_extra={"unit": "mm"}``."""
        schema = self.step.params.model_json_schema()
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        for name, field in schema.get("properties", {}).items():
            assert field.get("title"), f"{name} has no title"
            assert len(field.get("description", "").split()) > 1, f"{name} has no description"
            assert "default" in field or name in schema.get("required", ()), f"{name} has neither a default nor a duty"
            if {"integer", "number"} & set(_types(field, schema)):
                assert field.get("unit"), f'{name} is a number and has no unit; "1" where it needs none'
        json.dumps(schema, allow_nan=False)

    def test_defaults_and_examples_are_within_their_own_ranges(self) -> None:
        schema = self.step.params.model_json_schema()
        defaults = {
            name: field["default"] for name, field in schema.get("properties", {}).items() if "default" in field
        }
        for example in self.examples:
            whole = self.step.checked({**defaults, **example})
            assert self.step.checked(whole.model_dump(mode="json")) == whole
            assert self.step.checked(json.loads(whole.model_dump_json())) == whole
            text = {name: str(value) if type(value) in (int, float) else value for name, value in example.items()}
            assert self.step.checked(text) == self.step.checked(example), "a form's texts are no numbers"

    def test_what_is_no_parameter_is_refused(self) -> None:
        with pytest.raises(ParameterError, match="no_such_parameter"):
            self.step.checked({**self.examples[0], "no_such_parameter": 1})
        for name, field in self.step.params.model_json_schema().get("properties", {}).items():
            for value in _outside(field):
                with pytest.raises(ParameterError, match=name):
                    self.step.checked({**self.examples[0], name: value})

    # --- pure ---------------------------------------------------------------------------------------------------------

    def test_it_works_changes_nothing_and_gives_the_same_twice(self) -> None:
        for example in self.examples:
            given = self.volumes()
            before = [np.array(volume.array) for volume in given]
            first, second = self.run(given, example), self.run(given, example)
            for volume, array in zip(given, before, strict=True):
                np.testing.assert_array_equal(volume.array, array)
            assert_same_result(first, second)

    def test_progress_goes_from_0_to_1_and_can_stop_the_work(self) -> None:
        told: list[float] = []
        words: list[str] = []

        def tell(fraction: float, said: str) -> None:
            told.append(fraction)
            words.append(said)

        self.run(self.volumes(), progress=tell)
        assert told, "nothing was told"
        assert told == sorted(told)
        assert told[0] >= 0
        assert told[-1] == 1.0
        assert all(words)

        class Enough(Exception): ...

        for last in {0, len(told) // 2, len(told) - 1}:
            calls = iter(range(last))

            def stop(fraction: float, said: str, calls: Iterator[int] = calls) -> None:
                if next(calls, None) is None:
                    raise Enough

            with pytest.raises(Enough):
                self.step.run(self.volumes(), self.examples[0], progress=stop)

    def test_the_wrong_number_of_volumes_is_refused(self) -> None:
        given = self.volumes()
        for wrong in ((), (*given, *(given[0] for _ in range(len(self.step.optional) + 1)))):
            with pytest.raises(ParameterError, match="volumes"):
                self.step.run(wrong, self.examples[0])

    # --- volumes of every kind ----------------------------------------------------------------------------------------

    @pytest.mark.parametrize("place", PLACES)
    def test_it_works_wherever_the_volume_lies(self, place: str) -> None:
        given = tuple(replace(placed(volume.array, PLACES[place]), unit=volume.unit) for volume in self.volumes())
        if place == "tilted":
            self.run_or_refused(given)
        else:
            self.run(given)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_every_dtype_is_worked_on_or_refused(self, dtype: str) -> None:
        def fitting(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
            limits = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
            clipped: npt.NDArray[Any] = np.clip(array, max(limits.min, -(2**31)), min(limits.max, 2**31))
            return clipped.astype(dtype)

        self.run_or_refused(self.with_arrays(fitting))

    def test_lazy_and_strange_layouts_give_the_same(self) -> None:
        def lazy(array: npt.NDArray[Any]) -> LazyArray:
            return LazyArray(array.shape, array.dtype, lambda numbers: array[list(numbers)])

        def swapped(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return array.astype(array.dtype.newbyteorder("S"))

        wanted = self.run(self.volumes())
        for change in (lazy, np.asfortranarray, swapped, lambda array: np.array(array[::-1])[::-1]):
            assert_same_result(self.run(self.with_arrays(change)), wanted)

    def test_colour_is_worked_on_or_refused(self) -> None:
        def coloured(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
            grey = np.clip(array // 8 + 128, 0, 255).astype(np.uint8)
            return np.stack([grey, grey // 2, 255 - grey], axis=-1)

        self.run_or_refused(tuple(replace(volume, unit="") for volume in self.with_arrays(coloured)))

    @pytest.mark.parametrize("value", [0, -1000, 40])
    def test_constant_volumes_are_worked_on_or_refused(self, value: int) -> None:
        self.run_or_refused(self.with_arrays(lambda array: np.full_like(array, value)))

    @pytest.mark.parametrize("cut", [(1, None, None), (None, 1, None), (None, None, 1), (1, 1, 1), (2, 2, 2)])
    def test_thin_volumes_are_worked_on_or_refused(self, cut: tuple[int | None, ...]) -> None:
        self.run_or_refused(self.with_arrays(lambda array: array[tuple(slice(stop) for stop in cut)]))

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, np.finfo(np.float32).max])
    def test_what_is_no_number_is_worked_on_or_refused(self, value: float) -> None:
        def spoilt(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
            spoilt = array.astype(np.float32)
            spoilt[tuple(size // 2 for size in spoilt.shape)] = value
            return spoilt

        self.run_or_refused(self.with_arrays(spoilt))
        self.run_or_refused(self.with_arrays(lambda array: np.full(array.shape, value, np.float32)))

    @_SHARED
    @given(data=st.data())
    def test_any_volume_is_worked_on_or_refused(self, data: st.DataObject) -> None:
        """Volumes of any affine, of one voxel or more, with values of the dtype's whole range, NaN and infinities."""
        one = data.draw(volumes())
        given = [replace(one, array=np.roll(one.array, number)) for number, _ in enumerate(self.step.inputs)]
        self.run_or_refused(given)

    @pytest.mark.parametrize("spacing", [(None, None, None), (None, 0.8, 0.7), (2.5, None, 0.7), (2.5, 0.8, 0.7)])
    def test_unknown_millimetres_are_refused_or_stay_unknown(self, spacing: Spacing) -> None:
        """An unknown spacing is never 1.0."""
        given = tuple(unplaced(volume, spacing) for volume in self.volumes())
        all_known = None not in spacing
        if self.needs == "affine" or (self.needs == "spacing" and not all_known):
            with pytest.raises(VoxelryError) as caught:
                self.step.run(given, self.examples[0])
            assert len(str(caught.value).split()) > 3
            return
        for volume in self.run(given).volumes:
            assert volume.affine is None
            assert [one is None for one in volume.spacing] == [one is None for one in spacing]

    def test_what_is_padding_stays_told(self) -> None:
        """Padding is left out or refused; a resulting volume that still has padding declares it."""
        given = []
        for volume in self.volumes():
            array = np.array(volume.array)
            array[:, :3] = -2000
            given.append(replace(volume, array=array, padding=np.full((len(array), 2), -2000.0)))
        self.run_or_refused(given)

    def test_nothing_of_the_patient_is_told_and_no_warning_lost(self) -> None:
        metadata = {"PatientName": PATIENT, "PatientID": PATIENT, "SeriesDescription": PATIENT, "Modality": "CT"}
        known: dict[str, Any] = {"metadata": metadata, "warnings": (KNOWN_BEFORE,), "label": "EchoTime 4.6"}
        given = tuple(replace(volume, **known) for volume in self.volumes())
        told: list[str] = []

        def tell(fraction: float, words: str) -> None:
            told.append(words)

        for example in self.examples:
            result = self.run(given, example, progress=tell)
            segments = () if result.segmentation is None else result.segmentation.segments
            told += [*result.warnings, *map(repr, result.rows), *result.files, *map(repr, segments)]
            told += [warning for volume in result.volumes for warning in volume.warnings]
            told += [content.decode("latin-1") for content in result.files.values()]
            for volume in result.volumes:
                assert KNOWN_BEFORE in volume.warnings
        assert not any(PATIENT in words for words in told)


def check_result(result: StepResult) -> None:
    """Assert that a result is not empty: volumes with consistent geometry, rows of JSON values, files with a suffix."""
    assert result.volumes or result.segmentation is not None or result.rows or result.files, "nothing came of it"
    for volume in result.volumes:
        check_honest(volume)
    if result.segmentation is not None:
        check_honest(result.segmentation.source)
        numbers = [segment.number for segment in result.segmentation.segments]
        assert set(np.unique(result.segmentation.labels).tolist()) <= {0, *numbers}
    for row in result.rows:
        assert list(row) == list(result.rows[0])
    json.dumps(result.rows, allow_nan=False)
    for name, content in result.files.items():
        assert re.fullmatch(r"[\w-]+(\.[\w-]+)+", name), f"{name!r} is no plain name with a suffix"
        assert isinstance(content, bytes)
    assert all(len(warning.split()) > 2 for warning in result.warnings)


def check_honest(volume: Volume) -> None:
    """Assert that there are voxels and an entry per slice; a Volume refuses other contradictions itself."""
    slices = len(volume.array)
    assert volume.array.size
    assert volume.padding is None or volume.padding.shape == (slices, 2)
    assert len(volume.instance_uids) in (0, slices)


def assert_same_result(found: StepResult, wanted: StepResult) -> None:
    """Assert the same arrays, affines, labels, rows, files and warnings."""
    assert len(found.volumes) == len(wanted.volumes)
    for one, other in zip(found.volumes, wanted.volumes, strict=True):
        assert one.array.dtype == other.array.dtype
        np.testing.assert_array_equal(np.asarray(one.array), np.asarray(other.array))
        np.testing.assert_array_equal(one.affine, other.affine)
        assert one.spacing == other.spacing
    assert (found.segmentation is None) == (wanted.segmentation is None)
    if found.segmentation is not None and wanted.segmentation is not None:
        np.testing.assert_array_equal(found.segmentation.labels, wanted.segmentation.labels)
        assert found.segmentation.segments == wanted.segmentation.segments
    assert found.rows == wanted.rows
    assert dict(found.files) == dict(wanted.files)
    assert found.warnings == wanted.warnings


def _types(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """The JSON types that a field may have, also within lists and unions; enumerations are strings."""
    if "$ref" in field:
        yield from _types(schema["$defs"][field["$ref"].rpartition("/")[2]], schema)
    if "enum" in field or "const" in field:
        return
    if "type" in field:
        yield field["type"]
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for one in field.get(key, ()):
            yield from _types(one, schema)
    if isinstance(field.get("items"), Mapping):
        yield from _types(field["items"], schema)


def _outside(field: Mapping[str, Any]) -> Iterator[object]:
    """Values that a plain field's own schema forbids."""
    if "enum" in field:
        yield "no such choice"
    if field.get("type") in ("number", "integer"):
        yield from ("seven", float("nan"), float("inf"))
        if "minimum" in field:
            yield field["minimum"] - 1
        if "exclusiveMinimum" in field:
            yield field["exclusiveMinimum"]
        if "maximum" in field:
            yield field["maximum"] + 1
        if "exclusiveMaximum" in field:
            yield field["exclusiveMaximum"]
