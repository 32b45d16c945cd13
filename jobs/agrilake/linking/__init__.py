"""Record linkage: stations of several departments at one place, business entities and households across departments."""
