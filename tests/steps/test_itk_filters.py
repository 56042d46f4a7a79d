"""N4 and curvature flow: ITK's own, with our geometry, progress and words."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from scipy import ndimage

from voxelry.core.errors import MeasureError, ParameterError
from voxelry.core.volume import Volume
from voxelry.steps import curvature_flow, n4
from voxelry.testing.steps import StepTests, body
from voxelry.testing.volumes import placed

SHAPE = (16, 32, 30)


def head() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Two tissues in an ellipsoid, without noise, and where it is."""
    z, y, x = np.indices(SHAPE)
    inside = ((z - 8) / 7) ** 2 + ((y - 16) / 14) ** 2 + ((x - 15) / 13) ** 2 < 1
    tissue = 100.0 + 60.0 * ((z // 4 + y // 5 + x // 5) % 2)
    return np.where(inside, tissue, 0.5).astype(np.float32), inside


class TestN4(StepTests):
    step = n4.STEP
    examples = (
        {"levels": 1, "iterations": 3, "shrink": 2},
        {"levels": 2, "iterations": 2, "mask": "positive"},
    )

    def volumes(self) -> tuple[Volume, ...]:
        return (placed((head()[0][:9, :20, :18] * 5).astype(np.int16)),)


class TestCurvatureFlow(StepTests):
    step = curvature_flow.STEP
    examples = ({}, {"iterations": 2, "time_step": 0.03})
    needs = "spacing"


def corrected(volume: Volume, **values: object) -> Volume:
    (found,) = n4.STEP.run(volume, values).volumes
    return found


def flowed(volume: Volume, **values: object) -> Volume:
    (found,) = curvature_flow.STEP.run(volume, values).volumes
    return found


def spread(values: npt.NDArray[Any], tissue: npt.NDArray[np.bool_]) -> float:
    return float(values[tissue].std() / values[tissue].mean())


def test_n4_takes_the_shading_and_leaves_the_tissues() -> None:
    values, inside = head()
    _, y, x = np.indices(SHAPE)
    shaded = values * np.exp(0.5 * (x - 15) / 15 + 0.3 * (y - 16) / 16)
    found = corrected(placed(shaded), shrink=2, levels=3).array
    bright = inside & (values > 130)
    before, after = spread(shaded, bright), spread(found, bright)
    assert before > 0.15
    assert after < before / 10
    assert found[bright].mean() / found[inside & ~bright].mean() == pytest.approx(1.6, rel=0.05)


def test_n4_is_simpleitk_s_own() -> None:
    values, _ = head()
    image = SimpleITK.GetImageFromArray(values)
    mask = SimpleITK.GetImageFromArray((values > 0).astype(np.uint8))
    corrector = SimpleITK.N4BiasFieldCorrectionImageFilter()
    corrector.SetMaximumNumberOfIterations([4, 4])
    wanted = SimpleITK.GetArrayFromImage(corrector.Execute(image, mask))
    found = corrected(placed(values), shrink=1, levels=2, iterations=4, mask="positive").array
    np.testing.assert_allclose(found, wanted, rtol=2e-3)


def test_n4_works_without_padding_and_refuses_what_has_no_logarithm() -> None:
    values, _ = head()
    padded = values.copy()
    padded[:, :, :4] = 30_000
    volume = placed(padded, padding=np.full((SHAPE[0], 2), 30_000.0))
    found = corrected(volume, shrink=2, levels=1, iterations=4)
    assert (found.array[:, :, :4] == 30_000).all()
    plain = corrected(placed(np.where(padded == 30_000, 0, padded)), shrink=2, levels=1, iterations=4)
    np.testing.assert_array_equal(found.array[:, :, 4:], plain.array[:, :, 4:])
    with pytest.raises(MeasureError, match="fewer than 64 voxels"):
        corrected(placed(np.minimum(body(), 0)))


def test_curvature_flow_is_itk_s_on_our_spacing() -> None:
    volume = placed(body())
    image = SimpleITK.GetImageFromArray(volume.array.astype(np.float32))
    image.SetSpacing((1.0, 0.8 / 0.7, 2.5 / 0.7))
    wanted = SimpleITK.GetArrayFromImage(SimpleITK.CurvatureFlow(image, 0.05, 7))
    np.testing.assert_array_equal(flowed(volume, iterations=7, time_step=0.05).array, wanted)


def test_curvature_flow_takes_noise_and_leaves_edges() -> None:
    clean = np.where(np.indices((8, 40, 40))[2] < 20, 0.0, 1000.0)
    noisy = clean + np.random.default_rng(0).normal(0, 20, clean.shape)
    found = flowed(placed(noisy.astype(np.float32)), iterations=20).array
    blurred = ndimage.gaussian_filter(noisy, 1.0)
    inner = (slice(2, -2), slice(4, -4))
    assert (found - clean)[inner].std() < 0.6 * (noisy - clean)[inner].std()
    assert (found[..., 20] - found[..., 19])[inner].mean() > 1.5 * (blurred[..., 20] - blurred[..., 19])[inner].mean()


def test_padding_does_not_flow() -> None:
    array = np.array(body())
    array[:, :5] = -30_000
    volume = placed(array, padding=np.full((7, 2), -30_000.0))
    found = flowed(volume, iterations=10).array
    assert (found[:, :5] == -30_000).all()
    assert found[:, 5:].min() > -1100


def test_what_a_progress_raises_comes_out_as_it_was_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    class Enough(Exception): ...

    def stop(fraction: float, words: str) -> None:
        if fraction > 0.1:
            raise Enough

    for step in (n4.STEP, curvature_flow.STEP):
        with pytest.raises(Enough):
            step.run(placed(head()[0]), {"iterations": 5}, progress=stop)
    assert capfd.readouterr() == ("", "")


def test_what_makes_no_sense_is_refused() -> None:
    for wrong in ({"levels": 0}, {"iterations": 0}, {"shrink": 0}, {"convergence": -1}, {"mask": "none"}):
        with pytest.raises(ParameterError):
            n4.STEP.checked(wrong)
