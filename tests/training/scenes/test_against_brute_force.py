"""The tracer beside another one that shares nothing with it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.frames import Float32Array
from tests.training.scenes.brute_force import Card, render
from training.scenes import Element, Motion, Scene

WIDTH, HEIGHT = 64, 36
RAYS = 800


def cloth(rng: np.random.Generator, height: int, width: int, soft: bool) -> Float32Array:
    """A picture of blots, and a matte with a soft edge, holes and veils."""
    colour = cv2.GaussianBlur(rng.random((height, width, 3), np.float32), (0, 0), 2.0)
    colour = (colour - colour.min()) / np.ptp(colour)
    if not soft:
        return np.concatenate([colour, np.ones((height, width, 1), np.float32)], axis=-1)
    y, x = np.mgrid[:height, :width]
    away = np.hypot((x + 0.5) / width - 0.5, (y + 0.5) / height - 0.5)
    alpha = np.clip((0.45 - away) * 10.0, 0.0, 1.0).astype(np.float32)
    veil = cv2.GaussianBlur(rng.random((height, width), np.float32), (0, 0), 4.0)
    alpha *= np.clip((veil - np.quantile(veil, 0.15)) / np.ptp(veil) * 4.0, 0.0, 1.0)
    return np.concatenate([colour * alpha[..., None], alpha[..., None]], axis=-1).astype(np.float32)


def random_cards(seed: int) -> list[Card]:
    """Three tilted and turned sheets with soft alpha, which may cut through each other, before an endless ground."""
    rng = np.random.default_rng(seed)
    cards = [
        Card(
            cloth(rng, 48, 64, soft=True),
            size=rng.uniform(0.4, 0.8),
            x=rng.uniform(-0.3, 0.3),
            y=rng.uniform(-0.2, 0.2),
            disparity=disparity,
            tilt=(rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4)),
            angle=rng.uniform(-0.8, 0.8),
        )
        for disparity in (0.9, 0.7, 0.45)
    ]
    return [*cards, Card(cloth(rng, 72, 96, soft=False), 1.5, 0.0, 0.0, 0.15, tilt=(0.0, 0.05), endless=True)]


def as_scene(cards: list[Card]) -> Scene:
    elements = tuple(
        Element(c.surface, c.size, Motion(c.x, c.y, c.disparity, angle_start=c.angle), c.tilt, endless=c.endless)
        for c in cards
    )
    return Scene(WIDTH, HEIGHT, lambda: elements)


def decibels(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10.0 * np.log10(np.mean((a - b) ** 2)))


@pytest.mark.parametrize(
    ("seed", "focus", "strength"), [(1, 0.9, 8.0), (2, 0.7, 16.0), (3, 0.15, 12.0), (4, 0.45, 10.0), (5, 0.0, 8.0)]
)
def test_two_tracers_that_share_nothing_agree_over_50_db(seed: int, focus: float, strength: float) -> None:
    cards = random_cards(seed)
    ours = as_scene(cards).bokeh(1, focus, strength, samples=RAYS)
    theirs = render(cards, WIDTH, HEIGHT, focus, strength, RAYS)
    sharp = render(cards, WIDTH, HEIGHT, focus, 0.0, 64)
    assert decibels(ours, theirs) > 50.0
    assert decibels(sharp, theirs) < 30.0, "a scene in which blur changes little proves little"


def test_the_plate_agrees_too() -> None:
    cards = random_cards(6)
    assert decibels(as_scene(cards).view(1).image, render(cards, WIDTH, HEIGHT, 0.5, 0.0, 256)) > 50.0


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_without_blur_every_focus_gives_the_plate(seed: int) -> None:
    scene = as_scene(random_cards(seed))
    plate = scene.view(1).image
    for focus in (0.0, 0.45, 1.0):
        assert decibels(scene.bokeh(1, focus, 0.0, samples=RAYS), plate) > 50.0


def test_a_scene_s_seed_says_every_byte_of_it() -> None:
    scenes = [replace(as_scene(random_cards(3)), seed=seed) for seed in (11, 11, 12)]
    first, again, other = (scene.bokeh(1, 0.7, 8.0, samples=64).tobytes() for scene in scenes)
    assert first == again
    assert first != other
