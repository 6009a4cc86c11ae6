"""Makes a site of the handouts: static files that need no network and no server, with a search of their own."""
