from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from engine.depth import EdgePlan, EdgeSurvey
from engine.depth.conditioning.quality import EdgeQuality
from engine.frames import Float32Array
from engine.shot import Depth
from tests.engine.depth.conditioning.scenes import FAR, HEIGHT, NEAR, WIDTH, cover, exact, plate


def measured(disparity: Float32Array, shape: str = "disc") -> EdgeQuality:
    survey = EdgeSurvey()
    survey.add(plate(cover(shape)), 3, np.ascontiguousarray(disparity, np.float32))
    return survey.quality()


def test_depth_that_is_exact_is_called_exact() -> None:
    quality = measured(exact(cover()))
    assert quality.exact
    assert quality.softness == 0.0
    assert "hard, on the picture's own" in quality.sentence()


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.5])
def test_softness_is_that_of_the_blur(sigma: float) -> None:
    quality = measured(ndimage.gaussian_filter(exact(cover()), sigma))
    assert quality.softness == pytest.approx(sigma, abs=0.25)
    assert not quality.exact


@pytest.mark.parametrize("pixels", [-3, -2, -1, 1, 2, 3])
def test_a_near_side_of_the_wrong_size_is_told_by_its_pixels(pixels: int) -> None:
    grow = ndimage.grey_dilation if pixels < 0 else ndimage.grey_erosion
    y, x = np.mgrid[-3:4, -3:4]
    quality = measured(grow(exact(cover()), footprint=x**2 + y**2 <= pixels**2 + 0.5))
    assert quality.offset == pytest.approx(pixels, abs=0.6)
    assert quality.scatter >= 1
    assert ("inside" if pixels > 0 else "outside") in quality.sentence()


def test_depth_one_pixel_aside_is_not_exact() -> None:
    assert not measured(np.roll(exact(cover()), 1, axis=1)).exact


def test_a_slope_is_no_edge() -> None:
    slope = np.broadcast_to(np.linspace(0, 1, WIDTH, dtype=np.float32), (HEIGHT, WIDTH))
    assert measured(slope).crossings == 0
    assert measured(slope).sentence() == "the depth has no edges to measure"


def test_a_picture_that_shows_no_edge_is_not_believed() -> None:
    survey = EdgeSurvey()
    survey.add(np.full((HEIGHT, WIDTH, 3), 0.3, np.float32), 3, exact(cover()))
    quality = survey.quality()
    assert not quality.seen
    assert quality.exact  # hard edges, and nothing that speaks against them


def test_the_order_of_frames_does_not_matter() -> None:
    frames = [exact(cover()), ndimage.gaussian_filter(exact(cover()), 1.5), np.full((HEIGHT, WIDTH), FAR)]
    found = []
    for order in ([0, 1, 2], [2, 1, 0]):
        survey = EdgeSurvey()
        for index in order:
            survey.add(plate(cover()), 3, np.ascontiguousarray(frames[index], np.float32))
        found.append(survey.quality())
    assert found[0] == found[1]


def test_a_tiny_picture_is_measured_without_complaint() -> None:
    survey = EdgeSurvey()
    survey.add(np.ones((5, 7, 3), np.float32), 3, np.full((5, 7), NEAR, np.float32))
    assert survey.quality().crossings == 0


def test_the_document_has_the_last_word() -> None:
    soft = measured(ndimage.gaussian_filter(exact(cover()), 1.5))
    hard = measured(exact(cover()))
    assert EdgePlan.of(soft, Depth()) is not None
    assert EdgePlan.of(soft, Depth(edges="exact")) is None
    assert EdgePlan.of(soft, Depth(edge_strength=0.0)) is None
    assert EdgePlan.of(hard, Depth()) is None
    assert EdgePlan.of(hard, Depth(edges="repair")) is not None


def test_strength_moves_edges_farther() -> None:
    soft = measured(ndimage.gaussian_filter(exact(cover()), 1.5))
    reaches = [plan.reach for s in (0.5, 1, 2, 4) if (plan := EdgePlan.of(soft, Depth(edge_strength=s)))]
    assert reaches == sorted(reaches)
    assert reaches[0] < reaches[-1]
