"""What the lake knows about itself (SQLite) and the Delta tables that files write (delta-rs)."""
