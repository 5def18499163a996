/*
 * plan_json.c
 *		A plan as JSON, and back: what --format=json prints, and what the journal keeps.
 */
#include "ctl/plan/plan_json.h"

#include "common/vocabulary.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>

static const char *const where_names[] = {
	[RESTORE_ON_ALL] = "all",
	[RESTORE_ON_LEADER] = "leader",
	[RESTORE_ON_REPLICAS] = "replicas",
	[RESTORE_ON_PATRONI] = "patroni",
};

static const char *
text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static void
put_number(json_t *object, const char *key, long long number)
{
	json_object_set_new(object, key, json_integer(number));
}

static void
put_flag(json_t *object, const char *key, bool flag)
{
	json_object_set_new(object, key, json_boolean(flag));
}

/* A number for which 0 or -1 means "unknown". */
static void
put_known(json_t *object, const char *key, long long number, long long unknown)
{
	json_object_set_new(object, key, number == unknown ? json_null() : json_integer(number));
}

static void
put_lsn(json_t *object, const char *key, uint64_t lsn)
{
	char text[RECOVERY_TEXT_SIZE];

	recovery_lsn_format(lsn, text);
	json_put_text(object, key, lsn == 0 ? NULL : text);
}

static json_t *
texts_json(const char *texts, size_t size, int count)
{
	json_t *array = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(array, json_string(texts + (size_t) i * size));
	return array;
}

static json_t *
request_json(const RestoreRequest *request)
{
	const RecoveryTarget *target = &request->target;
	json_t *json = json_object();

	json_put_text(json, "type", recovery_type_name(target->type));
	json_put_text(json, "target", text_or_null(target->text));
	put_flag(json, "target_exclusive", target->exclusive);
	json_put_text(json, "set", text_or_null(target->set));
	put_known(json, "target_timeline", target->timeline, 0);
	put_known(json, "repo", request->repo, 0);
	put_flag(json, "replicas_only", request->replicas_only);
	put_flag(json, "keep_old", request->keep_old);
	json_put_text(json, "keep", text_or_null(request->keep));
	json_put_text(json, "accept", text_or_null(request->accept));
	put_flag(json, "from_repository", request->from_repository);
	put_flag(json, "undo", request->undo);
	json_object_set_new(json, "without",
						texts_json(request->without[0], RESTORE_NAME_SIZE, request->without_count));
	json_object_set_new(json, "only",
						texts_json(request->only[0], RESTORE_NAME_SIZE, request->only_count));
	return json;
}

static json_t *
members_json(const RestorePlan *plan)
{
	json_t *array = json_array();

	for (int i = 0; i < plan->member_count; i++)
	{
		const RestoreMember *member = &plan->members[i];
		json_t *json = json_object();

		json_put_text(json, "name", member->name);
		if (member->sidecar_url[0])
			json_put_text(json, "sidecar_url", member->sidecar_url);
		put_flag(json, "leader", member->leader);
		put_flag(json, "left_out", member->left_out);
		put_flag(json, "kept", member->kept);
		put_flag(json, "was_kept", member->was_kept);
		put_flag(json, "running", member->running);
		put_known(json, "data_bytes", member->data_bytes, -1);
		put_known(json, "free_bytes", member->free_bytes, -1);
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *
steps_json(const RestorePlan *plan)
{
	json_t *array = json_array();

	for (int i = 0; i < plan->step_count; i++)
	{
		const RestoreStepInfo *info = restore_step_info(plan->steps[i]);
		json_t *json = json_object();

		json_put_text(json, "step", info->name);
		json_put_text(json, "where", where_names[info->where]);
		put_flag(json, "touches_data", info->touches_data);
		json_put_text(json, "text", info->text);
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *
way_back_json(const WayBack *way)
{
	json_t *json = json_object();

	json_put_text(json, "set", text_or_null(way->set));
	put_known(json, "repo", way->repo, 0);
	put_number(json, "days", way->days);
	json_put_text(json, "first_segment", text_or_null(way->first_segment));
	json_put_text(json, "reason", text_or_null(way->reason));
	return json;
}

json_t *
restore_plan_json(const RestorePlan *plan)
{
	json_t *json = json_object();

	if (json == NULL)
		return NULL;
	json_put_text(json, "id", plan->id);
	json_put_text(json, "scope", plan->scope);
	json_put_text(json, "stanza", plan->stanza);
	json_object_set_new(json, "request", request_json(&plan->request));
	json_put_text(json, "set", plan->set);
	json_put_text(json, "older_set", text_or_null(plan->older_set));
	put_number(json, "repo", plan->repo);
	put_number(json, "set_stop", plan->set_stop);
	put_number(json, "target_timeline", plan->target_timeline);
	put_number(json, "old_timeline", plan->old_timeline);
	json_put_text(json, "leader", plan->leader);
	json_put_text(json, "leading", text_or_null(plan->leading));
	json_object_set_new(json, "members", members_json(plan));
	json_object_set_new(json, "steps", steps_json(plan));
	put_flag(json, "broken_leader", plan->broken_leader);
	put_flag(json, "check_timeline", plan->check_timeline);
	json_put_text(json, "first_segment", text_or_null(plan->first_segment));
	json_put_text(json, "last_segment", text_or_null(plan->last_segment));
	put_number(json, "wal_segments", plan->wal_segments);
	put_number(json, "wal_segment_size", plan->wal_segment_size);
	put_number(json, "bytes", plan->bytes);
	put_known(json, "seconds", plan->seconds, -1);
	put_lsn(json, "target_lsn", plan->target_lsn);
	put_lsn(json, "least_lsn", plan->least_lsn);
	put_lsn(json, "wal_bound", plan->wal_bound);
	json_object_set_new(json, "way_back", way_back_json(&plan->way_back));
	json_object_set_new(json, "warnings",
						texts_json(plan->warnings[0], RESTORE_NOTE_SIZE, plan->warning_count));
	json_object_set_new(json, "unproven",
						texts_json(plan->unproven[0], RESTORE_NOTE_SIZE, plan->unproven_count));
	return json;
}

/* A text that must be there when required; cut to its place. */
static bool
take_text(char *target, size_t size, const json_t *json, const char *key, bool required)
{
	const char *text = json_text(json, key);

	pgbr_copy_text(target, size, text ? text : "");
	return text ? strlen(text) < size : !required;
}

static uint64_t
take_lsn(const json_t *json, const char *key)
{
	const char *text = json_text(json, key);
	uint64_t lsn;

	return text && recovery_lsn_parse(text, &lsn) ? lsn : 0;
}

static bool
take_texts(char *texts, size_t size, int max, int *count, const json_t *array)
{
	size_t i;
	json_t *element;

	*count = 0;
	if (json_array_size(array) > (size_t) max)
		return false;
	json_array_foreach(array, i, element)
	{
		if (!json_is_string(element))
			return false;
		pgbr_copy_text(texts + (size_t) (*count)++ * size, size, json_string_value(element));
	}
	return true;
}

static bool
read_request(const json_t *json, RestoreRequest *request, PgbrError *error)
{
	long long timeline = json_number(json, "target_timeline", 0);
	char number[RECOVERY_TEXT_SIZE] = "";

	if (timeline > 0)
		snprintf(number, sizeof(number), "%lld", timeline);
	if (!recovery_target_parse(&request->target, json_text(json, "type"), json_text(json, "target"),
							   json_flag(json, "target_exclusive"), json_text(json, "set"), number,
							   error))
		return false;
	request->repo = (int) json_number(json, "repo", 0);
	request->replicas_only = json_flag(json, "replicas_only");
	request->keep_old = json_flag(json, "keep_old");
	request->from_repository = json_flag(json, "from_repository");
	request->undo = json_flag(json, "undo");
	return take_text(request->keep, sizeof(request->keep), json, "keep", false) &&
		   take_text(request->accept, sizeof(request->accept), json, "accept", false) &&
		   take_texts(request->without[0], RESTORE_NAME_SIZE, RESTORE_MEMBERS_MAX,
					  &request->without_count, json_object_get(json, "without")) &&
		   take_texts(request->only[0], RESTORE_NAME_SIZE, RESTORE_MEMBERS_MAX,
					  &request->only_count, json_object_get(json, "only"));
}

static bool
read_members(const json_t *array, RestorePlan *plan)
{
	size_t i;
	json_t *json;

	if (json_array_size(array) > RESTORE_MEMBERS_MAX)
		return false;
	json_array_foreach(array, i, json)
	{
		RestoreMember *member = &plan->members[plan->member_count++];

		if (!take_text(member->name, sizeof(member->name), json, "name", true))
			return false;
		take_text(member->sidecar_url, sizeof(member->sidecar_url), json, "sidecar_url", false);
		member->leader = json_flag(json, "leader");
		member->left_out = json_flag(json, "left_out");
		member->kept = json_flag(json, "kept");
		member->was_kept = json_flag(json, "was_kept");
		member->running = json_flag(json, "running");
		member->data_bytes = json_number(json, "data_bytes", -1);
		member->free_bytes = json_number(json, "free_bytes", -1);
	}
	return plan->member_count > 0;
}

/* A step that this version does not know comes from another version: the restore can't be continued
 * here. */
static bool
read_steps(const json_t *array, RestorePlan *plan)
{
	size_t i;
	json_t *json;

	if (json_array_size(array) > RESTORE_STEP_COUNT)
		return false;
	json_array_foreach(array, i, json)
	{
		const char *name = json_text(json, "step");

		if (name == NULL || !restore_step_parse(name, &plan->steps[plan->step_count++]))
			return false;
	}
	return plan->step_count > 0;
}

/* A number from least to most, which is least when it is missing. */
static bool
take_number(long long *target, const json_t *json, const char *key, long long least, long long most)
{
	*target = json_number(json, key, least);
	return *target >= least && *target <= most;
}

/* More segments than a stanza can have, times the largest ones, still fit into 64 bits. */
#define SEGMENTS_MAX (INT64_C(1) << 32)

static bool
read_numbers(const json_t *json, RestorePlan *plan)
{
	long long repo;
	long long set_stop;
	long long target_timeline;
	long long old_timeline;

	if (!take_number(&repo, json, "repo", 0, PGBR_REPO_MAX) ||
		!take_number(&set_stop, json, "set_stop", 0, INT64_MAX) ||
		!take_number(&target_timeline, json, "target_timeline", 1, UINT32_MAX) ||
		!take_number(&old_timeline, json, "old_timeline", 0, UINT32_MAX) ||
		!take_number(&plan->wal_segments, json, "wal_segments", 0, SEGMENTS_MAX) ||
		!take_number(&plan->wal_segment_size, json, "wal_segment_size", 1 << 20, 1 << 30) ||
		!take_number(&plan->bytes, json, "bytes", 0, INT64_MAX) ||
		!take_number(&plan->seconds, json, "seconds", -1, INT64_MAX))
		return false;
	plan->repo = (int) repo;
	plan->set_stop = set_stop;
	plan->target_timeline = (uint32_t) target_timeline;
	plan->old_timeline = (uint32_t) old_timeline;
	return (plan->wal_segment_size & (plan->wal_segment_size - 1)) == 0;
}

/* A plan of another version may have none. */
static bool
read_way_back(const json_t *json, WayBack *way)
{
	long long days;

	way->repo = (int) json_number(json, "repo", 0);
	if (!take_number(&days, json, "days", 0, WAY_BACK_DAYS_MAX))
		return false;
	way->days = (int) days;
	return take_text(way->set, sizeof(way->set), json, "set", false) &&
		   take_text(way->first_segment, sizeof(way->first_segment), json, "first_segment",
					 false) &&
		   take_text(way->reason, sizeof(way->reason), json, "reason", false) && way->repo >= 0 &&
		   way->repo <= PGBR_REPO_MAX && (way->set[0] == '\0' || pgbr_is_backup_label(way->set)) &&
		   (way->first_segment[0] == '\0' || pgbr_is_wal_segment(way->first_segment));
}

/* True when the plan is consistent and its names can be shown. The journal comes from a sidecar, so
 * it is not trusted. */
static bool
is_sound(const RestorePlan *plan)
{
	bool leads = false;
	bool led = plan->leading[0] == '\0';

	for (int i = 0; i < plan->member_count; i++)
	{
		const char *name = plan->members[i].name;

		if (name[0] == '\0' || !pgbr_is_plain_text(name, sizeof(plan->members[i].name)))
			return false;
		leads = leads || strcmp(name, plan->leader) == 0;
		led = led || strcmp(name, plan->leading) == 0;
	}
	for (int i = 1; i < plan->step_count; i++)
	{
		if (plan->steps[i] <= plan->steps[i - 1])
			return false;
	}
	return leads && led && pgbr_is_stanza(plan->stanza) &&
		   pgbr_is_plain_text(plan->scope, sizeof(plan->scope)) &&
		   (plan->first_segment[0] == '\0' || pgbr_is_wal_segment(plan->first_segment)) &&
		   (plan->last_segment[0] == '\0' || pgbr_is_wal_segment(plan->last_segment));
}

bool
restore_plan_read(const json_t *json, RestorePlan *plan, PgbrError *error)
{
	bool ok;

	memset(plan, 0, sizeof(*plan));
	ok =
		take_text(plan->id, sizeof(plan->id), json, "id", true) && pgbr_is_job_id(plan->id) &&
		take_text(plan->scope, sizeof(plan->scope), json, "scope", true) &&
		take_text(plan->stanza, sizeof(plan->stanza), json, "stanza", true) &&
		take_text(plan->set, sizeof(plan->set), json, "set", true) &&
		pgbr_is_backup_label(plan->set) &&
		take_text(plan->older_set, sizeof(plan->older_set), json, "older_set", false) &&
		(plan->older_set[0] == '\0' || pgbr_is_backup_label(plan->older_set)) &&
		take_text(plan->leader, sizeof(plan->leader), json, "leader", true) &&
		take_text(plan->leading, sizeof(plan->leading), json, "leading", false) &&
		take_text(plan->first_segment, sizeof(plan->first_segment), json, "first_segment", false) &&
		take_text(plan->last_segment, sizeof(plan->last_segment), json, "last_segment", false) &&
		read_members(json_object_get(json, "members"), plan) &&
		read_steps(json_object_get(json, "steps"), plan) &&
		take_texts(plan->warnings[0], RESTORE_NOTE_SIZE, RESTORE_NOTES_MAX, &plan->warning_count,
				   json_object_get(json, "warnings")) &&
		take_texts(plan->unproven[0], RESTORE_NOTE_SIZE, RESTORE_NOTES_MAX, &plan->unproven_count,
				   json_object_get(json, "unproven")) &&
		read_request(json_object_get(json, "request"), &plan->request, NULL) &&
		read_numbers(json, plan) &&
		read_way_back(json_object_get(json, "way_back"), &plan->way_back) && is_sound(plan);
	if (!ok)
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "the plan of the restore can't be read");
	plan->broken_leader = json_flag(json, "broken_leader");
	plan->check_timeline = json_flag(json, "check_timeline");
	plan->target_lsn = take_lsn(json, "target_lsn");
	plan->least_lsn = take_lsn(json, "least_lsn");
	plan->wal_bound = take_lsn(json, "wal_bound");
	return true;
}

json_t *
restore_refusal_json(const RestoreRefusal *refusal)
{
	json_t *json = json_object();
	json_t *array = json_array();

	if (json == NULL || array == NULL)
	{
		json_decref(json);
		json_decref(array);
		return NULL;
	}
	json_put_text(json, "refused", refusal->error.message);
	json_put_text(json, "detail", text_or_null(refusal->error.detail));
	json_put_text(json, "hint", text_or_null(refusal->error.hint));
	for (int i = 0; i < refusal->nearest_count; i++)
	{
		const RestoreNearest *nearest = &refusal->nearest[i];
		json_t *element = json_object();

		json_put_text(element, "type", nearest->type);
		json_put_text(element, "target", text_or_null(nearest->target));
		json_put_text(element, "set", text_or_null(nearest->set));
		put_flag(element, "target_exclusive", nearest->exclusive);
		put_known(element, "target_timeline", nearest->timeline, 0);
		json_put_text(element, "note", nearest->note);
		json_array_append_new(array, element);
	}
	json_object_set_new(json, "nearest", array);
	return json;
}
