"""The handouts: Markdown pages to read as they are, what makes a site of them (site), and what they show (demos)."""
