"""A graph that computes something else is not exported."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.errors import ExportError
from export.parity import CASES, Agreement, Reference, compare, require_agreement
from tests.export.graphs_on_disk import FRAMES, write_graph


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, nn.Module]:
    torch.manual_seed(0)
    module = nn.Linear(40, 40).eval()
    folder = tmp_path_factory.mktemp("linear")
    return write_graph(folder, module, {"input": torch.randn(3, 40)}, ({0: FRAMES},)), module


def made(module: nn.Module, wrong_by: float = 0.0) -> list[Reference]:
    references = []
    for frames, _ in CASES:
        given = torch.randn(frames, 40)
        with torch.no_grad():
            wanted = module(given).numpy()
        wanted[0, 0] += wrong_by
        references.append(Reference({"input": given.numpy()}, (wanted,)))
    return references


def test_the_same_function_agrees(graph: tuple[Path, nn.Module]) -> None:
    found = compare(graph[0], ["out"], made(graph[1]))
    assert [(entry.frames, entry.size) for entry in found] == list(CASES)
    assert all(entry.difference < 1e-6 and entry.psnr > 120 for entry in found)
    require_agreement(found, "fp32")


def test_another_function_is_refused_and_named(graph: tuple[Path, nn.Module]) -> None:
    found = compare(graph[0], ["out"], made(graph[1], wrong_by=1e-2))
    with pytest.raises(ExportError, match=r"part\.onnx: out differs from the network by 0\.01"):
        require_agreement(found, "fp32")


def test_not_finite_is_no_agreement(graph: tuple[Path, nn.Module]) -> None:
    found = compare(graph[0], ["out"], made(graph[1], wrong_by=math.nan))
    assert not any(entry.holds("fp16") for entry in found)


def test_a_damaged_graph_is_an_export_error(tmp_path: Path, graph: tuple[Path, nn.Module]) -> None:
    broken = tmp_path / "part.onnx"
    broken.write_bytes(graph[0].read_bytes()[:-20])
    with pytest.raises(ExportError, match=r"part\.onnx: ONNX Runtime"):
        compare(broken, ["out"], made(graph[1]))


def test_an_endless_psnr_is_null_in_the_report() -> None:
    same = Agreement("unet.onnx", "refocused", 1, (64, 64), 0.0, 1.0, math.inf)
    assert same.to_json()["psnr"] is None
    assert np.isfinite(same.difference)
