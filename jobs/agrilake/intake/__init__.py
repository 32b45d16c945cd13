"""From a department's file to checked rows, without a JVM: names, landing, decoding, headers, row checks, receipt."""
