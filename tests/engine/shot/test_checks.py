from __future__ import annotations

from typing import Any

import pytest

from engine.errors import (
    DepthRangeError,
    KeysError,
    OpticsError,
    OutputExistsError,
    RackfocusError,
    SchemaError,
    ShotError,
)
from engine.shot import Shot, shot_from_dict
from tests.engine.shot.documents import plain


def key(frame: float, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"frame": frame, "disparity": 0.5} | fields


def focus(*keys: dict[str, Any], **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"keys": list(keys)} | fields


def blur(*values: float) -> dict[str, Any]:
    return {"keys": [{"frame": 1001 + at, "value": value} for at, value in enumerate(values)]}


LENS = {"focal_length": 50, "f_number": 2}


def test_a_plain_document_is_a_shot() -> None:
    shot = shot_from_dict(plain())
    assert shot.plate.frames == "1001-1024"
    assert shot.focus.keys[1].pixel == (812, 404)


@pytest.mark.parametrize(
    ("changes", "cause", "named"),
    [
        ({"lens": LENS}, ShotError, "both blur and lens are given"),
        ({"blur": None}, ShotError, "neither blur nor lens is given"),
        ({"focus": focus({"frame": 1001})}, ShotError, r"focus.keys\[0\] \(frame 1001\) has no focal point"),
        ({"focus": focus(key(1001, distance=3))}, ShotError, "has disparity and distance; give exactly one"),
        ({"focus": focus(key(5), key(3))}, KeysError, "focus.keys: the key at frame 3 follows the key at frame 5"),
        ({"focus": focus(key(5), key(5))}, KeysError, "the key at frame 5 follows the key at frame 5"),
        ({"focus": focus()}, KeysError, "focus.keys holds no key"),
        ({"focus": focus(key(1, disparity=12.5))}, KeysError, "has disparity 12.5, far outside"),
        ({"focus": focus(key(1, left={"frames": 2, "value": 0}))}, KeysError, r"focus.keys\[0\].left.frames"),
        ({"focus": focus(key(1, right={"frames": -2, "value": 0}))}, KeysError, r"focus.keys\[0\].right.frames"),
        ({"blur": blur(5, -1)}, OpticsError, r"blur.keys\[1\] \(frame 1002\): K is -1"),
        ({"blur": blur(float("nan"))}, OpticsError, r"blur.keys\[0\].value is nan"),
        ({"blur": blur(float("inf"))}, OpticsError, r"blur.keys\[0\].value is inf"),
        ({"blur": {"keys": [{"frame": 2, "value": 1}, {"frame": 1, "value": 1}]}}, KeysError, "frame 1 follows"),
        ({"blur": None, "lens": LENS | {"f_number": 0}}, ShotError, "lens.f_number is 0, but it should be greater"),
        ({"blur": None, "lens": LENS | {"focal_length": []}}, KeysError, "lens.focal_length holds no key"),
        (
            {"blur": None, "lens": LENS | {"focal_length": [{"frame": 1, "value": -5}]}},
            OpticsError,
            r"lens.focal_length\[0\] \(frame 1\) is -5",
        ),
        ({"blur": None, "lens": LENS, "depth": {"convention": "near1"}}, OpticsError, "lens needs distances"),
        (
            {"depth": {"convention": "near1"}, "focus": {"keys": [{"frame": 1, "distance": 4}]}},
            OpticsError,
            "is a distance, but depth.convention",
        ),
        ({"depth": {"convention": "far1"}, "focus": focus(key(1), space="distance")}, OpticsError, "focus.space"),
        ({"depth": {"near": 5, "far": 2}}, DepthRangeError, "depth.near 5 and depth.far 2 leave no range"),
        ({"depth": {"far": -2}}, DepthRangeError, "depth.far is -2"),
        ({"depth": {"convention": "inverse", "near": 0.1, "far": 0.5}}, DepthRangeError, "leave no range"),
        ({"depth": {"convention": "direct", "near": 4}}, DepthRangeError, "leave no range"),
        ({"depth": {"far": float("nan")}}, ShotError, "depth.far is nan"),
        ({"depth": {"near": float("inf")}}, ShotError, "depth.near is inf"),
        ({"aperture": {"blades": 1}}, OpticsError, "aperture.blades is 1"),
        ({"aperture": {"blades": 2}}, OpticsError, "aperture.blades is 2"),
        ({"aperture": {"blades": 5, "image": "heart.png"}}, OpticsError, "both an image and 5 blades"),
        ({"aperture": {"image": " "}}, ShotError, "aperture.image is empty"),
        ({"output": {"path": "plate.%04d.exr"}}, OutputExistsError, "output.path is the same as plate.path"),
        ({"output": {"path": "depth.%04d.exr"}}, OutputExistsError, "output.path is the same as depth.path"),
        ({"output": {"path": "o.exr", "metadata": {"x" * 32: "y"}}}, ShotError, "has 32 characters"),
        ({"output": {"path": "o.exr", "metadata": {"rackfocus/k": "y"}}}, ShotError, "which this program writes"),
        ({"plate": {"path": ""}}, ShotError, "plate.path is empty"),
        ({"plate": {"path": "a.exr", "frames": "5-1"}}, ShotError, "plate.frames: .* runs backwards"),
        ({"schema_version": 7}, SchemaError, "schema_version is 7"),
    ],
)
def test_what_no_shot_can_be_is_named(changes: dict[str, Any], cause: type[RackfocusError], named: str) -> None:
    with pytest.raises(RackfocusError, match=named) as caught:
        shot_from_dict(plain(**changes), where="sh010.json")
    assert type(caught.value) is cause
    assert caught.value.message.startswith("sh010.json: ")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "changes",
    [
        {"focus": focus(key(1, disparity=1.2), key(2, disparity=-0.2))},
        {"focus": focus({"frame": 1.5, "distance": 3.2}, space="distance")},
        {"blur": None, "lens": LENS},
        {"blur": None, "lens": LENS, "depth": {"convention": "inverse"}},
        {"depth": {"far": float("inf")}},
        {"depth": {"near": 2, "far": float("inf")}},
        {"depth": {"convention": "inverse", "far": 0.1}},
        {"depth": {"convention": "direct", "near": 1, "far": 0}},
        {"aperture": {"blades": 3}},
        {"aperture": {"image": "heart.png"}},
        {"blur": blur(0, 0)},
    ],
)
def test_what_a_shot_may_be_is_taken(changes: dict[str, Any]) -> None:
    assert shot_from_dict(plain(**changes))


def test_the_checks_hold_for_shots_made_in_python_too() -> None:
    shot = shot_from_dict(plain())
    with pytest.raises(KeysError):
        Shot(
            plate=shot.plate,
            focus=shot.focus.model_copy(update={"keys": shot.focus.keys[::-1]}),
            blur=shot.blur,
            output=shot.output,
        )
