"""THE edge: requests and answers as values, one table of routes; only `backo.http.flask` knows a framework."""
