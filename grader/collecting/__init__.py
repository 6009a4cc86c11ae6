"""Collects the hand-ins of a class: from a folder, or from a download as a platform made it. Opens no submission."""
