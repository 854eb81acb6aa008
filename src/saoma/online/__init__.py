"""Orders made ahead: eaten here at a time, picked up, or brought; promised only as far as the kitchen can keep it.

It stands beside the restaurant and the counter; what all three need of selling food is in `food`."""
