"""What is derived from contracts for people: data dictionary, Excel form, catalogue, proposed contracts."""
