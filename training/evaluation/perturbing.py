"""Disparity spoiled on purpose, to see how much a renderer depends on a good one.

The ways are those of ``training.data.perturbation``; the truth stays what it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from engine.errors import ShotError, require
from engine.frames import PlateFrame
from training.extras import require_training

__all__ = ["NONE", "Perturbation", "parse_perturbations", "perturbed"]


@dataclass(frozen=True)
class Perturbation:
    """A way to spoil the disparity.

    Attributes:
        kind: ``none``, ``elastic``, ``blur`` or ``morph``.
        severity: 1 is what stage 2 of the training does; zero or more.
    """

    kind: str = "none"
    severity: float = 1.0

    @property
    def name(self) -> str:
        """As it is asked for, like ``elastic`` or ``blur:0.5``."""
        return self.kind if self.severity == 1.0 else f"{self.kind}:{self.severity:g}"

    @property
    def folder(self) -> str:
        """The name as a folder's."""
        return self.name.replace(":", "-")


NONE = Perturbation()


def parse_perturbations(words: str) -> tuple[Perturbation, ...]:
    """The ways that a line like ``none,elastic,blur:0.5`` names, in its order, each once.

    Raises:
        ShotError: there is no such way, or its severity is no number of zero or more.
    """
    found = tuple(dict.fromkeys(_parse(word.strip()) for word in words.split(",") if word.strip()))
    require(bool(found), ShotError, "--perturb names nothing; give none, elastic, blur or morph")
    return found


def _parse(word: str) -> Perturbation:
    kind, colon, number = word.partition(":")
    kinds = ("none", "elastic", "blur", "morph")
    require(kind in kinds, ShotError, f'--perturb: there is no "{kind}"; choose from {", ".join(kinds)}')
    try:
        severity = float(number) if colon else 1.0
    except ValueError:
        severity = math.nan
    require(
        math.isfinite(severity) and severity >= 0 and not (colon and kind == "none"),
        ShotError,
        f'--perturb: "{word}" has no severity of zero or more; write it like elastic:0.5',
    )
    return Perturbation(kind, severity)


def perturbed(frames: Sequence[PlateFrame], way: Perturbation, clip: str) -> list[PlateFrame]:
    """The frames with spoiled disparity, each on its own; the same clip and frame are always spoiled alike.

    Raises:
        DependencyError: OpenCV is missing.
    """
    if way.kind == "none":
        return list(frames)
    require_training("--perturb", "cv2")
    from training.data.perturbation import PERTURBATIONS

    change = PERTURBATIONS[way.kind]
    result = []
    for frame in frames:
        seed = sha256(f"{clip} {frame.frame} {way.kind}".encode()).digest()
        rng = np.random.default_rng(list(seed))
        result.append(replace(frame, disparity=change(frame.disparity, way.severity, rng)))
    return result
