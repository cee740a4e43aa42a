"""Measures that ask a network: which files were given for them, and the networks of these files, opened once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import MissingWeightsError, ShotError, require
from engine.frames import Float32Array
from training.extras import require_training
from training.metrics import BlockNetwork, Flow

if TYPE_CHECKING:
    from training.metrics.networks import Lpips

__all__ = ["NO_FILES", "JudgeFiles", "Judges", "features_of", "open_judges", "parse_judges"]

_FLOW_PACKAGES = ("torch", "cv2")


@dataclass(frozen=True)
class JudgeFiles:
    """Files of the measures' networks, by the measures' keys; a measure without one is left out.

    Attributes:
        flow_raft: TorchScript of RAFT; OpenCV's DIS stands in for it, as a measure of its own.
        lpips: SqueezeNet 1.1 as torchvision publishes it; the heads are those in torchmetrics.
        fvd: folder of a VideoMAE model, or TorchScript of a network of 16 frames.
        vfid_i3d, vfid_resnext: TorchScript of networks of 10 frames.
    """

    flow_raft: str | None = None
    lpips: str | None = None
    fvd: str | None = None
    vfid_i3d: str | None = None
    vfid_resnext: str | None = None

    @property
    def flow(self) -> str:
        """The measure by which FD is taken; empty where it cannot be."""
        if self.flow_raft is not None:
            return "flow_raft"
        return "flow_dis" if all(find_spec(name) for name in _FLOW_PACKAGES) else ""

    @property
    def identity(self) -> str:
        """Changes with the files' places, lengths and times."""
        told = []
        for path in (getattr(self, entry.name) for entry in fields(self)):
            state = Path(path).stat() if path is not None else None
            told.append(f"{path} {state.st_size} {state.st_mtime_ns}" if state else "-")
        return sha256(repr((told, self.flow)).encode()).hexdigest()[:12]


def parse_judges(words: str | None) -> JudgeFiles:
    """The files that a line like ``flow_raft=raft.pt,lpips=squeezenet1_1.pth`` names.

    Raises:
        ShotError: it names a measure that there is not.
        MissingWeightsError: a file is not there.
    """
    known = [entry.name for entry in fields(JudgeFiles)]
    given: dict[str, str] = {}
    for word in (words or "").split(","):
        key, equals, value = word.strip().partition("=")
        if not key:
            continue
        require(
            key in known and bool(equals and value),
            ShotError,
            f'--networks: cannot read "{word.strip()}"; write some of {", ".join(f"{name}=FILE" for name in known)}',
        )
        require(Path(value).exists(), MissingWeightsError, f"--networks: {key}: there is no {value}; give its place")
        given[key] = value
    return JudgeFiles(**given)


NO_FILES: Final = JudgeFiles()


@dataclass(frozen=True, eq=False)
class Judges:
    """The networks, opened.

    Attributes:
        flow: for FD; None where there is none.
        lpips: None where no file was given.
        blocks: for the Fréchet distances, by their keys.
    """

    flow: Flow | None
    lpips: Lpips | None
    blocks: Mapping[str, BlockNetwork]


@cache
def open_judges(files: JudgeFiles) -> Judges:
    """The networks of these files, once in a process.

    Raises:
        WeightsError: a file cannot be used.
        DependencyError: a package is missing.
    """
    if files == NO_FILES and not files.flow:
        return Judges(None, None, {})
    require_training("measuring by networks", *_FLOW_PACKAGES)
    from training.metrics.networks import DisFlow, Lpips, ScriptedBlocks, ScriptedFlow, VideoMaeBlocks

    blocks: dict[str, BlockNetwork] = {}
    for key in ("vfid_i3d", "vfid_resnext"):
        if (path := getattr(files, key)) is not None:
            blocks[key] = ScriptedBlocks(path)
    if files.fvd is not None:
        folder = Path(files.fvd).is_dir()
        blocks["fvd"] = VideoMaeBlocks(files.fvd) if folder else ScriptedBlocks(files.fvd, frames=16)
    return Judges(
        ScriptedFlow(files.flow_raft) if files.flow_raft is not None else DisFlow(),
        Lpips(files.lpips) if files.lpips is not None else None,
        blocks,
    )


def features_of(pictures: Iterable[Float32Array], network: BlockNetwork) -> tuple[tuple[float, ...], ...]:
    """The features of a shot's blocks of frames, those that do not overlap.

    Args:
        pictures: (H, W, 3) in display values, in order.
        network: what tells them.
    """
    found: list[tuple[float, ...]] = []
    block: list[Float32Array] = []
    for picture in pictures:
        block.append(network.prepare(picture))
        if len(block) == network.frames:
            found.append(tuple(float(value) for value in network.describe(block)))
            block = []
    return tuple(found)
