"""A student's first hours with the lab: what one types after the other, and the lab's answer to each state of it."""
