"""What is wrong with a database as we found it. Each names the field, its value and the remedy."""


class DatabaseNewerThanCode(Exception):
    """The database was migrated by newer code."""

    def __init__(self, version: int, name: str, newest_known: int) -> None:
        self.version, self.name, self.newest_known = version, name, newest_known
        super().__init__(
            f"schema_migrations.version {version} ({name}) is newer than this code, which knows up to {newest_known}: "
            "deploy the release that wrote it, or a later one"
        )


class MigrationChanged(Exception):
    """An applied migration file differs from what was applied."""

    def __init__(self, version: int, name: str) -> None:
        self.version, self.name = version, name
        super().__init__(
            f"schema_migrations.checksum of {version} ({name}) differs from the file: "
            "restore the file, and put the change into a new migration"
        )
