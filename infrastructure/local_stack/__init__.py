"""Real servers without an installer: PostgreSQL, two Redis and OpenSearch, out of packages, on loopback ports."""
