"""Colour: configurations and encodings, what files say of theirs, and what results say."""

from engine.media.colour.believed import Believed, believe
from engine.media.colour.curves import CINEON
from engine.media.colour.file_words import file_words
from engine.media.colour.said import Said, can_say, say, untold
from engine.media.colour.spaces import BUILT_IN_CONFIG, CAMERA_CONFIG, ColourSpaces, colour_spaces

__all__ = [
    "BUILT_IN_CONFIG",
    "CAMERA_CONFIG",
    "CINEON",
    "Believed",
    "ColourSpaces",
    "Said",
    "believe",
    "can_say",
    "colour_spaces",
    "file_words",
    "say",
    "untold",
]
