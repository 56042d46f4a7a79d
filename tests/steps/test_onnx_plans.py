"""What the plans of nnU-Net and of MONAI ask for, one by one, with models whose answers are known."""

from __future__ import annotations

import json
import shutil
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from scipy import ndimage

from tests.steps.tiny_models import FOLDER, NONE, above, model, places, run, saved
from voxelry.core.errors import FormatError, UnplacedError
from voxelry.core.volume import Volume
from voxelry.steps.onnx.onnx_grid import Way
from voxelry.steps.onnx.onnx_manifest import Manifest
from voxelry.steps.onnx.onnx_step import seen_by
from voxelry.testing.steps import body
from voxelry.testing.volumes import placed

SAME = np.array([[1.0]]), [0.0]


def image(name: str, array: npt.NDArray[Any], normalisation: object, **more: Any) -> npt.NDArray[Any]:
    """What the model sees."""
    path = model(name, *SAME, task="image", channels=[{"normalisation": normalisation}], **more)
    (made,) = run(path, placed(array)).volumes
    return np.asarray(made.array)


def way(array: npt.NDArray[Any], lengths: tuple[float, float, float], **more: Any) -> Way:
    volume = placed(array, np.diag([*lengths, 1.0]))
    said = {"patch": [8, 8, 8], "channels": [{"normalisation": NONE}], "labels": {"One": 1}, **more}
    first, second, third = array.shape
    return Way.of(volume, Manifest.model_validate(said), (slice(0, first), slice(0, second), slice(0, third)))


def test_a_volume_smaller_than_a_patch_lies_in_its_middle() -> None:
    volume = placed(np.zeros((4, 6, 8), np.int16))
    for axis, first in ((0, 2), (1, 1), (2, 0)):
        (made,) = run(places(f"middle-{axis}", [9, 8, 8], axis), volume).volumes
        along = np.moveaxis(np.asarray(made.array), axis, 0)[:, 0, 0]
        np.testing.assert_allclose(along, first + np.arange(len(along)), rtol=1e-6)


@pytest.mark.parametrize(
    ("padding", "mode"), [(-3.0, "constant"), (0.0, "constant"), ("edge", "edge"), ("reflect", "reflect")]
)
def test_what_surrounds_a_small_volume(padding: float | str, mode: Any) -> None:
    """A mean of three along the first axis sees what lies around."""
    array = np.array([5, 7, 11], np.int16).reshape(3, 1, 1)
    kernel = np.full((1, 1, 3, 1, 1), 1 / 3, np.float32)
    node = helper.make_node("Conv", ["in", "kernel"], ["out"], pads=[1, 0, 0, 1, 0, 0])
    tensors = [numpy_helper.from_array(kernel, "kernel")]
    path = saved("mean", [node], tensors, [1, 1, 5, 1, 1], task="image", patch=[5, 1, 1], padding=padding)
    (made,) = run(path, placed(array)).volumes
    more = {"constant_values": padding} if mode == "constant" else {}
    wide = np.pad(array.ravel().astype(float), 1, mode=mode, **more)
    np.testing.assert_allclose(np.ravel(made.array), np.convolve(wide, np.full(3, 1 / 3), "valid"), rtol=1e-5)


@pytest.mark.parametrize(("windows", "starts"), [("even", [0, 2, 3, 5]), ("fixed", [0, 2, 4, 5])])
def test_where_patches_begin_and_that_they_may_weigh_the_same(windows: str, starts: list[int]) -> None:
    path = places(f"windows-{windows}", [4, 3, 3], windows=windows, weighting="constant")
    (made,) = run(path, placed(np.zeros((9, 3, 3), np.int16))).volumes
    total, count = np.zeros(9), np.zeros(9)
    for start in starts:
        total[start : start + 4] += np.arange(4)
        count[start : start + 4] += 1
    np.testing.assert_allclose(np.asarray(made.array)[:, 1, 1], total / count, rtol=1e-6)


@pytest.mark.parametrize(
    ("weighting", "middle", "least"), [("gaussian", 3.5, 1e-3), ("gaussian_voxel", 4, 2**-24 / 10)]
)
def test_how_much_patches_weigh(weighting: str, middle: float, least: float) -> None:
    """Patches of 8 begin at 0, 4 and 8; all axes but the first are one voxel, which weighs 1."""
    (made,) = run(
        places(f"weights-{weighting}", [8, 1, 1], weighting=weighting), placed(np.zeros((16, 1, 1), np.int16))
    ).volumes
    line = np.maximum(np.exp(-0.5 * (np.arange(8) - middle) ** 2), least)
    total, count = np.zeros(16), np.zeros(16)
    for start in (0, 4, 8):
        total[start : start + 8] += np.arange(8) * line
        count[start : start + 8] += line
    np.testing.assert_allclose(np.ravel(made.array), total / count, rtol=1e-4)


def test_steps_of_half_an_odd_patch_are_not_rounded_down() -> None:
    """As nnU-Net counts: 10 voxels with a patch of 5 are seen from 0, 2 (2.5) and 5."""
    (made,) = run(places("odd", [5, 3, 3], weighting="constant"), placed(np.zeros((10, 3, 3), np.int16))).volumes
    total, count = np.zeros(10), np.zeros(10)
    for start in (0, 2, 5):
        total[start : start + 5] += np.arange(5)
        count[start : start + 5] += 1
    np.testing.assert_allclose(np.asarray(made.array)[:, 1, 1], total / count, rtol=1e-6)


def with_margin() -> npt.NDArray[np.int16]:
    """A body of 100 to 900 in a box of zeros, with a zero inside that is shut in."""
    array = np.zeros((9, 16, 15), np.int16)
    array[2:7, 3:12, 4:13] = np.random.default_rng(3).integers(100, 900, (5, 9, 9))
    array[4, 7, 8] = 0
    return array


def test_statistics_of_what_is_not_zero_with_and_without_the_holes() -> None:
    array = with_margin()
    values, full = array.astype(float), ndimage.binary_fill_holes(array != 0)
    assert full[4, 7, 8]
    assert not array[4, 7, 8]
    for nonzero, chosen in ((True, array != 0), ("filled", full), (False, np.ones(array.shape, bool))):
        mean, std = values[chosen].mean(), values[chosen].std()
        found = image("nonzero", array, {"method": "zscore", "nonzero": nonzero})
        np.testing.assert_allclose(found, np.where(chosen, (values - mean) / std, 0), rtol=1e-4, atol=1e-4)


def test_zeros_stay_zeros_also_where_they_would_be_clipped() -> None:
    array = with_margin()
    values, chosen = array.astype(float).clip(200, 700), array != 0
    found = image("clipped", array, {"method": "zscore", "nonzero": True, "clip": [200, 700]})
    mean, std = values[chosen].mean(), values[chosen].std()
    np.testing.assert_allclose(found[chosen], ((values - mean) / std)[chosen], rtol=1e-4, atol=1e-4)


def test_the_model_sees_the_box_of_what_is_not_zero_and_nothing_is_found_outside() -> None:
    array = with_margin()
    box = np.s_[2:7, 3:12, 4:13]
    inside = array[box].astype(float)
    level = -0.5
    channels = [{"normalisation": {"method": "zscore"}}]
    labels = np.zeros(array.shape, int)
    labels[box] = (inside - inside.mean()) / inside.std() > level
    several: tuple[dict[str, Any], ...] = ({}, {"axes": "RSA"}, {"transpose": [2, 0, 1]})
    for more in several:
        path = above(level, "crop", channels=channels, crop="nonzero", **more)
        np.testing.assert_array_equal(run(path, placed(array)).segmentation.labels, labels)
    alone = model(
        "crop-alone", *SAME, channels=channels, crop="nonzero", labels={"One": 1}, activation="sigmoid", threshold=0.3
    )
    found = run(alone, placed(array)).segmentation.labels
    labels[box] = (inside - inside.mean()) / inside.std() > np.log(0.3 / 0.7)
    np.testing.assert_array_equal(found, labels)


def test_normalised_before_or_after_the_way_to_the_models_spacing() -> None:
    array = np.where(body() > 300, 1000, 0).astype(np.int16)
    clip = {"method": "clip", "range": [0, 100]}
    for normalise in ("before", "after"):
        spacing = [placed(array).spacing[0], 0.7, 0.7]
        found = image(f"when-{normalise}", array, clip, normalise=normalise, spacing=spacing)
        there = way(array, (1.0, 1.0, 1.0), spacing=[1.0, 0.7, 0.7])
        assert there.target != there.source
        assert found.max() == pytest.approx(100)
    # A voxel halfway between 0 and 1000 is 50 if clipped before, and 100 if clipped after.
    step = np.zeros((1, 1, 2), np.int16)
    step[..., 1] = 1000
    for normalise, middle in (("before", 50.0), ("after", 100.0)):
        said: dict[str, Any] = {"grid": "centres", "normalise": normalise, "channels": [{"normalisation": clip}]}
        volume = placed(step, np.diag([1.0, 1.0, 1.0, 1.0]))
        path = model(f"halfway-{normalise}", *SAME, task="image", spacing=[1, 1, 0.5], patch=[1, 1, 3], **said)
        (made,) = run(path, volume).volumes
        manifest = Manifest.model_validate(json.loads(path.with_suffix(".json").read_text()))
        seen, _ = seen_by((volume,), manifest)
        np.testing.assert_allclose(seen.ravel(), [0, middle, 100], atol=1e-4)
        np.testing.assert_allclose(np.ravel(made.array), [0, 100], atol=1e-4)


def test_several_normalisations_one_after_the_other() -> None:
    array = with_margin()
    chain = [{"method": "clip", "percentiles": [10, 90]}, {"method": "zscore"}, {"method": "scale", "to": [-1, 1]}]
    values = array.astype(float).clip(*np.percentile(array, (10, 90)))
    values = (values - values.min()) / np.ptp(values) * 2 - 1
    np.testing.assert_allclose(image("chain", array, chain), values, rtol=1e-4, atol=1e-4)


def test_both_grids_fill_one_box_or_begin_at_one_centre() -> None:
    ramp = np.broadcast_to(np.arange(10, dtype=np.float32)[:, None, None], (10, 4, 5))
    box = way(ramp, (3.0, 1.0, 1.0), spacing=[2.0, 1.0, 1.0])
    assert box.target == (15, 4, 5)
    expected = np.clip((np.arange(15) + 0.5) * 10 / 15 - 0.5, 0, 9)
    np.testing.assert_allclose(box.there(ramp)[:, 0, 0], expected, atol=1e-5)
    centres = way(ramp, (3.0, 1.0, 1.0), spacing=[2.0, 1.0, 1.0], grid="centres")
    assert centres.target == (14, 4, 5)  # 27 mm from first to last: 13.5 steps
    there = centres.there(ramp)
    np.testing.assert_allclose(there[:, 0, 0], np.arange(14) * 2 / 3, atol=1e-5)
    np.testing.assert_allclose(centres.back(there, 0.0)[:-1], ramp[:-1], atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("grid", ["box", "centres"])
def test_flat_voxels_are_mixed_within_slices_only(axis: int, grid: str) -> None:
    array = np.random.default_rng(5).normal(size=(8, 8, 8)).astype(np.float32)
    lengths, wanted = [1.0, 1.0, 1.0], [0.8, 0.8, 0.8]
    lengths[axis], wanted[axis] = 5.0, 2.0
    there = way(array, (lengths[0], lengths[1], lengths[2]), spacing=wanted, separate=True, grid=grid)
    assert (there.nearest, there.nearest_back) == (axis, axis)
    slices = np.moveaxis(there.there(array), axis, 0)
    count = len(slices)
    places = (np.arange(count) + 0.5) * 8 / count - 0.5 if grid == "box" else np.arange(count) * 0.4
    nearest = np.floor(places + 0.5).astype(int)
    for place, plane in zip(nearest, slices, strict=True):
        first = int(np.flatnonzero(nearest == place)[0])
        np.testing.assert_array_equal(plane, slices[first])
    assert np.unique(nearest).size == 8
    assert np.moveaxis(there.back(there.there(array), 0.0), axis, 0).shape == (8, 8, 8)
    even = way(array, (1.0, 1.0, 1.0), spacing=[0.8, 0.8, 0.8], separate=True)
    assert even.nearest is None
    two = way(array, (1.0, 5.0, 5.0), spacing=[1.0, 1.0, 1.0], separate=True)
    assert two.nearest is None  # long along two axes: there are no slices


def test_a_cubic_curve_stays_within_the_values() -> None:
    array = np.zeros((6, 12, 12), np.float32)
    array[:, 4:8, 4:8] = 100
    for separate in (False, True):
        there = way(array, (4.0, 1.0, 1.0), spacing=[4.0, 0.4, 0.4], interpolation="cubic", separate=separate)
        found = there.there(array)
        assert found.min() == 0
        assert found.max() == 100


def test_what_goes_back_is_the_output_or_the_probabilities() -> None:
    """Between a sure voxel and one that doubts, the sure output reaches further than its probability."""
    array = np.array([[[-10, -10, 1, 1]]], np.int16)
    volume = placed(array, np.diag([1.0, 1.0, 1.0, 1.0]))
    # The model's voxels are half as long again: voxel 1 lies between two of its voxels.
    said: dict[str, Any] = {"spacing": [1, 1, 2], "grid": "centres", "patch": [1, 1, 2], "labels": {"One": 1}}
    logits = np.array([-10.0, 1.0])
    between = logits.mean()
    sure = (1 / (1 + np.exp(-logits))).mean()
    assert between < 0 < 0.5 - sure  # both say no at one half
    for back, threshold, wanted in (("output", 0.3, 0), ("probabilities", 0.3, 1), ("probabilities", 0.5, 0)):
        more: dict[str, Any] = {**said, "activation": "sigmoid", "back": back, "threshold": threshold}
        labels = run(model(f"back-{back}", *SAME, **more), volume).segmentation.labels
        assert labels.ravel()[1] == wanted, (back, threshold)
    # Three classes: softmax first keeps a class that no voxel is sure of from winning in between.
    weights, bias = np.array([[0.0], [1.0], [-1.0]]), [0.0, 0.0, -9.5]
    for back, wanted in (("output", 0), ("probabilities", 1)):
        more = {**said, "labels": {"One": 1, "Two": 2}, "back": back}
        labels = run(model(f"back-of-three-{back}", weights, bias, **more), volume).segmentation.labels
        values = np.stack([weights[:, 0] * one + bias for one in logits])
        chances = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
        expected = (values if back == "output" else chances).mean(axis=0).argmax()
        assert labels.ravel()[1] == expected == wanted


def test_channels_that_stand_for_themselves_are_written_in_an_order_of_their_own() -> None:
    """MONAI's BraTS: core, whole, enhancing; the whole must not cover the core."""
    values = body().astype(int)
    weights, bias = np.array([[1.0], [1.0], [1.0]]), [-300.0, 0.0, -640.0]
    more: dict[str, Any] = {"labels": {"Core": 1, "Whole": 2, "Enhancing": 3}, "activation": "sigmoid"}
    found = run(model("order", weights, bias, order=[2, 1, 3], **more), placed(body())).segmentation.labels
    expected = np.select([values > 640, values > 300, values > 0], [3, 1, 2], 0)
    np.testing.assert_array_equal(found, expected)
    assert set(np.unique(found)) == {0, 1, 2, 3}


@pytest.mark.parametrize("keepdims", [0, 1])
def test_a_model_that_gives_the_numbers_of_classes(keepdims: int) -> None:
    tensors = [
        numpy_helper.from_array(np.array([0, 1, 2], np.float32).reshape(3, 1, 1, 1, 1), "kernel"),
        numpy_helper.from_array(np.array([0, 0, -300], np.float32), "bias"),
    ]
    nodes = [
        helper.make_node("Conv", ["in", "kernel", "bias"], ["many"]),
        helper.make_node("ArgMax", ["many"], ["out"], axis=1, keepdims=keepdims),
    ]
    shape, labels = [1, 1, "z", "y", "x"], {"Tissue": 1, "Dense": 2}
    path = saved("numbers", nodes, tensors, shape, TensorProto.INT64, activation="labels", labels=labels)
    found = run(path, placed(body())).segmentation.labels
    np.testing.assert_array_equal(found, (body() > 0).astype(int) + (body() > 300))
    path = saved("numbers", nodes, tensors, shape, TensorProto.INT64, activation="labels", labels={"Tissue": 1})
    with pytest.raises(FormatError, match="beyond 0 to 1"):
        run(path, placed(body()))


@pytest.mark.parametrize("taken", [TensorProto.FLOAT16, TensorProto.DOUBLE])
def test_a_model_of_half_or_double_precision(taken: int) -> None:
    dtype = helper.tensor_dtype_to_np_dtype(taken)
    tensors = [numpy_helper.from_array(np.array([2], dtype), "two")]
    node = helper.make_node("Mul", ["in", "two"], ["out"])
    path = saved(f"precise-{taken}", [node], tensors, [1, 1, 8, 8, 8], taken, taken, task="image")
    (made,) = run(path, placed(body())).volumes
    np.testing.assert_allclose(made.array, 2.0 * body(), rtol=2e-3)


def test_a_model_of_whole_numbers_is_refused() -> None:
    node = helper.make_node("Identity", ["in"], ["out"])
    path = saved("whole-numbers", [node], [], [1, 1, 8, 8, 8], TensorProto.INT32, TensorProto.INT32, task="image")
    with pytest.raises(FormatError, match=r"input is tensor\(int32\), and it must be one of tensor\(float\)"):
        run(path, placed(body()))


def test_the_first_of_several_outputs_counts() -> None:
    """Deep supervision left on: smaller outputs follow, of which nothing is asked."""
    path = above(300.0, "deep")
    made = onnx.load(path)
    made.graph.node.append(helper.make_node("MaxPool", ["in"], ["small"], kernel_shape=[2, 2, 2], strides=[2, 2, 2]))
    made.graph.output.append(helper.make_tensor_value_info("small", TensorProto.FLOAT, None))
    onnx.save(made, path)
    np.testing.assert_array_equal(run(path, placed(body())).segmentation.labels, body() > 300)


def test_an_output_of_another_size_is_refused() -> None:
    node = helper.make_node("MaxPool", ["in"], ["out"], kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    path = saved("pooled", [node], [], [1, 1, 8, 8, 8], task="image")
    with pytest.raises(FormatError, match=r"must keep the patch's size; choose a patch that its network divides"):
        run(path, placed(body()))
    reshape = helper.make_node("Reshape", ["in", "shape"], ["out"])
    tensors = [numpy_helper.from_array(np.array([1, 1, 4, 4, 4]), "shape")]
    path = saved("reshaped", [reshape], tensors, [1, 1, "z", "y", "x"], task="image")
    with pytest.raises(FormatError, match="failed on a patch of"):
        run(path, placed(body()))


def with_weights_beside(name: str, location: str) -> onnx.ModelProto:
    made = onnx.load(above(300.0, name))
    onnx.save(made, FOLDER / f"{name}.onnx", save_as_external_data=True, location=f"{name}.onnx.data", size_threshold=0)
    plain = onnx.load(FOLDER / f"{name}.onnx", load_external_data=False)
    for tensor in plain.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    (FOLDER / f"{name}.onnx").write_bytes(plain.SerializeToString())
    return plain


def test_weights_in_a_file_beside_the_model_are_its_own() -> None:
    """As exporters write them unless told otherwise."""
    with_weights_beside("beside", "beside.onnx.data")
    path = FOLDER / "beside.onnx"
    np.testing.assert_array_equal(run(path, placed(body())).segmentation.labels, body() > 300)
    weights = FOLDER / "beside.onnx.data"
    elsewhere = FOLDER / "elsewhere"
    elsewhere.mkdir()
    shutil.move(weights, elsewhere / "kept")
    with pytest.raises(FormatError, match=r"weights in 'beside\.onnx\.data', which must lie beside it"):
        run(path, placed(body()))
    weights.symlink_to(elsewhere / "kept")
    with pytest.raises(FormatError, match="further files that are not beside it"):
        run(path, placed(body()))
    weights.unlink()
    (elsewhere / "kept").rename(weights)
    weights.write_bytes(weights.read_bytes()[:4])
    with pytest.raises(FormatError, match="cannot use the model"):
        run(path, placed(body()))


@pytest.mark.parametrize("location", ["../kept", "sub/kept", "/etc/passwd", "..", "", "c:kept", "a\\b", "./kept"])
def test_weights_anywhere_else_are_not_read(location: str) -> None:
    (FOLDER / "sub").mkdir(exist_ok=True)
    with_weights_beside("away", location)
    shutil.copy(FOLDER / "away.onnx.data", FOLDER / "sub" / "kept")
    shutil.copy(FOLDER / "away.onnx.data", FOLDER / "kept")
    with pytest.raises(FormatError, match="further files that are not beside it"):
        run(FOLDER / "away.onnx", placed(body()))


def test_padding_counts_if_the_manifest_says_so() -> None:
    array = body()
    array[:, :4] = -3000
    volume = placed(array, padding=np.full((len(array), 2), -3000.0))
    values = array.astype(float)
    for counts, known in ((True, values), (False, values[:, 4:])):
        found = run(
            model(
                "pads", *SAME, task="image", channels=[{"normalisation": {"method": "zscore"}}], padding_counts=counts
            ),
            volume,
        ).volumes[0]
        expected = ((values - known.mean()) / known.std())[:, 4:]
        np.testing.assert_allclose(np.asarray(found.array)[:, 4:], expected, rtol=1e-3, atol=1e-3)
        assert (np.asarray(found.array)[:, :4] == -3000).all()


def test_padding_is_left_out_of_statistics_after_the_way_too() -> None:
    array = body()
    array[:, :, :7] = -3000
    volume = placed(array, np.diag([2.0, 1.0, 1.0, 1.0]), padding=np.full((len(array), 2), -3000.0))
    more: dict[str, Any] = {
        "spacing": [2.0, 1.0, 0.5],
        "normalise": "after",
        "channels": [{"normalisation": {"method": "zscore"}}],
    }
    (made,) = run(model("pads-after", *SAME, task="image", **more), volume).volumes
    inside = np.asarray(made.array)[:, :, 9:]
    assert abs(inside.mean()) < 0.2


def test_slices_keep_their_distance_also_if_it_is_unknown() -> None:
    volume = Volume(array=body(), affine=None, spacing=(None, 2.0, 1.0))
    path = above(300.0, "slices", patch=[16, 16], spacing=[1.0, 1.0], shape=("y", "x"))
    labels = run(path, volume).segmentation.labels
    assert labels.shape == body().shape
    assert 2 * (labels.astype(bool) & (body() > 300)).sum() / (labels.sum() + (body() > 300).sum()) > 0.8
    with pytest.raises(UnplacedError):
        run(path, Volume(array=body(), affine=None, spacing=(1.0, None, 1.0)))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"spacing": [1.0, 1.0]}, "three spacings"),
        ({"patch": [8, 8], "mirror": [0]}, "along 1 and 2"),
        ({"axes": "RAS", "transpose": [1, 0, 2]}, "leave transpose out"),
        ({"order": [1]}, "needs the activation sigmoid"),
        ({"order": [2], "activation": "sigmoid"}, "each label's number once"),
        ({"task": "image", "crop": "nonzero"}, "crop is for segmentations"),
        ({"normalise": "after", "channels": [{"normalisation": {"method": "zscore", "nonzero": "filled"}}]}, "before"),
        ({"channels": [{"normalisation": []}]}, "normalisation"),
        ({"channels": [{"normalisation": {"method": "clip", "range": [9, 1]}}]}, "lower value comes first, not 9"),
        ({"channels": [{"normalisation": {"method": "zscore", "clip": [1, 1]}}]}, "lower value comes first"),
        ({"channels": [{"normalisation": {"method": "clip", "percentiles": [9, 1]}}]}, "percentiles ascend"),
        ({"activation": "sigmoid"}, "gives 2 channels, and the manifest tells of 1; .* softmax"),
        ({"labels": {"One": 1, "Two": 2}}, "tells of 3; background .* sigmoid"),
        ({"activation": "labels"}, "tells of 1; the numbers of classes are one"),
        ({"task": "image"}, "tells of 1; an image has one"),
        ({"patch": [4, 8, 8]}, r"promises an input of \(1, 1, 4, 8, 8\).* a channel for each"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(more: dict[str, Any], words: str) -> None:
    path = above(300.0, "senseless", shape=(8, 8, 8))
    manifest = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(manifest | more))
    with pytest.raises(FormatError, match=words):
        run(path, placed(body()))
