from __future__ import annotations

import numpy as np
import pytest

from engine.depth.colour_maps import COLOUR_MAPS, colour_map, likeliest_map
from engine.frames import Float32Array

RAMP = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)

PUBLISHED = {
    "turbo": ("30123b", "a4fc3c", "7a0403"),
    "inferno": ("000004", "bc3754", "fcffa4"),
    "magma": ("000004", "b73779", "fcfdbf"),
    "plasma": ("0d0887", "cc4778", "f0f921"),
    "viridis": ("440154", "21918c", "fde725"),
    "jet": ("000080", "80ff80", "800000"),
    "spectral": ("9e0142", "ffffbf", "5e4fa2"),
    "spectral_r": ("5e4fa2", "ffffbf", "9e0142"),
}
"""First, middle and last colour."""


def eight_bit(colours: Float32Array) -> Float32Array:
    return np.rint(colours * 255).astype(np.float32) / np.float32(255)


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_a_maps_colours_are_the_published_ones(name: str) -> None:
    painted = colour_map(name).paint(np.array([0, 128 / 255, 1], np.float32)) * 255
    said = np.array([list(bytes.fromhex(colour)) for colour in PUBLISHED[name]])
    assert np.abs(painted - said).max() < 3


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_painted_values_are_read_back_finer_than_the_maps_steps(name: str) -> None:
    read = colour_map(name).read(eight_bit(colour_map(name).paint(RAMP)))
    assert np.abs(read - RAMP).max() < 1 / 255


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_a_picture_is_known_by_its_map(name: str) -> None:
    rng = np.random.default_rng(1)
    noisy = colour_map(name).paint(RAMP).reshape(-1, 3) + rng.normal(0, 0.01, (RAMP.size, 3))
    found = likeliest_map(noisy.astype(np.float32))
    assert found is not None
    assert found[0] == name.removesuffix("_r")


def test_a_photograph_is_painted_with_no_map() -> None:
    colours = np.random.default_rng(2).random((5000, 3), dtype=np.float32)
    assert likeliest_map(colours) is None
    assert likeliest_map(colours[:0]) is None


def test_colours_that_are_none_of_the_maps_hold_no_depth() -> None:
    colours = np.array([[[1, 1, 1], [0, 0, 0], [0.5, 0.5, 0.5]]], np.float32)
    assert np.isnan(colour_map("turbo").read(colours)).all()
