from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from engine.frames import Float32Array
from engine.renderers.optical.silhouettes import STEP, find_silhouettes
from engine.renderers.optical.surfaces import Surfaces, find_surfaces
from engine.renderers.optical.wide_edges import find_wide_edges
from tests.engine.renderers.optical.plates import still_stack

NEAR, FAR = np.array([0.08, 0.05, 0.04], np.float32), np.array([0.7, 0.65, 0.6], np.float32)
NEAR_RADIUS, FAR_RADIUS = -12.0, 9.0


def smeared(pixels: int, texture: float = 0.1) -> tuple[Float32Array, Float32Array, Float32Array]:
    """A dark slab before a bright wall, smeared sideways as by motion: plate, radius, and the true coverage."""
    x = np.arange(96)[None, :].repeat(64, 0)
    sharp = (x < 48).astype(np.float32)
    alpha = sharp if pixels == 1 else ndimage.uniform_filter1d(sharp, pixels, axis=1)
    rng = np.random.default_rng(3)
    near, far = (
        colour * np.exp(texture * rng.standard_normal((64, 96, 1)).astype(np.float32)) for colour in (NEAR, FAR)
    )
    plate = alpha[..., None] * near + (1 - alpha[..., None]) * far
    radius = np.where(alpha > 0.5, NEAR_RADIUS, FAR_RADIUS).astype(np.float32)
    return np.ascontiguousarray(plate, np.float32), radius, alpha


def surfaces_of(plate: Float32Array, radius: Float32Array, matte: Float32Array | None = None) -> Surfaces:
    stack = still_stack(radius, distance=0.001)
    return find_surfaces(plate, radius, reach=3, judged=3, sweeps=0, stack=stack, step=STEP, matte=matte)


@pytest.mark.parametrize("pixels", [8, 12, 20])
def test_the_coverage_of_a_smeared_edge_is_that_of_the_smear(pixels: int) -> None:
    plate, radius, alpha = smeared(pixels)
    coverage, _, lengths = find_wide_edges(plate, radius, find_silhouettes(radius, STEP), 3)
    found = coverage >= 0
    assert (lengths > 0).any()
    assert found[:, 48 - pixels // 2 : 48 + pixels // 2].mean() > 0.9
    assert np.abs(coverage - alpha)[found].mean() < 0.06


@pytest.mark.parametrize("texture", [0.0, 0.1, 0.3])
def test_a_sharp_edge_is_not_wide_whatever_its_texture(texture: float) -> None:
    plate, radius, _ = smeared(1, texture)
    coverage, _, lengths = find_wide_edges(plate, radius, find_silhouettes(radius, STEP), 3)
    assert not lengths.any()
    assert (coverage < 0).all()


def test_sides_of_one_colour_tell_no_coverage() -> None:
    _, radius, _ = smeared(12)
    grey = np.full((64, 96, 3), 0.3, np.float32)
    assert not find_wide_edges(grey, radius, find_silhouettes(radius, STEP), 3)[2].any()


def test_the_two_surfaces_of_a_wide_edge_compose_to_the_plate() -> None:
    plate, radius, _ = smeared(12, texture=0.05)
    surfaces = surfaces_of(plate, radius)
    share = surfaces.coverage[..., None]
    mixed = (surfaces.coverage < 1) & (surfaces.back_kind == 1)
    composed = share * surfaces.front + (1 - share) * surfaces.back
    assert mixed.sum() > 400
    np.testing.assert_allclose(composed[mixed], plate[mixed], atol=2e-3)


def test_both_sides_of_a_wide_edge_keep_their_own_colour() -> None:
    """What was grey between is dark in front and bright behind, so that neither leaves a rim when it is blurred."""
    plate, radius, alpha = smeared(12, texture=0.02)
    surfaces = surfaces_of(plate, radius)
    mixed = (surfaces.back_kind == 1) & (alpha > 0.2) & (alpha < 0.8)
    np.testing.assert_allclose(surfaces.front[mixed].mean(0), NEAR, atol=0.04)
    np.testing.assert_allclose(surfaces.back[mixed].mean(0), FAR, atol=0.06)
