"""Between a file and recordings in memory: reading, cutting, keeping."""
