from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import CorruptWeightsError, WeightsShapeError

torch = pytest.importorskip("torch")
from tests.training.metrics.networks.scripts import Flat, scripted  # noqa: E402
from training.metrics.networks.files import fill, read_script, read_tensors  # noqa: E402

TENSORS = {"layer.weight": torch.arange(12.0).reshape(3, 4), "layer.bias": torch.zeros(3)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("whole")
    torch.save(TENSORS, folder / "new.pth")
    torch.save(TENSORS, folder / "old.pth", _use_new_zipfile_serialization=False)
    save_file(TENSORS, folder / "plain.safetensors")
    scripted(Flat(), folder / "script.pt")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["new.pth", "old.pth", "plain.safetensors", "script.pt"]),
    cut=st.floats(0, 1),
    place=st.floats(0, 0.999),
    byte=st.integers(0, 255),
)
def test_a_damaged_file_is_read_or_refused_and_never_anything_else(
    whole: dict[str, bytes], tmp_path: Path, name: str, cut: float, place: float, byte: int
) -> None:
    data = bytearray(whole[name])
    data[int(place * len(data))] = byte
    path = tmp_path / name
    path.write_bytes(bytes(data[: round(cut * len(data))] if cut < 0.5 else data))
    with suppress(CorruptWeightsError):
        read_script(path, "cpu") if name == "script.pt" else read_tensors(path)


@pytest.mark.parametrize("name", ["new.pth", "old.pth", "plain.safetensors"])
def test_tensors_of_every_kind_of_file_are_the_same(whole: dict[str, bytes], tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(whole[name])
    found = read_tensors(tmp_path / name)
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[key], TENSORS[key]) for key in TENSORS)


def test_a_layer_too_many_or_of_another_shape_is_told_by_name(tmp_path: Path) -> None:
    network = torch.nn.ModuleDict({"layer": torch.nn.Linear(4, 3)})
    fill(network, TENSORS | {"other.weight": torch.zeros(1)}, tmp_path / "w.pth", "layer")
    assert torch.equal(network["layer"].weight, TENSORS["layer.weight"])
    with pytest.raises(WeightsShapeError, match=r"w\.pth: holds layer\.extra, which is none of this network"):
        fill(network, TENSORS | {"layer.extra": torch.zeros(1)}, tmp_path / "w.pth", "layer")
    with pytest.raises(WeightsShapeError, match=r"layer\.bias is \(5,\) but must be \(3,\)"):
        fill(network, TENSORS | {"layer.bias": torch.zeros(5)}, tmp_path / "w.pth", "layer")
