"""Answers before the end of a recording: how sure, how soon, at what cost."""
