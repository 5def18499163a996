/*
 * remote_backup.c
 *		See remote_backup.h.
 */
#include "sidecar/pgbackrest/remote_backup.h"

#include "common/vocabulary.h"
#include "program/retention_settings.h"

#include <stdio.h>

/* The host of a repository; NULL: it is on this one. */
static const char *
host_of(const PgbackrestFile *file, const char *stanza, int repo)
{
	char name[32];

	snprintf(name, sizeof(name), "repo%d-host", repo);
	return retention_option(file, stanza, name);
}

bool
remote_backup_is_all(const PgbackrestFile *file, const char *stanza)
{
	int last = pgbackrest_file_last_repo(file, stanza);
	int found = 0;

	for (int repo = 1; repo <= last; repo++)
	{
		char path[32];
		char type[32];

		snprintf(path, sizeof(path), "repo%d-path", repo);
		snprintf(type, sizeof(type), "repo%d-type", repo);
		if (host_of(file, stanza, repo))
			found++;
		/* a number that is left out is no repository */
		else if (retention_option(file, stanza, path) || retention_option(file, stanza, type))
			return false;
	}
	return found > 0;
}

bool
remote_backup_is_refused(const PgbackrestFile *file, const char *stanza, const char *version,
						 char *reason, size_t size)
{
	int major;
	int minor;
	int repo = 1;

	if (sscanf(version, "%d.%d", &major, &minor) != 2 || major > 2 || minor >= 55 ||
		!remote_backup_is_all(file, stanza))
		return false;
	while (host_of(file, stanza, repo) == NULL)
		repo++;
	snprintf(reason, size,
			 "the repository is on host \"%.100s\", and pgbackrest %.20s makes backups only there; "
			 "from 2.55 on it makes them here, too",
			 host_of(file, stanza, repo), version);
	return true;
}
