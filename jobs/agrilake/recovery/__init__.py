"""Whether the lake is whole (`verify`), a copy of it elsewhere (`backup`), and the lake from that copy (`restore`)."""
