"""What the handouts claim, and whether it is so: output, figures, links, commands, ids, and the rules page."""
