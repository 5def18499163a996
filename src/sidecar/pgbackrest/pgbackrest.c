/*
 * pgbackrest.c
 *		See pgbackrest.h.
 */
#include "sidecar/pgbackrest/pgbackrest.h"

#include "common/visible.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

void
pgbackrest_run_hint(const PgbackrestRun *run, int exit_code, char *hint, size_t size)
{
	const char *ours = pgbackrest_text_hint(run->message);
	/* pgbackrest's hints are for the file it could not open, whatever the reason */
	const char *own = ours ? "" : run->hint;
	char text[1024];

	if (ours == NULL)
		ours = pgbackrest_code_hint(exit_code);
	snprintf(text, sizeof(text), "%s%s%s%s", run->made ? "The backup is complete. " : "",
			 ours ? ours : "", ours && own[0] ? " pgbackrest's own hint: " : "", own);
	pgbr_copy_text(hint, size, text);
}

bool
pgbackrest_run_is_vague(const PgbackrestRun *run)
{
	return run->not_verified || strstr(run->message, "unable to open missing file") != NULL;
}

void
pgbackrest_run_init(PgbackrestRun *run, PgbrJobKind kind)
{
	*run = (PgbackrestRun){
		.progress = {kind == PGBR_JOB_BACKUP ? "starting" : NULL, 0, -1, -1},
	};
}

/* More bytes than any backup has; sums and ratios of such numbers fit into 64 bits. */
#define BYTES_MAX 1e16

/* The size in "29.2KB", in bytes; pgbackrest rounds it to one digit behind the point. */
static bool
parse_size(const char *text, double *size)
{
	static const char units[] = "BKMGTP";
	char *end;
	const char *unit;

	*size = strtod(text, &end);
	unit = *end ? strchr(units, *end) : NULL;
	for (; unit && unit > units; unit--)
		*size *= 1024;
	/* false for what is no number, too */
	return *size >= 0 && *size <= BYTES_MAX;
}

/*
 * A line like "backup file [host:]/path (bundle 1/0, 29.2KB, 0.01%) checksum ...". The percentage
 * is of the whole backup so far; the total follows from it, the better the more is done.
 */
static void
read_copied_file(PgbackrestRun *run, const char *text)
{
	const char *percent = strrchr(text, '%');
	const char *comma = percent;
	const char *begin;
	double size;
	double done;

	while (comma && comma > text && *comma != ',')
		comma--;
	if (comma == NULL || comma <= text)
		return;
	for (begin = comma; begin > text && begin[-1] != '(' && begin[-1] != ' ';)
		begin--;
	done = strtod(comma + 1, NULL);
	if (!parse_size(begin, &size) || run->copied + size > BYTES_MAX || !(done >= 0 && done <= 100))
		return;
	run->copied += size;
	run->progress.phase = "copying";
	run->progress.percent = done;
	run->progress.bytes_done = (int64_t) run->copied;
	/* below one percent the rounding of the percentage says more than the files do */
	if (done >= 1)
		run->progress.bytes_total =
			done >= 100 ? run->progress.bytes_done : (int64_t) (run->copied * 100 / done);
}

static const struct
{
	const char *begins;
	const char *phase;
} phases[] = {
	{"execute non-exclusive backup stop", "waiting for WAL"},
	{"execute exclusive backup stop", "waiting for WAL"},
	{"check archive for ", "waiting for WAL"},
	{"expire command begin", "expiring"},
};

static bool
begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void
read_info_line(PgbackrestRun *run, const char *text)
{
	if (begins_with(text, "new backup label = "))
	{
		const char *label = text + strlen("new backup label = ");

		if (pgbr_is_backup_label(label))
			strcpy(run->label, label);
	}
	if (begins_with(text, "backup command end: completed"))
		run->made = true;
	for (size_t i = 0; run->progress.phase && i < LENGTH(phases); i++)
	{
		if (begins_with(text, phases[i].begins))
			run->progress.phase = phases[i].phase;
	}
}

/* A line that belongs to the error before it. */
static void
add_to_error(PgbackrestRun *run, const char *text)
{
	static const char hint[] = "HINT: ";
	size_t length;

	if (begins_with(text, hint))
	{
		text += strlen(hint);
		pgbackrest_append(run->hint, sizeof(run->hint), "; ", text, strlen(text));
	}
	else if ((length = pgbackrest_error_line(&run->part, &text)) > 0)
		pgbackrest_append(run->message, sizeof(run->message), " ", text, length);
}

/*
 * Lines about single files. In a full backup that goes on where an interrupted one has ended, and
 * in one that compares contents, files are done without being copied.
 */
static const struct
{
	const char *begins;
	bool has_progress;
} file_lines[] = {
	{"backup file ", true},
	{"match file from prior backup ", true},
	{"checksum resumed file ", true},
	{"store truncated file ", true},
	{"store zero-length file ", false},
	{"reference ", false},
	/* of a restore */
	{"restore file ", true},
	{"restore zeroed file ", true},
	{"sync path ", false},
	{"update mode ", false},
	{"create path ", false},
	{"remove invalid ", false},
};

/* True when the line is about a single file. */
static bool
read_file_line(PgbackrestRun *run, const char *text)
{
	for (size_t i = 0; i < LENGTH(file_lines); i++)
	{
		if (!begins_with(text, file_lines[i].begins))
			continue;
		if (file_lines[i].has_progress && run->progress.phase)
			read_copied_file(run, text);
		return true;
	}
	return false;
}

/* Lines are "YYYY-MM-DD HH:MM:SS.mmm P00   INFO: text", "ERROR: text" before the log is set up, or
 * the indented rest of the line before. */
bool
pgbackrest_run_line(PgbackrestRun *run, const char *line)
{
	const char *level = strstr(line, ": ");
	const char *text = level ? level + 2 : "";
	size_t length;

	if (begins_with(line, " "))
	{
		line += strspn(line, " ");
		if (run->in_error)
			add_to_error(run, line);
		if (begins_with(line, "status: error"))
			run->verify_failed = true;
		if (begins_with(line, "No usable "))
			run->not_verified = true;
		return true;
	}
	if (strcmp(line, "status: error") == 0)
		run->verify_failed = true;
	if (level == NULL)
		return true;
	for (length = 0; level - length > line && level[-1 - (long) length] != ' ';)
		length++;
	level -= length;
	run->in_error = begins_with(level, "ERROR: ") && run->message[0] == '\0';
	if (run->in_error)
	{
		/* the number in "[050]: text" is the exit code, which is told apart */
		length = text[0] == '[' ? 1 + strspn(text + 1, "0123456789") : 0;
		add_to_error(run, length && begins_with(text + length, "]: ") ? text + length + 3 : text);
		/* archive-get and archive-push give the reason before, in a warning for each repository */
		if (strcmp(run->message, "unable to find a valid repository") == 0 && run->warning[0])
			pgbackrest_append(run->message, sizeof(run->message), ": ", run->warning,
							  strlen(run->warning));
	}
	else if (begins_with(level, "WARN: repo") && run->warning[0] == '\0')
		pgbr_copy_visible(run->warning, sizeof(run->warning), text);
	else if (begins_with(level, "INFO: "))
		read_info_line(run, text);
	else if (begins_with(level, "DETAIL: "))
		return !read_file_line(run, text);
	return true;
}

/* Add a repository that can't be used. */
static void
note_failed(const InfoRepo *repo, int key, PgbackrestStanza *result)
{
	char lines[2048];
	char message[400];

	result->repo_missing += repo->status.code == INFO_STATUS_MISSING_PATH ||
							repo->status.code == INFO_STATUS_MISSING_DATA;
	if (result->repo_failed++ > 0)
		return;
	result->failed_repo = key;
	pgbackrest_status_text(&repo->status, lines, sizeof(lines));
	pgbackrest_error_text(lines, message, sizeof(message));
	snprintf(result->repo_message, sizeof(result->repo_message), "repo%d: %s", key, message);
}

static void
read_repositories(const json_t *stanza, PgbackrestStanza *result)
{
	InfoRepo repo;

	for (size_t i = 0; info_repo_at(stanza, i, &repo); i++)
	{
		int key = repo.key >= 1 && repo.key <= PGBR_REPO_MAX ? (int) repo.key : 0;

		result->repo_count++;
		if (!pgbackrest_repo_is_readable(&repo))
			note_failed(&repo, key, result);
		else if (result->archive_repo == 0)
			result->archive_repo = key;
	}
}

static void
read_stanza(const json_t *json, PgbackrestStanza *result)
{
	InfoStanza stanza;
	InfoDatabase database;
	InfoArchive archive;
	const char *archive_id = NULL;
	long long system_id = 0;

	*result = (PgbackrestStanza){0};
	info_stanza_read(json, &stanza);
	result->status_code = (int) stanza.status.code;
	pgbackrest_status_text(&stanza.status, result->status_message, sizeof(result->status_message));
	/* the last ones are the newest */
	for (size_t i = 0; info_database_at(json, i, &database); i++)
		system_id = database.system_id;
	for (size_t i = 0; info_archive_at(json, i, &archive); i++)
		archive_id = archive.id;
	if (system_id)
		snprintf(result->system_id, sizeof(result->system_id), "%llu",
				 (unsigned long long) system_id);
	/* it becomes a part of a path */
	if (archive_id && pgbr_is_archive_id(archive_id))
		pgbr_copy_text(result->archive_id, sizeof(result->archive_id), archive_id);
	read_repositories(json, result);
}

bool
pgbackrest_repo_is_readable(const InfoRepo *repo)
{
	return repo->status.code == INFO_STATUS_OK || repo->status.code == INFO_STATUS_NO_BACKUPS;
}

void
pgbackrest_status_text(const InfoStatus *status, char *text, size_t size)
{
	pgbr_copy_visible(text, size, status->message ? status->message : "unknown");
}

bool
pgbackrest_read_info(const json_t *document, const char *stanza, PgbackrestStanza *result,
					 PgbrError *error)
{
	const json_t *entry = info_find_stanza(document, stanza);

	if (!json_is_array(document))
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "pgbackrest info printed no list of stanzas");
	if (entry == NULL)
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "pgbackrest info does not list stanza \"%s\"", stanza);
	read_stanza(entry, result);
	return true;
}

bool
pgbackrest_read_restored(const char *line, int64_t *bytes, int64_t *files)
{
	static const char units[] = "BKMGTP";
	const char *text = strstr(line, "restore size = ");
	double size;
	char unit;
	long long count;

	if (text == NULL ||
		sscanf(text, "restore size = %lf%c%*[^,], file total = %lld", &size, &unit, &count) != 3)
	{
		/* below a kilobyte there is one letter only */
		if (text == NULL ||
			sscanf(text, "restore size = %lf%c, file total = %lld", &size, &unit, &count) != 3)
			return false;
	}
	for (const char *at = strchr(units, unit); at && at > units; at--)
		size *= 1024;
	*bytes = (int64_t) size;
	*files = count;
	return true;
}
