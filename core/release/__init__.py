"""What EKS Anywhere needs: Bundles, EKS-D and package manifests become required artifacts."""
