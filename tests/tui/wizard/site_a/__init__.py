"""The sample site of the wizard's pictures: `harbor.site-a.example`, the same on every machine."""
