from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import KeysError, SchemaError, ShotError
from engine.shot import SCHEMA_VERSION, load_shot, shot_from_dict
from engine.shot.migrations import MIGRATIONS, migrate

FLAT: dict[str, Any] = {
    "schema_version": 0,
    "plate": "plate.%04d.exr",
    "depth": "depth.%04d.exr",
    "depth_kind": "distance",
    "near": 1.0,
    "far": 50.0,
    "frames": "1001-1024",
    "focus": [[1001, 0.62], [1024, 0.2]],
    "blur": [[1001, 24.0]],
    "out": "result.%04d.exr",
}

PRESENT: dict[str, Any] = {
    "schema_version": 1,
    "plate": {"path": "plate.%04d.exr", "frames": "1001-1024"},
    "depth": {"path": "depth.%04d.exr", "convention": "distance", "near": 1.0, "far": 50.0},
    "focus": {
        "keys": [
            {"frame": 1001, "disparity": 0.62, "interpolation": "linear"},
            {"frame": 1024, "disparity": 0.2, "interpolation": "linear"},
        ]
    },
    "blur": {"keys": [{"frame": 1001, "value": 24.0, "interpolation": "linear"}]},
    "output": {"path": "result.%04d.exr"},
}


def test_the_flat_form_becomes_a_shot() -> None:
    assert shot_from_dict(FLAT) == shot_from_dict(PRESENT)
    assert migrate(FLAT, SCHEMA_VERSION) == PRESENT


def test_an_old_file_is_brought_up_to_date_when_loaded(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(json.dumps(FLAT))
    (tmp_path / "new.json").write_text(json.dumps(PRESENT))
    assert load_shot(tmp_path / "old.json") == load_shot(tmp_path / "new.json")


def test_there_is_a_way_from_every_version_to_the_present_one() -> None:
    assert sorted(MIGRATIONS) == list(range(SCHEMA_VERSION))


def test_migrating_leaves_the_argument_alone() -> None:
    before = json.dumps(FLAT)
    migrate(FLAT, SCHEMA_VERSION)
    assert json.dumps(FLAT) == before


@pytest.mark.parametrize(
    ("changes", "cause", "named"),
    [
        ({"strength": 3}, ShotError, '"strength" is not a field of a shot document of version 0'),
        ({"focus": [[1, 2, 3]]}, ShotError, r"focus\[0\] is not a pair"),
        ({"blur": 24}, ShotError, r"blur\[0\] is not a pair"),
        ({"focus": [[5, 0.5], [1, 0.2]]}, KeysError, "frame 1 follows the key at frame 5"),
        ({"schema_version": -1}, SchemaError, "the oldest that is known is 0"),
    ],
)
def test_a_broken_old_document_is_named(changes: dict[str, Any], cause: type[ShotError], named: str) -> None:
    with pytest.raises(cause, match=named):
        shot_from_dict(FLAT | changes)
