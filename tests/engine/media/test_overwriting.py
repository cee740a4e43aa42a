"""What a result would be written over, and what a path to one picture means beside a result that holds one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.media.overwriting import takes_one_picture
from engine.render import Inputs
from engine.shot import Output, Plate, shot_from_dict
from tests.engine.media.pictures import store

GREY = np.full((16, 24, 3), 0.5, np.float32)


@pytest.mark.parametrize(
    ("output", "frames", "one"),
    [
        ("out.png", None, True),
        ("out.exr", None, True),
        ("out.%04d.png", None, False),
        ("out.mov", None, False),
        ("out.png", "1002", False),
    ],
)
def test_a_result_without_a_frame_number_has_room_for_one_picture(output: str, frames: str | None, one: bool) -> None:
    assert takes_one_picture(Output(path=output), Plate(path="plate.1001.png", frames=frames)) is one


@pytest.mark.parametrize(("output", "count"), [("out.png", 1), ("out.%04d.png", 3)])
def test_a_picture_beside_others_is_one_picture_where_the_result_is_one(
    tmp_path: Path, output: str, count: int
) -> None:
    for frame in (1001, 1002, 1003):
        store(tmp_path / f"plate.{frame}.png", GREY, ("R", "G", "B"), "uint8")
        store(tmp_path / f"depth.{frame}.png", GREY[:, :, :1], ("Y",), "uint8")
    shot = shot_from_dict(
        {
            "plate": {"path": str(tmp_path / "plate.1002.png")},
            "depth": {"path": str(tmp_path / "depth.1002.png"), "convention": "near1"},
            "focus": {"keys": [{"frame": 1, "disparity": 0.5}]},
            "blur": {"keys": [{"frame": 1, "value": 0}]},
            "output": {"path": str(tmp_path / output)},
        },
        "test",
    )
    with Inputs(shot) as inputs:
        assert len(inputs.frames) == count
        files = inputs.files(inputs.frames.first)
        assert files[0].name == ("plate.1002.png" if count == 1 else "plate.1001.png")
