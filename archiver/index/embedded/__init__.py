"""The embedded index: tantivy in a folder beside the archive's file."""
