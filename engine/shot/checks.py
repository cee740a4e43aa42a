"""What must hold between the fields of a shot document; each failure is one sentence that names the field."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isnan
from typing import TYPE_CHECKING, Final

from engine.errors import (
    DepthRangeError,
    KeysError,
    OpticsError,
    OutputExistsError,
    SchemaError,
    ShotError,
    require,
)
from engine.frames import FrameRange

if TYPE_CHECKING:
    from engine.shot.document import FocusKey, Key, Shot

__all__ = ["check_shot"]

METRIC: Final = ("distance", "inverse")
DISPARITY_MARGIN: Final = 0.5
"""How far a focal plane may lie nearer than the nearest or farther than the farthest thing, as disparity."""
LONGEST_NAME: Final = 31
"""Header names of more characters need EXR's long-name flag, which some readers refuse."""


def check_shot(shot: Shot) -> None:
    """Hold the fields of a shot against each other.

    Raises:
        SchemaError: a schema version other than this program's.
        KeysError: keys out of order or repeated, handles on the wrong side, a focal point out of range.
        OpticsError: K, lens or aperture that no lens has; a lens or a distance where depth holds no distances.
        DepthRangeError: near and far leave no range.
        OutputExistsError: the output's path is an input's path.
        ShotError: anything else.
    """
    _check_version(shot)
    _check_paths(shot)
    _check_focus(shot)
    _check_strength(shot)
    _check_depth(shot)
    _check_aperture(shot)
    _check_metadata(shot)


def _check_version(shot: Shot) -> None:
    from engine.shot.document import SCHEMA_VERSION

    require(
        shot.schema_version == SCHEMA_VERSION,
        SchemaError,
        f"schema_version is {shot.schema_version}, but this program's is {SCHEMA_VERSION}; load the document with "
        "load_shot, which migrates older ones",
    )


def _check_paths(shot: Shot) -> None:
    matte = None if shot.matte is None else shot.matte.path
    for name, path in (
        ("plate.path", shot.plate.path),
        ("depth.path", shot.depth.path),
        ("matte.path", matte),
        ("output.path", shot.output.path),
        ("aperture.image", shot.aperture.image),
    ):
        usable = path is None or (path.strip() != "" and "\0" not in path)
        require(usable, ShotError, f"{name} is empty or holds a null character; give a path")
    for name, path in (
        ("plate.path", shot.plate.path),
        ("depth.path", shot.depth.path),
        ("matte.path", matte),
    ):
        require(
            path != shot.output.path,
            OutputExistsError,
            f"output.path is the same as {name}, and the input would be lost; give the result another name",
        )
    if shot.plate.frames is not None:
        try:
            FrameRange.parse(shot.plate.frames)
        except ShotError as error:
            raise ShotError(f"plate.{error.message}") from error


def _check_focus(shot: Shot) -> None:
    _check_keys("focus.keys", shot.focus.keys)
    metric = shot.depth.convention in METRIC
    for at, key in enumerate(shot.focus.keys):
        where = f"focus.keys[{at}] (frame {key.frame:g})"
        given = [name for name in ("pixel", "disparity", "distance") if getattr(key, name) is not None]
        require(
            len(given) == 1,
            ShotError,
            f"{where} has {' and '.join(given) or 'no focal point'}; give exactly one of pixel, disparity and distance",
        )
        require(
            key.disparity is None or -DISPARITY_MARGIN <= key.disparity <= 1 + DISPARITY_MARGIN,
            KeysError,
            f"{where} has disparity {key.disparity}, far outside 0 (farthest) to 1 (nearest); if it is a distance, "
            "give it as distance",
        )
        require(
            key.distance is None or metric,
            OpticsError,
            f'{where} is a distance, but depth.convention "{shot.depth.convention}" holds no distances; '
            "give a pixel or a disparity",
        )
    require(
        shot.focus.space == "disparity" or metric,
        OpticsError,
        f'focus.space is "distance", but depth.convention "{shot.depth.convention}" holds no distances; '
        'set focus.space to "disparity"',
    )


def _check_strength(shot: Shot) -> None:
    require(shot.blur is None or shot.lens is None, ShotError, "both blur and lens are given; leave one of them out")
    require(
        shot.blur is not None or shot.lens is not None, ShotError, "neither blur nor lens is given; add one of them"
    )
    if shot.blur is not None:
        _check_keys("blur.keys", shot.blur.keys)
        for at, key in enumerate(shot.blur.keys):
            require(
                key.value >= 0,
                OpticsError,
                f"blur.keys[{at}] (frame {key.frame:g}): K is {key.value:g}, but it must be zero or more; correct it",
            )
    if shot.lens is not None:
        for name, value in (("focal_length", shot.lens.focal_length), ("f_number", shot.lens.f_number)):
            if isinstance(value, tuple):
                _check_lens_keys(f"lens.{name}", value)
        require(
            shot.depth.convention in METRIC,
            OpticsError,
            f'lens needs distances, but depth.convention "{shot.depth.convention}" holds none; give depth as '
            '"distance" or "inverse", or give blur in place of lens',
        )


def _check_lens_keys(name: str, keys: Sequence[Key]) -> None:
    _check_keys(name, keys)
    for at, key in enumerate(keys):
        require(
            key.value > 0,
            OpticsError,
            f"{name}[{at}] (frame {key.frame:g}) is {key.value:g}, but it must be above zero; correct it",
        )


def _check_keys(name: str, keys: Sequence[Key | FocusKey]) -> None:
    for before, after in pairwise(keys):
        require(
            before.frame < after.frame,
            KeysError,
            f"{name}: the key at frame {after.frame:g} follows the key at frame {before.frame:g}; "
            "put keys in rising order, one to a frame",
        )
    for at, key in enumerate(keys):
        left_wrong = key.left is not None and key.left.frames > 0
        right_wrong = key.right is not None and key.right.frames < 0
        if left_wrong or right_wrong:
            side, sign = ("left", "less") if left_wrong else ("right", "more")
            raise KeysError(
                f"{name}[{at}].{side}.frames (frame {key.frame:g}) points to the wrong side of the key; "
                f"make it zero or {sign}"
            )


def _check_depth(shot: Shot) -> None:
    depth = shot.depth
    _check_values(shot)
    if depth.near is None and depth.far is None:
        return
    require(
        depth.far is None or not isnan(depth.far),
        ShotError,
        "depth.far is not a number; give the depth channel's value at the farthest point, or leave it out",
    )
    if depth.near is None and depth.convention in METRIC:  # near is still to be found
        assert depth.far is not None
        usable = depth.far > 0 if depth.convention == "distance" else 0 <= depth.far < inf
        require(
            usable,
            DepthRangeError,
            f'depth.far is {depth.far:g}, and no "{depth.convention}" has that; '
            "give the depth channel's value at the farthest point, or leave it out",
        )
        return
    # Numba comes in with the depth package, so only documents that name limits wait for it.
    from engine.depth.conventions import DepthLimits

    DepthLimits.given(depth)


def _check_values(shot: Shot) -> None:
    """What depth values mean before their convention."""
    depth = shot.depth
    require(depth.scale != 0, ShotError, "depth.scale is 0, which leaves no depth; give 1, or another number")
    metric = depth.convention in METRIC
    require(
        depth.measured == "plane" or metric,
        OpticsError,
        f'depth.measured is "ray", but depth.convention "{depth.convention}" holds no distances; leave it out',
    )
    require(
        depth.measured == "plane" or depth.field_of_view is not None or shot.lens is not None,
        OpticsError,
        'depth.measured is "ray", for which the camera\'s field of view is needed; give depth.field_of_view '
        "(horizontal, in degrees), or a lens",
    )
    require(
        depth.colour_map is None or not metric,
        ShotError,
        f'depth.colour_map "{depth.colour_map}" gives values from 0 to 1, but depth.convention is '
        f'"{depth.convention}"; set it to near1, or to far1 if the colour at 1 is the farthest',
    )


def _check_aperture(shot: Shot) -> None:
    aperture = shot.aperture
    require(
        aperture.blades not in (1, 2),
        OpticsError,
        f"aperture.blades is {aperture.blades}, but blades need 3 to 16 to close an opening; use 0 for a disc",
    )
    require(
        aperture.image is None or aperture.blades == 0,
        OpticsError,
        f"aperture has both an image and {aperture.blades} blades; leave one of them out",
    )


def _check_metadata(shot: Shot) -> None:
    for name in shot.output.metadata:
        require(
            0 < len(name) <= LONGEST_NAME,
            ShotError,
            f'output.metadata: the name "{name[:40]}" has {len(name)} characters; use 1 to {LONGEST_NAME}',
        )
        require(
            not name.startswith("rackfocus/"),
            ShotError,
            f'output.metadata: "{name}" begins with "rackfocus/", which this program writes itself; use another name',
        )
