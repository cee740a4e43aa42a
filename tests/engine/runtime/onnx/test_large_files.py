"""Weights that lie beyond two gigabytes, where a signed number of 32 bits ends."""

from __future__ import annotations

import json
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime")

from engine.runtime.opening import open_networks
from engine.shot import AnyToBokehOptions
from tests.engine.runtime.onnx.toys import edit_manifest, frame, make_export

BEYOND = 2**31 + 2**16


@pytest.mark.slow
def test_weights_beyond_two_gigabytes_are_the_same_weights(tmp_path: Path) -> None:
    """In a file with a hole, which takes no room on the disk."""
    export = make_export(tmp_path / "toy")
    before = encoded(export)
    move_weights(export, "encoder")
    assert (export / "encoder.data").stat().st_size > BEYOND
    assert np.array_equal(encoded(export), before)


def encoded(export: Path) -> Any:  # noqa: ANN401
    networks: Any = open_networks(AnyToBokehOptions(weights=str(export)))
    return networks.encode(frame()).latents


def move_weights(export: Path, name: str) -> None:
    """Put a graph's weights at the end of a file of two gigabytes."""
    graph, data = export / f"{name}.onnx", export / f"{name}.data"
    held = data.read_bytes()
    with data.open("wb") as file:
        file.seek(BEYOND)
        file.write(held)
    model = onnx.load(str(graph), load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "offset":
                entry.value = str(int(entry.value) + BEYOND)
    graph.write_bytes(model.SerializeToString())
    graphs = json.loads((export / "manifest.json").read_text())["graphs"]
    with data.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    graphs[name] |= {"sha256": sha256(graph.read_bytes()).hexdigest(), "data_sha256": digest}
    edit_manifest(export, graphs=graphs)
