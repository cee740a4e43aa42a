"""What Rackfocus is measured beside: programs of others that blur by depth, run as they are, and a plain scatter."""

from training.peers.blender import BlenderDefocus, DefocusSettings
from training.peers.gegl import GeglLensBlur, LensBlurSettings
from training.peers.peer import Availability, Peer, Rendering
from training.peers.scatter import PlainScatter

__all__ = [
    "Availability",
    "BlenderDefocus",
    "DefocusSettings",
    "GeglLensBlur",
    "LensBlurSettings",
    "Peer",
    "PlainScatter",
    "Rendering",
    "all_peers",
]


def all_peers() -> tuple[Peer, ...]:
    """Every program of others that this version knows, found on the machine or not."""
    return (GeglLensBlur(), BlenderDefocus())
