from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import RackfocusError, SchemaError, ShotError
from engine.shot import Shot, shot_from_dict, shot_from_json, shot_to_dict
from tests.engine.shot.documents import plain, shots

# RACKFOCUS_FUZZ=5000 for a long run.
FUZZ = settings(
    max_examples=int(os.environ.get("RACKFOCUS_FUZZ", "60")), deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plat": 1}, 'plat is not known; did you mean "plate"?'),
        ({"plate": {"path": "a.exr", "lyer": "x"}}, 'plate.lyer is not known; did you mean "plate.layer"?'),
        (
            {"focus": {"keys": [{"frame": 1, "disparty": 0.5}]}},
            'focus.keys[0].disparty is not known; did you mean "focus.keys[0].disparity"?',
        ),
        (
            {"blur": {"keys": [{"frame": 1, "value": 1, "left": {"frame": 1, "value": 0}}]}},
            "blur.keys[0].left.frames is missing; add it (Offset from the key in frames: negative on the left, "
            "positive on the right)",
        ),
        ({"near": 2}, 'near is not known; did you mean "depth.near"?'),
        ({"quality": "draft"}, 'quality is not known; did you mean "renderer.quality"?'),
        (
            {"aperture": {"zzzzzz": 1}},
            "aperture.zzzzzz is not known; here a shot has blades, roundness",
        ),
        ({"output": {}}, "output.path is missing; add it (Image sequence pattern"),
        ({"output": None}, "output is missing; add it (What is written, and where)"),
        ({"focus": 3}, "focus is 3, but it should be an object (The focal point over time)"),
        ({"name": 5}, "name is 5, but it should be a text (Name of the shot, for people)"),
        ({"in_focus_range": "wide"}, 'in_focus_range is "wide", but it should be a number'),
        ({"aperture": {"blades": 17}}, "aperture.blades is 17, but it should be less than or equal to 16"),
        ({"aperture": {"blades": 3.5}}, "aperture.blades is 3.5, but it should be a whole number"),
        ({"depth": {"convention": "z"}}, "depth.convention is \"z\", but it should be 'distance', 'inverse', 'near1'"),
        (
            {"blur": None, "lens": {"f_number": 2, "focal_length": [{"frame": 1, "valu": 5}]}},
            "lens.focal_length[0].value is missing; add it (Value at the key)",
        ),
        ({"plate": {"path": "a.exr", "frame_rate": 10**400}}, "plate.frame_rate is a very large number"),
        (
            {"renderer": {"any_to_bokeh": {"size": "1024X576"}}},
            'renderer.any_to_bokeh.size is "1024X576", but it should have another form (Size whose area the network '
            "works at, like 1024x576",
        ),
        ({"focus": {"keys": [{"frame": float("-inf"), "disparity": 0}]}}, "focus.keys[0].frame is -inf; give a finite"),
    ],
)
def test_a_wrong_field_is_named_and_what_to_do_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ShotError) as caught:
        shot_from_dict(plain(**changes), where="")
    assert caught.value.message.startswith(said)


def test_what_is_no_object_is_refused() -> None:
    for data in ([], "shot", None, 4):
        with pytest.raises(ShotError, match="a shot is an object"):
            shot_from_dict(data)  # type: ignore[arg-type]


def test_the_place_comes_first() -> None:
    with pytest.raises(ShotError, match=r"^shot: sh010\.json: name is"):
        shot_from_dict(plain(name=3), where="sh010.json")


def test_long_and_unprintable_values_are_cut() -> None:
    with pytest.raises(ShotError) as caught:
        shot_from_dict(plain(depth={"convention": "x\n" * 500, "\x1b[31m" * 90: 1}))
    assert len(caught.value.message) < 400
    assert caught.value.message.isprintable()


def test_a_newer_or_strange_version_is_refused() -> None:
    for version in (2, 10**30, -1, "1", 1.0, True, None, [1]):
        with pytest.raises(SchemaError, match="schema_version is"):
            shot_from_dict({**plain(), "schema_version": version})


def test_a_document_without_a_version_is_in_the_present_one() -> None:
    assert shot_from_dict(plain(schema_version=None)) == shot_from_dict(plain())


@given(shots())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_plain_data_brings_the_shot_back(shot: Shot) -> None:
    assert shot_from_dict(shot_to_dict(shot)) == shot


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def survives(data: Any) -> None:  # noqa: ANN401
    said = "a shot"
    try:
        shot_from_dict(data)
    except RackfocusError as error:
        said = error.message
    assert said
    assert "\n" not in said


@given(json_values)
@FUZZ
def test_any_data_is_a_shot_or_an_error_of_ours(data: Any) -> None:  # noqa: ANN401
    survives(data)


@given(st.dictionaries(st.sampled_from(sorted(Shot.model_fields)), json_values))
@FUZZ
def test_any_data_in_known_fields_is_a_shot_or_an_error_of_ours(data: dict[str, Any]) -> None:
    survives(plain(**data))


@given(st.data(), shots())
@FUZZ
def test_a_valid_document_with_something_broken_is_a_shot_or_an_error_of_ours(data: st.DataObject, shot: Shot) -> None:
    document = shot_to_dict(shot)
    for _ in range(data.draw(st.integers(1, 3))):
        _break(document, data)
    survives(document)


def _break(document: dict[str, Any], data: st.DataObject) -> None:
    """Replace, remove or add something at a place drawn at random."""
    place: Any = document
    while True:
        if not place:
            return
        at = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inner = place[at]
        if isinstance(inner, dict | list) and data.draw(st.booleans()):
            place = inner
            continue
        if isinstance(inner, tuple):
            inner = place[at] = list(inner)
        break
    action = data.draw(st.sampled_from(["replace", "remove", "add", "scale"]))
    if action == "remove":
        del place[at]
    elif action == "add" and isinstance(place, dict):
        place[data.draw(st.text(max_size=10))] = data.draw(json_values)
    elif action == "scale" and isinstance(inner, int | float):
        place[at] = inner * data.draw(st.sampled_from([-1, 0, 1e300, 10**400 if isinstance(inner, int) else 1e9]))
    else:
        place[at] = data.draw(json_values)


@given(st.text(max_size=60) | st.binary(max_size=60))
@FUZZ
def test_any_text_is_a_shot_or_an_error_of_ours(text: str | bytes) -> None:
    with pytest.raises(RackfocusError):
        shot_from_json(text)
