"""ONE unit of work: what a request reads and writes, whole or not at all."""
