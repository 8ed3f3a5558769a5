"""What docs/operability.md says above its tables."""

HEAD = """\
# What each fault looks like

Written by `make operate`, which injects each fault into a bot at work and reads every signal.
It fails where two of them disagree: all say the words of one matter, or none of them does.
`doctor` looks for itself, and tells what the service at work says.
The database away in this table is so for the service only: `doctor` has its own connection.
"""
IMAGE_HEAD = """\
## In the built image

The same in the file system that `make image-check` left of the built image, as `compose.yaml` says:
user 10001, read-only root, 512 MB, 128 processes; a data disk of 400 MB.
The account is live, on a server of its own; every fault comes from outside,
and verbs are typed beside the service.
“Within” is how long it took there until everybody had heard.
For a worker that is stuck, nine and a half of its ten minutes are skipped.
Where the database is away and where a replica is frozen, it is PostgreSQL's; else the embedded one.
A fault without a row was not told alike in its last run there, or that run was not finished.
"""
COLUMNS = ("fault", "`/livez`", "`/readyz`", "`status`", "alert", "dashboard", "`doctor`", "within")
TABLE = ("".join(f"| {name} " for name in COLUMNS) + "|", "| --- " * len(COLUMNS) + "|")
COMMANDS_HEAD = "## The commands of operating.md\n"
