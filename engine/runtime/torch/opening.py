"""Opening a folder of weights to run it in Torch. Importing this loads no Torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runtime.behaviour import Behaviour
from engine.runtime.extras import require_torch

if TYPE_CHECKING:
    from engine.runtime.torch.networks import TorchNetworks
    from engine.shot import AnyToBokehOptions

__all__ = ["open_torch_networks"]


def open_torch_networks(options: AnyToBokehOptions) -> TorchNetworks:
    """The networks that the options name, ready to run.

    Quick: device, precision, and the names and shapes in the folder are checked; the weights are read when the first
    frame is encoded.

    Raises:
        DependencyError: Torch, or what it needs here, is not installed.
        DeviceError: the device or the precision cannot be had on this machine.
        WeightsError: the folder is missing, or holds no Any-to-Bokeh.
    """
    require_torch()
    from engine.networks.checkpoint import open_weights
    from engine.runtime.torch.devices import settle_device
    from engine.runtime.torch.networks import Modules, RunSettings, TorchNetworks
    from engine.runtime.torch.precision import settle_precision

    device = settle_device(options.device)
    precision = settle_precision(options.precision, device)
    folder = open_weights(options.weights, options.image_encoder)

    def load() -> Modules:
        return Modules(
            unet=folder.load_unet(precision.working, device),
            vae=folder.load_vae(precision.encoding(folder.vae.config.force_upcast), device),
            image_encoder=folder.load_image_encoder(precision.working, device),
        )

    settings = RunSettings(
        Behaviour.of(options),
        device,
        precision,
        posterior=options.posterior,
        seed=options.seed,
        decode_overlap=options.decode_overlap,
        compile=options.compile,
    )
    return TorchNetworks(load, settings, folder.fingerprint, folder.size)
