"""What the tests, the benchmarks and the Makefile share: a browser, a server, the requirements."""
