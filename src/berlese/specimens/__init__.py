"""Find the animals in a photo: outlines, crops and measurements."""
