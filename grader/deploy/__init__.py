"""What is put where grading happens: on Gradescope, and in students' own repositories."""
