"""The Torch modules of the learned renderers, and loading of published checkpoints. Needs the ``torch`` extra."""

__all__: list[str] = []
