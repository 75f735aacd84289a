"""The private registry as EKS Anywhere sees it: where each reference goes, and the settings."""
