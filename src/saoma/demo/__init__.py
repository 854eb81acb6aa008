"""The whole house on one machine: processes, people and menus to play with, and the replay of a real restaurant.

Nothing here is needed in production."""
