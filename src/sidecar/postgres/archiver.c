/*
 * archiver.c
 *		See archiver.h.
 */
#include "sidecar/postgres/archiver.h"

#include "common/strbuf.h"
#include "program/clock.h"
#include "program/json.h"
#include "sidecar/postgres/psql.h"

#include <pthread.h>
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
	"'schema', (SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension AS e"
	" JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace"
	" WHERE e.extname = 'pgbackrest_ctl'))"
	" FROM pg_catalog.pg_stat_archiver AS s, (SELECT pg_catalog.count(*) AS count,"
	" extract(epoch FROM pg_catalog.min(modification))::float8 AS oldest"
	" FROM pg_catalog.pg_ls_archive_statusdir() WHERE name LIKE '%.ready') AS r";

static const char schedule_query[] =
	"SELECT pg_catalog.json_agg(pg_catalog.json_build_object('type', type, 'active', active,"
	" 'next_run', extract(epoch FROM next_run)::float8,"
	" 'last_due', extract(epoch FROM last_due)::float8,"
	" 'last_state', last_state)) FROM %s.pgbr_schedule WHERE schedule IS NOT NULL";

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
	if (schedules)
		read_schedules(schedules, state);
}

int64_t
archiver_segment_number(const char *segment, int segment_size)
{
	char half[9] = {0};
	int64_t log;

	if (segment_size <= 0 || strlen(segment) < 24 || strspn(segment, "0123456789ABCDEF") < 24)
		return -1;
	memcpy(half, segment + 8, 8);
	log = (int64_t) strtoul(half, NULL, 16);
	memcpy(half, segment + 16, 8);
	return log * (((int64_t) 1 << 32) / segment_size) + (int64_t) strtoul(half, NULL, 16);
}

/* One query's JSON, or NULL. The caller owns a reference. */
static json_t *
ask(const SidecarConfig *config, int stop_fd, const char *sql)
{
	const char *const commands[] = {sql, NULL};
	PsqlCall call = {.config = config, .timeout_ms = TIMEOUT_MS, .stop_fd = stop_fd};
	PgbrError error;
	json_t *answer = NULL;
	StrBuf text;

	strbuf_init(&text);
	if (psql_run(&call, commands, &text, &error))
		answer = json_parse(text.data, text.length, &error);
	strbuf_done(&text);
	return answer;
}

static void
refresh(Archiver *archiver, int stop_fd)
{
	json_t *answer = ask(archiver->config, stop_fd, query);
	const char *schema = json_text(answer, "schema");
	json_t *schedules = NULL;
	StrBuf sql;

	archiver->state = (ArchiverState){0};
	if (answer && schema)
	{
		strbuf_init(&sql);
		strbuf_printf(&sql, schedule_query, schema);
		schedules = ask(archiver->config, stop_fd, sql.data);
		strbuf_done(&sql);
	}
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
		refresh(archiver, stop_fd);
	*state = archiver->state;
	pthread_mutex_unlock(&archiver->lock);
}
