"""Measures that ask a network, whose weights the operator gives, or OpenCV. Needs the ``train`` extra.

Nothing is ever downloaded: each takes a local file or folder.
"""

from training.metrics.networks.blocks import ScriptedBlocks, VideoMaeBlocks
from training.metrics.networks.flow import DisFlow, ScriptedFlow
from training.metrics.networks.lpips import Lpips

__all__ = ["DisFlow", "Lpips", "ScriptedBlocks", "ScriptedFlow", "VideoMaeBlocks"]
