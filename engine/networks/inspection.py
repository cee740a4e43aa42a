"""What a folder of weights tells of itself: what it holds, what fits, and which of its parts were trained.

Tensors are read one by one; memory holds the largest of them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass
from math import prod, sqrt
from pathlib import Path
from statistics import median
from typing import Any, Final, Literal

import torch
from torch import Tensor

from engine.errors import MissingWeightsError
from engine.networks.checkpoint import NetworkFiles, fingerprint_of, open_network
from engine.networks.layout import find_image_encoder, find_places, find_svd_unet
from engine.networks.skeleton import IMAGE_ENCODER, UNET, VAE
from engine.networks.tensor_files import TensorFiles

__all__ = ["Decay", "Gate", "Inspection", "NetworkFacts", "Planes", "Skip", "Unused", "inspect_weights"]

_PROPORTIONAL: Final = 0.003
"""Remainder over size, below which tensors count as proportional: half precision leaves 2e-4, bfloat16 1.2e-3."""

_DECAYED: Final = (0.9, 1.002)
"""Ratios to the start that weight decay alone leaves behind."""

_ENOUGH: Final = 1000
"""Numbers that a tensor must have for its distribution to be told."""


@dataclass(frozen=True)
class NetworkFacts:
    """One network's files.

    Attributes:
        name: ``unet``, ``vae`` or ``image_encoder``.
        folder: of the network.
        files: names in it.
        size: bytes.
        dtypes: how many tensors there are of each type.
        tensors: in the files.
        parameters: numbers in them.
        missing: see ``engine.networks.checkpoint.Differences``, as the rest.
        unexpected: tensors too many.
        reshaped: tensors of another shape.
        mistyped: tensors that are no floating-point numbers.
        unused: how many the network does without.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    size: int
    dtypes: dict[str, int]
    tensors: int
    parameters: int
    missing: list[str]
    unexpected: list[str]
    reshaped: list[str]
    mistyped: list[str]
    unused: int

    @property
    def fits(self) -> bool:
        """Whether the network can be loaded from it."""
        return not (self.missing or self.unexpected or self.reshaped or self.mistyped)


@dataclass(frozen=True)
class Unused:
    """Whether ``fuser.ff_k``, which the published code never calls, is as it was initialised.

    Attributes:
        verdict: untouched: uniform within ``1 / sqrt(fan_in)``, but for one factor of weight decay.
        largest: the greatest number over its bound at the start, median over the tensors.
        spread: the deviation over that of uniform numbers within the bound, likewise.
    """

    verdict: Literal["untouched", "changed", "absent"]
    largest: float
    spread: float


@dataclass(frozen=True)
class Planes:
    """Whether the branch of the multi-plane image was trained, told from ``conv_in_mpi`` and what it started from.

    Attributes:
        verdict: never trained where it is proportional to its start; unclear where only the folder's own
            ``conv_in``, which is trained too, is there to compare with, and differs.
        ratio: of the tensor to its start.
        remainder: what is not explained by the ratio, over the tensor's size.
        reference: ``svd`` or ``own``.
        place: folder of the reference.
    """

    verdict: Literal["never trained", "trained", "unclear"]
    ratio: float
    remainder: float
    reference: Literal["svd", "own"]
    place: str


@dataclass(frozen=True)
class Gate:
    """How far MPI attention of a block is open, from -1 to 1: tanh of ``alpha_attn`` and ``alpha_dense``."""

    block: str
    attention: float
    dense: float


@dataclass(frozen=True)
class Skip:
    """A skip convolution of the decoder: mean, root mean square and greatest size; 1e-5 each at the start."""

    name: str
    mean: float
    rms: float
    largest: float


@dataclass(frozen=True)
class Decay:
    """``attn2.to_q``, which gets no gradient, against Stable Video Diffusion's.

    Attributes:
        ratio: median over the blocks; what weight decay alone did to every weight.
        least: of the blocks' ratios.
        most: of the blocks' ratios.
        remainder: greatest part that a ratio does not explain.
    """

    ratio: float
    least: float
    most: float
    remainder: float


@dataclass(frozen=True)
class Inspection:
    """Everything that is told of a folder.

    Attributes:
        folder: as it was given.
        networks: two or three of them.
        image_encoder: why there is no third; empty when it is there.
        size: width and height of the pictures that the weights were made for.
        fingerprint: as a render keeps it; empty without an image encoder.
        unused: of ``ff_k``.
        planes: None where ``conv_in_mpi`` is missing.
        gates: of the blocks, in order.
        skips: of the four levels.
        decay: None without Stable Video Diffusion's U-Net.
    """

    folder: str
    networks: tuple[NetworkFacts, ...]
    image_encoder: str
    size: tuple[int, ...]
    fingerprint: str
    unused: Unused
    planes: Planes | None
    gates: tuple[Gate, ...]
    skips: tuple[Skip, ...]
    decay: Decay | None

    @property
    def fits(self) -> bool:
        """Whether the folder can be rendered with."""
        return not self.image_encoder and all(network.fits for network in self.networks)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"fits": self.fits, **asdict(self)}


def inspect_weights(folder: str | Path, image_encoder: str | Path | None = None) -> Inspection:
    """Look at every part of a folder that says something, without loading a network.

    Args:
        folder: as ``open_weights`` takes it.
        image_encoder: likewise. Where it is a Stable Video Diffusion folder with its ``unet/``, that is compared with.

    Raises:
        WeightsError: U-Net or autoencoder are not there at all, or a file cannot be read. Missing or unexpected
            tensors and a missing image encoder are findings, not errors.
    """
    root = Path(folder).expanduser()
    places = find_places(root)
    unet, vae = open_network(UNET, places.unet), open_network(VAE, places.vae)
    networks: tuple[NetworkFiles[Any, Any], ...] = (unet, vae)
    lacking, svd = "", None
    try:
        encoder = find_image_encoder(root, Path(image_encoder).expanduser() if image_encoder else None)
    except MissingWeightsError as error:
        lacking = error.message
    else:
        networks = (*networks, open_network(IMAGE_ENCODER, encoder))
        svd = _original(encoder, unet.folder)
    return Inspection(
        str(root),
        tuple(map(_facts, networks)),
        lacking,
        tuple(unet.config.rackfocus_size),
        "" if lacking else fingerprint_of(networks),
        _unused(unet.tensors),
        _planes(unet, svd),
        _gates(unet.tensors),
        _skips(vae.tensors),
        None if svd is None else _decay(unet.tensors, svd[1]),
    )


def _original(encoder: Path, ours: Path) -> tuple[Path, TensorFiles] | None:
    """Stable Video Diffusion's own U-Net, where its tensors lie beside the image encoder."""
    place = find_svd_unet(encoder)
    if place is None or place.resolve() == ours.resolve():
        return None
    try:
        return place, TensorFiles.find(place, UNET.stems)
    except MissingWeightsError:
        return None


def _facts(network: NetworkFiles[Any, Any]) -> NetworkFacts:
    specs, found = network.tensors.specs, network.differences
    return NetworkFacts(
        network.kind.name,
        str(network.folder),
        tuple(path.name for path in network.tensors.files),
        network.tensors.size,
        dict(Counter(spec.dtype for spec in specs.values())),
        len(specs),
        sum(prod(spec.shape) for spec in specs.values()),
        found.missing,
        found.unexpected,
        found.reshaped,
        found.mistyped,
        len(found.unused),
    )


def _unused(tensors: TensorFiles) -> Unused:
    """Numbers that were uniform within a bound still are, within a smaller one, after weight decay alone."""
    names = [name for name in tensors.specs if ".fuser.ff_k." in name and name.endswith(".weight")]
    largest, spread = [], []
    for _, tensor in tensors.read(names):
        if tensor.ndim == 2 and tensor.numel() >= _ENOUGH:
            bound = 1 / sqrt(tensor.shape[1])
            largest.append(float(tensor.abs().max()) / bound)
            spread.append(float(tensor.float().std()) * sqrt(3) / bound)
    if not largest:
        return Unused("absent", 0.0, 0.0)
    uniform = all(abs(s / m - 1) < 0.05 for m, s in zip(largest, spread, strict=True) if m > 0)
    decayed = _DECAYED[0] <= min(largest) and max(largest) <= _DECAYED[1]
    return Unused("untouched" if uniform and decayed else "changed", median(largest), median(spread))


def _planes(unet: NetworkFiles[Any, Any], svd: tuple[Path, TensorFiles] | None) -> Planes | None:
    name, start = "conv_in_mpi.weight", "conv_in.weight"
    place, reference = svd or (unet.folder, unet.tensors)
    if name not in unet.tensors.specs or start not in reference.specs:
        return None
    weight, first = unet.tensors.tensor(name), reference.tensor(start)
    if weight.ndim != 4 or first.ndim != 4 or first[:, : weight.shape[1]].shape != weight.shape:
        return None
    ratio, remainder = _proportion(weight, first[:, : weight.shape[1]])
    if remainder < _PROPORTIONAL and _DECAYED[0] <= ratio <= _DECAYED[1]:
        return Planes("never trained", ratio, remainder, "svd" if svd else "own", str(place))
    return Planes("trained" if svd else "unclear", ratio, remainder, "svd" if svd else "own", str(place))


def _gates(tensors: TensorFiles) -> tuple[Gate, ...]:
    end = ".fuser.alpha_attn"
    blocks = [name.removesuffix(end) for name in tensors.specs if name.endswith(end)]
    names = [f"{block}.fuser.{alpha}" for block in blocks for alpha in ("alpha_attn", "alpha_dense")]
    opened = {name: float(torch.tanh(value.float()).mean()) for name, value in tensors.read(names)}
    return tuple(
        Gate(
            block.removesuffix(".transformer_blocks.0"),
            opened[f"{block}.fuser.alpha_attn"],
            opened.get(f"{block}.fuser.alpha_dense", 0.0),
        )
        for block in sorted(blocks, key=_way)
    )


def _way(name: str) -> tuple[int, list[int]]:
    """Where in the U-Net a block is: down, middle, up, by number."""
    return ("down", "mid_", "up_b").index(name[:4]), [int(number) for number in re.findall(r"\d+", name)]


def _skips(tensors: TensorFiles) -> tuple[Skip, ...]:
    names = [name for name in tensors.specs if ".skip_conv_" in name]
    found = [(name.split(".")[1], weight.float()) for name, weight in tensors.read(names)]
    return tuple(
        Skip(name, float(weight.mean()), float(weight.square().mean().sqrt()), float(weight.abs().max()))
        for name, weight in sorted(found)
    )


def _decay(tensors: TensorFiles, svd: TensorFiles) -> Decay | None:
    ratios, remainders = [], []
    for name, weight in tensors.read([name for name in tensors.specs if name.endswith(".attn2.to_q.weight")]):
        if name in svd.specs and svd.specs[name].shape == tuple(weight.shape):
            ratio, remainder = _proportion(weight, svd.tensor(name))
            ratios.append(ratio)
            remainders.append(remainder)
    return Decay(median(ratios), min(ratios), max(ratios), max(remainders)) if ratios else None


def _proportion(found: Tensor, start: Tensor) -> tuple[float, float]:
    """The factor that brings ``start`` nearest to ``found``, and what is left then, over the size of ``found``."""
    a, b = found.double().flatten(), start.double().flatten()
    size = float(b @ b)
    ratio = float(a @ b) / size if size else 0.0
    rest = float((a - ratio * b).norm())
    whole = float(a.norm())
    return ratio, rest / whole if whole else 0.0
