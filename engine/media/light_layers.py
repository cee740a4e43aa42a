"""Further layers of light: they are converted between colour spaces as the beauty is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

import numpy as np

from engine.frames import Float32Array
from engine.layer_kinds import LIGHT, kind_of

__all__ = ["layers_converted", "light_triples"]

_LETTERS: Final = {"r": 0, "red": 0, "g": 1, "green": 1, "b": 2, "blue": 2}
_GREY: Final = frozenset({"y", "l", "luminance", "grey", "gray"})
_ALPHA: Final = frozenset({"a", "alpha"})


def light_triples(names: Sequence[str], data: Collection[str] = ()) -> list[tuple[int, int, int]]:
    """Where red, green and blue of each layer of light lie; thrice the same place for a layer of one grey channel.

    Args:
        names: of the channels: ``diffuse.R``, ``diffuse.G`` ...
        data: names that are no light, whatever their letters.
    """
    layers: dict[str, dict[str, int]] = {}
    for place, name in enumerate(names):
        layer, _, letter = name.rpartition(".")
        if name not in data and letter.lower() not in _ALPHA and kind_of(name, names) is LIGHT:
            layers.setdefault(layer, {}).setdefault(letter.lower(), place)
    found: list[tuple[int, int, int]] = []
    for letters in layers.values():
        colours = {_LETTERS[letter]: place for letter, place in letters.items() if letter in _LETTERS}
        if len(colours) == 3:
            found.append((colours[0], colours[1], colours[2]))
        elif len(letters) == 1 and _GREY.issuperset(letters):
            (grey,) = letters.values()
            found.append((grey, grey, grey))
    return found


def layers_converted(
    image: Float32Array,
    names: Sequence[str],
    convert: Callable[[Float32Array], Float32Array],
    data: Collection[str] = (),
) -> Float32Array:
    """Convert every layer of red, green and blue, and of one grey channel as three alike; all others stay as they are.

    Args:
        image: (H, W, C) further channels.
        names: of the C channels.
        convert: takes and gives (H, W, 3).
        data: names that are no light.
    """
    triples = light_triples(names, data)
    if not triples:
        return image
    made = image.copy()
    for places in triples:
        made[:, :, list(places)] = convert(np.ascontiguousarray(image[:, :, list(places)]))
    return made
