"""A small release of EKS Anywhere and a real registry: for the demo, tests and benchmarks."""
