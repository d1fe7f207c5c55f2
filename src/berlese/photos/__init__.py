"""Open any photo: pixels as sRGB, upright, with scale, identity and quality."""
