"""What the network is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.frames import Float32Array
from engine.optics import Defocus, circle_of_confusion
from engine.renderers.any_to_bokeh.conditioning import network_input, regions, strength_embedding, whole_strength
from engine.renderers.any_to_bokeh.fitting import Fit
from engine.renderers.any_to_bokeh.tone import Tone
from engine.runtime import PAPER, RELEASED
from tests.engine.renderers.optical.plates import plate, texture

PUBLISHED_FREQUENCIES = [
    1, 1.359375, 1.84765625, 2.51171875, 3.4140625, 4.640625, 6.30859375, 8.5703125,
    11.6484375, 15.859375, 21.578125, 29.296875, 39.78125, 54.125, 73.625, 100,
]  # fmt: skip
"""Of the published inference, which works in half precision; read off a run of it on a CPU."""

WHOLE = range(1, 33)


def _embeddings(mode: str) -> Float32Array:
    return np.array([strength_embedding(k, mode) for k in WHOLE])  # type: ignore[arg-type]


def test_the_phases_of_half_precision_are_those_of_the_published_inference() -> None:
    half = np.float16
    for strength in WHOLE:
        phases = np.array(PUBLISHED_FREQUENCIES, half) * half(strength)
        told = strength_embedding(strength, "half")
        np.testing.assert_array_equal(told[0::2], np.sin(phases).astype(np.float32))
        np.testing.assert_array_equal(told[1::2], np.cos(phases).astype(np.float32))


@pytest.mark.parametrize(
    ("other", "largest", "relative"), [("exact", 1.94, 0.36), ("training", 1.37, 0.17)], ids=["exact", "training"]
)
def test_the_precisions_differ_as_much_as_was_measured(other: str, largest: float, relative: float) -> None:
    half, exact = _embeddings("half"), _embeddings(other)
    assert np.abs(half - exact).max() == pytest.approx(largest, abs=0.01)
    assert np.linalg.norm(half - exact) / np.linalg.norm(exact) == pytest.approx(relative, abs=0.005)


@given(strength=st.floats(0, 64) | st.floats(64, 1e5), mode=st.sampled_from(["half", "training", "exact"]))
def test_an_embedding_is_sixteen_points_on_a_circle(strength: float, mode: str) -> None:
    told = strength_embedding(strength, mode)  # type: ignore[arg-type]
    assert told.shape == (32,)
    assert told.dtype == np.float32
    np.testing.assert_allclose(told[0::2] ** 2 + told[1::2] ** 2, 1, atol=2e-3)


def test_the_first_frequency_is_one_and_the_last_a_hundred() -> None:
    told = strength_embedding(3.0, "exact")
    np.testing.assert_allclose(told[[0, 1, 30, 31]], [np.sin(3), np.cos(3), np.sin(300), np.cos(300)], atol=1e-6)


@given(strength=st.floats(0.01, 500), largest=st.floats(0, 4))
def test_every_radius_stays_with_a_whole_number(strength: float, largest: float) -> None:
    whole, scale = whole_strength(strength, largest)
    assert isinstance(whole, int)
    assert whole >= 1
    assert whole * scale == pytest.approx(strength)
    assert scale * largest <= 1 + 1.1e-3
    assert whole <= max(32, np.ceil(strength * largest))


@given(st.integers(1, 32), st.floats(0, 1))
def test_a_whole_number_is_told_as_it_is(strength: int, largest: float) -> None:
    assert whole_strength(strength, largest) == (strength, 1.0)


def test_strengths_at_the_ends() -> None:
    assert whole_strength(0.0, 0.0) == (1, 0.0)
    assert whole_strength(0.25, 1.0) == (1, 0.25)
    assert whole_strength(100.0, 0.3) == (32, 100 / 32)
    assert whole_strength(100.0, 0.5) == (50, 2.0)
    assert whole_strength(16.0000001, 1.0)[0] == 16


@pytest.mark.parametrize(
    ("focus", "exponent", "borders"),
    [
        (0.2, 1.0, [0.00098, 0.031, 0.237]),
        (0.5, 1.0, [0.0625, 0.25, 0.5625]),
        (0.9, 1.0, [0.214, 0.463, 0.726]),
        (0.5, 1.5, [0.020, 0.141, 0.443]),
        (0.9, 1.5, [0.197, 0.444, 0.714]),
    ],
)
def test_planes_begin_where_equation_2_has_them(focus: float, exponent: float, borders: list[float]) -> None:
    distance = np.linspace(0, 0.9999, 20_000, dtype=np.float32)
    planes = regions((focus + distance)[None].astype(np.float32), focus, exponent)[0]
    assert planes.dtype == np.uint8
    begins = [float(distance[np.argmax(planes >= plane)]) for plane in (1, 2, 3)]
    np.testing.assert_allclose(begins, borders, atol=6e-4)


@given(focus=st.floats(-0.5, 1.5), exponent=st.floats(0, 10), seed=st.integers(0, 100))
def test_there_are_four_planes_around_the_focus(focus: float, exponent: float, seed: int) -> None:
    disparity = np.random.default_rng(seed).random((8, 9), np.float32)
    planes = regions(disparity, focus, exponent)
    assert planes.max() <= 3
    order = np.argsort(np.abs(disparity - np.float32(focus)).ravel())
    assert (np.diff(planes.ravel()[order].astype(int)) >= 0).all()
    assert regions(np.full((1, 1), focus, np.float32), focus, exponent)[0, 0] == 0


@settings(max_examples=40)
@given(
    strength=st.floats(0, 80),
    focus=st.floats(0, 1),
    inside=st.floats(0, 0.3),
    near=st.floats(0, 3),
    most=st.one_of(st.none(), st.floats(0, 50)),
    finer=st.integers(1, 3),
)
def test_what_is_told_makes_the_radius_that_the_optics_ask_for(
    strength: float, focus: float, inside: float, near: float, most: float | None, finer: int
) -> None:
    height, width = 64 * finer, 128 * finer
    disparity = np.linspace(0, 1, width, dtype=np.float32)[None].repeat(height, 0)
    frame = plate(texture(height, width), disparity, focus, strength)
    radius = circle_of_confusion(disparity, focus, strength, Defocus(inside, near, 1.0, most))
    fit = Fit.of(width, height, 1.0, (128, 64))
    told = network_input(frame, 3, frame.image, radius, fit, Tone(), RELEASED)
    assert told.index == 3
    assert told.picture.shape == (3, 64, 128)
    assert told.defocus.shape == (64, 128)
    assert told.defocus.min() >= 0
    assert told.defocus.max() <= 1
    assert told.regions is None
    largest = float(np.abs(radius).max())
    assume(strength > 0)
    whole, _ = whole_strength(strength / finer, largest / strength)
    np.testing.assert_array_equal(told.strength_embedding, strength_embedding(whole, "half"))
    np.testing.assert_allclose(told.defocus * whole, fit.shrink(np.abs(radius)) / finer, rtol=1e-4, atol=2e-3)


def test_as_it_is_the_map_is_the_distance_in_disparity() -> None:
    disparity = np.linspace(0, 1, 128, dtype=np.float32)[None].repeat(64, 0)
    frame = plate(texture(64, 128), disparity, 0.3, 7.3)
    radius = circle_of_confusion(disparity, 0.3, 7.3)
    fit = Fit.of(128, 64, 1.0, (128, 64))
    told = network_input(frame, 0, frame.image, radius, fit, Tone(), PAPER, "as-is")
    np.testing.assert_allclose(told.defocus, np.abs(disparity - 0.3), atol=1e-6)
    np.testing.assert_array_equal(told.strength_embedding, strength_embedding(7.3, "exact"))
    assert told.regions is not None
    np.testing.assert_array_equal(told.regions, regions(disparity, 0.3, 1.0))


def test_the_picture_is_the_plate_through_the_curve_with_its_edges_repeated() -> None:
    frame = plate(texture(40, 100), 0.5, 0.5, 4.0)
    fit = Fit.of(100, 40, 1.0, (128, 64))
    told = network_input(frame, 0, frame.image, np.zeros((40, 100), np.float32), fit, Tone(1.0), RELEASED)
    assert told.picture.shape == (3, 64, 128)
    inside = fit.crop(told.picture.transpose(1, 2, 0))
    np.testing.assert_array_equal(inside, Tone(1.0).encode(frame.image))
    np.testing.assert_array_equal(told.picture[:, 0, 0], inside[0, 0])
    assert not told.defocus.any()
