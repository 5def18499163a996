/*
 * watched_files.c
 *		See watched_files.h.
 */
#include "sidecar/http/watched_files.h"

#include "program/clock.h"
#include "program/log.h"

#include <string.h>
#include <time.h>

/* The clock of a file's times may stand still for so long: a change right after another in the same
 * tick leaves no trace, so a file that has just changed is read again until this is over. */
#define TICK_NS 20000000

void
watched_files_init(WatchedFiles *watched, const char *first, const char *second)
{
	*watched = (WatchedFiles){.files = {{.path = first}, {.path = second}}};
}

static int64_t
in_ns(const struct timespec *time)
{
	return (int64_t) time->tv_sec * 1000000000 + time->tv_nsec;
}

static bool
is_same(const struct stat *one, const struct stat *other)
{
	/* the time of change can't be set back by whoever writes */
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
		   one->st_size == other->st_size && one->st_mode == other->st_mode &&
		   in_ns(&one->st_mtim) == in_ns(&other->st_mtim) &&
		   in_ns(&one->st_ctim) == in_ns(&other->st_ctim);
}

static bool
file_changed(WatchedFile *file)
{
	struct stat now = {0};
	struct timespec clock;
	bool same;

	clock_gettime(CLOCK_REALTIME, &clock);
	if (stat(file->path, &now) != 0)
		now = (struct stat){0};
	same = file->settled && is_same(&now, &file->seen);
	file->seen = now;
	/* a time that lies ahead says nothing: the clock was set back, or is another host's */
	file->settled = in_ns(&clock) - in_ns(&now.st_ctim) > TICK_NS;
	return !same;
}

bool
watched_files_changed(WatchedFiles *watched)
{
	bool changed = false;

	for (int i = 0; i < WATCHED_FILES; i++)
	{
		if (watched->files[i].path && file_changed(&watched->files[i]))
			changed = true;
	}
	return changed;
}

void
watched_files_failed(WatchedFiles *watched, const char *consequence, const PgbrError *error)
{
	if (watched->failing_since == 0)
		watched->failing_since = clock_monotonic_ms();
	if (strcmp(watched->said, error->message) == 0)
		return;
	pgbr_copy_text(watched->said, sizeof(watched->said), error->message);
	log_error(NULL, consequence, error);
}

void
watched_files_read(WatchedFiles *watched)
{
	watched->failing_since = 0;
	watched->said[0] = '\0';
}
