"""The simulator: virtual clock, network, disks, hosts, and the cluster that a test drives."""
