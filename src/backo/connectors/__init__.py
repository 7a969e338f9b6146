"""WHERE items live: the stores, and what a store must offer."""
