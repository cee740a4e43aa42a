"""From Torch to ONNX: the networks as graphs, and proof that they agree. Needs the extras ``torch`` and ``export``."""

__all__: list[str] = []
