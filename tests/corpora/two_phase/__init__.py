"""A third lab, as small as one can be: two-phase commit, with clients, two groups of servers, and one-way messages."""
