"""What tests share: random networks and recordings, writers of files, brute force."""
