"""BYTES beside items: what a file field holds, where its content lives, how it comes and goes."""
