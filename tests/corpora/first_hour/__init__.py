"""A student's first hours with the lab: what one types after the other, and what the lab says to each state of it."""
