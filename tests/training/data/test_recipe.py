"""What a recipe takes, and how it refuses the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import DataSetError
from engine.shot.part import DocumentPart
from training.data.recipe import AssetFolder, DataRecipe, load_recipe, preset_recipe
from training.scenes.clip_scenes import ClipStyle

ROOT = Path(__file__).resolve().parents[3]


def test_full_is_the_paper_s_and_the_others_are_smaller() -> None:
    full, small, tiny = (preset_recipe(name) for name in ("full", "small", "tiny"))
    assert (full.width_height, full.frames, full.scenes.elements) == ((1024, 576), 25, 4)
    assert list(full.strengths) == [4, 8, 16, 32]
    assert list(full.sweep_strengths) == [12, 16, 20, 24, 28]
    assert full.width_height > small.width_height > tiny.width_height


@pytest.mark.parametrize("name", ["recipe.toml", "recipe.yaml"])
def test_a_file_goes_over_the_preset_and_flags_go_over_the_file(tmp_path: Path, name: str) -> None:
    texts = {
        "recipe.toml": 'seed = 3\nclips = 5\n[scenes]\nelements = 2\n[[assets]]\npath = "people"\nlicence = "mine"\n',
        "recipe.yaml": "seed: 3\nclips: 5\nscenes: {elements: 2}\nassets: [{path: people, licence: mine}]\n",
    }
    (tmp_path / name).write_text(texts[name])
    recipe = load_recipe(tmp_path / name, "tiny", clips=7, seed=None)
    assert (recipe.seed, recipe.clips, recipe.scenes.elements, recipe.frames) == (3, 7, 2, 9)
    assert recipe.assets[0].path == str(tmp_path / "people")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("frmes = 3", "frmes is not known; did you mean frames?"),
        ("[scenes]\nlight = true", "scenes.light is not known; did you mean lights?"),
        ("frames = 0", "frames is 0, but it should be greater than or equal to 1"),
        ('size = "1024"', "size is '1024', but it should have another form"),
        ('size = "8x8"', "size is 8x8, but both sides must be 16 to 16384 pixels"),
        ("breathing = [9, 4]", "breathing runs from the least K to the most, but 9.0 is the greater"),
        ('focusings = ["held", "held"]', "focusings names a kind twice"),
        ('focusings = ["near"]', "focusings.0 is 'near', but it should be 'held'"),
        ("strengths = [-1]", "strengths.0 is -1, but it should be greater than or equal to 0"),
        ("frames = ", "Invalid value"),
    ],
)
def test_what_a_recipe_cannot_mean_is_one_sentence_that_names_file_and_field(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(DataSetError) as refused:
        load_recipe(tmp_path / "recipe.toml")
    assert said in refused.value.message
    assert "recipe.toml: " in refused.value.message
    assert "\n" not in refused.value.message


def test_a_file_that_is_not_there_or_no_recipe_is_told(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "recipe.ini").write_text("")
    for name, said in (("list.json", "a table"), ("recipe.ini", "read from .toml"), ("none.toml", "cannot be read")):
        with pytest.raises(DataSetError, match=said):
            load_recipe(tmp_path / name)


def rows(kind: type[DocumentPart]) -> list[str]:
    """A table of fields for the documentation."""
    lines = ["| field | when not given | what it is |", "|---|---|---|"]
    for name, field in kind.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = json.dumps(default) if isinstance(default, str | int | float | tuple | None) else ""
        lines.append(f"| `{name}` | {'' if field.is_required() else shown} | {field.description} |")
    return lines


@pytest.mark.parametrize("kind", [DataRecipe, ClipStyle, AssetFolder])
def test_the_page_says_what_every_field_is(kind: type[DocumentPart]) -> None:
    assert "\n".join(rows(kind)) in (ROOT / "docs/data.md").read_text(encoding="utf-8")
