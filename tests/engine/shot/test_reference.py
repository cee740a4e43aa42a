from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

import engine.shot
from engine.reference import pages, write_pages
from engine.shot import Shot, field_description, shot_from_json, shot_reference, shot_schema
from engine.shot.reference import EXAMPLE, models_in

DOCS = Path(__file__).parents[3] / "docs"


def every_model(model: type[BaseModel] = Shot) -> list[type[BaseModel]]:
    below = [inner for field in model.model_fields.values() for inner in models_in(field.annotation)]
    return [model, *(found for inner in below for found in every_model(inner))]


@pytest.mark.parametrize("name", sorted(pages()))
def test_pages_made_from_the_source_are_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "run python -m engine.reference"


def test_pages_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    write_pages(tmp_path / "docs")
    assert {path.name for path in (tmp_path / "docs").iterdir()} == set(pages())


@pytest.mark.parametrize("model", sorted(set(every_model()), key=lambda model: model.__name__))
def test_every_field_says_what_it_is(model: type[BaseModel]) -> None:
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert field.description, f"{model.__name__}.{name}"
        assert field.description.endswith("."), f"{model.__name__}.{name}"


def test_every_field_is_in_the_reference_and_the_schema() -> None:
    reference, schema = shot_reference(), json.dumps(shot_schema(), ensure_ascii=False)
    for model in every_model():
        for name, field in model.model_fields.items():
            assert f"`{name}`" in reference
            assert json.dumps(field.description, ensure_ascii=False) in schema


def test_the_example_of_the_reference_is_a_shot() -> None:
    assert EXAMPLE in shot_reference()
    assert shot_from_json(EXAMPLE).focus.keys[0].interpolation == "settle"


def test_the_schema_refuses_unknown_fields_as_the_models_do() -> None:
    schema = shot_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["additionalProperties"] is False
    assert all(part["additionalProperties"] is False for part in schema["$defs"].values())
    assert set(schema["required"]) == {"plate", "focus", "output"}


def test_a_description_is_found_by_its_path() -> None:
    assert field_description("depth.near").startswith("The channel's value at the nearest point")
    assert field_description("focus.keys.pixel").startswith("Focus on what is seen at x, y")
    assert field_description("aperture") == "The shape of the lens's opening."
    with pytest.raises(KeyError):
        field_description("depth.nearest")


def test_the_public_names_are_all_there() -> None:
    assert all(hasattr(engine.shot, name) for name in engine.shot.__all__)
    assert {"Shot", "load_shot", "save_shot", "shot_from_dict", "shot_schema"} <= set(engine.shot.__all__)
