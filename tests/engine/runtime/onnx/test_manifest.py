"""What a folder must say of itself to be taken for an export."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from engine.errors import CorruptWeightsError, MissingWeightsError, RackfocusError, WeightsError
from engine.runtime.onnx.manifest import MANIFEST, MANIFEST_VERSION, read_manifest
from engine.runtime.opening import open_networks
from engine.shot import AnyToBokehOptions
from tests.engine.runtime.onnx.toys import edit_manifest, make_export
from tests.engine.runtime.onnx.users import held_back


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return make_export(tmp_path / "toy")


@pytest.mark.parametrize(
    ("held", "kind", "said"),
    [
        (b"", CorruptWeightsError, "this is no manifest of an export .*export again"),
        (b'{"version": 1, "rackf', CorruptWeightsError, "this is no manifest of an export .*export again"),
        (b"\xff\xfe\x00", CorruptWeightsError, "this is no manifest of an export .*export again"),
        (b"[1, 2]", CorruptWeightsError, "this is no manifest of an export .*export again"),
        (b'{"version": 1}', CorruptWeightsError, "manifest.json: rackfocus: field required; export again"),
    ],
    ids=["empty", "torn", "not text", "a list", "half"],
)
def test_a_manifest_that_cannot_be_understood_is_called_damaged(
    export: Path, held: bytes, kind: type[RackfocusError], said: str
) -> None:
    (export / MANIFEST).write_bytes(held)
    with pytest.raises(kind, match=said):
        read_manifest(export)


def test_a_manifest_of_a_newer_program_is_not_called_damaged(export: Path) -> None:
    edit_manifest(export, version=MANIFEST_VERSION + 1, whatever="there may be")
    with pytest.raises(
        WeightsError, match="its version is 2, but this Rackfocus knows 1; update, or export again"
    ) as told:
        read_manifest(export)
    assert not isinstance(told.value, CorruptWeightsError | MissingWeightsError)


def test_values_that_no_export_has_are_named(export: Path) -> None:
    edit_manifest(export, precision="fp8")
    with pytest.raises(CorruptWeightsError, match=r"manifest.json: precision: .*export again"):
        read_manifest(export)


def test_a_folder_that_is_not_there_is_told_from_one_that_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(MissingWeightsError, match=r"nowhere: there is no such folder; .*rackfocus export"):
        read_manifest(tmp_path / "nowhere")
    with pytest.raises(MissingWeightsError, match=r"there is no manifest.json; .*rackfocus export"):
        read_manifest(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_what_may_not_be_read_is_not_called_damaged() -> None:
    with held_back() as place:
        folder = make_export(place / "export")
        (folder / MANIFEST).chmod(0)
        with pytest.raises(MissingWeightsError, match=r"manifest.json: cannot be read .Permission denied."):
            read_manifest(folder)
        folder.chmod(0)
        with pytest.raises(MissingWeightsError, match=r"export: cannot be read .Permission denied.; give a folder"):
            open_networks(AnyToBokehOptions(weights=str(folder)))
        folder.chmod(0o700)
