"""What a layer of a file holds, told by its name: light, which a lens blurs, or data, which it does not.

An average of two colours is a colour. An average of two ids is the id of something else, one of two normals is no
normal, and one of two positions is a place where nothing is. So light goes through the lens, and data is passed on.

The names are those that renderers and compositing programs give: Blender, Arnold, V-Ray, Redshift, RenderMan, Octane,
Corona, Houdini, Unreal, Nuke. ``TABLE`` is what the documentation shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["COVERAGE", "CRYPTOMATTE", "LIGHT", "TABLE", "LayerKind", "kind_of", "table"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


@dataclass(frozen=True)
class LayerKind:
    """A kind of layer.

    Attributes:
        name: for a person, in the plural.
        is_data: whether it is passed on as it is; else it is blurred.
        words: any of these words in a name makes it of this kind.
        whole: names that are of this kind as a whole, without digits, signs and the renderer's own prefix.
        ends: names that end so are.
        examples: for the documentation.
        said: what is done with it, for the documentation.
    """

    name: str
    is_data: bool
    words: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    ends: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    said: str = "passed on, bit for bit"


CRYPTOMATTE: Final = LayerKind(
    "Cryptomatte",
    is_data=True,
    words=frozenset({"crypto", "cryptomatte"}),
    ends=("cryptomatte", "cryptoobject", "cryptomaterial", "cryptoasset", "actorhitproxymask"),
    examples=("CryptoObject00", "crypto_material00", "VRayCryptomatte00", "ActorHitProxyMask00"),
    said="passed on, bit for bit, with its manifest",
)
COVERAGE: Final = LayerKind(
    "mattes and other shares",
    is_data=False,
    words=_set(
        "alpha matte mattes mask masks multimatte puzzlematte puzzle coverage opacity roto holdout ao occlusion "
        "fresnel facing roughness"
    ),
    ends=("matte", "mattes", "mask", "masks"),
    examples=("mask", "MultiMatteElement", "PuzzleMatte", "AO", "diffuse.A"),
    said="blurred; no light to be boosted or converted",
)
STATISTICS: Final = LayerKind(
    "figures of the renderer",
    is_data=True,
    words=_set("variance var mse cputime rendertime heatmap samplecount samplerate samples raycount stats"),
    ends=("cputime", "rendertime", "samplecount", "samplerate", "raycount", "invdensity", "noiselevel"),
    examples=("cputime", "Debug_Sample_Count", "diffuse_mse", "albedo_var", "Denoising_Normal"),
)
IDS: Final = LayerKind(
    "ids",
    is_data=True,
    words=frozenset({"id", "ids"}),
    ends=(
        *("objectid", "objid", "materialid", "matid", "mtlid", "renderid", "primid", "elementid", "instanceid"),
        *("indexob", "indexma", "objectindex", "materialindex", "passindex"),
    ),
    examples=("ObjectID", "VRayRenderID", "IndexOB", "primid", "all whole numbers"),
)
NORMALS: Final = LayerKind(
    "normals and tangents",
    is_data=True,
    words=_set("normal normals tangent tangents bitangent"),
    whole=_set("n nn ng nf ns nref nworld ncam ncamera neye nobj nobject hitn wn dpdu dpdv"),
    ends=("normal", "normals"),
    examples=("N", "Normal", "BumpNormals", "WorldNormal", "Nref"),
)
POSITIONS: Final = LayerKind(
    "positions",
    is_data=True,
    words=_set("position positions pos worldposition worldpositions worldpos wpos ppass"),
    whole=_set("p pw po pworld pref pcam pcamera pobj pobject prest hitp wp wpref posref rest xyz"),
    examples=("P", "Pref", "Position", "WorldPosition", "ppass"),
)
MOTION: Final = LayerKind(
    "motion vectors",
    is_data=True,
    words=_set(
        "motion velocity velocities vector vectors motionvector motionvectors mv mvec mvecs opticalflow displacement"
    ),
    whole=_set("forward backward speed flow dpdtime"),
    ends=("motionvector", "motionvectors", "velocity"),
    examples=("motion", "Vector", "velocity", "forward.u", "MotionVectors"),
)
TEXTURE: Final = LayerKind(
    "texture coordinates",
    is_data=True,
    words=_set("uv uvs uvw st stmap uvmap uvpass texcoord texcoords texturecoordinates barycentric"),
    examples=("UV", "uvw", "ST", "STMap"),
)
DEPTH: Final = LayerKind(
    "depth and what is like it",
    is_data=True,
    words=_set("depth zdepth depthmap depthpass zpass disparity mist defocus"),
    whole=_set("pz rsz depthz hitpz distance zbuffer zback zfront coc raylength disparityl disparityr"),
    ends=("depth",),
    examples=("Z", "depth", "VRayZDepth", "WorldDepth", "Mist", "volume_Z"),
)
VECTORS: Final = LayerKind(
    "other vectors and values",
    is_data=True,
    examples=("custom.X", "custom.U", "custom.W"),
)
LIGHT: Final = LayerKind(
    "light",
    is_data=False,
    examples=("diffuse", "specular", "DiffDir", "emission", "albedo", "all other names"),
    said="blurred as the colour is, and converted with it",
)

TABLE: Final = (CRYPTOMATTE, COVERAGE, STATISTICS, IDS, NORMALS, POSITIONS, MOTION, TEXTURE, DEPTH, VECTORS, LIGHT)
"""The kinds, in the order in which a name is held against them: the first that fits is taken."""

_FEATURES: Final = ("albedo", "normal", "depth", "position", "feature", "variance", "motion")
_EYES: Final = frozenset({"left", "right", "l", "r"})
_ALPHAS: Final = frozenset({"a", "alpha"})
_TURNED: Final = _set("denoise denoised denoising noice filtered raw pass aov world camera object shading")
"""Words that say how a value was made, and not what it is: N_world, P_object, Z_filtered."""

_BOUNCES: Final = _set(
    "diffuse specular reflection refraction transmission sss gi emission direct indirect coat sheen beauty light"
)
"""Words beside which a depth is that of the bounces of light."""

_COLOURS: Final = frozenset({"r", "g", "b", "red", "green", "blue"})
_AXES: Final = frozenset({"x", "z", "w", "u", "v", "s", "t"})
_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_NO_DATA: Final = re.compile(r"motion[\W_]*blur(red)?|depth[\W_]*of[\W_]*field", re.IGNORECASE)
_PREFIX: Final = re.compile(r"^(vray|rs|ai|octane|hit(?=proxy)|view|c(geometry|masking|shading))(?=.)")


def kind_of(channel: str, siblings: Iterable[str] = (), data_type: str = "") -> LayerKind:
    """What a channel holds.

    Args:
        channel: its full name, ``ViewLayer.Normal.X``; at the root, ``N`` or ``Z``.
        siblings: full names of the channels beside it: ``.Y`` beside an ``.X`` of its layer is no luminance.
        data_type: of the file; whole numbers are ids whatever their name.
    """
    layer, _, letter = channel.rpartition(".")
    letter = letter.lower()
    if data_type in {"uint", "uint32", "int", "int32"}:
        return CRYPTOMATTE if _named(layer or channel) is CRYPTOMATTE else IDS
    kind = _named(layer) if layer else LIGHT
    if kind is not LIGHT:
        return kind
    if letter in _ALPHAS:
        return COVERAGE
    if not layer or letter not in _COLOURS | {"y"} | _AXES:
        # The channel's own name says more than its layer's: fx.depth, fx.id, and all at the root.
        own = _named(channel.rpartition(".")[2])
        return own if own is not LIGHT else VECTORS if letter in _AXES else LIGHT
    if letter == "z":
        return DEPTH if not _has_axis(siblings, layer, "x") else VECTORS
    return VECTORS if letter in _AXES or (letter == "y" and _has_axis(siblings, layer, "x")) else LIGHT


def table() -> str:
    """``TABLE`` for the documentation, in Markdown."""
    lines = ["| a layer of | for example | in the result |", "|---|---|---|"]
    for kind in TABLE:
        examples = ", ".join(each if " " in each and "." not in each else f"`{each}`" for each in kind.examples)
        lines.append(f"| {kind.name} | {examples} | {kind.said} |")
    return "\n".join(lines) + "\n"


def _named(layer: str) -> LayerKind:
    """The kind that a layer's name says; ``LIGHT`` where it says none of the others."""
    parts = layer.split(".")
    while len(parts) > 1 and parts[-1].lower() in _EYES:
        parts.pop()
    # Karma writes ray:hitP.
    name = _NO_DATA.sub(" ", parts[-1].rpartition(":")[2]).replace("IDs", "Ids")
    words = [word.lower() for word in _WORDS.findall(name)]
    flat = "".join(words)
    if not words:
        return LIGHT
    short = _PREFIX.sub("", flat)
    bare = "".join(word for word in words if word not in _TURNED)
    for kind in TABLE:
        if kind is DEPTH and _BOUNCES & set(words):
            continue
        if kind.words & set(words) or {flat, short, bare} & kind.whole or short.endswith(kind.ends or ("\0",)):
            return kind
        if kind is STATISTICS and "denois" in flat and any(feature in flat for feature in _FEATURES):
            return kind
        if kind is DEPTH and [word for word in words if word not in _TURNED][-1:] == ["z"]:
            return kind
    return LIGHT


def _has_axis(siblings: Iterable[str], layer: str, axis: str) -> bool:
    return any(name.lower() == f"{layer}.{axis}".lower() for name in siblings)
