from __future__ import annotations

import json
import math
import os
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from engine.errors import OutputWriteError, SchemaError, ShotError
from engine.shot import Shot, load_shot, save_shot, shot_from_dict, shot_from_json, shot_to_json
from engine.shot.reference import shot_schema
from engine.shot.storage import below_folder
from tests.engine.shot.documents import PLAIN, plain, shots


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "sh010.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@given(shots())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_saved_shot_loads_as_it_was(tmp_path_factory: pytest.TempPathFactory, shot: Shot) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip.json"
    save_shot(shot, path)
    assert load_shot(path) == shot
    first = path.read_bytes()
    save_shot(load_shot(path), path)
    assert path.read_bytes() == first


def test_paths_of_a_document_are_relative_to_its_folder(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(plain(aperture={"image": "../lib/heart.png"})))
    shot = load_shot(path)
    assert shot.plate.path == str(tmp_path / "plate.%04d.exr")
    assert shot.depth.path == str(tmp_path / "depth.%04d.exr")
    assert shot.output.path == str(tmp_path / "out/result.%04d.exr")
    assert shot.aperture.image == str(tmp_path / "../lib/heart.png")


def test_the_weights_of_a_learned_renderer_lie_relative_to_the_document_too(tmp_path: Path) -> None:
    options = {"weights": "../weights", "image_encoder": "/lib/svd"}
    shot = load_shot(written(tmp_path, json.dumps(plain(renderer={"any_to_bokeh": options}))))
    assert shot.renderer.any_to_bokeh.weights == str(tmp_path / "../weights")
    assert shot.renderer.any_to_bokeh.image_encoder == "/lib/svd"


def test_weights_at_home_are_at_home_for_a_saved_document_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / "sh010.json"
    save_shot(shot_from_dict(plain(renderer={"any_to_bokeh": {"weights": "~/weights"}})), path)
    assert load_shot(path).renderer.any_to_bokeh.weights == str(tmp_path / "home/weights")
    written(tmp_path, json.dumps(plain(renderer={"any_to_bokeh": {"weights": "~/weights"}})))
    assert load_shot(path).renderer.any_to_bokeh.weights == str(tmp_path / "home/weights")


def test_absolute_paths_stay_those_of_windows_too(tmp_path: Path) -> None:
    document = plain(plate={"path": "/show/plate.####.exr"}, output={"path": r"P:\show\out.$F4.exr"})
    shot = load_shot(written(tmp_path, json.dumps(document)))
    assert (shot.plate.path, shot.output.path) == ("/show/plate.####.exr", r"P:\show\out.$F4.exr")


def test_a_folder_with_its_shot_can_be_moved(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    path = written(tmp_path / "a", json.dumps(PLAIN))
    save_shot(load_shot(path), path)
    assert json.loads(path.read_text())["plate"]["path"] == "plate.%04d.exr"
    (tmp_path / "a").rename(tmp_path / "b")
    assert load_shot(tmp_path / "b" / "sh010.json").plate.path == str(tmp_path / "b" / "plate.%04d.exr")


def test_a_shot_made_here_means_files_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "documents").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    save_shot(shot_from_dict(PLAIN), tmp_path / "documents" / "sh010.json")
    monkeypatch.chdir(tmp_path)
    assert load_shot("documents/sh010.json").plate.path == str(tmp_path / "work" / "plate.%04d.exr")


def test_a_saved_document_is_short_ordered_and_readable(tmp_path: Path) -> None:
    path = tmp_path / "sh010.json"
    save_shot(load_shot(written(tmp_path, json.dumps(plain(name="Überblendung")))), path)
    text = path.read_text(encoding="utf-8")
    assert list(json.loads(text)) == ["schema_version", "name", "plate", "depth", "focus", "blur", "output"]
    assert '"name": "Überblendung"' in text
    assert "interpolation" not in text
    assert text.endswith("}\n")
    assert text.count("\n") > 20


def test_an_infinite_far_limit_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(plain(depth={"near": 1, "far": float("inf")})))
    assert load_shot(path).depth.far == float("inf")
    save_shot(load_shot(path), path)
    assert load_shot(path).depth.far == float("inf")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name": "x",\n  "plate": }', "line 2, column 12: expecting value"),
        ("", "line 1, column 1: expecting value"),
        ('{"name": "x"', "line 1, column 13: expecting ',' delimiter"),
        ('{"name": "x", "name": "y"}', '"name" is given twice'),
        (b'{"name": "\xff"}', "byte 10 is not UTF-8"),
        ("[" * 100000, "nested too deeply"),
        ('{"name":' * 100000, "nested too deeply"),
        ('{"in_focus_range": ' + "9" * 5000 + "}", "a number too large"),
        (json.dumps(plain(in_focus_range=float("nan"))), "in_focus_range is nan; give a finite number"),
        (json.dumps(plain(depth={"far": float("-inf")})), "depth.far is -inf; give a finite number"),
        (json.dumps(plain()).replace("0.62", "1e999"), r"focus.keys[0].disparity is inf; give a finite number"),
    ],
)
def test_what_is_no_document_is_placed(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ShotError) as caught:
        load_shot(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert said in caught.value.message
    assert "\n" not in caught.value.message


def test_deep_nesting_inside_a_field_is_refused() -> None:
    document: Any = 1
    for _ in range(50000):
        document = [document]
    with pytest.raises(ShotError, match="nested too deeply"):
        shot_from_dict(plain(name=document))


def test_a_byte_order_mark_is_no_reason_to_refuse() -> None:
    text = json.dumps(PLAIN).encode("utf-8-sig")
    assert shot_from_json(text) == shot_from_dict(PLAIN)


def test_the_text_of_a_shot_reads_back() -> None:
    shot = shot_from_dict(PLAIN)
    assert shot_from_json(shot_to_json(shot)) == shot


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(ShotError, match=r"missing\.json: there is no such file"):
        load_shot(tmp_path / "missing.json")
    with pytest.raises(ShotError, match="cannot be read"):
        load_shot(tmp_path)
    with pytest.raises(ShotError, match="cannot be read"):
        load_shot("null\0character.json")


def test_a_picture_given_by_mistake_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "plate.exr"
    with path.open("wb") as file:
        file.truncate(80 << 20)
    with pytest.raises(ShotError, match="too large for a shot document"):
        load_shot(path)


def test_a_document_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, json.dumps(PLAIN))
    kept = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputWriteError, match="No space left on device"):
        save_shot(shot_from_dict(PLAIN), path)
    assert path.read_bytes() == kept
    assert [entry.name for entry in tmp_path.iterdir()] == ["sh010.json"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputWriteError, match="cannot be written"):
        save_shot(shot_from_dict(PLAIN), tmp_path / "nowhere" / "sh010.json")
    with pytest.raises(OutputWriteError, match="cannot be written"):
        save_shot(shot_from_dict(PLAIN), "null\0character.json")


def test_a_newer_document_names_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(plain(schema_version=2)))
    with pytest.raises(SchemaError, match=r"sh010\.json: schema_version is 2, but this program reads versions up to 1"):
        load_shot(path)


ON_WINDOWS = [
    r"plates\a.%04d.exr",
    r"a\b\c.####.exr",
    r"..\lib\a.$F4.exr",
    r".\a.exr",
    r"clips\take 2.mov",
    r"a/b\c.%d.png",
]


@pytest.mark.skipif(os.sep != "/", reason="backslashes are separators there anyway")
@pytest.mark.parametrize("path", ON_WINDOWS)
def test_a_document_of_windows_is_read_with_its_folders(tmp_path: Path, path: str) -> None:
    document = plain(plate={"path": path}, output={"path": f"out\\{path}"})
    shot = load_shot(written(tmp_path, json.dumps(document)))
    assert shot.plate.path == str(tmp_path / path.replace("\\", "/"))
    assert shot.output.path == str(tmp_path / "out" / path.replace("\\", "/"))


@pytest.mark.skipif(os.sep != "/", reason="no name of a file has a backslash there")
@pytest.mark.parametrize(
    ("there", "path"),
    [
        pytest.param(r"a\b.exr", r"a\b.exr", id="a still"),
        pytest.param(r"a\b.0001.exr", r"a\b.%04d.exr", id="a sequence"),
        pytest.param(r"a\b.0001.exr", r"a\b.####.exr", id="a sequence with hashes"),
        pytest.param(r"we\ird/b.0001.exr", r"we\ird/b.$F4.exr", id="a folder"),
        pytest.param(r"we\ird/x\y.mov", r"we\ird/x\y.mov", id="a folder and a file"),
    ],
)
def test_a_name_with_a_backslash_is_read_as_it_is_where_it_lies(tmp_path: Path, there: str, path: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).touch()
    assert load_shot(written(tmp_path, json.dumps(plain(plate={"path": path})))).plate.path == str(tmp_path / path)


@pytest.mark.skipif(os.sep != "/", reason="no name of a file has a backslash there")
@pytest.mark.parametrize("path", [r"a\b.%04d.exr", r"out\o.exr", r"we\ird/b.exr"])
def test_a_saved_name_with_a_backslash_stays_what_it_was(tmp_path: Path, path: str) -> None:
    shot = shot_from_dict(plain(output={"path": str(tmp_path / path)}))
    save_shot(shot, tmp_path / "sh010.json")
    assert load_shot(tmp_path / "sh010.json").output.path == shot.output.path


@pytest.mark.parametrize(
    ("folder", "path", "expected"),
    [
        (r"C:\show", r"C:\show\plates\a.%04d.exr", "plates/a.%04d.exr"),
        (r"C:\show", r"c:\SHOW\plates\a.%04d.exr", "plates/a.%04d.exr"),
        (r"C:\show", "C:/show/plates/a.%04d.exr", "plates/a.%04d.exr"),
        (r"\\srv\share\show", r"\\srv\share\show\a.mov", "a.mov"),
        (r"C:\show", r"D:\show\a.mov", ""),
        (r"C:\show", r"C:\shows\a.mov", ""),
        (r"C:\show", r"C:\show", ""),
    ],
)
def test_what_lies_below_a_folder_of_windows_is_said_with_slashes(folder: str, path: str, expected: str) -> None:
    assert below_folder(PureWindowsPath(path), PureWindowsPath(folder)) == expected


@pytest.mark.parametrize("far", ['"infinity"', "Infinity", '"Infinity"', "1e999", '"inf"'])
def test_infinity_is_read_as_a_text_and_as_python_writes_it_and_saved_as_a_text(tmp_path: Path, far: str) -> None:
    text = json.dumps(plain(depth={"path": "d.%04d.exr", "near": 1.0, "far": 0.5})).replace("0.5}", f"{far}}}")
    shot = load_shot(written(tmp_path, text))
    assert shot.depth.far == math.inf
    save_shot(shot, tmp_path / "saved.json")
    saved = (tmp_path / "saved.json").read_text(encoding="utf-8")
    assert json.loads(saved, parse_constant=pytest.fail)["depth"]["far"] == "infinity"
    assert load_shot(tmp_path / "saved.json") == shot


def test_the_schema_knows_infinity() -> None:
    far = shot_schema()["$defs"]["Depth"]["properties"]["far"]
    assert '{"const": "infinity"}' in json.dumps(far)
