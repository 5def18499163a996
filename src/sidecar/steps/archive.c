/*
 * archive.c
 *		Step node-archive: WAL that a server which is down has not archived is pushed into the
 *		repository, before the restore overwrites it.
 *
 * A crash leaves the segment that was being written; without it the transactions committed last
 * would be lost. It is known by its first page, which names its own position: a segment that was
 * recycled for later use still has the position of its former life.
 */
#include "sidecar/postgres/fence.h"
#include "common/wal.h"
#include "sidecar/restore/step_pgbackrest.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/steps/step_table.h"

#include "program/file.h"
#include "sidecar/queue/job_turn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The beginning of a WAL file, as PostgreSQL has it since 9.3: XLogLongPageHeaderData. */
typedef struct WalHeader
{
	uint16_t magic;
	uint16_t info;
	uint32_t timeline;
	uint64_t position;
	uint32_t rest;
	uint64_t system_identifier;
	uint32_t segment_size;
	uint32_t block_size;
} WalHeader;

#define HAS_LONG_HEADER 0x0002

/* pgbackrest's exit code for a file that the archive has with another content */
#define ARCHIVE_DUPLICATE 45

typedef struct Names
{
	char (*names)[40];
	int count;
	bool failed;
} Names;

static void
add_name(Names *names, const char *name)
{
	if ((names->count & (names->count - 1)) == 0)
	{
		void *larger =
			realloc(names->names, sizeof(*names->names) * (size_t) (names->count * 2 + 1));

		if (larger == NULL)
		{
			names->failed = true;
			return;
		}
		names->names = larger;
	}
	snprintf(names->names[names->count++], sizeof(names->names[0]), "%s", name);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
sort_names(Names *names)
{
	if (names->count > 0)
		qsort(names->names, (size_t) names->count, sizeof(names->names[0]), compare_names);
}

/* True when the first page of the file names the position that the file's own name stands for;
 * *of_its_timeline: and its timeline. */
static bool
holds_itself(const char *data_directory, const char *name, bool *of_its_timeline)
{
	char path[PATH_MAX];
	uint32_t timeline;
	uint64_t number;
	WalHeader header;
	struct stat st;
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "%s/pg_wal/%s", data_directory, name);
	/* a link is none: see parent_segments.h */
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ok = fd >= 0 && fstat(fd, &st) == 0 && read(fd, &header, sizeof(header)) == sizeof(header);
	if (fd >= 0)
		close(fd);
	ok = ok && (header.info & HAS_LONG_HEADER) && header.segment_size == st.st_size &&
		 wal_segment_parse(name, header.segment_size, &timeline, &number) &&
		 header.position == number * header.segment_size;
	*of_its_timeline = ok && header.timeline == timeline;
	return ok;
}

/* A timeline's first segment is a copy of its parent's. Any other one whose first page is of
 * another timeline was recycled when that was left, under the number that it had. */
static bool
is_of_timeline(const char *data_directory, const char *name, bool first)
{
	bool of_its_timeline;

	return holds_itself(data_directory, name, &of_its_timeline) && (first || of_its_timeline);
}

/* Files that wait to be archived, by archive_status, histories among them. */
static bool
list_ready(const char *data_directory, Names *ready, char *newest_known)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;

	newest_known[0] = '\0';
	snprintf(path, sizeof(path), "%s/pg_wal/archive_status", data_directory);
	folder = opendir(path);
	if (folder == NULL)
		return false;
	while ((entry = readdir(folder)) != NULL)
	{
		char name[40];
		const char *dot = strrchr(entry->d_name, '.');

		if (dot == NULL || dot - entry->d_name >= (long) sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int) (dot - entry->d_name), entry->d_name);
		/* names as PostgreSQL makes them: a segment, .partial, .history, .backup */
		if (strspn(name, "0123456789ABCDEFabcdefghijklmnopqrstuvwxyz.") != strlen(name))
			continue;
		if (strcmp(dot, ".ready") == 0)
			add_name(ready, name);
		if (pgbr_is_wal_segment(name) && strcmp(name, newest_known) > 0)
			strcpy(newest_known, name);
	}
	closedir(folder);
	sort_names(ready);
	return !ready->failed;
}

/*
 * Segments that were begun after the newest that archive_status knows, on its timeline: of a
 * server that was killed the last is not full. A replica has not archived any: of its newest
 * timeline it may have more than the archive.
 */
static bool
list_begun(const char *data_directory, const char *newest_known, bool replica, Names *begun)
{
	char path[PATH_MAX];
	struct dirent *entry;
	char newest[9] = "";
	bool ignored;
	int kept = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/pg_wal", data_directory);
	folder = opendir(path);
	if (folder == NULL)
		return false;
	while ((entry = readdir(folder)) != NULL)
	{
		if (!pgbr_is_wal_segment(entry->d_name) ||
			(!replica && strcmp(entry->d_name, newest_known) <= 0) ||
			!holds_itself(data_directory, entry->d_name, &ignored))
			continue;
		add_name(begun, entry->d_name);
	}
	closedir(folder);
	sort_names(begun);
	if (begun->count > 0)
		memcpy(newest, begun->names[begun->count - 1], 8);
	/* those of a timeline that was left are not this server's */
	for (int i = 0; i < begun->count; i++)
	{
		bool first = kept == 0 && (replica || strncmp(newest_known, newest, 8) != 0);

		if (strncmp(begun->names[i], newest, 8) == 0 &&
			is_of_timeline(data_directory, begun->names[i], first))
			memmove(begun->names[kept++], begun->names[i], sizeof(begun->names[0]));
	}
	/* where nothing is known, the last alone is certain not to be in the archive */
	if (!replica && newest_known[0] == '\0' && kept > 1)
	{
		memmove(begun->names[0], begun->names[kept - 1], sizeof(begun->names[0]));
		kept = 1;
	}
	begun->count = kept;
	return !begun->failed;
}

static bool
push(StepContext *context, const char *name, json_t *pushed, Job *job, PgbrError *error)
{
	PgbackrestRun output;
	Command command;
	bool ok;

	pgbackrest_run_init(&output, PGBR_JOB_CHECK);
	output.progress.phase = "archiving";
	pgbackrest_push_command(context->config, context->data_directory, name, &command);
	ok = step_pgbackrest_run(context, &command, &output, NULL, NULL, job, error);
	command_done(&command);
	if (ok)
	{
		step_log(context, "archived %s", name);
		/* a result is small: what was pushed first and last tells the rest */
		if (json_array_size(pushed) >= 100)
			json_array_remove(pushed, 50);
		json_array_append_new(pushed, json_string(name));
	}
	return ok;
}

/* A replica has got a part of a segment that its leader has archived since. */
static bool
is_there(StepContext *context, const char *name, Job *job)
{
	if (job->exit_code != ARCHIVE_DUPLICATE)
		return false;
	step_log(context, "the archive already has %s, with more than this member", name);
	job->exit_code = -1;
	job->error[0] = '\0';
	job->hint[0] = '\0';
	return true;
}

/* So that a server which comes back on this directory does not push it again. */
static bool
mark_done(const char *data_directory, const char *name, PgbrError *error)
{
	char ready[PATH_MAX];
	char done[PATH_MAX];

	snprintf(ready, sizeof(ready), "%s/pg_wal/archive_status/%s.ready", data_directory, name);
	snprintf(done, sizeof(done), "%s/pg_wal/archive_status/%s.done", data_directory, name);
	return rename(ready, done) == 0 || errno == ENOENT ||
		   pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not rename file \"%s\": %s", ready,
						  strerror(errno));
}

bool
step_archive(StepContext *context, const StepArguments *arguments, Job *job, PgbrError *error)
{
	Names ready = {0};
	Names begun = {0};
	char newest_known[40];
	json_t *pushed = json_array();
	bool fenced = fence_stands(context->data_directory);
	ControlData control;
	PgbrError ignored;
	bool replica;
	bool ok;

	job_queue_progress(context->queue, &(JobProgress){"archiving", 0, -1, -1});
	ok = step_must_be_down(context, error);
	replica = ok && step_control(context, &control, &ignored) && control_data_is_replica(&control);
	if (ok && (!list_ready(context->data_directory, &ready, newest_known) ||
			   (arguments->partial &&
				!list_begun(context->data_directory, newest_known, replica, &begun))))
		ok = pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not list the WAL in \"%s\"",
							context->data_directory);
	/* pgbackrest reads pg_control */
	ok = ok &&
		 (!fenced || ready.count + begun.count == 0 || fence_open(context->data_directory, error));
	for (int i = 0; ok && i < ready.count; i++)
		ok = push(context, ready.names[i], pushed, job, error) &&
			 mark_done(context->data_directory, ready.names[i], error);
	for (int i = 0; ok && i < begun.count; i++)
		ok = push(context, begun.names[i], pushed, job, error) ||
			 (replica && is_there(context, begun.names[i], job));
	ok = (!fenced || fence_raise(context->data_directory, ok ? error : NULL)) && ok;
	if (ok)
		context->result =
			json_pack("{sO so}", "pushed", pushed, "partial",
					  begun.count ? json_string(begun.names[begun.count - 1]) : json_null());
	json_decref(pushed);
	free(ready.names);
	free(begun.names);
	return ok;
}
