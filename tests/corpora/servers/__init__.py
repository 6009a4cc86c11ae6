"""Small special-purpose servers, known-wrong and correct ones, and what runs them in a cluster (`running`)."""
