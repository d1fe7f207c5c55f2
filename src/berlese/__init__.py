"""From photos of bulk invertebrate samples to a reviewed community table."""

__version__ = "0.1.0"
