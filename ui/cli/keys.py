"""Keys as they are typed: ``1001=0.62``, ``1024@812,404``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from engine.errors import KeysError

__all__ = ["blur_keys", "focus_keys"]

_NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_FRAME: Final = r"\s*(-?\d+(?:\.\d+)?)\s*"
_VALUE = re.compile(rf"^{_FRAME}=\s*({_NUMBER}|[-+]?nan|[-+]?inf(?:inity)?)\s*$", re.IGNORECASE)
_PIXEL = re.compile(rf"^{_FRAME}@\s*({_NUMBER})\s*,\s*({_NUMBER})\s*$")


def focus_keys(keys: Sequence[str], distances: Sequence[str]) -> list[dict[str, Any]]:
    """Keys of the focal point in order of frames, as the shot document has them.

    Args:
        keys: ``1001=0.62`` (a disparity) or ``1024@812,404`` (a pixel).
        distances: ``1001=3.2``.

    Raises:
        KeysError: one of them cannot be read.
    """
    found = [_focus_key(text) for text in keys]
    found += [_valued(text, "--focus-distance", "distance", "1001=3.2") for text in distances]
    return sorted(found, key=lambda key: float(key["frame"]))


def blur_keys(keys: Sequence[str]) -> list[dict[str, Any]]:
    """Keys of K in order of frames, as the shot document has them.

    Raises:
        KeysError: one of them cannot be read.
    """
    return sorted((_valued(text, "--blur", "value", "1001=24") for text in keys), key=lambda key: float(key["frame"]))


def _focus_key(text: str) -> dict[str, Any]:
    pixel = _PIXEL.match(text)
    if pixel is not None:
        return {"frame": float(pixel[1]), "pixel": [float(pixel[2]), float(pixel[3])]}
    return _valued(text, "--focus", "disparity", "1001=0.62 or 1024@812,404")


def _valued(text: str, flag: str, name: str, example: str) -> dict[str, Any]:
    match = _VALUE.match(text)
    if match is None:
        raise KeysError(f'{flag}: cannot read "{text}"; write FRAME=VALUE like {example}')
    return {"frame": float(match[1]), name: float(match[2])}
