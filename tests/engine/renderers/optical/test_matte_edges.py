from __future__ import annotations

import numpy as np

from engine.renderers.optical.matte_edges import find_matte_edges
from tests.engine.renderers.optical.test_wide_edges import FAR, FAR_RADIUS, NEAR, NEAR_RADIUS, smeared, surfaces_of


def test_the_coverage_of_the_edge_is_the_mattes() -> None:
    plate, radius, alpha = smeared(14, texture=0.3)
    surfaces = surfaces_of(plate, radius, alpha)
    partial = (alpha > 0.05) & (alpha < 0.95)
    np.testing.assert_allclose(surfaces.coverage[partial], alpha[partial], atol=1e-6)
    assert (surfaces.back_kind[partial] == 1).all()
    np.testing.assert_allclose(surfaces.front_radius[partial], NEAR_RADIUS, atol=1e-3)
    np.testing.assert_allclose(surfaces.back_radius[partial], FAR_RADIUS, atol=1e-3)


def test_the_colours_of_both_sides_are_those_of_beyond_the_edge() -> None:
    plate, radius, alpha = smeared(14, texture=0.02)
    found, models = find_matte_edges(plate, radius, alpha)
    tile = models[1, 48 // 16]
    assert (found >= 0).any()
    np.testing.assert_allclose(tile[:3], NEAR, rtol=0.05)
    np.testing.assert_allclose(tile[3:6], FAR, rtol=0.05)


def test_a_matte_of_what_lies_behind_its_surroundings_says_nothing_of_depth() -> None:
    plate, radius, alpha = smeared(14)
    assert (find_matte_edges(plate, -radius, alpha)[0] < 0).all()


def test_a_matte_without_partial_coverage_changes_nothing() -> None:
    plate, radius, _ = smeared(1)
    hard = (radius < 0).astype(np.float32)
    assert (find_matte_edges(plate, radius, hard)[0] < 0).all()
