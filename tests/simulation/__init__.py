"""The payment core and a local Alipay in one process, under a clock and dice of our own: random histories by seed.

    python -m tests.simulation --histories 1000 --seed 1 [--jobs 2] [--planted NAME]

Nothing here takes the machine's time, its randomness or a socket, so a seed names one history and no other."""
