"""The networks in Torch. Torch itself is loaded when they are opened, so that this can be imported without it."""

from engine.runtime.torch.opening import open_torch_networks

__all__ = ["open_torch_networks"]
