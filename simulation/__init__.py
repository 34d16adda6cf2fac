"""A simulated retailer whose truth is known: the demo's data, the tests' ground truth, the benchmarks' volume."""
