"""The settings digest: one fingerprint of everything that can change a frame's pixels.

It is written into each frame's header as ``rackfocus/digest``. A resumed render skips a frame whose file is whole and
carries the digest that the frame would get now. The digest is the SHA-256 of

* ``PIXELS``, which is raised whenever the same settings start to give other pixels;
* the shot's settings, without what only says where things are (its name, the paths) and without what is evaluated per
  frame (the keys, the lens), so that moving one key renders only the frames that it moves;
* the depth limits, what is done to the depth's edges;
* the colour configuration that ``$OCIO`` names, and the renderer's own identity (learned weights);
* for this frame, and for the neighbours that the renderer looks at: d_f, K, and the identity of the plate's, the
  depth's and the matte's file (name without its folder, size, time of change in nanoseconds), so that a shot may be
  moved or mapped to another drive.

Files are told apart by size and time, never read: a resumed render of a long shot has to start at once. A file that is
replaced by one of the same name, size and time is not noticed; ``--overwrite`` renders anyway.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from engine.depth import DepthLimits, EdgePlan
from engine.shot import Shot

__all__ = ["DIGEST", "PIXELS", "FrameFacts", "file_identity", "frame_digest", "settings_of"]

DIGEST: Final = "rackfocus/digest"
"""The header entry."""

PIXELS: Final = 3
"""Version of the pixels: raise it when a change of the program changes what the same settings render."""

EVALUATED: Final = {
    "name": True,
    "schema_version": True,
    "focus": True,
    "blur": True,
    "lens": True,
    "plate": {"path", "frames", "on_missing"},
    "depth": {"path", "near", "far", "frame_offset", "edges", "edge_strength"},
    "matte": {"path", "frame_offset"},
    "output": {"path", "sound"},
    "renderer": {"any_to_bokeh": {"weights", "image_encoder", "runtime", "device", "precision", "compile"}},
}
"""What the settings leave out, because it is no pixel, or because the frame's own facts say it better."""

ADDED: Final[tuple[tuple[str, str, object], ...]] = (
    ("plate", "fields", None),
    ("plate", "light_layers", []),
    ("plate", "data_layers", []),
    ("depth", "scale", 1.0),
    ("depth", "measured", "plane"),
    ("depth", "field_of_view", None),
    ("depth", "nothing", None),
    ("depth", "nothing_is", "auto"),
    ("depth", "colour_map", None),
)
"""Part, field and default of what the document learned later: at its default it is left out, so that frames which were
rendered before stay up to date."""


@dataclass(frozen=True)
class FrameFacts:
    """What is particular to one frame.

    Attributes:
        frame: its number.
        focus: d_f.
        strength: K.
        files: identities of its plate, depth and matte files.
    """

    frame: int
    focus: float
    strength: float
    files: tuple[str, ...]


def settings_of(shot: Shot, limits: DepthLimits, identity: str = "", plan: EdgePlan | None = None) -> str:
    """The part of the digest that all frames share, as canonical JSON.

    Args:
        shot: its settings.
        limits: of its depth.
        identity: the renderer's.
        plan: what is done to the depth's edges; that it was measured or asked for makes no difference.
    """
    settings: dict[str, Any] = shot.model_dump(mode="json", exclude=EVALUATED)  # type: ignore[arg-type]
    if shot.aperture.image is not None:
        settings["aperture"]["image"] = file_identity(shot.aperture.image)
    settings["ocio"] = _colour_configuration()
    settings["depth"]["in_plate"] = shot.depth.path is None
    for part, name, default in ADDED:
        if settings[part].get(name) == default:
            settings[part].pop(name, None)
    if shot.lens is not None and shot.depth.measured == "ray" and shot.depth.field_of_view is None:
        lens = shot.model_dump(mode="json")["lens"]
        settings["depth"]["lens"] = [lens["sensor_width"], lens["focal_length"]]
    if shot.matte is None:
        del settings["matte"]
    if plan is not None:
        settings["depth"]["plan"] = asdict(plan)
    if shot.renderer.name == "optical":
        del settings["renderer"]["any_to_bokeh"]
    elif shot.renderer.any_to_bokeh.posterior == "mode":
        del settings["renderer"]["any_to_bokeh"]["seed"]
    if identity:
        settings["renderer"]["identity"] = identity
    return _canonical(
        {"pixels": PIXELS, "limits": [float(limits.near).hex(), float(limits.far).hex()], "shot": settings}
    )


def frame_digest(settings: str, facts: Sequence[FrameFacts]) -> str:
    """The digest of one frame.

    Args:
        settings: from ``settings_of``.
        facts: of the frame and of every neighbour that its renderer looks at, in order.
    """
    frames = [[f.frame, f.focus.hex(), f.strength.hex(), list(f.files)] for f in facts]
    return hashlib.sha256(f"{settings}\n{_canonical(frames)}".encode()).hexdigest()


def file_identity(path: str | Path | None) -> str:
    """Name, size and time of change of a file; a word for one that does not exist."""
    if path is None:
        return "none"
    place = Path(path)
    try:
        facts = place.stat()
    except OSError:
        return "none"
    return f"{place.name}:{facts.st_size}:{facts.st_mtime_ns}"


def _colour_configuration() -> str:
    """What the operator's ``$OCIO`` says: the identity of a file, or the name of a built-in configuration."""
    said = os.environ.get("OCIO", "").strip()
    return file_identity(said) if said and Path(said).is_file() else said


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
