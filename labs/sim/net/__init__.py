"""What lies between servers: links, and the calls that cross them."""
