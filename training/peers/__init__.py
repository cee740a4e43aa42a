"""Programs of others that blur by depth, run as they are, so that Rackfocus can be measured beside them."""

from training.peers.blender import BlenderDefocus, DefocusSettings
from training.peers.gegl import GeglLensBlur, LensBlurSettings
from training.peers.peer import Availability, Peer, Rendering

__all__ = [
    "Availability",
    "BlenderDefocus",
    "DefocusSettings",
    "GeglLensBlur",
    "LensBlurSettings",
    "Peer",
    "Rendering",
    "all_peers",
]


def all_peers() -> tuple[Peer, ...]:
    """Every peer that this version knows, found on the machine or not."""
    return (GeglLensBlur(), BlenderDefocus())
