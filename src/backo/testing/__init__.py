"""WHAT an implementation has to do: contract suites for those who write connectors."""
