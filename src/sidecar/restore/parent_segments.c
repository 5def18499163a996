/*
 * parent_segments.c
 *		See parent_segments.h.
 */
#include "sidecar/restore/parent_segments.h"

#include "common/recovery_target.h"
#include "common/wal.h"
#include "program/file.h"
#include "sidecar/postgres/recovery_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
link_fail(const char *path, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not create file \"%s\": %s", path,
						  strerror(errno));
}

/* Marked first: a server that is promoted would archive it otherwise, and the name is taken. */
static bool
link_segment(const char *data_directory, uint32_t parent, uint32_t child, uint64_t segment,
			 uint64_t segment_size, PgbrError *error)
{
	char parent_name[WAL_NAME_SIZE];
	char child_name[WAL_NAME_SIZE];
	char path[PATH_MAX];
	int fd;

	wal_segment_name(parent_name, parent, segment, segment_size);
	wal_segment_name(child_name, child, segment, segment_size);
	snprintf(path, sizeof(path), "%.3900s/pg_wal/%s", data_directory, parent_name);
	if (access(path, F_OK) == 0)
		return true;
	snprintf(path, sizeof(path), "%.3900s/pg_wal/archive_status/%s.done", data_directory,
			 parent_name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return link_fail(path, error);
	close(fd);
	snprintf(path, sizeof(path), "%.3900s/pg_wal/%s", data_directory, parent_name);
	return symlink(child_name, path) == 0 || errno == EEXIST || link_fail(path, error);
}

bool
parent_segments_link(const char *data_directory, const char *history, uint32_t timeline,
					 int64_t wal_segment_size, PgbrError *error)
{
	RecoveryHistory entry;
	RecoveryHistory next;
	bool more = recovery_history_next(&history, &entry);

	while (more)
	{
		uint64_t size = (uint64_t) wal_segment_size;
		uint64_t lsn;

		more = recovery_history_next(&history, &next);
		if (recovery_lsn_parse(entry.lsn, &lsn) && lsn % size != 0 &&
			!link_segment(data_directory, entry.timeline, more ? next.timeline : timeline,
						  lsn / size, size, error))
			return false;
		entry = next;
	}
	return true;
}
