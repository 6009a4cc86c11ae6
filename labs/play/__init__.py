"""Play: a cluster of the student's own servers, live in the browser. Knows no page's details, and no rules."""
