"""The library's side three times: without rights, with constants, and with functions that look at the item."""
