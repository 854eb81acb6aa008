"""Practice for cashiers: the real till and the real payment core in front of a private sandbox, lesson by lesson.

Nothing of it is in anybody's books: its merchants, staff and account are marked, and left out everywhere else."""
