"""Names that EKS Anywhere gives to what it publishes, and to what it downloads."""

BUNDLES_FILE = "bundle-release.yaml"
"""The bundles manifest, as `download artifacts` writes it."""

DOWNLOADS_FOLDER = "eks-anywhere-downloads"
"""The folder that `download artifacts` makes where no other is named."""

PACKAGE_BUNDLES = "eks-anywhere-packages-bundles"
"""Last part of the repository of package bundles; their files begin with it, too."""
