/*
 * member_details.c
 *		See member_details.h.
 */
#include "sidecar/postgres/member_details.h"

#include "program/clock.h"
#include "program/file.h"
#include "program/json.h"
#include "program/log.h"
#include "sidecar/postgres/archiver.h"
#include "sidecar/postgres/control_data.h"
#include "sidecar/postgres/data_links.h"
#include "sidecar/postgres/fence.h"
#include "sidecar/postgres/postmaster.h"
#include "sidecar/postgres/postmaster_opts.h"
#include "sidecar/postgres/psql.h"
#include "sidecar/queue/queue_restores.h"
#include "sidecar/queue/queue_facts.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#define TIMEOUT_MS 10000
#define MAX_OUTPUT 65536

/* PostgreSQL's own JSON has the members of the API. A standby knows the next transaction id
 * from the snapshot as a primary does. */
static const char query[] =
	"SELECT pg_catalog.json_build_object("
	"'postmaster_start_time', pg_catalog.to_char(pg_catalog.pg_postmaster_start_time()"
	" AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),"
	"'wal_segment_size', (SELECT setting::bigint FROM pg_catalog.pg_settings"
	" WHERE name = 'wal_segment_size'),"
	"'cluster_bytes', (SELECT pg_catalog.sum(pg_catalog.pg_database_size(oid))::bigint"
	" FROM pg_catalog.pg_database),"
	"'tablespaces', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_tablespace"
	" WHERE spcname NOT IN ('pg_default', 'pg_global')),"
	"'logical_slots', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots"
	" WHERE slot_type = 'logical'),"
	"'data_checksums', pg_catalog.current_setting('data_checksums') = 'on',"
	"'server_settings', (SELECT pg_catalog.json_object_agg(name, setting::int)"
	" FROM pg_catalog.pg_settings WHERE name IN ('max_connections', 'max_worker_processes',"
	" 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction')),"
	"'last_archived', (SELECT last_archived_wal FROM pg_catalog.pg_stat_archiver),"
	"'next_xid', x::text,"
	"'oldest_xid', (SELECT (x - pg_catalog.max(pg_catalog.age(datfrozenxid)))::text"
	" FROM pg_catalog.pg_database),"
	"'recovery_min_apply_delay', (SELECT setting::bigint FROM pg_catalog.pg_settings"
	" WHERE name = 'recovery_min_apply_delay'),"
	"'port', pg_catalog.current_setting('port')::int)"
	" FROM (SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::numeric"
	" AS x) AS s";

/* The members that come from it, in case that there is no answer. */
static const char *const asked[] = {
	"postmaster_start_time",
	"wal_segment_size",
	"cluster_bytes",
	"tablespaces",
	"logical_slots",
	"data_checksums",
	"server_settings",
	"last_archived",
	"next_xid",
	"oldest_xid",
	"port",
	"recovery_min_apply_delay",
};

/* What is remembered of them, for it does not change while PostgreSQL is down. */
static const char *const remembered[] = {"wal_segment_size", "port"};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Ask PostgreSQL. NULL when it does not answer. */
static json_t *
details_ask(const SidecarConfig *config, int stop_fd)
{
	static const char *const commands[] = {query, NULL};
	PsqlCall call = {.config = config, .timeout_ms = TIMEOUT_MS, .stop_fd = stop_fd};
	PgbrError error = PGBR_ERROR_INIT;
	json_t *answer = NULL;
	StrBuf text;

	strbuf_init(&text);
	if (psql_run(&call, commands, &text, &error))
		answer = json_parse(text.data, text.length, &error);
	else
		log_repeated("questions that PostgreSQL did not answer", LOG_LEVEL_WARNING,
					 "PostgreSQL did not tell the details of this node: %s", error.message);
	strbuf_done(&text);
	return answer;
}

static void
add_asked(const SidecarConfig *config, JobQueue *queue, int stop_fd, const Node *node, json_t *json)
{
	json_t *answer = node->running ? details_ask(config, stop_fd) : NULL;

	for (size_t i = 0; i < LENGTH(asked); i++)
	{
		json_t *value = json_object_get(answer, asked[i]);

		json_object_set(json, asked[i], value ? value : json_null());
	}
	for (size_t i = 0; i < LENGTH(remembered); i++)
	{
		char value[FACT_SIZE];
		long long number = json_number(answer, remembered[i], 0);

		snprintf(value, sizeof(value), "%lld", number);
		if (number > 0)
			job_queue_remember(queue, remembered[i], value);
		else
		{
			job_queue_recall(queue, remembered[i], value, sizeof(value));
			if (value[0])
				json_object_set_new(json, remembered[i], json_integer(strtoll(value, NULL, 10)));
		}
	}
	json_decref(answer);
}

/* The folder of the programs that served this data directory last. bin is of PATH_MAX. */
static void
find_bin(const SidecarConfig *config, JobQueue *queue, const char *data_directory, char *bin,
		 size_t size)
{
	char path[PATH_MAX];
	StrBuf text;
	PostmasterOpts opts;
	PgbrError error;

	if (config->pg_bin)
	{
		pgbr_copy_text(bin, size, config->pg_bin);
		return;
	}
	/* a restore removes the file */
	job_queue_recall(queue, "postgres_bin", bin, size);
	strbuf_init(&text);
	snprintf(path, sizeof(path), "%s/postmaster.opts", data_directory);
	if (file_read(path, MAX_OUTPUT, &text, &error) && postmaster_opts_read(text.data, &opts))
	{
		char *slash;

		pgbr_copy_text(bin, size, opts.program);
		slash = strrchr(bin, '/');
		if (slash)
			*slash = '\0';
		postmaster_opts_done(&opts);
		job_queue_remember(queue, "postgres_bin", bin);
	}
	strbuf_done(&text);
}

static bool
is_mount(const char *folder)
{
	char parent[PATH_MAX];
	struct stat here;
	struct stat above;

	snprintf(parent, sizeof(parent), "%s/..", folder);
	return stat(folder, &here) == 0 && stat(parent, &above) == 0 && here.st_dev != above.st_dev;
}

/*
 * For this process, which a service manager may have put into a sandbox. WAL may be on another
 * disk.
 */
static bool
is_read_only(const char *data_directory)
{
	char wal[PATH_MAX];
	struct statvfs data_disk;
	struct statvfs wal_disk;

	snprintf(wal, sizeof(wal), "%s/pg_wal", data_directory);
	return (statvfs(data_directory, &data_disk) == 0 && (data_disk.f_flag & ST_RDONLY)) ||
		   (statvfs(wal, &wal_disk) == 0 && (wal_disk.f_flag & ST_RDONLY));
}

static bool
has_archive_status(const char *data_directory)
{
	char path[PATH_MAX];
	struct stat status;

	snprintf(path, sizeof(path), "%s/pg_wal/archive_status", data_directory);
	return stat(path, &status) == 0;
}

/* Whether the process of the server that answers is among those that can be stopped from here. */
static json_t *
is_seen(const Node *node)
{
	Postmaster postmaster;
	PgbrError ignored;
	bool ok;
	bool seen;

	if (!node->running || node->data_directory[0] != '/')
		return json_null();
	ok = postmaster_find(node->data_directory, &postmaster, &ignored);
	seen = ok && postmaster.pid != 0;
	postmaster_done(&postmaster);
	return ok ? json_boolean(seen) : json_null();
}

/* The links that a restore would not keep; NULL when they can't be read. */
static json_t *
list_data_links(const char *data_directory)
{
	PgbrError ignored;
	json_t *links = data_links_read(data_directory, &ignored);
	json_t *list = links ? json_array() : NULL;
	const char *name;
	json_t *destination;

	json_object_foreach(links, name, destination)
	{
		if (!data_links_is_kept(name))
			json_array_append_new(list, json_string(name));
	}
	json_decref(links);
	return list;
}

static void
add_files(const SidecarConfig *config, JobQueue *queue, const char *data_directory, json_t *json)
{
	char bin[PATH_MAX] = "";
	char kept_for[JOB_ID_SIZE] = "";
	ControlData control;
	PgbrError error;
	json_t *links;
	bool known = data_directory[0] == '/';

	if (known)
		find_bin(config, queue, data_directory, bin, sizeof(bin));
	json_put_text(json, "postgres_bin", bin[0] ? bin : NULL);
	json_object_set_new(json, "control",
						known && control_data_read(bin, data_directory, &control, &error)
							? control_data_json(&control)
							: json_null());
	json_object_set_new(json, "unarchived_segments",
						known && has_archive_status(data_directory)
							? json_integer(archiver_count_ready(data_directory))
							: json_null());
	json_object_set_new(json, "fenced",
						known ? json_boolean(fence_stands(data_directory)) : json_null());
	if (known)
		fence_kept_for(data_directory, kept_for, sizeof(kept_for));
	json_put_text(json, "kept_for", kept_for[0] ? kept_for : NULL);
	json_object_set_new(json, "data_directory_is_mount",
						known ? json_boolean(is_mount(data_directory)) : json_null());
	json_object_set_new(json, "data_directory_is_read_only",
						known ? json_boolean(is_read_only(data_directory)) : json_null());
	links = known ? list_data_links(data_directory) : NULL;
	json_object_set_new(json, "data_links", links ? links : json_null());
}

void
node_add_details(const SidecarConfig *config, JobQueue *queue, int stop_fd, const Node *node,
				 json_t *json)
{
	char restore[JOB_ID_SIZE];
	char running[JOB_ID_SIZE];
	char now[CLOCK_TEXT_SIZE];

	add_asked(config, queue, stop_fd, node, json);
	add_files(config, queue, node->data_directory, json);
	json_object_set_new(json, "process_seen", is_seen(node));
	job_queue_at_work(queue, restore, running);
	json_put_text(json, "restore", restore[0] ? restore : NULL);
	/* between the fence that pgbackrest has cleaned away and the guard */
	if (restore[0] && node->data_directory[0] == '/' && fence_lacks_control(node->data_directory))
		json_object_set_new(json, "fenced", json_true());
	json_put_text(json, "running_job", running[0] ? running : NULL);
	clock_format(clock_now_ms(), now);
	json_put_text(json, "time", now);
}
