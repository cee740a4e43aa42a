"""Ways to spoil an exact disparity as real ones are spoiled, each under a name.

Lengths are pixels of the plate. The same shot, frame and way are always spoiled alike: random numbers come from a
digest of the three. What is fixed over a shot (a bias, most of an edge's displacement) is drawn without the frame.
OpenCV is imported here: import this module where the work starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from engine.errors import ShotError, require
from engine.frames import Float32Array, PlateFrame
from training.benchmark.truth import KnownShot

__all__ = ["EXACT", "WAYS", "Way", "choose_ways", "spoiled"]


@dataclass(frozen=True)
class Situation:
    """What a step may know of the frame.

    Attributes:
        seed: names shot and way.
        frame: its number.
        strength: K of the frame, in pixels.
    """

    seed: str
    frame: int
    strength: float

    def fixed(self, purpose: str) -> Generator:
        """Random numbers that are the same on every frame of the shot."""
        return np.random.default_rng(list(hashlib.sha256(f"{self.seed} {purpose}".encode()).digest()))

    def fresh(self, purpose: str) -> Generator:
        """Random numbers of this frame alone."""
        return self.fixed(f"{purpose} frame {self.frame}")


Step = Callable[[Float32Array, Situation], Float32Array]


@dataclass(frozen=True)
class Way:
    """A way to spoil disparity.

    Attributes:
        name: by which it is chosen.
        title: what it does, in a few words.
        steps: done one after the other.
        filtered: whether it begins with the antialiased disparity in place of the hard one.
    """

    name: str
    title: str
    steps: tuple[Step, ...] = ()
    filtered: bool = False


def spoiled(known: KnownShot, way: Way) -> tuple[PlateFrame, ...]:
    """The shot's frames with spoiled disparity, float32 within 0..1; plate, focus and K stay."""
    frames = []
    for frame, filtered in zip(known.frames, known.filtered, strict=True):
        disparity = filtered if way.filtered else frame.disparity
        situation = Situation(f"{known.name} {way.name}", frame.frame, frame.strength)
        for step in way.steps:
            disparity = step(disparity, situation)
        frames.append(replace(frame, disparity=np.clip(disparity, 0.0, 1.0).astype(np.float32)))
    return tuple(frames)


def choose_ways(names: Sequence[str]) -> tuple[Way, ...]:
    """The ways of these names, in the order of the list; all if none is named.

    Raises:
        ShotError: a name is not known.
    """
    unknown = [name for name in names if name not in WAYS]
    require(
        not unknown, ShotError, f"there is no way {', '.join(unknown)} to spoil depth; choose from {', '.join(WAYS)}"
    )
    return tuple(way for name, way in WAYS.items() if not names or name in names)


def _stepped(disparity: Float32Array, _: Situation, levels: int) -> Float32Array:
    return np.asarray(np.rint(disparity * levels) / levels, np.float32)


def _resized(disparity: Float32Array, _: Situation, divisor: int, back: int) -> Float32Array:
    """Made smaller, by mean or (for stairs) by leaving pixels out, and enlarged again by ``back`` of OpenCV."""
    height, width = disparity.shape
    if back == cv2.INTER_NEAREST:
        # The middle one is kept, so that stairs are off to no side by more than half a pixel.
        rows, columns = (np.arange(side) // divisor * divisor + divisor // 2 for side in (height, width))
        return np.asarray(disparity[np.minimum(rows, height - 1)[:, None], np.minimum(columns, width - 1)], np.float32)
    size = (max(1, round(width / divisor)), max(1, round(height / divisor)))
    small = cv2.resize(disparity, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=back), np.float32)


def _softened(disparity: Float32Array, _: Situation, sigma: float) -> Float32Array:
    return _smooth(disparity, sigma)


def _morphed(disparity: Float32Array, _: Situation, radius: int, operation: int) -> Float32Array:
    """A grey morphology of OpenCV by a disc of all pixels within ``radius``."""
    return np.asarray(cv2.morphologyEx(disparity, operation, _round(radius)), np.float32)


def _aside(disparity: Float32Array, _: Situation, pixels: int) -> Float32Array:
    """To the right; the border is repeated."""
    return np.pad(disparity, ((0, 0), (pixels, 0)), mode="edge")[:, :-pixels]


def _jittered(disparity: Float32Array, situation: Situation, amount: float) -> Float32Array:
    """Another scale, another offset and another smooth bias on every frame, each by ``amount``."""
    rng = situation.fresh("jitter")
    scale, offset = amount * rng.uniform(-1.0, 1.0, 2)
    bias = amount * _field(disparity.shape, disparity.shape[1] / 16.0, rng)
    return np.asarray(disparity * (1.0 + scale) + offset + bias, np.float32)


def _biased(disparity: Float32Array, situation: Situation, amount: float) -> Float32Array:
    """A smooth error of a root mean square of ``amount``, fixed over the shot."""
    field = _field(disparity.shape, disparity.shape[1] / 8.0, situation.fixed("bias"))
    return np.asarray(disparity + amount * field, np.float32)


def _noisy(disparity: Float32Array, situation: Situation, radius: float) -> Float32Array:
    """White noise that changes the blur's radius by a root mean square of ``radius`` pixels."""
    noise = situation.fresh("noise").standard_normal(disparity.shape, np.float32)
    return np.asarray(disparity + radius / max(situation.strength, 1e-6) * noise, np.float32)


def _displaced(disparity: Float32Array, situation: Situation, pixels: float) -> Float32Array:
    """Edges moved by a smooth field of a root mean square of ``pixels``; four fifths of it are fixed over the shot."""
    rows, columns = np.mgrid[: disparity.shape[0], : disparity.shape[1]].astype(np.float32)
    moved = []
    for axis, place in (("columns", columns), ("rows", rows)):
        fixed = _field(disparity.shape, 6.0, situation.fixed(axis))
        fresh = _field(disparity.shape, 6.0, situation.fresh(axis))
        moved.append(place + np.float32(pixels) * (np.float32(0.8) * fixed + np.float32(0.6) * fresh))
    return np.asarray(
        cv2.remap(disparity, moved[0], moved[1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _smooth(image: Float32Array, sigma: float) -> Float32Array:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101), np.float32)


def _field(shape: tuple[int, ...], sigma: float, rng: Generator) -> Float32Array:
    """(H, W): smooth noise with a mean square of 1, its bumps some ``sigma`` pixels wide."""
    # Drawn at a size where sigma is four pixels at most: a wide Gaussian costs a lot, and what it makes has no detail.
    step = max(sigma / 4.0, 1.0)
    height, width = (int(np.ceil(side / step)) + 1 for side in shape)
    small = _smooth(rng.standard_normal((height + 8, width + 8), np.float32), sigma / step)[4:-4, 4:-4]
    field = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field / max(float(np.sqrt(np.mean(np.square(field)))), 1e-6), np.float32)


def _round(radius: int) -> NDArray[np.uint8]:
    away = np.arange(-radius, radius + 1)
    return (away[:, None] ** 2 + away[None, :] ** 2 <= radius * radius).astype(np.uint8)


_THIN = partial(_morphed, radius=2, operation=cv2.MORPH_OPEN)

EXACT: Final = Way("exact", "as the scene has it")

_LIST: Final = (
    EXACT,
    Way("filtered", "antialiased by a box of one pixel", filtered=True),
    Way("filtered-wide", "antialiased by a wider filter", (partial(_softened, sigma=0.6),), filtered=True),
    Way("8bit", "256 steps", (partial(_stepped, levels=255),)),
    Way("half-bilinear", "half size, bilinear", (partial(_resized, divisor=2, back=cv2.INTER_LINEAR),)),
    Way("half-stairs", "half size, stairs", (partial(_resized, divisor=2, back=cv2.INTER_NEAREST),)),
    Way("quarter-bilinear", "quarter size, bilinear", (partial(_resized, divisor=4, back=cv2.INTER_LINEAR),)),
    Way("quarter-stairs", "quarter size, stairs", (partial(_resized, divisor=4, back=cv2.INTER_NEAREST),)),
    *(Way(f"soft-{s:g}", f"Gaussian of {s:g} px", (partial(_softened, sigma=s),)) for s in (1.2, 1.5, 3.0)),
    *(
        Way(f"{name}-{n}", f"near side {n} px too {name}", (partial(_morphed, radius=n, operation=operation),))
        for name, operation in (("small", cv2.MORPH_ERODE), ("large", cv2.MORPH_DILATE))
        for n in (1, 2, 3)
    ),
    Way("aside-1", "1 px to the right", (partial(_aside, pixels=1),)),
    Way("thin-missing", "what is thinner than 5 px is missing", (_THIN,)),
    Way("jitter", "1 % of scale, offset and bias, new on every frame", (partial(_jittered, amount=0.01),)),
    Way("low-frequency", "a smooth error of 3 %, fixed", (partial(_biased, amount=0.03),)),
    Way("noise", "the radius off by 1 px, from pixel to pixel", (partial(_noisy, radius=1.0),)),
    Way("edges-displaced", "edges off by a smooth 1.5 px", (partial(_displaced, pixels=1.5),)),
    Way(
        "mixed-half",
        "an estimator at half size",
        (
            _THIN,
            partial(_resized, divisor=2, back=cv2.INTER_LINEAR),
            partial(_softened, sigma=0.8),
            partial(_biased, amount=0.02),
            partial(_jittered, amount=0.005),
        ),
    ),
    Way(
        "mixed-third",
        "an estimator at a third of the size",
        (
            partial(_displaced, pixels=1.0),
            _THIN,
            partial(_resized, divisor=3, back=cv2.INTER_CUBIC),
            partial(_softened, sigma=1.0),
            partial(_biased, amount=0.03),
            partial(_jittered, amount=0.01),
        ),
    ),
)

WAYS: Final[Mapping[str, Way]] = {way.name: way for way in _LIST}
"""Every way by its name, in the order of the tables."""
