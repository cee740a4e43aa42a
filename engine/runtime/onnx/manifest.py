"""What a folder of exported graphs says of itself: ``manifest.json``, written by ``rackfocus export``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import CorruptWeightsError, MissingWeightsError, WeightsError

__all__ = ["GRAPHS", "MANIFEST", "MANIFEST_VERSION", "GraphFile", "GraphName", "Manifest", "read_manifest"]

MANIFEST: Final = "manifest.json"
"""Name of the file; a folder that holds it is an export."""

MANIFEST_VERSION: Final = 1

GraphName = Literal["encoder", "image_encoder", "unet", "decoder"]

GRAPHS: Final[tuple[GraphName, ...]] = ("encoder", "image_encoder", "unet", "decoder")
"""The four networks. Inputs and outputs, with B = 1, T frames, H and W multiples of 64, h = H / 8, w = W / 8:

* ``encoder``: ``pictures`` (N, 3, H, W) float32 in -1 to 1 to ``moments`` (N, 8, h, w) float32, and ``skip_0`` to
  ``skip_3`` (N, C, ...) full size first, in the working precision.
* ``image_encoder``: ``pictures`` (N, 3, H, W) float32 in 0 to 1 to ``context`` (N, D) float32.
* ``unet``: ``latents`` (1, T, 8, h, w), ``context`` (1, T, D), ``strength_embedding`` (1, T, 32), ``time_ids`` (1, 3),
  all float32, and ``regions`` (1, T, H, W) int32 where masks are on, to ``refocused`` (1, T, 4, h, w) float32.
* ``decoder``: ``latents`` (1, T, 4, h, w) float32, divided by the scaling factor, and ``skip_0`` to ``skip_3``
  (T, C, ...) to ``pictures`` (1, T, 3, H, W) float32, about -1 to 1.

Whatever the working precision, what crosses to NumPy is float32; the skips, which stay on the device, are not.
"""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GraphFile(_Part):
    """One graph on disk.

    Attributes:
        file: its name in the folder.
        data: name of the file that holds its weights; None where they lie in the graph's own file.
        sha256: of the graph's own file.
        data_sha256: of the data file.
        nodes: how many operators it has.
    """

    file: str
    data: str | None = None
    sha256: str
    data_sha256: str | None = None
    nodes: Annotated[int, Field(ge=1)]


class Manifest(_Part):
    """The export.

    Attributes:
        version: of this file's form.
        rackfocus: version of the program that wrote it.
        fingerprint: of the weights that were exported.
        licence: of those weights, as far as it is known.
        precision: of the graphs.
        mpi_masks: whether the U-Net takes depth planes; exported one way or the other.
        clip_input: whether the image encoder normalises colours; likewise.
        size: width and height that the weights were made for.
        named_sizes: sizes to build engines for, by name (``model``, ``portrait``, ``proxy``).
        frames: frames of a window that engines are built for.
        decoded_frames: likewise, of the decoder.
        scaling_factor: of the latents.
        context_width: D, of the image encoder's vector.
        skip_channels: channels of the four skips, full size first.
        opset: of the graphs.
        tools: versions of the programs that made them.
        graphs: the files of the working precision.
        wide: graphs that compute in fp32 from the same weights, for windows that come out not finite; empty in fp32.
            All that goes in and out of them is fp32, skips included.
        copy_graph: one operator that copies ``source`` (N, C, H, W) to ``target`` in the working precision.
    """

    version: int = MANIFEST_VERSION
    rackfocus: str
    fingerprint: str
    licence: str
    precision: Literal["fp32", "fp16", "bf16"]
    mpi_masks: Literal["off", "threshold"]
    clip_input: Literal["plain", "normalised"]
    size: tuple[int, int]
    named_sizes: dict[str, tuple[int, int]]
    frames: int = 8
    decoded_frames: int = 8
    scaling_factor: float
    context_width: int
    skip_channels: tuple[int, int, int, int]
    opset: int
    tools: dict[str, str]
    graphs: dict[GraphName, GraphFile]
    wide: dict[GraphName, GraphFile] = Field(default_factory=dict)
    copy_graph: GraphFile


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder.

    Raises:
        MissingWeightsError: there is none, it cannot be read, or it names a file that is not there.
        CorruptWeightsError: it is no manifest.
        WeightsError: a newer program wrote it.
    """
    place = folder / MANIFEST
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        version = data["version"]
    except (FileNotFoundError, NotADirectoryError):
        found = f"there is no {MANIFEST}" if folder.is_dir() else "there is no such folder"
        raise MissingWeightsError(
            f"{folder}: {found}; give a folder that rackfocus export made, or run it first"
        ) from None
    except OSError as error:
        raise MissingWeightsError(
            f"{place}: cannot be read ({error.strerror}); give a folder that you may read"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptWeightsError(f"{place}: this is no manifest of an export ({error}); export again") from None
    if isinstance(version, int) and version > MANIFEST_VERSION:
        raise WeightsError(
            f"{place}: its version is {version}, but this Rackfocus knows {MANIFEST_VERSION}; update, or export again"
        )
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CorruptWeightsError(f"{place}: {where}: {first['msg'].lower()}; export again") from None
    files = [*manifest.graphs.values(), *manifest.wide.values(), manifest.copy_graph]
    missing = [name for file in files for name in (file.file, file.data) if name and not (folder / name).is_file()]
    if missing or set(manifest.graphs) != set(GRAPHS):
        absent = missing or sorted(set(GRAPHS) - set(manifest.graphs))
        raise MissingWeightsError(f"{folder}: {', '.join(absent)} missing; copy the whole export, or export again")
    return manifest
