"""A LivePerson account in memory, for tests, the demo and benchmarks: a function from request to response."""
