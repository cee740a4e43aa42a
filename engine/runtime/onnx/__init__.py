"""Running exported networks with ONNX Runtime, and no Torch: on TensorRT, CUDA, the CPU and whatever else it offers."""

from engine.runtime.onnx.manifest import MANIFEST, Manifest, read_manifest

__all__ = ["MANIFEST", "Manifest", "read_manifest"]
