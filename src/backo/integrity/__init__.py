"""Find, and mend without losing anything, what a disk failure or another program did to stored data."""
