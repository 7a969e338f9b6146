"""Applications made with `backo`, to be run, read and copied."""
