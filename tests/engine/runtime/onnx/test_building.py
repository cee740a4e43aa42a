"""Building engines and choosing them, with a stand-in for the runtime: what it is told, and what is said of it."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import (
    CancelledError,
    CorruptWeightsError,
    DependencyError,
    DeviceError,
    MemoryShortError,
    MissingWeightsError,
    WeightsError,
)
from engine.runtime.onnx import compatibility
from engine.runtime.onnx.building import Building, build_engines
from engine.runtime.onnx.compatibility import Machine, read_machine, require_tensorrt
from engine.runtime.onnx.engine_cache import EngineCache
from engine.runtime.onnx.engine_entry import Entry
from engine.runtime.onnx.manifest import Manifest
from engine.runtime.onnx.tensorrt_options import TensorRTOptions, input_shapes, provider_options
from tests.engine.runtime.onnx.engines import MACHINE, Runtime, write_export


@pytest.fixture
def export(tmp_path: Path) -> Path:
    write_export(tmp_path / "export")
    return tmp_path / "export"


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return write_export(tmp_path / "export")


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


Build = Callable[..., tuple[Entry, ...]]


@pytest.fixture
def build(export: Path, cache: EngineCache) -> Build:
    def run(runtime: Runtime, **more: object) -> tuple[Entry, ...]:
        return build_engines(export, **{"cache": cache, "machine": MACHINE, "runtime": runtime, **more})  # type: ignore[arg-type]

    return run


def test_every_graph_gets_an_engine_at_every_size_and_once(build: Build) -> None:
    runtime, steps = Runtime(), list[Building]()
    entries = build(runtime, progress=steps.append)
    assert len(entries) == len({entry.key for entry in entries}) == 8
    assert [(step.graph, step.named) for step in steps if step.state == "built"] == [
        (graph, named) for named in ("model", "portrait") for graph in ("encoder", "image_encoder", "decoder", "unet")
    ]
    assert [step.done for step in steps if step.state == "built"] == list(range(1, 9))
    assert all(step.bytes and step.total == 8 for step in steps if step.state == "built")
    again = list[Building]()
    assert build(Runtime(fails=AssertionError("built again")), progress=again.append) == entries
    assert {step.state for step in again} == {"started", "ready"}


def test_sizes_are_chosen_by_name(build: Build) -> None:
    entries = build(Runtime(), sizes=["portrait"])
    assert {entry.key.size for entry in entries} == {(128, 256)}
    with pytest.raises(WeightsError, match=r'no size "tall"; it has model .256x128., portrait .128x256.'):
        build(Runtime(), sizes=["tall"])


def test_the_provider_is_told_the_shapes_the_place_and_to_keep_the_graph_s_precision(build: Build) -> None:
    runtime = Runtime()
    build(runtime, sizes=["model"], memory=2**30, device=1)
    told = dict(runtime.opened)["unet"]
    shapes = "latents:1x8x8x16x32,context:1x8x32,strength_embedding:1x8x32,time_ids:1x3,regions:1x8x128x256"
    assert told["trt_profile_min_shapes"] == told["trt_profile_opt_shapes"] == told["trt_profile_max_shapes"] == shapes
    assert told["device_id"] == "1"
    assert told["trt_max_workspace_size"] == str(2**30)
    assert told["trt_engine_cache_enable"] == told["trt_timing_cache_enable"] == "1"
    assert told["trt_engine_cache_path"] == told["trt_timing_cache_path"]
    assert told["trt_engine_cache_prefix"] == "unet"
    assert told["trt_fp16_enable"] == told["trt_bf16_enable"] == told["trt_int8_enable"] == "0"


DOCUMENTED = {
    "device_id",
    "trt_max_workspace_size",
    "trt_engine_cache_enable",
    "trt_engine_cache_path",
    "trt_engine_cache_prefix",
    "trt_timing_cache_enable",
    "trt_timing_cache_path",
    "trt_builder_optimization_level",
    "trt_profile_min_shapes",
    "trt_profile_opt_shapes",
    "trt_profile_max_shapes",
    "trt_fp16_enable",
    "trt_bf16_enable",
    "trt_int8_enable",
}
"""Names in ONNX Runtime's documentation and in bindings for 1.31; an unknown one makes a session fail."""


def test_only_documented_options_are_used() -> None:
    options = TensorRTOptions(0, Path("x"), "unet", {"latents": (1, 2)}, memory=1, timings=True)
    assert set(options.to_provider()) == DOCUMENTED


@pytest.mark.parametrize(("half", "element"), [("float16", np.float16), ("bfloat16", np.uint16), ("float", np.float32)])
def test_graphs_are_run_on_zeros_of_their_own_types(build: Build, half: str, element: type) -> None:
    runtime = Runtime(half=f"tensor({half})")
    build(runtime, sizes=["model"])
    decoder = next(fed for fed in runtime.fed if "skip_3" in fed)
    assert decoder["latents"].array.shape == (1, 8, 4, 16, 32)
    assert decoder["latents"].array.dtype == np.float32
    assert decoder["skip_0"].array.shape == (8, 32, 128, 256)
    assert decoder["skip_3"].array.shape == (8, 64, 16, 32)
    assert decoder["skip_3"].array.dtype == element
    assert decoder["skip_3"].onnx_type == (16 if half == "bfloat16" else None)
    unet = next(fed for fed in runtime.fed if "regions" in fed)
    assert unet["regions"].array.dtype == np.int32
    assert next(fed for fed in runtime.fed if set(fed) == {"pictures"})["pictures"].array.shape == (2, 3, 128, 256)


def test_masks_that_are_off_need_no_depth_planes(manifest: Manifest) -> None:
    off = manifest.model_copy(update={"mpi_masks": "off"})
    assert "regions" not in input_shapes(off, "unet", (256, 128), 8)
    assert "regions" in input_shapes(manifest, "unet", (256, 128), 8)


@pytest.mark.parametrize(("size", "frames"), [((250, 128), 8), ((0, 64), 8), ((64, 64), 0)])
def test_sizes_that_no_graph_takes_are_refused(manifest: Manifest, size: tuple[int, int], frames: int) -> None:
    with pytest.raises(WeightsError, match="multiples of 64"):
        input_shapes(manifest, "unet", size, frames)


def test_a_session_gets_the_engine_that_was_built(build: Build, cache: EngineCache, manifest: Manifest) -> None:
    entries = build(Runtime())
    choice = provider_options(manifest, "unet", (128, 256), machine=MACHINE, cache=cache)
    assert choice.reason is None
    assert choice.options
    (entry,) = [entry for entry in entries if (entry.key.graph, entry.key.size) == ("unet", (128, 256))]
    assert choice.options["trt_engine_cache_path"] == str(entry.folder)
    # The provider writes timings whenever it may, and what has changed is refused at the next start.
    assert choice.options["trt_timing_cache_enable"] == "0"
    assert "1x8x8x32x16" in choice.options["trt_profile_opt_shapes"]
    assert "trt_max_workspace_size" not in choice.options


def test_an_engine_that_was_built_under_a_cap_is_used(build: Build, cache: EngineCache, manifest: Manifest) -> None:
    build(Runtime(), memory=2**33)
    choice = provider_options(manifest, "unet", (128, 256), machine=MACHINE, cache=cache)
    assert choice.options
    assert choice.options["trt_max_workspace_size"] == str(2**33)


def test_what_was_not_built_runs_on_cuda_with_a_reason(build: Build, cache: EngineCache, manifest: Manifest) -> None:
    build(Runtime(), sizes=["model"])

    def why(size: tuple[int, int], frames: int | None = None, machine: Machine = MACHINE) -> str:
        choice = provider_options(manifest, "unet", size, frames, machine=machine, cache=cache)
        assert choice.options is None
        assert choice.reason
        assert "CUDA is used until then" in choice.reason
        return choice.reason

    assert why((512, 512)).startswith("there is no engine of unet at 512x512, 8 frames, fp16 yet")
    assert why((256, 128), 3).startswith("there is no engine of unet at 256x128, 3 frames, fp16 yet")
    moved = replace(MACHINE, driver="590.1")
    assert "built for driver 580.12, and now there is driver 590.1" in why((256, 128), machine=moved)
    for entry in cache.entries():
        for engine in entry.folder.glob("*.engine"):
            engine.write_bytes(b"of somebody else")
    assert "has changed since it was built" in why((256, 128))


def test_a_wish_to_stop_is_heeded_between_engines_and_what_is_built_stays(build: Build, cache: EngineCache) -> None:
    runtime = Runtime()
    with pytest.raises(CancelledError, match="3 of 8 engines are built and kept"):
        build(runtime, cancelled=lambda: runtime.built == 3)
    assert len(cache.entries()) == 3


@pytest.mark.parametrize(
    ("runtime", "cause", "words"),
    [
        (Runtime(uses=("CUDAExecutionProvider",)), DeviceError, "with CUDAExecutionProvider and not with TensorRT"),
        (Runtime(pieces=0), DeviceError, "made no engine of encoder.onnx"),
        (Runtime(fails=RuntimeError("no kernel for\nthis.")), DeviceError, "it said: no kernel for this$"),
        (Runtime(fails=MemoryError("std::bad_alloc")), MemoryShortError, "--memory 8GiB"),
        (Runtime(fails=RuntimeError("CUDA error: out of memory")), MemoryShortError, "ran out of memory on encoder"),
    ],
)  # fmt: skip
def test_what_the_runtime_refuses_is_told_and_nothing_is_kept(
    build: Build, cache: EngineCache, runtime: Runtime, cause: type[Exception], words: str
) -> None:
    with pytest.raises(cause, match=words):
        build(runtime)
    assert cache.entries() == ()
    assert not list((cache.folder / "building").iterdir())


def notes(build: Build, runtime: Runtime) -> list[str]:
    steps: list[Building] = []
    build(runtime, sizes=["model"], progress=steps.append)
    return [step.text for step in steps if step.state == "note" and "yet" not in step.text]


def test_a_runtime_that_does_not_take_what_it_kept_is_told_of(build: Build) -> None:
    assert any("will at every start" in text for text in notes(build, Runtime(forgets=True)))


def test_a_graph_in_pieces_is_told_of(build: Build) -> None:
    assert "TensorRT takes unet.onnx in 3 pieces; what lies between them runs on CUDA" in notes(
        build, Runtime(pieces=3)
    )


def test_a_runtime_that_does_all_right_needs_no_notes(build: Build) -> None:
    assert notes(build, Runtime()) == []


def test_a_damaged_graph_is_never_built(build: Build, export: Path) -> None:
    (export / "encoder.onnx").write_bytes(b"other")
    with pytest.raises(CorruptWeightsError, match="not what the manifest says; export again"):
        build(Runtime())


def test_a_folder_that_is_no_export_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingWeightsError, match="rackfocus export"):
        build_engines(tmp_path, machine=MACHINE, runtime=Runtime())


def test_a_runtime_without_the_provider_or_the_library_is_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DependencyError, match=r"without its TensorRT provider .it has CPUExecutionProvider.; remove"):
        require_tensorrt(Runtime(providers=("CPUExecutionProvider",)))
    monkeypatch.setattr(compatibility, "_tensorrt_version", lambda: None)
    with pytest.raises(DependencyError, match=r"needs .*nvinfer.* install TensorRT 10"):
        require_tensorrt(Runtime())
    monkeypatch.setattr(compatibility, "_tensorrt_version", lambda: "11.4.0")
    with pytest.raises(
        DependencyError, match=r"TensorRT 11\.4\.0 is installed, but onnxruntime 1\.31\.1 needs TensorRT 10"
    ):
        require_tensorrt(Runtime())
    monkeypatch.setattr(compatibility, "_tensorrt_version", lambda: "10.16.1")
    assert require_tensorrt(Runtime()) == "10.16.1"
    assert capfd.readouterr().out == ""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a program called nvidia-smi in the way, and a runtime with TensorRT."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(compatibility, "load_runtime", Runtime)
    monkeypatch.setattr(compatibility, "_tensorrt_version", lambda: "10.16.1")

    def install(script: str) -> None:
        place = tmp_path / "nvidia-smi"
        place.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        place.chmod(place.stat().st_mode | stat.S_IXUSR)

    return install


def test_the_card_is_asked_of_its_driver(driver: Callable[[str], None]) -> None:
    driver('test "$4" = 0 && echo "NVIDIA H200, 9.0, 580.12"')
    assert read_machine() == replace(MACHINE, cuda="unknown")


def test_cards_that_are_hidden_do_not_count(driver: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    driver('test "$4" = GPU-5 && echo "NVIDIA L4, 8.9, 580.12"')
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-5")
    assert read_machine(1).gpu == "NVIDIA L4"
    with pytest.raises(DeviceError, match="card 2 is hidden: CUDA_VISIBLE_DEVICES is 3,GPU-5"):
        read_machine(2)


def test_a_driver_that_is_missing_mute_or_in_trouble_is_told(
    driver: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceError, match=r"no NVIDIA driver here .nvidia-smi is not found."):
        read_machine()
    driver("echo No devices were found; exit 6")
    with pytest.raises(DeviceError, match=r"nvidia-smi says: No devices were found$"):
        read_machine()

    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", 20)

    monkeypatch.setattr(compatibility.subprocess, "run", hang)
    with pytest.raises(DeviceError, match="does not answer"):
        read_machine()
