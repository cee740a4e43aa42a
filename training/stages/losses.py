"""What the stages of training make small.

Pictures are (..., 3, H, W), from -1 to 1 as the autoencoder has them; latents are scaled. All sums are in float32,
whatever the precision of what is compared.
"""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor
from torch.nn import functional

from engine.networks.vae import LOG_VARIANCE_LIMITS

__all__ = ["divergence_from_normal", "latent_error", "picture_error", "sobel", "texture_error"]

_DIFFERENCE: Final = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))
"""Sobel's kernel across; down is its transpose."""

_LEAST: Final = 1e-6
"""Under the root of a gradient's magnitude, which has no slope at 0; the published number."""


def latent_error(made: Tensor, wanted: Tensor) -> Tensor:
    """``mean (made - wanted)^2``, of stages 1 and 2: the U-Net's output is the refocused clip's scaled latents.

    No noise level weighs it, since there is one step (Any-to-Bokeh, section 3.4, and its released scripts).

    Args:
        made: latents.
        wanted: of the same shape.
    """
    return functional.mse_loss(made.float(), wanted.float())


def picture_error(made: Tensor, wanted: Tensor) -> Tensor:
    """``mean |made - wanted|``: the first term of stage 3's loss, and all but the divergence of stage 0's."""
    return functional.l1_loss(made.float(), wanted.float())


def texture_error(made: Tensor, wanted: Tensor, form: Literal["paper", "released"]) -> Tensor:
    """How far the edges of two pictures lie apart; the second term of stage 3's loss.

    With Sx and Sy Sobel's differences of each colour, the border black:

    * ``paper``, Any-to-Bokeh, equation 4: ``mean ((Sx made - Sx wanted)^2 + (Sy made - Sy wanted)^2)``.
    * ``released``, its published script: ``mean | G made - G wanted |`` with ``G = sqrt(Sx^2 + Sy^2 + 1e-6)``. It
      knows how strong an edge is and not where it points.

    Args:
        made: (..., C, H, W).
        wanted: of the same shape.
        form: which of them.
    """
    if form == "paper":
        # Sobel's differences are linear, so those of the difference will do.
        across, down = sobel(made.float() - wanted.float())
        return (across.square() + down.square()).mean()
    return functional.l1_loss(_magnitude(made.float()), _magnitude(wanted.float()))


def divergence_from_normal(moments: Tensor) -> Tensor:
    """``mean (mu^2 + sigma^2 - 1 - log sigma^2) / 2`` over all latents: how far the posterior is from a normal one.

    The Kullback-Leibler term of a variational autoencoder (Kingma and Welling, 2014, appendix B), by the mean and not
    the sum, so that its weight does not depend on the size of the picture.

    Args:
        moments: (N, 8, h, w), mean and logarithm of the variance.
    """
    mean, log_variance = moments.float().chunk(2, dim=1)
    log_variance = log_variance.clamp(*LOG_VARIANCE_LIMITS)
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()


def sobel(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Sobel's differences across and down, of each channel, with zeros around the picture.

    Not divided by 8: an edge from 0 to 1 gives 4.

    Args:
        pictures: (..., H, W).

    Returns:
        Two of the same shape.
    """
    kernel = pictures.new_tensor(_DIFFERENCE)
    planes = pictures.reshape(-1, 1, *pictures.shape[-2:])
    # In full precision under autocast too: differences of neighbours are small beside the neighbours.
    with torch.autocast(pictures.device.type, enabled=False):
        both = functional.conv2d(planes, torch.stack([kernel, kernel.T])[:, None], padding=1)
    across, down = both.unbind(1)
    return across.reshape(pictures.shape), down.reshape(pictures.shape)


def _magnitude(pictures: Tensor) -> Tensor:
    across, down = sobel(pictures)
    return torch.sqrt(across.square() + down.square() + _LEAST)
