"""One server as the simulator sees it: its incarnation, what it holds in hand, its disk, what it puts out."""
