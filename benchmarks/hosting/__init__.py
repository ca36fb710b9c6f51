"""What a host wants to know before it serves the lab, measured."""
