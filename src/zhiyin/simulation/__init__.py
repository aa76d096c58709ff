"""A made-up world of people with tastes over real items, in which the true value of every list is known."""
