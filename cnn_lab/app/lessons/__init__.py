"""What is on the page Lessons."""
