"""The plate's detail in the network's picture, against truths that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.errors import CancelledError
from engine.frames import Float32Array
from engine.renderers.any_to_bokeh.detail import SEEN_FROM, SHARP, focused_layer, put_back_detail, sharp_share
from engine.renderers.any_to_bokeh.fitting import Fit
from engine.renderers.optical import OpticalRenderer
from tests.engine.renderers.any_to_bokeh.known import (
    HEIGHT,
    WIDTH,
    Known,
    blurred_foreground,
    floor,
    sharp_subject,
    squares,
)

FINER = 4
"""Plate pixels of a network's pixel."""


def _fit(finer: int = FINER, aspect: float = 1.0) -> Fit:
    return Fit.of(WIDTH, HEIGHT, aspect, (round(WIDTH * aspect) // finer, HEIGHT // finer))


def _lens() -> OpticalRenderer:
    return OpticalRenderer(quality="final")


def _decibels(made: Float32Array, truth: Float32Array, where: NDArray[np.bool_]) -> float:
    return float(-10 * np.log10(((made - truth)[where] ** 2).mean() + 1e-12))


def _edge(known: Known, reach: int = 5) -> NDArray[np.bool_]:
    """Pixels near a border between what is in focus and what is not."""
    blurred = np.abs(known.radius) > SHARP
    both = [blurred, ~blurred]
    for _ in range(reach):
        both = [
            np.logical_or.reduce([np.roll(mask, shift, axis) for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1))])
            | mask
            for mask in both
        ]
    return both[0] & both[1]


def _beyond(made: Float32Array, known: Known, where: NDArray[np.bool_]) -> float:
    """How far colours go beyond the truth's own within three pixels, but for one pixel in a hundred."""
    low, high = known.truth, known.truth
    for y in range(-3, 4):
        for x in range(-3, 4):
            moved = np.roll(known.truth, (y, x), (0, 1))
            low, high = np.minimum(low, moved), np.maximum(high, moved)
    halo = np.maximum(made - high, 0) + np.maximum(low - made, 0)
    return float(np.percentile(halo.max(axis=2)[where], 99))


@pytest.mark.parametrize(
    ("known", "gain", "gain_at_edges"),
    [
        pytest.param(sharp_subject(12.0), 2.0, 2.0, id="a sharp subject before a blurred background"),
        pytest.param(sharp_subject(3.0), 2.0, 0.2, id="before one that is a little blurred"),
        pytest.param(blurred_foreground(12.0), 2.0, 2.0, id="a blurred foreground before a sharp wall"),
        pytest.param(blurred_foreground(3.0), 2.5, 2.5, id="a little blurred one"),
        pytest.param(floor(10.0), 8.0, 4.0, id="a floor through the focal plane"),
    ],
)
def test_it_is_nearer_to_the_truth_than_the_network_and_than_a_mix_by_radius(
    known: Known, gain: float, gain_at_edges: float
) -> None:
    """An ideal network gives the truth in its own pixels."""
    fit, edge = _fit(), _edge(known)
    everywhere = np.ones_like(edge)
    ideal = fit.shrink(known.truth)
    made = put_back_detail(known.plate, ideal, known.radius, fit, _lens())
    enlarged = fit.enlarge(ideal)
    share = np.clip(1 - (np.abs(known.radius) - SHARP) / (FINER - SHARP), 0, 1)[..., None]
    mixed = share * known.plate + (1 - share) * enlarged
    for where, more in ((everywhere, gain), (edge, gain_at_edges)):
        ours = _decibels(made, known.truth, where)
        assert ours > _decibels(mixed, known.truth, where) + more
        assert ours > _decibels(enlarged, known.truth, where) + more
    assert _beyond(made, known, edge) <= max(0.5 * _beyond(mixed, known, edge), 0.01)


@pytest.mark.parametrize("finer", [1, 2, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_in_focus_is_the_plate_bit_for_bit_whatever_the_network_gives(finer: int, seed: int) -> None:
    known, fit = sharp_subject(12.0), _fit(finer)
    picture = np.random.default_rng(seed).random((fit.content_height, fit.content_width, 3), np.float32) * 4
    made = put_back_detail(known.plate, picture, known.radius, fit, _lens())
    in_focus = np.abs(known.radius) <= SHARP
    np.testing.assert_array_equal(made[in_focus], known.plate[in_focus])


@pytest.mark.parametrize("finer", [1, 4])
@pytest.mark.parametrize("radius", [-20.0, 20.0])
def test_what_is_far_out_of_focus_is_the_networks(finer: int, radius: float) -> None:
    fit = _fit(finer)
    picture = np.random.default_rng(0).random((fit.content_height, fit.content_width, 3), np.float32)
    everywhere = np.full((HEIGHT, WIDTH), radius, np.float32)
    made = put_back_detail(np.ones((HEIGHT, WIDTH, 3), np.float32), picture, everywhere, fit, _lens())
    np.testing.assert_array_equal(made, fit.enlarge(picture))


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), finer=st.sampled_from([1, 2, 4]), radius=st.floats(1, 20), behind=st.booleans())
def test_light_never_turns_negative_nor_runs_away(seed: int, finer: int, radius: float, behind: bool) -> None:
    known = sharp_subject(radius) if behind else blurred_foreground(radius)
    fit = _fit(finer)
    random = np.random.default_rng(seed)
    picture = random.lognormal(-1, 1, (fit.content_height, fit.content_width, 3)).astype(np.float32)
    made = put_back_detail(known.plate, picture, known.radius, fit, _lens())
    assert np.isfinite(made).all()
    assert made.min() >= 0
    assert made.max() <= max(float(picture.max()) * 4, float(known.plate.max()))


@pytest.mark.parametrize("finer", [1, 2, 4])
def test_an_error_of_the_network_is_not_made_larger(finer: int) -> None:
    known, fit = blurred_foreground(12.0), _fit(finer)
    ideal = fit.shrink(known.truth)
    error = np.random.default_rng(0).normal(0, 0.02, ideal.shape).astype(np.float32)
    exact = put_back_detail(known.plate, ideal, known.radius, fit, _lens())
    made = put_back_detail(known.plate, np.maximum(ideal + error, 0), known.radius, fit, _lens())
    change = np.sqrt(((made - exact) ** 2).mean(axis=2))
    assert np.sqrt((change**2).mean()) < 0.02
    assert change.max() < 8 * 0.02


def test_a_veil_keeps_its_light() -> None:
    known, fit = blurred_foreground(12.0), _fit()
    made = put_back_detail(known.plate, fit.shrink(known.truth), known.radius, fit, _lens())
    veiled = _edge(known, 11)
    np.testing.assert_allclose(made[veiled].mean(axis=0), known.truth[veiled].mean(axis=0), rtol=0.01)


@given(finer=st.floats(1, 10), radius=st.floats(-20, 20))
def test_the_share_of_the_plate_falls_from_one_to_nothing(finer: float, radius: float) -> None:
    near, far = sharp_share(np.array([radius, radius * 1.1], np.float32), 1 / finer)
    assert 0 <= far <= near <= 1
    if abs(radius) <= SHARP:
        assert near == 1
    if abs(radius) > 1.001 * SEEN_FROM * finer:
        assert near == 0


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
def test_the_small_blur_is_round_on_screen(aspect: float) -> None:
    point = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    point[70, 120] = 1
    radius = np.full((HEIGHT, WIDTH), 3.0, np.float32)
    focused, _ = focused_layer(point, radius, _fit(8, aspect))
    light = focused[..., 0].astype(np.float64)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    assert light.sum() == pytest.approx(1, rel=1e-5)
    # A quarter of the squared radius is the variance of a disc, in rows; pixels add a little.
    assert (light * (y - 70) ** 2).sum() == pytest.approx(9 / 4, rel=0.2)
    assert (light * ((x - 120) * aspect) ** 2).sum() == pytest.approx(9 / 4, rel=0.2)


def test_the_small_blur_takes_no_colour_from_another_surface() -> None:
    picture = squares(2, 0.1, 0.9, 3).astype(np.float32)
    picture[:, :100] = [5, 0, 0]
    for other in (0.0, 30.0):
        radius = np.full((HEIGHT, WIDTH), 3.0, np.float32)
        radius[:, :100] = other
        focused, cover = focused_layer(picture, radius, _fit())
        assert focused[:, 100:].max() <= 0.9
        # Past a nearer thing the surface goes on; over its own edge the lens sees what is behind.
        assert (cover[70, 100] < 0.9 * cover[70, 150]) == (other > 3)


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
def test_the_soft_edge_of_a_thing_a_little_in_front_hides_by_its_discs(aspect: float) -> None:
    size = 4.0
    radius = np.zeros((HEIGHT, WIDTH), np.float32)
    radius[:, :100] = -size
    _, cover = focused_layer(np.ones((HEIGHT, WIDTH, 3), np.float32), radius, _fit(8, aspect))
    # The part of a disc that lies beyond a straight edge at this distance.
    distance = np.clip((np.arange(100, 120) + 0.5 - 100) * aspect / size, 0, 1)
    beyond = (np.arccos(distance) - distance * np.sqrt(1 - distance**2)) / np.pi
    np.testing.assert_allclose(cover[70, 100:120], 1 - beyond, atol=0.03)
    assert cover[70, 130] == 1


def test_the_lens_is_only_asked_where_something_blurred_is_in_front() -> None:
    stopped, fit = _lens(), _fit()
    stopped.cancel()
    behind, before = sharp_subject(6.0), blurred_foreground(6.0)
    put_back_detail(behind.plate, fit.shrink(behind.truth), behind.radius, fit, stopped)
    with pytest.raises(CancelledError):
        put_back_detail(before.plate, fit.shrink(before.truth), before.radius, fit, stopped)


def test_a_network_that_is_wrong_makes_no_light_that_neither_it_nor_the_plate_has() -> None:
    random = np.random.default_rng(1)
    base = random.random((128, 192, 3), np.float32)
    radius = np.where(np.arange(192) < 96, 0.0, 12.0).astype(np.float32)[None].repeat(128, 0)
    fit = Fit.of(192, 128, 1.0, (64, 64))
    picture = random.random((fit.content_height, fit.content_width, 3), np.float32) * 2
    made = put_back_detail(base, picture, radius, fit, OpticalRenderer())
    assert made.max() <= 2
    assert made.min() >= 0
