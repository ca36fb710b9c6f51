"""`python -m tests.fuzz`: see `tests.fuzz.runner`."""

from tests.fuzz.runner import main

if __name__ == "__main__":
    main()
