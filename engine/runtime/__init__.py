"""Running the learned renderers' networks: what a renderer asks of them, and who answers."""

from engine.runtime.behaviour import PAPER, RELEASED, Behaviour
from engine.runtime.networks import EncodedFrame, NetworkInput, Networks

__all__ = ["PAPER", "RELEASED", "Behaviour", "EncodedFrame", "NetworkInput", "Networks"]
