/*
 * facts.c
 *		See facts.h. Gathering is in gather.c.
 */
#include "ctl/facts/facts.h"

#include "common/vocabulary.h"
#include "common/wal.h"
#include "program/clock.h"
#include "program/json.h"
#include "program/pgbackrest_info.h"
#include "program/point_note.h"
#include "program/retention.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const setting_names[] = {
#define X(name) #name,
	FACT_SETTINGS(X)
#undef X
};

static bool
out_of_memory(PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

static bool
bad_answer(PgbrError *error, const char *what)
{
	return pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "invalid value in the sidecar's response: %s",
						  what);
}

/* "" for NULL. */
static void
copy_text(char *target, size_t size, const char *text)
{
	pgbr_copy_text(target, size, text ? text : "");
}

/* A member's text into an array; what is missing is empty. */
static void
take_text(char *target, size_t size, const json_t *object, const char *key)
{
	copy_text(target, size, json_text(object, key));
}

/* 0 for what is none. */
static uint64_t
lsn_of(const char *text)
{
	uint64_t lsn;

	return text && recovery_lsn_parse(text, &lsn) ? lsn : 0;
}

static uint64_t
take_lsn(const json_t *object, const char *key)
{
	return lsn_of(json_text(object, key));
}

static uint64_t
number_of(const char *text)
{
	uint64_t number;

	return text && recovery_number_parse(text, &number) ? number : 0;
}

static uint64_t
take_number(const json_t *object, const char *key)
{
	return number_of(json_text(object, key));
}

/* A plausible number of bytes or seconds, or a count: sums of these do not overflow. Anything else
 * is unknown and gives otherwise. */
#define AMOUNT_MAX (INT64_C(1) << 56)

static long long
amount_of(long long amount, long long otherwise)
{
	return amount >= 0 && amount <= AMOUNT_MAX ? amount : otherwise;
}

static long long
take_amount(const json_t *object, const char *key, long long otherwise)
{
	return amount_of(json_number(object, key, otherwise), otherwise);
}

/* A timeline; 0 for what is none. */
static uint32_t
take_timeline(const json_t *object)
{
	long long timeline = json_number(object, "timeline", 0);

	return timeline > 0 && timeline <= UINT32_MAX ? (uint32_t) timeline : 0;
}

/* A number that is an int; otherwise for what is none. */
static int
int_of(long long number, int otherwise)
{
	return number >= 0 && number <= INT_MAX ? (int) number : otherwise;
}

static int
take_int(const json_t *object, const char *key, int otherwise)
{
	return int_of(json_number(object, key, otherwise), otherwise);
}

void
restore_facts_init(RestoreFacts *facts)
{
	memset(facts, 0, sizeof(*facts));
}

void
restore_facts_done(RestoreFacts *facts)
{
	free(facts->backups);
	free(facts->databases);
	free(facts->points);
	free(facts->restores);
	wal_archive_done(&facts->archive);
	memset(facts, 0, sizeof(*facts));
}

/* Add an element to a growing array; false when out of memory. */
static bool
add_element(void **array, size_t *count, const void *element, size_t size)
{
	char *grown = realloc(*array, (*count + 1) * size);

	if (grown == NULL)
		return false;
	memcpy(grown + *count * size, element, size);
	*array = grown;
	(*count)++;
	return true;
}

bool
restore_facts_add_backup(RestoreFacts *facts, const FactBackup *backup)
{
	return add_element((void **) &facts->backups, &facts->backup_count, backup, sizeof(*backup));
}

bool
restore_facts_add_database(RestoreFacts *facts, const FactDatabase *database)
{
	return add_element((void **) &facts->databases, &facts->database_count, database,
					   sizeof(*database));
}

bool
restore_facts_add_point(RestoreFacts *facts, const FactPoint *point)
{
	for (size_t i = 0; i < facts->point_count; i++)
	{
		const FactPoint *other = &facts->points[i];

		if (strcmp(other->name, point->name) == 0 && other->timeline == point->timeline &&
			other->lsn == point->lsn)
			return true;
	}
	return add_element((void **) &facts->points, &facts->point_count, point, sizeof(*point));
}

bool
restore_facts_add_restore(RestoreFacts *facts, const FactRestore *restore)
{
	return add_element((void **) &facts->restores, &facts->restore_count, restore,
					   sizeof(*restore));
}

FactMember *
restore_facts_add_member(RestoreFacts *facts, const char *name)
{
	FactMember *member;

	if (facts->member_count == RESTORE_MEMBERS_MAX)
		return NULL;
	member = &facts->members[facts->member_count++];
	memset(member, 0, sizeof(*member));
	pgbr_copy_text(member->name, sizeof(member->name), name);
	member->cluster_bytes = member->free_bytes = member->unarchived = -1;
	member->tablespaces = member->logical_slots = -1;
	for (int i = 0; i < FACT_SETTING_COUNT; i++)
		member->settings[i] = member->control[i] = -1;
	return member;
}

const FactMember *
restore_facts_member(const RestoreFacts *facts, const char *name)
{
	for (int i = 0; i < facts->member_count; i++)
	{
		if (strcmp(facts->members[i].name, name) == 0)
			return &facts->members[i];
	}
	return NULL;
}

static void
read_settings(int *settings, const json_t *object)
{
	for (int i = 0; i < FACT_SETTING_COUNT; i++)
		settings[i] = take_int(object, setting_names[i], -1);
}

static void
read_options(FactMember *member, const json_t *options)
{
	static const char *const effects[] = {
#define X(name, text) text,
		FACT_EFFECTS(X)
#undef X
	};
	const json_t *item;
	size_t index;

	member->option_count = 0;
	json_array_foreach(options, index, item)
	{
		FactOption *option = &member->options[member->option_count];
		const char *effect = json_text(item, "effect");

		for (size_t i = 0; effect && i < sizeof(effects) / sizeof(effects[0]); i++)
		{
			if (strcmp(effects[i], effect) != 0 || member->option_count == FACT_OPTIONS_MAX)
				continue;
			take_text(option->name, sizeof(option->name), item, "option");
			take_text(option->where, sizeof(option->where), item, "where");
			option->effect = (FactEffect) i;
			member->option_count++;
			break;
		}
	}
}

bool
restore_facts_read_node(FactMember *member, const json_t *node, PgbrError *error)
{
	const json_t *control = json_object_get(node, "control");
	const char *state = json_text(control, "state");
	const char *time = json_text(node, "time");

	member->running = json_flag(node, "running");
	member->unseen = json_is_false(json_object_get(node, "process_seen"));
	take_text(member->stanza, sizeof(member->stanza), node, "stanza");
	take_text(member->system_identifier, sizeof(member->system_identifier), node,
			  "system_identifier");
	if (member->system_identifier[0] == '\0')
		take_text(member->system_identifier, sizeof(member->system_identifier), control,
				  "system_identifier");
	take_text(member->postgres_version, sizeof(member->postgres_version), node, "postgres_version");
	take_text(member->pgbackrest_version, sizeof(member->pgbackrest_version), node,
			  "pgbackrest_version");
	take_text(member->postgres_bin, sizeof(member->postgres_bin), node, "postgres_bin");
	take_text(member->data_directory, sizeof(member->data_directory), node, "data_directory");
	take_text(member->identity, sizeof(member->identity), node, "identity");
	take_text(member->data_directory_id, sizeof(member->data_directory_id), node,
			  "data_directory_id");
	take_text(member->restore, sizeof(member->restore), node, "restore");
	take_text(member->kept_for, sizeof(member->kept_for), node, "kept_for");
	take_text(member->running_job, sizeof(member->running_job), node, "running_job");
	member->timeline = take_timeline(node);
	if (member->timeline == 0)
		member->timeline = take_timeline(control);
	member->lsn = take_lsn(node, "lsn");
	if (member->lsn == 0)
		member->lsn = take_lsn(control, "checkpoint_lsn");
	member->next_xid = take_number(node, "next_xid");
	member->segment_size = json_number(node, "wal_segment_size", 0);
	member->cluster_bytes = take_amount(node, "cluster_bytes", -1);
	member->free_bytes = take_amount(node, "free_bytes", -1);
	member->is_mount = json_flag(node, "data_directory_is_mount");
	member->read_only = json_flag(node, "data_directory_is_read_only");
	read_options(member, json_object_get(node, "restore_options"));
	copy_text(member->data_link, sizeof(member->data_link),
			  json_string_value(json_array_get(json_object_get(node, "data_links"), 0)));
	member->tablespaces = take_int(node, "tablespaces", -1);
	member->replica = state && (strcmp(state, "in archive recovery") == 0 ||
								strcmp(state, "shut down in recovery") == 0);
	member->logical_slots = take_int(node, "logical_slots", -1);
	/* a replica archives nothing, and its backlog says nothing about the leader's */
	member->unarchived = member->replica ? -1 : take_amount(node, "unarchived_segments", -1);
	read_settings(member->settings, json_object_get(node, "server_settings"));
	read_settings(member->control, control);
	if (time && !clock_parse(time, &member->time_ms))
		return bad_answer(error, "time");
	if (member->stanza[0] && !pgbr_is_stanza(member->stanza))
		return bad_answer(error, "stanza");
	/* a power of two from 1 MB to 1 GB */
	if (member->segment_size != 0 &&
		(member->segment_size < 1048576 || member->segment_size > 1073741824 ||
		 (member->segment_size & (member->segment_size - 1)) != 0))
		return bad_answer(error, "wal_segment_size");
	return true;
}

static bool
take_backup(RestoreFacts *facts, const InfoBackup *info, PgbrError *error)
{
	FactBackup backup = {
		.repo = int_of(info->repo, 1),
		.database = int_of(info->database, 0),
		.error = info->error,
		.start = amount_of(info->start, 0),
		.stop = amount_of(info->stop, 0),
		.lsn_start = lsn_of(info->lsn_start),
		.lsn_stop = lsn_of(info->lsn_stop),
		.snapshot_xmin = number_of(info_annotation(info, "snapshot-xmin")),
		.snapshot_xmax = number_of(info_annotation(info, "snapshot-xmax")),
		.bytes = amount_of(info->size, 0),
		.repo_bytes = amount_of(info->repo_delta, amount_of(info->repo_size, 0)),
	};

	copy_text(backup.label, sizeof(backup.label), info->label);
	copy_text(backup.prior, sizeof(backup.prior), info->prior);
	copy_text(backup.wal_start, sizeof(backup.wal_start), info->wal_start);
	copy_text(backup.wal_stop, sizeof(backup.wal_stop), info->wal_stop);
	copy_text(backup.way_back, sizeof(backup.way_back), info_annotation(info, RETENTION_WAY_BACK));
	if (!pgbr_is_backup_label(backup.label))
		return bad_answer(error, "label");
	if (backup.repo < 1 || backup.repo > PGBR_REPO_MAX)
		return bad_answer(error, "number of a repository");
	/* an offline backup has neither LSN nor segment, and no WAL follows it */
	return restore_facts_add_backup(facts, &backup) || out_of_memory(error);
}

/* The restore points that a backup keeps: those of sidecars that are gone, too. */
static bool
take_noted_points(RestoreFacts *facts, const InfoBackup *info, PgbrError *error)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *) info->annotations, key, value)
	{
		PointNote note;
		FactPoint point = {.timeline = 0};

		if (!json_is_string(value) || !point_note_read(key, json_string_value(value), &note))
			continue;
		point.timeline = note.timeline;
		point.lsn = note.lsn;
		point.xid = note.xid;
		point.time_us = note.time_ms * 1000;
		strcpy(point.name, note.name);
		if (!restore_facts_add_point(facts, &point))
			return out_of_memory(error);
	}
	return true;
}

bool
restore_facts_read_info(RestoreFacts *facts, const json_t *info, const char *stanza,
						PgbrError *error)
{
	const json_t *found = info_find_stanza(json_object_get(info, "stanzas"), stanza);
	InfoDatabase database;
	InfoBackup backup;

	for (size_t i = 0; info_database_at(found, i, &database); i++)
	{
		FactDatabase fact = {.repo = int_of(database.repo, 1), .id = int_of(database.id, 0)};

		snprintf(fact.system_identifier, sizeof(fact.system_identifier), "%lld",
				 database.system_id);
		copy_text(fact.version, sizeof(fact.version), database.version);
		if (!restore_facts_add_database(facts, &fact))
			return out_of_memory(error);
	}
	for (size_t i = 0; info_backup_at(found, i, &backup); i++)
	{
		if (!take_backup(facts, &backup, error) || !take_noted_points(facts, &backup, error))
			return false;
	}
	return true;
}

static bool
read_range(WalArchive *archive, const json_t *json, PgbrError *error)
{
	const char *first = json_text(json, "first");
	const char *last = json_text(json, "last");
	const char *time = json_text(json, "last_time");
	WalRange range = {0};
	uint32_t timeline;
	int64_t ms = 0;

	if (first == NULL || last == NULL ||
		!wal_segment_parse(first, archive->segment_size, &range.timeline, &range.first) ||
		!wal_segment_parse(last, archive->segment_size, &timeline, &range.last) ||
		timeline != range.timeline || range.last < range.first || (time && !clock_parse(time, &ms)))
		return bad_answer(error, "range of WAL");
	range.last_time = ms / 1000;
	return wal_archive_add_range(archive, &range) || out_of_memory(error);
}

static bool
read_history(WalArchive *archive, const json_t *json, PgbrError *error)
{
	const json_t *entries = json_object_get(json, "entries");
	size_t count = json_array_size(entries);
	TimelineSwitch *switches = calloc(count + 1, sizeof(*switches));
	long long timeline = json_number(json, "timeline", 0);
	bool ok = timeline > 0 && timeline <= UINT32_MAX;

	if (switches == NULL)
		return out_of_memory(error);
	for (size_t i = 0; ok && i < count; i++)
	{
		const json_t *entry = json_array_get(entries, i);
		const char *lsn = json_text(entry, "lsn");

		switches[i].timeline = take_timeline(entry);
		take_text(switches[i].reason, sizeof(switches[i].reason), entry, "reason");
		ok = lsn && recovery_lsn_parse(lsn, &switches[i].lsn);
	}
	if (!ok)
		bad_answer(error, "history of a timeline");
	else if (!wal_archive_add_history(archive, (uint32_t) timeline, switches, count))
		ok = out_of_memory(error);
	free(switches);
	return ok;
}

bool
restore_facts_read_archive(RestoreFacts *facts, const json_t *archive, PgbrError *error)
{
	size_t i;
	size_t j;
	json_t *repo;
	json_t *element;

	json_array_foreach(json_object_get(archive, "repositories"), i, repo)
	{
		const char *problem = json_text(repo, "error");
		size_t length = strlen(facts->repo_errors);

		if (problem)
			snprintf(facts->repo_errors + length, sizeof(facts->repo_errors) - length,
					 "%srepository %lld: %s", length > 0 ? "; " : "", json_number(repo, "repo", 0),
					 problem);
		json_array_foreach(json_object_get(repo, "ranges"), j, element)
		{
			if (!read_range(&facts->archive, element, error))
				return false;
		}
		json_array_foreach(json_object_get(repo, "histories"), j, element)
		{
			if (!read_history(&facts->archive, element, error))
				return false;
		}
	}
	return true;
}

bool
restore_facts_read_points(RestoreFacts *facts, const json_t *points, PgbrError *error)
{
	size_t i;
	json_t *json;

	json_array_foreach(json_object_get(points, "restore_points"), i, json)
	{
		const char *name = json_text(json, "name");
		const char *time = json_text(json, "time");
		int64_t ms = 0;
		FactPoint point = {
			.timeline = take_timeline(json),
			.lsn = take_lsn(json, "lsn"),
			.xid = take_number(json, "xid"),
		};

		if (name == NULL || !pgbr_is_restore_point_name(name) || point.timeline == 0 ||
			point.lsn == 0 || (time && !clock_parse(time, &ms)))
			return bad_answer(error, "restore point");
		strcpy(point.name, name);
		point.time_us = ms * 1000;
		if (!restore_facts_add_point(facts, &point))
			return out_of_memory(error);
	}
	return true;
}

/* "  backup: LABEL, status: invalid, total files checked: 964, ..." */
static bool
mark_broken(RestoreFacts *facts, int repo, const char *line)
{
	const char *label = strstr(line, "backup: ");
	const char *comma = label ? strchr(label, ',') : NULL;
	bool marked = false;

	if (comma == NULL || strncmp(comma, ", status: invalid", 17) != 0)
		return false;
	label += strlen("backup: ");
	for (size_t i = 0; i < facts->backup_count; i++)
	{
		FactBackup *backup = &facts->backups[i];

		if (backup->repo == repo && strlen(backup->label) == (size_t) (comma - label) &&
			strncmp(backup->label, label, (size_t) (comma - label)) == 0)
			backup->broken = marked = true;
	}
	return marked;
}

/* "INFO: invalid checksum '15-1/0000000100000000/000000010000000000000002-b3369af5...gz'" */
static bool
find_damaged_wal(const RestoreFacts *facts, const char *line, uint32_t *timeline, uint64_t *segment)
{
	char name[WAL_NAME_SIZE];

	if (strstr(line, "invalid ") == NULL)
		return false;
	for (const char *slash = strchr(line, '/'); slash; slash = strchr(slash + 1, '/'))
	{
		pgbr_copy_text(name, sizeof(name), slash + 1);
		if (wal_segment_parse(name, facts->archive.segment_size, timeline, segment))
			return true;
	}
	return false;
}

bool
restore_facts_read_verify(RestoreFacts *facts, int repo, const char *text, bool *found,
						  PgbrError *error)
{
	char line[1024];

	*found = false;
	while (*text)
	{
		size_t length = strcspn(text, "\n");
		uint32_t timeline;
		uint64_t segment;

		snprintf(line, sizeof(line), "%.*s", (int) (length < 1000 ? length : 1000), text);
		text += length + (text[length] == '\n');
		if (mark_broken(facts, repo, line))
			*found = true;
		else if (find_damaged_wal(facts, line, &timeline, &segment))
		{
			char name[WAL_NAME_SIZE];

			if (!wal_archive_remove(&facts->archive, timeline, segment))
				return out_of_memory(error);
			wal_segment_name(name, timeline, segment, facts->archive.segment_size);
			if (facts->damaged_wal[0] == '\0' || strcmp(name, facts->damaged_wal) < 0)
				strcpy(facts->damaged_wal, name);
			*found = true;
		}
	}
	return true;
}
