"""LPIPS: how differently a network that knows photographs sees two pictures."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import DependencyError, FormatError, require
from engine.frames import Float32Array
from training.metrics.networks.files import fill, read_tensors

__all__ = ["Lpips"]

Backbone = Literal["squeeze", "alex"]

_TAPS: Final[dict[str, tuple[int, ...]]] = {"squeeze": (1, 4, 7, 9, 10, 11, 12), "alex": (1, 4, 7, 9, 11)}
_WIDTHS: Final[dict[str, tuple[int, ...]]] = {
    "squeeze": (64, 128, 256, 384, 384, 512, 512),
    "alex": (64, 192, 384, 256, 256),
}
_SHIFT: Final = (-0.030, -0.088, -0.188)
_SCALE: Final = (0.458, 0.448, 0.450)
_LEAST: Final = 32


class Lpips:
    """Learned perceptual image patch similarity, version 0.1.

    ``sum over layers l of mean over pixels of w_l . (f_l(a) / |f_l(a)| - f_l(b) / |f_l(b)|)^2``, f_l the features after
    a layer's ReLU, w_l its trained head (Zhang, Isola, Efros, Shechtman and Wang, "The unreasonable effectiveness of
    deep features as a perceptual metric", 2018). Any-to-Bokeh's numbers are with ``squeeze``.

    Args:
        features: the backbone's file as torchvision publishes it (``squeezenet1_1-*.pth``, ``alexnet-owt-*.pth``).
        heads: the file of ``lin*.model.1.weight`` as LPIPS publishes it (``squeeze.pth``, ``alex.pth``); the one in the
            installed torchmetrics if None.
        backbone: which network it is.
        device: where it runs.

    Raises:
        WeightsError: a file is missing, damaged, or of another network.
        DependencyError: ``heads`` is None and torchmetrics is not installed.
    """

    def __init__(
        self,
        features: str | Path,
        heads: str | Path | None = None,
        backbone: Backbone = "squeeze",
        device: str = "cpu",
    ) -> None:
        self.name = f"LPIPS ({backbone})"
        self._device = device
        self._network = _Network(backbone)
        heads = heads or _installed_heads(backbone)
        fill(self._network.backbone, read_tensors(features), features, "features.")
        fill(self._network.heads, read_tensors(heads), heads, "lin")
        self._network.to(device).eval()

    def __call__(self, result: Float32Array, reference: Float32Array) -> float:
        """The distance of two pictures (H, W, 3) in display values, 32x32 or larger: 0 for equal ones, lower is better.

        Raises:
            FormatError: the pictures differ in size, have no colour, or are too small.
        """
        height, width = reference.shape[:2]
        require(
            result.shape == reference.shape and result.shape[2] == 3 and min(height, width) >= _LEAST,
            FormatError,
            f"LPIPS compares two pictures of one size, with colour, {_LEAST}x{_LEAST} or larger; got "
            f"{result.shape[1]}x{result.shape[0]} and {width}x{height}",
        )
        both = torch.from_numpy(np.stack([result, reference])).permute(0, 3, 1, 2).to(self._device)
        with torch.inference_mode():
            return float(self._network(both * 2 - 1))


class _Network(nn.Module):
    """Backbone and heads under their published names."""

    shift: Tensor
    scale: Tensor

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.layers = _squeeze() if backbone == "squeeze" else _alex()
        self.backbone = nn.ModuleDict({"features": self.layers})
        self.weights = [nn.Conv2d(width, 1, 1, bias=False) for width in _WIDTHS[backbone]]
        named = {
            f"lin{i}": nn.ModuleDict({"model": nn.Sequential(nn.Identity(), w)}) for i, w in enumerate(self.weights)
        }
        self.heads = nn.ModuleDict(named)
        self.taps = _TAPS[backbone]
        self.register_buffer("shift", torch.tensor(_SHIFT)[:, None, None], persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE)[:, None, None], persistent=False)

    def forward(self, both: Tensor) -> Tensor:
        """The distance of two pictures (2, 3, H, W) in -1..1."""
        x = (both - self.shift) / self.scale
        total = x.new_zeros(())
        begin = 0
        for tap, weigh in zip(self.taps, self.weights, strict=True):
            x = self.layers[begin : tap + 1](x)
            unit = x / torch.sqrt(torch.sum(x * x, dim=1, keepdim=True) + 1e-8)
            total = total + weigh((unit[:1] - unit[1:]) ** 2).mean()
            begin = tap + 1
        return total


class _Fire(nn.Module):
    """SqueezeNet's block: narrow, then wide by 1x1 and by 3x3 side by side."""

    def __init__(self, into: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(into, narrow, 1)
        self.expand1x1 = nn.Conv2d(narrow, wide, 1)
        self.expand3x3 = nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], dim=1)


def _squeeze() -> nn.Sequential:
    """SqueezeNet 1.1 up to its last block (Iandola et al., 2016), numbered as torchvision's."""

    def pool() -> nn.MaxPool2d:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    first = (nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), _Fire(64, 16, 64), _Fire(128, 16, 64), pool())
    middle = (_Fire(128, 32, 128), _Fire(256, 32, 128), pool())
    last = (_Fire(256, 48, 192), _Fire(384, 48, 192), _Fire(384, 64, 256), _Fire(512, 64, 256))
    return nn.Sequential(*first, *middle, *last)


def _alex() -> nn.Sequential:
    """AlexNet's convolutions (Krizhevsky, "One weird trick", 2014), numbered as torchvision's."""
    first = (nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2))
    middle = (nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2))
    widths = ((192, 384), (384, 256), (256, 256))
    last = [layer for into, out in widths for layer in (nn.Conv2d(into, out, 3, padding=1), nn.ReLU())]
    return nn.Sequential(*first, *middle, *last)


def _installed_heads(backbone: Backbone) -> Path:
    found = find_spec("torchmetrics")
    if found is None or found.origin is None:
        raise DependencyError(
            "LPIPS without a file of heads takes torchmetrics' own; "
            "install the extra: pip install -c constraints.txt '.[lpips]'"
        )
    return Path(found.origin).parent / "functional" / "image" / "lpips_models" / f"{backbone}.pth"
