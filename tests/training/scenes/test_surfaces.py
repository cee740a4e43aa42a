"""Textures, mattes and painted things: repeatable, within range, the same picture at every size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.frames import Float32Array
from training.scenes import foliage, mattes, objects, textures

WARM, DARK = (0.6, 0.4, 0.2), (0.1, 0.08, 0.06)

TEXTURES: dict[str, Callable[[int, int, int], Float32Array]] = {
    "gradient": lambda h, w, seed: textures.gradient(h, w, WARM, DARK, seed),
    "fabric": lambda h, w, seed: textures.fabric(h, w, seed, WARM, 20.0, DARK),
    "bricks": lambda h, w, seed: textures.bricks(h, w, seed, WARM, DARK),
    "tiles": lambda h, w, seed: textures.tiles(h, w, seed, WARM, DARK),
    "wood": lambda h, w, seed: textures.wood(h, w, seed, WARM, DARK),
    "skin": lambda h, w, seed: textures.skin(h, w, seed, WARM),
    "city": objects.city,
}

MATTES: dict[str, Callable[[int, int, int], Float32Array]] = {
    "rectangle": lambda h, w, _: mattes.rectangle(h, w, 0.4, 0.2, 0.05),
    "blob": mattes.blob,
    "holes": mattes.holes,
    "fence": lambda h, w, _: mattes.fence(h, w),
    "wires": mattes.wires,
    "hair": mattes.hair,
    "sign": lambda h, w, seed: objects.sign(h, w, seed, 4),
}


def halved(image: np.ndarray) -> np.ndarray:
    result: np.ndarray = (image[0::2, 0::2] + image[1::2, 0::2] + image[0::2, 1::2] + image[1::2, 1::2]) / 4.0
    return result


@pytest.mark.parametrize("name", TEXTURES)
def test_a_texture_is_light_that_can_be_and_follows_its_seed(name: str) -> None:
    make = TEXTURES[name]
    first = make(90, 160, 3)
    assert first.shape == (90, 160, 3)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert first.min() >= 0.0
    assert first.std() > 0.01, "a flat surface would flatter every renderer"
    assert np.array_equal(first, make(90, 160, 3))
    assert not np.array_equal(first, make(90, 160, 4))


@pytest.mark.parametrize("name", MATTES)
def test_a_matte_is_coverage_with_soft_edges(name: str) -> None:
    matte = MATTES[name](180, 320, 5)
    assert matte.shape == (180, 320)
    assert matte.dtype == np.float32
    assert matte.min() >= 0.0
    assert matte.max() <= 1.0
    assert np.mean((matte > 0.05) & (matte < 0.95)) > 0.001
    assert np.array_equal(matte, MATTES[name](180, 320, 5))


@pytest.mark.parametrize("name", ["gradient", "bricks", "tiles", "skin"])
def test_a_texture_is_the_same_picture_at_twice_the_size(name: str) -> None:
    small, large = TEXTURES[name](90, 160, 3), halved(TEXTURES[name](180, 320, 3))
    assert np.corrcoef(small.ravel(), large.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("name", ["blob", "wires", "holes"])
def test_a_matte_covers_the_same_share_at_twice_the_size(name: str) -> None:
    small, large = MATTES[name](180, 320, 5), MATTES[name](360, 640, 5)
    assert small.mean() == pytest.approx(large.mean(), rel=0.06)


def test_a_stroke_thinner_than_a_pixel_covers_its_own_width() -> None:
    thin = np.array([[[-0.4, 0.0, 0.001], [0.4, 0.0, 0.001]]])
    matte = mattes.strokes(101, 100, thin)
    # 80 pixels long, 0.2 pixels wide.
    assert matte.sum() == pytest.approx(16.0, rel=0.05)


def test_plants_and_things_are_premultiplied() -> None:
    bush = foliage.hedge(80, 160, 1, 300, 0.08, -0.1, DARK, WARM)
    twig = foliage.branch(120, 120, 2, (-0.4, 0.3), -0.7, 4, 0.6, 0.15, DARK, WARM)
    blades = foliage.grass(80, 160, 3, 60, 0.3, DARK, WARM)
    vase = objects.turned(160, 100, ((0.1, 0.3), (0.9, 0.4)), WARM, 4, inside=DARK)
    strings, lights = objects.light_string(80, 200, 5, ((-0.1, -0.1, 0.1),), 6, 0.006, 40.0)
    for surface in (bush, twig, blades, vase, strings):
        assert surface.dtype == np.float32
        assert np.isfinite(surface).all()
        assert surface.min() >= 0.0
        assert surface[..., 3].max() <= 1.0 + 1e-6
        assert np.all(surface[surface[..., 3] == 0.0] == 0.0)
        assert 0.005 < surface[..., 3].mean() < 0.98
    assert lights.shape == (6, 6)
    assert lights[:, 3].min() > 5.0
