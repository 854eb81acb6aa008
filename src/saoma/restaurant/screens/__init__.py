"""What diners, waiters and cashiers look at."""
