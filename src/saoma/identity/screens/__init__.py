"""The screens of identity: signing in, pairing a device, the staff's home, and the wallet's way in.

Only `saoma.app` imports screens."""
