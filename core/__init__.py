"""The engine of eksa-mirror. It knows nothing of terminals; `tui` draws what it knows."""

__version__ = "0.1.0"
