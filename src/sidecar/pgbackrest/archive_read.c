/*
 * archive_read.c
 *		See archive_read.h. What the listings mean is archive_list's.
 */
#include "sidecar/pgbackrest/archive_read.h"

#include "common/wal.h"
#include "program/json.h"
#include "program/pgbackrest_info.h"
#include "sidecar/pgbackrest/archive_list.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"
#include "sidecar/pgbackrest/pgbackrest_ask.h"

#include <stdio.h>
#include <string.h>

#define LIST_MS		300000
#define LIST_MAX	(128 * 1024 * 1024) /* about 750,000 segments: 12 TB of WAL */
#define HISTORY_MS	60000
#define HISTORY_MAX (1024 * 1024)
#define LOOK_MS		30000
#define LOOK_MAX	65536
#define REFRESH_S	5

/* Say what could not be done before pgbackrest's reason for it. */
static bool
fail_to(const char *what, PgbrError *error)
{
	PgbrError reason = *error;

	if (reason.code != PGBR_ERROR_PGBACKREST)
		return false;
	pgbr_error_set(error, reason.code, "could not %s: %s", what, reason.message);
	return pgbr_error_hint(error, "%s", reason.hint);
}

/* Run pgbackrest with a command on a path below archive/STANZA. */
static bool
archive_run(const SidecarConfig *config, int repo, const char *command_name, const char *path,
			bool list, int stop_fd, PgbackrestAnswer *answer, PgbrError *error)
{
	const PgbackrestLimits limits = {NULL, list ? LIST_MS : HISTORY_MS,
									 list ? LIST_MAX : HISTORY_MAX, stop_fd};
	Command command;

	pgbackrest_begin(config, &command);
	command_add(&command, "--log-level-console=off");
	command_add(&command, "--log-level-stderr=error");
	command_add(&command, "--repo=%d", repo);
	if (list)
	{
		command_add(&command, "--recurse");
		command_add(&command, "--output=json");
		command_add(&command, "--sort=none");
	}
	command_add(&command, "%s", command_name);
	command_add(&command, "archive/%s/%s", config->stanza, path);
	return pgbackrest_ask(&command, &limits, answer, error) ||
		   fail_to(list ? "list the archive" : "read a history file", error);
}

/* The entries of one history file. */
static json_t *
archive_read_history(const SidecarConfig *config, int repo, const char *archive_id,
					 uint32_t timeline, int stop_fd, PgbrError *error)
{
	char name[WAL_HISTORY_NAME_SIZE];
	char path[128];
	PgbackrestAnswer answer;
	json_t *entries = NULL;

	wal_history_name(name, timeline);
	snprintf(path, sizeof(path), "%s/%s", archive_id, name);
	if (archive_run(config, repo, "repo-get", path, false, stop_fd, &answer, error))
	{
		entries = archive_history_json(answer.text.data);
		if (entries == NULL)
			pgbr_error_set(error, PGBR_ERROR_PGBACKREST, "the history file %s is damaged", name);
	}
	pgbackrest_answer_done(&answer);
	return entries;
}

static bool
has_history(const json_t *histories, uint32_t timeline)
{
	size_t i;
	json_t *history;

	json_array_foreach(histories, i, history)
	{
		if (json_number(history, "timeline", 0) == timeline)
			return true;
	}
	return false;
}

static bool
is_listed(const ArchiveList *list, uint32_t timeline)
{
	for (size_t i = 0; i < list->history_count; i++)
	{
		if (list->histories[i] == timeline)
			return true;
	}
	return false;
}

/* Add the history of a timeline and of its ancestors: the history of an ancestor is the beginning
 * of its own. */
static void
add_histories(const ArchiveList *list, uint32_t timeline, json_t *entries, json_t *histories)
{
	json_array_append_new(
		histories, json_pack("{sI sO}", "timeline", (json_int_t) timeline, "entries", entries));
	for (size_t count = json_array_size(entries); count-- > 1;)
	{
		uint32_t ancestor = (uint32_t) json_number(json_array_get(entries, count), "timeline", 0);
		json_t *part;

		if (!is_listed(list, ancestor) || has_history(histories, ancestor))
			continue;
		part = json_array();
		for (size_t i = 0; i < count; i++)
			json_array_append(part, json_array_get(entries, i));
		json_array_append_new(
			histories, json_pack("{sI so}", "timeline", (json_int_t) ancestor, "entries", part));
	}
}

static bool
read_repository(const SidecarConfig *config, int repo, const char *archive_id,
				uint64_t segment_size, int stop_fd, json_t *object, PgbrError *error)
{
	ArchiveList list;
	PgbackrestAnswer answer;
	json_t *histories = json_array();
	bool ok;

	archive_list_init(&list, segment_size);
	ok = archive_run(config, repo, "repo-ls", archive_id, true, stop_fd, &answer, error) &&
		 archive_list_read(&list, answer.text.data, answer.text.length, error);
	pgbackrest_answer_done(&answer);
	archive_list_sort(&list);
	archive_list_json(&list, object);
	for (size_t i = 0; ok && i < list.history_count; i++)
	{
		json_t *entries;

		if (has_history(histories, list.histories[i]))
			continue;
		entries = archive_read_history(config, repo, archive_id, list.histories[i], stop_fd, error);
		ok = entries != NULL;
		if (ok)
			add_histories(&list, list.histories[i], entries, histories);
		json_decref(entries);
	}
	json_object_set_new(object, "histories", histories);
	archive_list_done(&list);
	return ok;
}

/* The newest archive of a repository, or NULL. */
static const char *
newest_archive(const json_t *stanza, int repo)
{
	const char *id = NULL;
	InfoArchive archive;

	for (size_t i = 0; info_archive_at(stanza, i, &archive); i++)
	{
		if (archive.repo == repo)
			id = archive.id;
	}
	return id && pgbr_is_archive_id(id) ? id : NULL;
}

static json_t *
repository_json(const SidecarConfig *config, const json_t *stanza, int repo, uint64_t segment_size,
				int stop_fd)
{
	const char *archive_id = newest_archive(stanza, repo);
	PgbrError error;
	json_t *object = json_pack("{si ss? sn}", "repo", repo, "archive_id", archive_id, "error");

	if (object == NULL)
		return NULL;
	if (archive_id == NULL)
	{
		json_put_text(object, "error", "pgbackrest info names no archive in this repository");
		archive_list_json(&(ArchiveList){.segment_size = segment_size}, object);
		json_object_set_new(object, "histories", json_array());
	}
	else if (!read_repository(config, repo, archive_id, segment_size, stop_fd, object, &error))
		json_put_text(object, "error", error.message);
	return object;
}

json_t *
archive_read(const SidecarConfig *config, const json_t *info, int repo, uint64_t segment_size,
			 int stop_fd)
{
	const json_t *stanza = info_find_stanza(info, config->stanza);
	json_t *repositories = json_array();
	InfoRepo one;

	for (size_t i = 0; info_repo_at(stanza, i, &one); i++)
	{
		int key = one.key >= 1 && one.key <= PGBR_REPO_MAX ? (int) one.key : 0;

		if (key > 0 && (repo == 0 || repo == key))
			json_array_append_new(repositories,
								  repository_json(config, stanza, key, segment_size, stop_fd));
	}
	return json_pack("{so}", "repositories", repositories);
}

/* What info says of our stanza, with a repository that is usable. */
static bool
usable_stanza(InfoCache *cache, PgbackrestStanza *stanza, PgbrError *error)
{
	for (int look = 0; look < 2; look++)
	{
		InfoSnapshot info;

		if (look > 0)
			info_cache_wait(cache, info_cache_refresh(cache), REFRESH_S, NULL, NULL);
		info_cache_get(cache, &info);
		info_snapshot_done(&info);
		*stanza = info.stanza;
		if (stanza->archive_id[0] && stanza->archive_repo)
			return true;
		pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "pgbackrest info names no usable archive%s%s",
					   info.failed || stanza->repo_failed ? ": " : "",
					   info.failed ? info.message : stanza->repo_message);
	}
	return false;
}

bool
archive_has_segment(const SidecarConfig *config, InfoCache *cache, const char *segment,
					const char *mark, int stop_fd, bool *found, int *exit_code, PgbrError *error)
{
	PgbackrestStanza stanza;
	const PgbackrestLimits limits = {mark, LOOK_MS, LOOK_MAX, stop_fd};
	Command command;
	PgbackrestAnswer answer;
	bool ok;

	*exit_code = -1;
	if (!usable_stanza(cache, &stanza, error))
		return false;
	pgbackrest_wal_command(config, stanza.archive_id, stanza.archive_repo, segment, &command);
	ok = pgbackrest_ask(&command, &limits, &answer, error) ||
		 fail_to("look into the repository", error);
	if (!ok)
		*exit_code = answer.exit_code;
	*found = ok && strncmp(answer.text.data, segment, strlen(segment)) == 0;
	pgbackrest_answer_done(&answer);
	return ok;
}
