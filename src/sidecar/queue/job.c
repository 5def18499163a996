/*
 * job.c
 *		See job.h. Knows neither where jobs are kept nor how they are run.
 */
#include "sidecar/queue/job.h"

#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>

#define KIND(kind) (1u << PGBR_JOB_##kind)
#define ANY_KIND   0xFFFFFFFFu

typedef bool (*MemberReader)(const char *key, const json_t *value, JobRequest *request,
							 PgbrError *error);

static bool
invalid(PgbrError *error, const char *key, const char *wanted)
{
	pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"%s\"", key);
	return pgbr_error_hint(error, "It must be %s.", wanted);
}

static bool
read_kind(const char *key, const json_t *value, JobRequest *request, PgbrError *error)
{
	const char *text = json_string_value(value);

	return (text && pgbr_job_kind_parse(text, &request->kind)) ||
		   invalid(error, key, "one of " PGBR_JOB_KINDS);
}

static bool
read_type(const char *key, const json_t *value, JobRequest *request, PgbrError *error)
{
	const char *text = json_string_value(value);

	return (text && pgbr_backup_type_parse(text, &request->type)) ||
		   invalid(error, key, "one of " PGBR_BACKUP_TYPES);
}

static bool
read_repo(const char *key, const json_t *value, JobRequest *request, PgbrError *error)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 1 || number > PGBR_REPO_MAX)
		return invalid(error, key, "a whole number from 1 to 256");
	request->repo = (int) number;
	return true;
}

static bool
read_flag(const char *key, const json_t *value, bool *flag, PgbrError *error)
{
	if (!json_is_boolean(value))
		return invalid(error, key, "true or false");
	*flag = json_is_true(value);
	return true;
}

static bool
read_dry_run(const char *key, const json_t *value, JobRequest *request, PgbrError *error)
{
	return read_flag(key, value, &request->dry_run, error);
}

static bool
read_backup_standby(const char *key, const json_t *value, JobRequest *request, PgbrError *error)
{
	return read_flag(key, value, &request->backup_standby, error);
}

static bool
read_set(const char *key, const json_t *value, JobRequest *request, PgbrError *error)
{
	const char *text = json_string_value(value);

	if (text == NULL || !pgbr_is_backup_label(text))
		return invalid(error, key, "a backup's label, as in 20261122-154107F");
	strcpy(request->set, text);
	return true;
}

static bool
read_claimed_by(const char *key, const json_t *value, JobRequest *request, PgbrError *error)
{
	const char *text = json_string_value(value);

	if (text == NULL || !pgbr_is_plain_text(text, sizeof(request->claimed_by) - 1))
		return invalid(error, key, "text without control characters of at most 128 bytes");
	strcpy(request->claimed_by, text);
	return true;
}

static bool
read_reason(const char *key, const json_t *value, JobRequest *request, PgbrError *error)
{
	const char *text = json_string_value(value);

	if (text == NULL || !pgbr_is_plain_text(text, sizeof(request->reason) - 1))
		return invalid(error, key, "text without control characters of at most 256 bytes");
	strcpy(request->reason, text);
	return true;
}

static bool
check_annotation(const char *key, const json_t *value, PgbrError *error)
{
	const char *text = json_string_value(value);

	if (!pgbr_is_annotation_key(key))
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid annotation key \"%.64s\"",
					   pgbr_is_plain_text(key, 65536) ? key : "?");
		return pgbr_error_hint(error, "A key is 1 to 64 letters, digits and _ . -, and does not "
									  "begin with -.");
	}
	if (strcmp(key, "timestamp") == 0)
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "annotation \"timestamp\" is reserved");
		return pgbr_error_hint(error, "It holds the job's id.");
	}
	if (text == NULL || !pgbr_is_plain_text(text, 256))
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value for annotation \"%s\"", key);
		return pgbr_error_hint(error, "It must be text without control characters of at most 256 "
									  "bytes.");
	}
	return true;
}

static bool
read_annotations(const char *key, const json_t *value, JobRequest *request, PgbrError *error)
{
	const char *name;
	json_t *member;
	size_t length;

	if (!json_is_object(value) || json_object_size(value) > JOB_MAX_ANNOTATIONS)
		return invalid(error, key, "an object of at most 32 texts");
	json_object_foreach((json_t *) value, name, member)
	{
		if (!check_annotation(name, member, error))
			return false;
	}
	if (json_object_size(value) == 0)
		return true;
	length = json_dumpb(value, request->annotations, sizeof(request->annotations) - 1,
						JSON_COMPACT | JSON_SORT_KEYS);
	if (length >= sizeof(request->annotations))
	{
		request->annotations[0] = '\0';
		return invalid(error, key, "smaller than 4 KB in all");
	}
	request->annotations[length] = '\0';
	return true;
}

/* One row a member: which kinds take it, which must have it, and who reads it. */
static const struct
{
	const char *key;
	unsigned int kinds;
	unsigned int required_by;
	MemberReader read;
} members[] = {
	{"kind", ANY_KIND, ANY_KIND, read_kind},
	{"claimed_by", ANY_KIND, 0, read_claimed_by},
	{"reason", ANY_KIND, 0, read_reason},
	{"type", KIND(BACKUP), 0, read_type},
	{"repo", KIND(BACKUP) | KIND(EXPIRE) | KIND(VERIFY) | KIND(CHECK) | KIND(ANNOTATE), 0,
	 read_repo},
	{"annotations", KIND(BACKUP) | KIND(ANNOTATE), KIND(ANNOTATE), read_annotations},
	{"set", KIND(EXPIRE) | KIND(ANNOTATE), KIND(ANNOTATE), read_set},
	{"dry_run", KIND(EXPIRE), 0, read_dry_run},
	{"backup_standby", KIND(BACKUP), 0, read_backup_standby},
};

#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

static bool
check_member_known(const char *key, PgbrJobKind kind, PgbrError *error)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++)
	{
		if (strcmp(members[i].key, key) != 0)
			continue;
		if (members[i].kinds & (1u << kind))
			return true;
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "\"%s\" is not for a job of kind %s",
							  key, pgbr_job_kind_name(kind));
	}
	return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "unknown member \"%.64s\"",
						  pgbr_is_plain_text(key, 65536) ? key : "?");
}

bool
job_request_read(const json_t *body, JobRequest *request, PgbrError *error)
{
	const char *key;
	json_t *value;

	*request = (JobRequest){.type = PGBR_BACKUP_INCR};
	if (!json_is_object(body))
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "the body is not a JSON object");
	if (json_object_get(body, "kind") == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "member \"kind\" is missing");
	if (!read_kind("kind", json_object_get(body, "kind"), request, error))
		return false;
	if (pgbr_job_kind_is_step(request->kind))
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "a job of kind %s belongs to a restore",
					   pgbr_job_kind_name(request->kind));
		return pgbr_error_hint(error, "Request it at " PGBR_PATH_RESTORES "/{id}/jobs.");
	}
	json_object_foreach((json_t *) body, key, value)
	{
		if (!check_member_known(key, request->kind, error))
			return false;
	}
	for (size_t i = 0; i < MEMBER_COUNT; i++)
	{
		value = json_object_get(body, members[i].key);
		/* null is what a client writes for "not given" */
		if (value && !json_is_null(value) &&
			!members[i].read(members[i].key, value, request, error))
			return false;
		if ((value == NULL || json_is_null(value)) &&
			(members[i].required_by & (1u << request->kind)))
			return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
								  "member \"%s\" is missing for a job of kind %s", members[i].key,
								  pgbr_job_kind_name(request->kind));
	}
	if (request->kind == PGBR_JOB_ANNOTATE && request->annotations[0] == '\0')
		return invalid(error, "annotations", "an object with at least one text");
	return true;
}

/* What is left of a step's body is its arguments. */
static bool
read_step(json_t *body, JobRequest *request, PgbrError *error)
{
	size_t length;

	for (size_t i = 0; i < MEMBER_COUNT; i++)
	{
		json_t *value = json_object_get(body, members[i].key);

		if (value == NULL || members[i].kinds != ANY_KIND)
			continue;
		if (!json_is_null(value) && !members[i].read(members[i].key, value, request, error))
			return false;
		json_object_del(body, members[i].key);
	}
	if (json_object_size(body) == 0)
		return true;
	length = json_dumpb(body, request->arguments, sizeof(request->arguments) - 1,
						JSON_COMPACT | JSON_SORT_KEYS);
	if (length >= sizeof(request->arguments))
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "the arguments are too long");
	request->arguments[length] = '\0';
	return true;
}

/* What a restore may have done besides its steps: its fresh backup, and the annotation that keeps
 * its way back. */
static bool
is_for_restore(PgbrJobKind kind)
{
	return kind == PGBR_JOB_BACKUP || kind == PGBR_JOB_ANNOTATE;
}

bool
job_restore_request_read(const json_t *body, const char *restore, JobRequest *request, char *holder,
						 PgbrError *error)
{
	const char *text = json_text(body, "holder");
	json_t *rest;
	bool ok;

	*request = (JobRequest){.type = PGBR_BACKUP_INCR};
	if (!json_is_object(body))
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "the body is not a JSON object");
	if (text == NULL || !pgbr_is_job_id(text))
		return invalid(error, "holder", "1 to 64 letters, digits and _ . : -");
	strcpy(holder, text);
	if (!read_kind("kind", json_object_get(body, "kind"), request, error))
		return false;
	if (!pgbr_job_kind_is_step(request->kind) && !is_for_restore(request->kind))
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "a restore takes no job of kind %s",
							  pgbr_job_kind_name(request->kind));
	rest = json_copy((json_t *) body);
	json_object_del(rest, "holder");
	ok = is_for_restore(request->kind) ? job_request_read(rest, request, error)
									   : read_step(rest, request, error);
	json_decref(rest);
	strcpy(request->restore, restore);
	return ok;
}

static json_t *
object_or_null(const char *text)
{
	json_t *value = text[0] ? json_loads(text, 0, NULL) : NULL;

	return value ? value : json_null();
}

static void
put_request(json_t *object, const JobRequest *request)
{
	json_put_text(object, "kind", pgbr_job_kind_name(request->kind));
	json_put_text(object, "type",
				  request->kind == PGBR_JOB_BACKUP ? pgbr_backup_type_name(request->type) : NULL);
	json_object_set_new(object, "repo", request->repo ? json_integer(request->repo) : json_null());
	json_object_set_new(object, "annotations", object_or_null(request->annotations));
	json_put_text(object, "set", request->set[0] ? request->set : NULL);
	json_object_set_new(object, "dry_run", json_boolean(request->dry_run));
	json_object_set_new(object, "backup_standby", json_boolean(request->backup_standby));
	json_put_text(object, "claimed_by", request->claimed_by[0] ? request->claimed_by : NULL);
	json_put_text(object, "reason", request->reason[0] ? request->reason : NULL);
	json_put_text(object, "restore", request->restore[0] ? request->restore : NULL);
	json_object_set_new(object, "arguments", object_or_null(request->arguments));
}

bool
job_request_from(JobRequest *request, const Caller *caller)
{
	strcpy(request->requested_by, caller->name);
	return true;
}

json_t *
job_request_json(const JobRequest *request)
{
	json_t *object = json_object();

	if (object)
		put_request(object, request);
	return object;
}

static void
put_time(json_t *object, const char *key, int64_t ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (ms)
		clock_format(ms, text);
	json_put_text(object, key, ms ? text : NULL);
}

static json_t *
progress_json(const JobProgress *progress)
{
	json_t *object;

	if (progress->phase == NULL)
		return json_null();
	object = json_object();
	json_put_text(object, "phase", progress->phase);
	json_object_set_new(object, "bytes_done", json_integer(progress->bytes_done));
	json_object_set_new(object, "bytes_total",
						progress->bytes_total < 0 ? json_null()
												  : json_integer(progress->bytes_total));
	json_object_set_new(object, "percent",
						progress->percent < 0 ? json_null() : json_real(progress->percent));
	return object;
}

json_t *
job_json(const Job *job)
{
	json_t *object = json_object();

	if (object == NULL)
		return NULL;
	json_put_text(object, "id", job->id);
	put_request(object, &job->request);
	json_put_text(object, "requested_by",
				  job->request.requested_by[0] ? job->request.requested_by : NULL);
	json_put_text(object, "state", pgbr_job_state_name(job->state));
	json_put_text(object, "covered_by", job->covered_by[0] ? job->covered_by : NULL);
	put_time(object, "requested_at", job->requested_at);
	put_time(object, "started_at", job->started_at);
	put_time(object, "finished_at", job->finished_at);
	json_object_set_new(object, "progress", progress_json(&job->progress));
	json_put_text(object, "label", job->label[0] ? job->label : NULL);
	json_object_set_new(object, "exit_code",
						job->exit_code < 0 ? json_null() : json_integer(job->exit_code));
	json_put_text(object, "error", job->error[0] ? job->error : NULL);
	json_put_text(object, "message", job->message[0] ? job->message : NULL);
	json_put_text(object, "hint", job->hint[0] ? job->hint : NULL);
	json_object_set_new(object, "result", object_or_null(job->result));
	return object;
}
