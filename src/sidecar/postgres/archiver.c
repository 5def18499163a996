/*
 * archiver.c
 *		See archiver.h.
 */
#include "sidecar/postgres/archiver.h"

#include "common/strbuf.h"
#include "common/wal.h"
#include "program/clock.h"
#include "program/json.h"
#include "program/log.h"
#include "sidecar/postgres/psql.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 5000
#define FRESH_MS   5000

struct Archiver
{
	const SidecarConfig *config;
	pthread_mutex_t lock; /* guards all below */
	int64_t asked_at;	  /* monotonic; 0: never */
	ArchiverState state;
};

/* The sidecar may be a superuser, and a view runs with the rights of its reader. So read the view
 * of the extension only if nobody but superusers can replace it or change what it calls. Returns
 * the other users who own its schema or a part of the extension. */
#define STRANGERS                                                                            \
	"SELECT r.rolname FROM pg_catalog.pg_extension AS e"                                     \
	" JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace"                           \
	" JOIN pg_catalog.pg_database AS b ON b.datname = pg_catalog.current_database()"         \
	" LEFT JOIN pg_catalog.pg_roles AS s ON s.oid = n.nspowner"                              \
	" LEFT JOIN pg_catalog.pg_depend AS d"                                                   \
	" ON d.refclassid = e.tableoid AND d.refobjid = e.oid AND d.deptype = 'e'"               \
	" LEFT JOIN pg_catalog.pg_class AS c ON c.tableoid = d.classid AND c.oid = d.objid"      \
	" LEFT JOIN pg_catalog.pg_proc AS p ON p.tableoid = d.classid AND p.oid = d.objid"       \
	" JOIN pg_catalog.pg_roles AS r ON NOT r.rolsuper AND r.oid IN (c.relowner, p.proowner," \
	" CASE WHEN s.rolname = 'pg_database_owner' THEN b.datdba ELSE n.nspowner END)"          \
	" WHERE e.extname = 'pgbackrest_ctl'"

static const char query[] =
	"SELECT pg_catalog.json_build_object("
	"'is_standby', pg_catalog.pg_is_in_recovery(),"
	"'archive_mode', pg_catalog.current_setting('archive_mode'),"
	"'segment_size', (SELECT setting::int FROM pg_catalog.pg_settings"
	" WHERE name = 'wal_segment_size'),"
	"'ready', r.count, 'oldest_ready', r.oldest,"
	"'archived', s.archived_count, 'failed', s.failed_count,"
	"'last_archived', extract(epoch FROM s.last_archived_time)::float8,"
	"'last_failed', extract(epoch FROM s.last_failed_time)::float8,"
	"'last_wal', s.last_archived_wal,"
	"'view', v.name, 'view_literal', pg_catalog.quote_literal(v.name),"
	"'stranger', (" STRANGERS " LIMIT 1))"
	" FROM pg_catalog.pg_stat_archiver AS s, (SELECT pg_catalog.count(*) AS count,"
	" extract(epoch FROM pg_catalog.min(modification))::float8 AS oldest"
	" FROM pg_catalog.pg_ls_archive_statusdir() WHERE name LIKE '%.ready') AS r"
	" LEFT JOIN (SELECT pg_catalog.quote_ident(n.nspname) || '.pgbr_schedule' AS name"
	" FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace"
	" WHERE e.extname = 'pgbackrest_ctl') AS v ON true";

/* Lock the view before reading, so that it stays as it is, and check again: it must belong to the
 * extension, and no other owner may have appeared. Otherwise a division by zero ends it. */
static const char lock_command[] = "LOCK TABLE %s IN ACCESS SHARE MODE";
static const char member_check[] =
	"SELECT FROM pg_catalog.pg_extension AS e"
	" JOIN pg_catalog.pg_depend AS d ON d.refclassid = e.tableoid AND d.refobjid = e.oid"
	" WHERE e.extname = 'pgbackrest_ctl' AND d.deptype = 'e'"
	" AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = %s::regclass"
	" HAVING 1 / pg_catalog.count(*) < 0";
static const char stranger_check[] =
	"SELECT WHERE 1 / (CASE WHEN EXISTS (" STRANGERS ") THEN 0 ELSE 1 END) < 0";

static const char schedule_query[] =
	"SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('type', type, 'active', "
	"active,"
	" 'next_run', extract(epoch FROM next_run)::float8,"
	" 'last_due', extract(epoch FROM last_due)::float8,"
	" 'last_state', last_state)), '[]') FROM %s WHERE schedule IS NOT NULL";

static double
number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static void
read_schedules(const json_t *schedules, ArchiverState *state)
{
	size_t i;
	json_t *row;

	json_array_foreach((json_t *) schedules, i, row)
	{
		ArchiverSchedule *schedule = &state->schedules[state->schedule_count];
		const char *type = json_text(row, "type");
		const char *last = json_text(row, "last_state");

		if (state->schedule_count == 3 || type == NULL ||
			!pgbr_backup_type_parse(type, &schedule->type))
			continue;
		schedule->active = json_flag(row, "active");
		schedule->next_run = number(row, "next_run");
		schedule->last_due = number(row, "last_due");
		schedule->succeeded = last == NULL || strcmp(last, "succeeded") == 0;
		state->schedule_count++;
	}
}

void
archiver_read(const json_t *answer, const json_t *schedules, ArchiverState *state)
{
	const char *mode = json_text(answer, "archive_mode");
	const char *wal = json_text(answer, "last_wal");

	*state = (ArchiverState){.running = true};
	state->is_standby = json_flag(answer, "is_standby");
	state->archives =
		mode && (strcmp(mode, "always") == 0 || (strcmp(mode, "on") == 0 && !state->is_standby));
	state->segment_size = (int) number(answer, "segment_size");
	state->ready = (int64_t) number(answer, "ready");
	state->oldest_ready = number(answer, "oldest_ready");
	state->archived = (int64_t) number(answer, "archived");
	state->failed = (int64_t) number(answer, "failed");
	state->last_archived = number(answer, "last_archived");
	state->last_failed = number(answer, "last_failed");
	pgbr_copy_text(state->last_wal, sizeof(state->last_wal), wal ? wal : "");
	state->has_extension = json_text(answer, "view") != NULL;
	state->schedules_read = schedules != NULL;
	if (schedules)
		read_schedules(schedules, state);
}

int64_t
archiver_segment_number(const char *segment, int segment_size)
{
	uint32_t timeline;
	uint64_t number;

	return segment_size > 0 &&
				   wal_segment_parse_start(segment, (uint64_t) segment_size, &timeline, &number)
			   ? (int64_t) number
			   : -1;
}

/* The JSON that the last of these commands gives, or NULL with error. The caller owns a
 * reference. */
static json_t *
archiver_ask(const SidecarConfig *config, int stop_fd, const char *const *commands,
			 PgbrError *error)
{
	PsqlCall call = {.config = config, .timeout_ms = TIMEOUT_MS, .stop_fd = stop_fd};
	json_t *answer = NULL;
	StrBuf text;

	strbuf_init(&text);
	if (psql_run(&call, commands, &text, error))
		answer = json_parse(text.data, text.length, error);
	strbuf_done(&text);
	return answer;
}

/* Ask the extension's view. NULL: it has no schedules, or can't be asked. */
static json_t *
ask_schedules(const SidecarConfig *config, int stop_fd, const char *view, const char *literal)
{
	StrBuf texts[3];
	PgbrError error;
	json_t *schedules = NULL;

	for (int i = 0; i < 3; i++)
		strbuf_init(&texts[i]);
	strbuf_printf(&texts[0], lock_command, view);
	strbuf_printf(&texts[1], member_check, literal);
	strbuf_printf(&texts[2], schedule_query, view);
	if (!texts[0].failed && !texts[1].failed && !texts[2].failed)
	{
		const char *const commands[] = {"BEGIN",		texts[0].data, texts[1].data,
										stranger_check, texts[2].data, NULL};

		schedules = archiver_ask(config, stop_fd, commands, &error);
	}
	for (int i = 0; i < 3; i++)
		strbuf_done(&texts[i]);
	return schedules;
}

static void
archiver_refresh(Archiver *archiver, int stop_fd)
{
	static const char *const commands[] = {query, NULL};
	PgbrError error;
	json_t *answer = archiver_ask(archiver->config, stop_fd, commands, &error);
	const char *view = json_text(answer, "view");
	const char *literal = json_text(answer, "view_literal");
	const char *stranger = json_text(answer, "stranger");
	json_t *schedules = NULL;

	archiver->state = (ArchiverState){0};
	if (stranger)
		log_repeated(
			"questions for schedules that were not asked", LOG_LEVEL_WARNING,
			"the schedules are not in the metrics: role \"%s\", which is not a superuser, owns the "
			"schema of the extension or a part of it",
			stranger);
	else if (view && literal)
		schedules = ask_schedules(archiver->config, stop_fd, view, literal);
	if (answer)
		archiver_read(answer, schedules, &archiver->state);
	json_decref(answer);
	json_decref(schedules);
	archiver->asked_at = clock_monotonic_ms();
}

Archiver *
archiver_new(const SidecarConfig *config)
{
	Archiver *archiver = calloc(1, sizeof(*archiver));

	if (archiver == NULL)
		return NULL;
	archiver->config = config;
	pthread_mutex_init(&archiver->lock, NULL);
	return archiver;
}

void
archiver_free(Archiver *archiver)
{
	if (archiver == NULL)
		return;
	pthread_mutex_destroy(&archiver->lock);
	free(archiver);
}

void
archiver_get(Archiver *archiver, int stop_fd, ArchiverState *state)
{
	pthread_mutex_lock(&archiver->lock);
	if (archiver->asked_at == 0 || clock_monotonic_ms() - archiver->asked_at > FRESH_MS)
		archiver_refresh(archiver, stop_fd);
	*state = archiver->state;
	pthread_mutex_unlock(&archiver->lock);
}

int
archiver_count_ready(const char *data_directory)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/pg_wal/archive_status", data_directory);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)) != NULL)
	{
		const char *dot = strrchr(entry->d_name, '.');

		count += dot && strcmp(dot, ".ready") == 0;
	}
	if (folder)
		closedir(folder);
	return count;
}
