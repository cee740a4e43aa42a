"""Arithmetic and traffic of the any-to-bokeh renderer per output frame, counted on Torch's meta device: no weights, no
memory.

Counts are those of ``torch.utils.flop_counter``: matrix products, convolutions and attention, two operations for a
multiply-add. Beside ours, in the same run, stands the plain Stable Video Diffusion U-Net of diffusers, which has no MPI
attention at all; the published program's own counts are quoted, and marked as quoted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

import diffusers
import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from engine.networks.image_encoder import ImageEncoder
from engine.networks.presets import PRESETS, Preset, PresetName
from engine.networks.unet import AnyToBokehUNet
from engine.networks.vae import AnyToBokehVAE
from engine.shot import AnyToBokehOptions
from training.benchmark.table import Rows, finite, number

__all__ = ["FlopCost", "FlopOptions", "FlopReport", "run_flops"]

TERA: Final = 1e12
GIGA: Final = 1e9

MATRIX_FUNCTIONS: Final = frozenset(
    {
        "linear",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose2d",
        "conv_transpose3d",
        "matmul",
        "__matmul__",
        "bmm",
        "addmm",
        "baddbmm",
        "einsum",
        "scaled_dot_product_attention",
    }
)
"""Names of Torch's functions that multiply matrices; of these operations are counted, too."""


@dataclass(frozen=True)
class FlopOptions:
    """What to count.

    Attributes:
        preset: size of the networks.
        width, height: of the picture, multiples of 64; the preset's own when not given.
        renderer: windows and overlaps.
    """

    preset: PresetName = "full"
    width: int | None = None
    height: int | None = None
    renderer: AnyToBokehOptions = AnyToBokehOptions()  # noqa: RUF009  frozen


@dataclass(frozen=True)
class FlopCost:
    """TFLOP of one output frame.

    Attributes:
        variant: what was counted.
        unet, encode, decode, image_encoder: the parts; None where the variant has no such part.
        traffic: 1e9 numbers that matrix products, convolutions and attention read and write, weights too: each array
            once, and all between them as if it were fused into them. NaN where it is not known.
        quoted: taken from elsewhere, not counted here.
    """

    variant: str
    unet: float
    encode: float | None
    decode: float | None
    image_encoder: float | None
    traffic: float = math.nan
    quoted: bool = False

    @property
    def total(self) -> float:
        """All parts."""
        return self.unet + sum(part or 0.0 for part in (self.encode, self.decode, self.image_encoder))


PUBLISHED: Final = FlopCost("published program, 1024x576 (quoted)", 13.25, 10.44, 7.02, 0.67, quoted=True)
"""The published code's operations for an output frame: each frame lies in two windows, and is encoded four times."""


@dataclass(frozen=True)
class FlopReport:
    """What :func:`run_flops` found."""

    costs: tuple[FlopCost, ...]
    setting: str
    versions: dict[str, str]
    skipped: dict[str, str]

    def rows(self) -> Rows:
        """TFLOP per output frame, a row for each variant."""
        header = ("TFLOP per output frame", "U-Net", "encode", "decode", "CLIP", "total")
        return (header, *(self._row(cost) for cost in self.costs))

    def to_json(self) -> str:
        """All of it as a JSON object."""
        costs = [{**asdict(cost), "traffic": finite(cost.traffic), "total": cost.total} for cost in self.costs]
        return json.dumps({"setting": self.setting, "costs": costs, "versions": self.versions}, indent=2)

    @staticmethod
    def _row(cost: FlopCost) -> tuple[str, ...]:
        parts = (cost.unet, cost.encode, cost.decode, cost.image_encoder)
        return cost.variant, *("-" if part is None else number(part, 2) for part in parts), number(cost.total, 2)


def run_flops(options: FlopOptions = FlopOptions()) -> FlopReport:
    """Count the operations of every variant."""
    preset = PRESETS[options.preset]
    width = options.width or preset.unet.rackfocus_size[0]
    height = options.height or preset.unet.rackfocus_size[1]
    with torch.device("meta"), torch.no_grad():
        # Some of diffusers' parameters are made on the CPU whatever the device; moving catches them.
        unet = AnyToBokehUNet(preset.unet).to("meta")
        vae, image_encoder = AnyToBokehVAE(preset.vae).to("meta"), ImageEncoder(preset.clip).to("meta")
        window = 2 * options.renderer.overlap
        decode_window, shared = options.renderer.decode_window, options.renderer.decode_overlap
        encode = _count(lambda: vae.encode(torch.empty(2, 3, height, width), with_skips=True))
        context = _count(lambda: image_encoder(torch.empty(1, 3, height, width), normalised=False))
        decode = _decode_cost(vae, preset, decode_window, height, width).per(decode_window - shared)
        costs = []
        for name, masks in (("masks off", False), ("masks on", True)):
            refocus = _unet_cost(unet, preset, window, height, width, masks).per(options.renderer.overlap)
            costs.append(
                FlopCost(
                    name,
                    refocus.teraflop,
                    encode.teraflop,
                    decode.teraflop,
                    context.teraflop,
                    traffic=sum(part.traffic for part in (refocus, encode, decode, context)),
                )
            )
        plain = _plain_unet_cost(preset, window, height, width).per(options.renderer.overlap)
    costs.append(
        FlopCost("diffusers' own U-Net in the same windows", plain.teraflop, None, None, None, traffic=plain.traffic)
    )
    quoted = (PUBLISHED,) if (options.preset, width, height) == ("full", 1024, 576) else ()
    setting = f"{options.preset}, {width}x{height}, windows of {window} by {options.renderer.overlap}"
    setting += f", decoded {decode_window} by {decode_window - shared}"
    versions = {setting: "", "torch": torch.__version__, "diffusers": diffusers.__version__}
    return FlopReport((*costs, *quoted), setting, versions, {})


def _unet_cost(unet: AnyToBokehUNet, preset: Preset, window: int, height: int, width: int, masks: bool) -> _Count:
    config = preset.unet
    latents = torch.empty(1, window, config.in_channels, height // 8, width // 8)
    context = torch.empty(1, window, config.cross_attention_dim)
    regions = torch.empty(1, window, height, width, dtype=torch.uint8) if masks else None
    strength = torch.empty(1, window, 32)
    return _count(lambda: unet(latents, context, strength, torch.empty(1, 3), regions))


def _plain_unet_cost(preset: Preset, window: int, height: int, width: int) -> _Count:
    config = preset.unet
    unet = UNetSpatioTemporalConditionModel(
        block_out_channels=config.block_out_channels,
        num_attention_heads=config.num_attention_heads,
        layers_per_block=config.layers_per_block,
        cross_attention_dim=config.cross_attention_dim,
        addition_time_embed_dim=config.addition_time_embed_dim,
        projection_class_embeddings_input_dim=config.projection_class_embeddings_input_dim,
    ).to("meta")
    latents = torch.empty(1, window, config.in_channels, height // 8, width // 8)
    context = torch.empty(1, 1, config.cross_attention_dim)
    return _count(lambda: unet(latents, torch.empty(()), context, torch.empty(1, 3)))


def _decode_cost(vae: AnyToBokehVAE, preset: Preset, window: int, height: int, width: int) -> _Count:
    skips: tuple[Tensor, ...] = vae.encode(torch.empty(window, 3, height, width), with_skips=True)[1]
    latents = torch.empty(1, window, preset.vae.latent_channels, height // 8, width // 8)
    return _count(lambda: vae.decode(latents, skips))


@dataclass(frozen=True)
class _Count:
    """TFLOP, and 1e9 numbers read and written."""

    teraflop: float
    traffic: float

    def per(self, frames: int) -> _Count:
        return _Count(self.teraflop / frames, self.traffic / frames)


class _Traffic(TorchFunctionMode):
    """Adds up what the functions of ``MATRIX_FUNCTIONS`` read and write.

    Calls are seen as they were written, so that attention is one function and not the products that it is made of.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:  # noqa: ANN401
        made = func(*args, **(kwargs or {}))
        if func.__name__ in MATRIX_FUNCTIONS:
            arrays = [array for array in tree_leaves((args, kwargs, made)) if isinstance(array, Tensor)]
            self.numbers += sum(array.numel() for array in arrays)
        return made


def _count(run: Callable[[], Any]) -> _Count:
    with FlopCounterMode(display=False) as counter, _Traffic() as traffic:
        run()
    return _Count(float(counter.get_total_flops()) / TERA, traffic.numbers / GIGA)
