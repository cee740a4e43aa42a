"""The whole path in ONNX Runtime: files in, the loop, exported graphs, EXR out; and no Torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from engine.errors import CorruptWeightsError, WeightsError
from engine.frames import Float32Array
from engine.render import check, render
from engine.renderers.any_to_bokeh.tone import Tone
from engine.runtime.onnx import providers
from engine.shot import shot_from_dict
from tests.engine.render.shots import FIRST, make_plates, outputs, read_exr
from tests.engine.runtime.onnx.toys import make_export

ROOT = Path(__file__).resolve().parents[4]

SMALL = (48, 32)

TORN = {"torch", "diffusers", "transformers", "safetensors", "onnx", "onnxscript", "onnx_ir", "ml_dtypes"}
"""What is not there on a machine that only renders."""

WITHOUT_TORCH = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {TORN!r}:
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
import rackfocus
try:
    rackfocus.main()
finally:
    assert not {TORN!r} & set(sys.modules), {TORN!r} & set(sys.modules)
"""

EXACT = 1e-4
"""Greatest difference of display values between the runtimes in fp32. Both add up in other orders: 2e-5 measured."""

NEARLY = 60.0
"""dB between fp16 graphs and Torch in fp32."""


def learned(folder: Path, weights: Path, **options: object) -> dict[str, Any]:
    """A document that renders what ``make_plates`` writes, in single precision."""
    from tests.engine.renderers.any_to_bokeh.shots import learned

    return learned(folder, weights, **options)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_export(tmp_path_factory.mktemp("exports") / "toy")


def run_without_torch(document: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_TORCH, "render", str(document), "--json", *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


def test_where_there_is_no_torch_an_export_renders_the_same_pixels(tmp_path: Path, export: Path) -> None:
    make_plates(tmp_path, 9, *SMALL)
    data = learned(tmp_path, export, runtime="onnx", device="cpu")
    render(shot_from_dict(data))
    here = outputs(tmp_path)
    for file in (tmp_path / "out").iterdir():
        file.unlink()
    document = tmp_path / "shot.json"
    document.write_text(json.dumps(data))
    made = run_without_torch(document)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout.splitlines()[-1])["written"] == 9
    assert outputs(tmp_path) == here
    assert len(here) == 9


@pytest.mark.parametrize(
    "options", [{}, {"blend": "frames"}, {"posterior": "sample", "overlap": 2, "decode_overlap": 2}]
)
def test_any_split_of_the_shot_gives_identical_pixels(tmp_path: Path, export: Path, options: dict[str, object]) -> None:
    make_plates(tmp_path, 19, *SMALL)
    shot = shot_from_dict(learned(tmp_path, export, **options))
    render(shot)
    whole = outputs(tmp_path)
    for file in (tmp_path / "out").iterdir():
        file.unlink()
    for part in (f"{FIRST + 9}-{FIRST + 18}", f"{FIRST},{FIRST + 5}", f"{FIRST}-{FIRST + 8}"):
        render(shot, part)
    assert outputs(tmp_path) == whole


def test_a_device_that_was_passed_over_is_a_warning_with_its_reason(
    tmp_path: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "offered", lambda: ("CUDAExecutionProvider", "CPUExecutionProvider"))
    make_plates(tmp_path, 3, *SMALL)
    (told,) = render(shot_from_dict(learned(tmp_path, export))).warnings
    assert told.kind == "network.fallback"
    assert "cuda is not used: ONNX Runtime went on without it" in told.message


def test_windows_that_overflow_are_redone_and_counted(tmp_path: Path) -> None:
    make_plates(tmp_path, 3, *SMALL)
    hot = make_export(tmp_path / "hot", "fp16", overflow=["decoder"])
    (told,) = render(shot_from_dict(learned(tmp_path, hot))).warnings
    assert told.kind == "network.redone"
    assert all(np.isfinite(read_exr(file)).all() for file in (tmp_path / "out").iterdir())


def test_a_check_finds_an_export_that_does_not_fit_the_shot_or_is_damaged(tmp_path: Path) -> None:
    make_plates(tmp_path, 2, *SMALL)
    export = make_export(tmp_path / "toy")
    assert check(shot_from_dict(learned(tmp_path, export))).problems == []
    (problem,) = check(shot_from_dict(learned(tmp_path, export, profile="paper"))).problems
    assert isinstance(problem, WeightsError)
    (export / "unet.onnx").write_bytes(b"no graph")
    (problem,) = check(shot_from_dict(learned(tmp_path, export))).problems
    assert isinstance(problem, CorruptWeightsError)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.engine.renderers.any_to_bokeh.shots import make_weights

    return make_weights(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="module", params=["released", "paper"])
def profile(request: pytest.FixtureRequest) -> Literal["released", "paper"]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def exports(
    profile: Literal["released", "paper"], weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Of the tiny preset, by precision; two minutes each."""
    exporting = pytest.importorskip("export.exporting")
    base = tmp_path_factory.mktemp(profile)
    masks, clip = ("off", "plain") if profile == "released" else ("threshold", "normalised")
    for precision in ("fp32", "fp16"):
        exporting.export_weights(
            weights, base / precision, precision=precision, masks=masks, clip_input=clip, parity=False
        )
    return {precision: base / precision for precision in ("fp32", "fp16")}


def display_values(folder: Path, data: dict[str, Any], frames: Sequence[int]) -> Float32Array:
    """What a render gives, brought to the networks' own range of 0 to 1."""
    render(shot_from_dict(data), overwrite=True)
    made = [read_exr(folder / "out" / f"out.{frame}.exr")[..., :3] for frame in frames]
    return Tone(0.0).encode(np.stack(made))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "length"),
    [((128, 64), 1), ((128, 64), 9), ((128, 64), 30), ((64, 128), 1), ((64, 128), 9), ((192, 128), 9)],
    ids=lambda value: "x".join(map(str, value)) if isinstance(value, tuple) else str(value),
)
def test_an_export_gives_torch_s_frames(
    tmp_path: Path,
    profile: str,
    weights: Path,
    exports: dict[str, Path],
    size: tuple[int, int],
    length: int,
) -> None:
    make_plates(tmp_path, length, *size)
    frames = range(FIRST, FIRST + length)
    told = {"profile": profile, "size": f"{size[0]}x{size[1]}", "exposure": 0.0, "detail": False, "device": "cpu"}
    truth = display_values(tmp_path, learned(tmp_path, weights, precision="fp32", **told), frames)
    single = display_values(tmp_path, learned(tmp_path, exports["fp32"], **told), frames)
    half = display_values(tmp_path, learned(tmp_path, exports["fp16"], **told), frames)
    assert truth.std() > 0.01
    assert np.abs(single - truth).max() < EXACT
    assert -10 * np.log10(np.mean((half.astype(np.float64) - truth) ** 2)) > NEARLY
