"""Tarballs and layouts that hold artifacts: opened without unpacking, read by offset."""
