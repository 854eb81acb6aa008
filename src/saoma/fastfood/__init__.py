"""Fast food: orders taken at a counter, paid before they are made, called by a pickup number.

It stands beside the restaurant and shares nothing with it but what selling food has in common."""
