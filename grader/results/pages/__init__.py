"""Pages made from results: one for a whole class, for the instructor, and one for each student.

Each is one file that needs no network. Everything that a submission or a student wrote is data in it, never markup.
"""
