from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from engine.errors import DeviceError
from engine.render.report import Warnings
from engine.runtime.onnx import providers
from engine.runtime.onnx.opening import open_onnx_networks
from engine.runtime.onnx.providers import CPU, CUDA, DEVICES, Device, devices_found, devices_to_try, why_not
from engine.shot import AnyToBokehOptions
from tests.engine.runtime.onnx.toys import frame, make_export


def offer(monkeypatch: pytest.MonkeyPatch, *devices: str) -> None:
    """ONNX Runtime says that it has these, as a GPU build does on a machine without a card; it still has the CPU's."""
    names = [device.provider for device in DEVICES if device.name in devices]
    monkeypatch.setattr(providers, "offered", lambda: (*names, CPU.provider))


def test_auto_is_the_quickest_that_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "tensorrt", "cuda", "openvino")
    assert [device.name for device in devices_to_try("auto")] == ["tensorrt", "cuda", "openvino", "cpu"]
    assert devices_to_try("cuda:1") == (Device("cuda", "CUDAExecutionProvider", "cuda", 1),)
    assert str(devices_to_try("cuda:1")[0]) == "cuda:1"


@pytest.mark.parametrize("asked", ["mps", "npu"])
def test_a_device_that_onnx_runtime_does_not_know_is_refused_with_those_that_it_does(asked: str) -> None:
    with pytest.raises(DeviceError, match=f"--device {asked}: .*choose one of tensorrt, cuda, .*cpu"):
        devices_to_try(asked)


def test_a_device_that_this_build_does_not_have_says_which_package_has_it() -> None:
    with pytest.raises(DeviceError, match=r"--device directml .*build without it; install onnxruntime-directml.*cpu"):
        devices_to_try("directml")


def test_a_provider_that_onnx_runtime_leaves_out_in_silence_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "cuda")
    assert why_not(CPU) is None
    assert "went on without it" in str(why_not(CUDA))


@pytest.mark.skipif(sys.platform == "win32", reason="its loader says it in other words")
def test_a_provider_whose_library_does_not_load_is_told_in_the_loader_s_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime itself opens the session on the CPU, as it does for a real library that lacks another."""
    offer(monkeypatch, "cuda")
    library = tmp_path / "capi" / "libonnxruntime_providers_cuda.so"
    library.parent.mkdir()
    library.write_bytes(b"no library")
    monkeypatch.setattr(providers.ort, "__file__", str(tmp_path / "__init__.py"))
    assert "libonnxruntime_providers_cuda.so: " in str(why_not(CUDA))
    networks = open_onnx_networks(AnyToBokehOptions(weights=str(make_export(tmp_path / "toy"))))
    networks.encode(frame())
    (note,) = networks.notes()
    assert note.startswith("network.fallback: cuda is not used: ")
    assert "libonnxruntime_providers_cuda.so" in note
    assert "\n" not in note


def test_tensorrt_s_reason_is_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "tensorrt")
    assert "TensorRT" in str(why_not(DEVICES[0]))


def test_auto_goes_on_to_the_next_device_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "cuda")
    networks = open_onnx_networks(AnyToBokehOptions(weights=str(make_export(tmp_path / "toy"))))
    assert networks.device == "cpu"
    networks.encode(frame())
    (note,) = networks.notes()
    assert note.startswith("network.fallback: cuda is not used: ")
    assert networks.notes() == ()
    warnings = Warnings()
    warnings.note(note, 1)
    (told,) = warnings.told()
    assert told.kind == "network.fallback"
    assert told.message.count("cuda is not used") == 1
    assert "in 1 frame" not in told.message


def test_a_device_that_is_named_is_taken_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "cuda")
    export = make_export(tmp_path / "toy")
    with pytest.raises(DeviceError, match=r"--device cuda cannot be used: .*others here: cpu, or auto"):
        open_onnx_networks(AnyToBokehOptions(weights=str(export), device="cuda"))


def test_a_device_that_works_and_then_cannot_load_the_graphs_is_passed_over_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trial is passed, as by a CoreML that has no such operator."""
    offer(monkeypatch, "coreml")
    monkeypatch.setattr(providers, "why_not", lambda _device: None)
    export = str(make_export(tmp_path / "toy"))
    networks = open_onnx_networks(AnyToBokehOptions(weights=export))
    assert networks.device == "coreml"
    networks.encode(frame())
    assert networks.device == "cpu"
    (note,) = networks.notes()
    assert "coreml is not used: it cannot load the encoder" in note
    named = open_onnx_networks(AnyToBokehOptions(weights=export, device="coreml"))
    with pytest.raises(DeviceError, match="--device coreml cannot be used: it cannot load the encoder"):
        named.encode(frame())


def test_every_device_is_accounted_for() -> None:
    found = {state.device: state for state in devices_found()}
    assert list(found) == ["tensorrt", "cuda", "coreml", "directml", "openvino", "cpu"]
    assert found["cpu"].offered
    assert found["cpu"].reason is None
    assert all(state.reason for state in found.values() if not state.offered)
