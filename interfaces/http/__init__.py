"""HTTP, version 1: translation between the world and the use cases. No rule lives here."""
