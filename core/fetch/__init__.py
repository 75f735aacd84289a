"""The connected side: what EKS Anywhere needs, taken from upstream."""
