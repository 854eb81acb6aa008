"""What is offered: a store's menu read, edited, brought from files, by part of the day, with photos."""
