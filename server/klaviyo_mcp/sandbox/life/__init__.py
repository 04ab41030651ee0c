"""A year in the life of an invented shop for the trail and the kitchen: one module an area of life.

Every module has a `make(world)` that writes its part into the store; `seed.populate` calls them in the order in which
they need one another. All of it is invented; addresses are at example.com, telephone numbers in ranges for fiction.
"""
