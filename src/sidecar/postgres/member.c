/*
 * member.c
 *		See member.h.
 */
#include "sidecar/postgres/member.h"

#include "program/json.h"
#include "sidecar/postgres/psql.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define TIMEOUT_MS 10000
#define MAX_OUTPUT 65536

/* On a primary the timeline in pg_control is that of the last checkpoint, which may be older. */
static const char query[] =
	"SELECT pg_catalog.json_build_object("
	"'is_standby', r, 'timeline', CASE WHEN r THEN coalesce((SELECT received_tli"
	" FROM pg_catalog.pg_stat_get_wal_receiver() WHERE received_tli IS NOT NULL),"
	" (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()))"
	" ELSE ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))"
	"::bit(32)::int END,"
	"'lsn', CASE WHEN r THEN pg_catalog.pg_last_wal_replay_lsn()"
	" ELSE pg_catalog.pg_current_wal_lsn() END,"
	"'system_identifier', (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),"
	"'data_directory', pg_catalog.current_setting('data_directory'),"
	"'postgres_version', pg_catalog.current_setting('server_version'),"
	"'archive_mode', pg_catalog.current_setting('archive_mode'))"
	" FROM pg_catalog.pg_is_in_recovery() AS r";

static void
copy_member(const json_t *object, const char *key, char *target, size_t size)
{
	const char *text = json_text(object, key);

	pgbr_copy_text(target, size, text ? text : "");
}

static void
take_answer(Node *node, const json_t *answer)
{
	struct statvfs disk;

	node->running = true;
	node->is_standby = json_flag(answer, "is_standby");
	node->timeline = (int) json_number(answer, "timeline", 0);
	copy_member(answer, "lsn", node->lsn, sizeof(node->lsn));
	copy_member(answer, "system_identifier", node->system_identifier,
				sizeof(node->system_identifier));
	copy_member(answer, "data_directory", node->data_directory, sizeof(node->data_directory));
	copy_member(answer, "postgres_version", node->postgres_version, sizeof(node->postgres_version));
	copy_member(answer, "archive_mode", node->archive_mode, sizeof(node->archive_mode));
	if (statvfs(node->data_directory, &disk) == 0)
	{
		node->free_bytes = (int64_t) disk.f_bavail * (int64_t) disk.f_frsize;
		node->total_bytes = (int64_t) disk.f_blocks * (int64_t) disk.f_frsize;
	}
}

void
node_read(const SidecarConfig *config, int stop_fd, Node *node)
{
	static const char *const commands[] = {query, NULL};
	PsqlCall call = {.config = config, .timeout_ms = TIMEOUT_MS, .stop_fd = stop_fd};
	PgbrError error;
	json_t *answer = NULL;
	StrBuf text;

	*node = (Node){.free_bytes = -1, .total_bytes = -1};
	if (config->repository_host)
	{
		strcpy(node->error, "this is the repository's host, which has no PostgreSQL");
		return;
	}
	strbuf_init(&text);
	if (psql_run(&call, commands, &text, &error) &&
		(answer = json_parse(text.data, text.length, &error)) != NULL)
		take_answer(node, answer);
	else
		pgbr_copy_text(node->error, sizeof(node->error), error.message);
	json_decref(answer);
	strbuf_done(&text);
}

static json_t *
text_or_null(const char *text)
{
	json_t *value = text[0] ? json_string(text) : NULL;

	return value ? value : json_null();
}

static json_t *
size_or_null(int64_t size)
{
	return size < 0 ? json_null() : json_integer(size);
}

json_t *
node_json(const Node *node, const char *stanza, const char *pgbackrest_version)
{
	return json_pack(
		"{ss sb so so so so so so so so so so so}", "stanza", stanza, "running", node->running,
		"role",
		text_or_null(!node->running		? ""
					 : node->is_standby ? "standby"
										: "primary"),
		"timeline", node->timeline ? json_integer(node->timeline) : json_null(), "lsn",
		text_or_null(node->lsn), "system_identifier", text_or_null(node->system_identifier),
		"data_directory", text_or_null(node->data_directory), "postgres_version",
		text_or_null(node->postgres_version), "archive_mode", text_or_null(node->archive_mode),
		"pgbackrest_version", text_or_null(pgbackrest_version), "free_bytes",
		size_or_null(node->free_bytes), "total_bytes", size_or_null(node->total_bytes), "error",
		text_or_null(node->error));
}
