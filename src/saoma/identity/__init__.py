"""Who is who: the partner's accounts, merchants, stores, terminals, staff, and buyers known by their wallet.

A buyer is never a row of ours with a password: the wallet vouches for them."""
