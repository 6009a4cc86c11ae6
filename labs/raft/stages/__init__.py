"""The stages: the tests of the lab, each a scenario that drives a cluster. `catalogue` lists them."""
