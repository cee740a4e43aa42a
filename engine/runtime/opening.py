"""Opening the networks that a shot asks for, with whichever runtime its weights are for."""

from __future__ import annotations

from pathlib import Path

from engine.errors import MissingWeightsError, require
from engine.runtime.networks import Networks
from engine.shot import AnyToBokehOptions

__all__ = ["open_networks"]


def open_networks(options: AnyToBokehOptions) -> Networks:
    """The networks in ``options.weights``: an export runs in ONNX Runtime, a folder of weights in Torch.

    They are checked now and loaded with the first frame.

    Raises:
        WeightsError: no weights are given, they cannot be used, or they are for the other runtime.
        DeviceError: the device or the precision cannot be had here.
        DependencyError: an extra is not installed.
    """
    if options.weights is None:
        raise MissingWeightsError(
            "renderer.any_to_bokeh.weights: the any-to-bokeh renderer needs weights; give their folder with "
            "--weights DIR, make random ones with rackfocus weights init, or use --renderer optical"
        )
    folder = Path(options.weights).expanduser()
    try:
        exported = (folder / "manifest.json").is_file()
    except OSError as error:
        raise MissingWeightsError(
            f"{folder}: cannot be read ({error.strerror}); give a folder that you may read"
        ) from None
    require(
        exported or options.runtime != "onnx",
        MissingWeightsError,
        f"{folder}: ONNX Runtime needs an export; run rackfocus export --weights {folder} --out DIR, and give that DIR",
    )
    require(
        not exported or options.runtime != "torch",
        MissingWeightsError,
        f"{folder}: this is an export for ONNX Runtime; give the folder of weights that it was made of",
    )
    if exported:
        from engine.runtime.onnx.opening import open_onnx_networks

        return open_onnx_networks(options)
    from engine.runtime.torch import open_torch_networks

    return open_torch_networks(options)
