"""A client for the OCI distribution API: TLS, login, retry, blobs, manifests, error texts."""
