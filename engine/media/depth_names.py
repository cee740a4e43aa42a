"""Names of depth channels: what the programs of the trade call them, and what is never a depth."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["KNOWN", "is_depth", "is_vector", "may_be_depth", "names_table", "value_first"]

KNOWN: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("Nuke", ("depth.Z", "depth.z")),
    ("Blender", ("ViewLayer.Depth.Z", "ViewLayer.Depth.V", "Depth.Z", "Depth.V")),
    ("Houdini (Mantra, Karma)", ("Pz", "depth", "hitPz", "Z")),
    ("V-Ray", ("VRayZDepth", "VRayZDepth.R", "VRayZDepth.Y", "VRayZDepth.Z")),
    ("Arnold", ("Z", "Z.R")),
    ("Redshift", ("Z", "rsDepth.R", "Depth.R")),
    ("RenderMan", ("z",)),
    ("Corona", ("CGeometry_ZDepth.R",)),
    ("Octane", ("Z-depth.R", "Z_depth.R")),
    ("Unreal Engine", ("FinalImageMovieRenderQueue_WorldDepth.R", "SceneDepth.R", "SceneDepthWorldUnits.R")),
    ("Cinema 4D", ("depth.R", "Depth1.R")),
    ("Maya, 3ds Max, Modo, Fusion", ("Z", "Depth", "ZDepth", "zdepth", "z_depth", "Z Depth", "depth.red")),
)
"""Who writes it, and the channel's name; capitals, spaces and the signs ``_ - :`` make no difference."""

_WORDS: Final = frozenset(
    {"z", "depth", "depthz", "pz", "hitpz", "rsdepth", "rsz", "zbuffer", "zpass", "depthpass", "depthmap"}
    | {"lineardepth", "cameradepth"}
)
_ENDINGS: Final = ("zdepth", "worlddepth", "scenedepth", "scenedepthworldunits")

_PARTS_OF_NAMES: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_VECTORS: Final = frozenset(
    {"normal", "normals", "position", "positions", "pref", "pworld", "nworld", "motion", "vector", "vectors"}
    | {"velocity", "uvs", "tangent", "bump", "flow"}
)
_SHORT_VECTORS: Final = frozenset({"n", "p", "uv", "st", "pos", "nn", "mv"})
_VALUES: Final = ("z", "r", "red", "y", "v", "depth", "value")
"""Which of several channels of a depth layer is the depth: the first of these."""


def _plain(word: str) -> str:
    """Lower case, without separators and the number at the end (``Depth1``, ``Z Depth.002``)."""
    plain = re.sub(r"[\s_\-:]", "", word).lower()
    without = plain.rstrip("0123456789")
    return without if len(without) > 2 else plain


def is_depth(word: str) -> bool:
    """Whether a layer or a channel of that name is a depth."""
    plain = _plain(word)
    return plain in _WORDS or plain.endswith(_ENDINGS)


def may_be_depth(word: str) -> bool:
    """Whether the name speaks of depth, so that a person may mean it: ``Mist``, ``depth_normalized``."""
    plain = _plain(word)
    return "depth" in plain or plain in {"mist", "fog", "zback", "distance", "disparity"} or plain.endswith("z")


def is_vector(layer: str) -> bool:
    """Whether a layer of that name holds vectors or ids, of whose parts none is a depth."""
    if layer.lower().startswith("crypto") or layer.lower() in _SHORT_VECTORS:
        return True
    return any(part.lower() in _VECTORS for part in _PARTS_OF_NAMES.findall(layer))


def value_first(letter: str) -> int:
    """Order of the channels of a depth layer, the depth first."""
    return _VALUES.index(letter.lower()) if letter.lower() in _VALUES else len(_VALUES)


def names_table() -> str:
    """``KNOWN`` as the Markdown table of ``docs/what_is_read.md``."""
    rows = [f"| {who} | {', '.join(f'`{name}`' for name in names)} |" for who, names in KNOWN]
    return "\n".join(["| written by | depth channel |", "|---|---|", *rows])
