// links: sidecar
// runs: 150000
/*
 * body_fuzz.c
 *		Any body of a request that changes something: what is taken is within its grammar, means the
 *		same when it is written down and read again, and nothing else reaches a command line.
 *
 * The first byte says whose body it is.
 */
#include "program/clock.h"
#include "program/json.h"
#include "sidecar/api/body.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/restore/step_arguments.h"
#include "sidecar/queue/job_coalesce.h"
#include "fuzz_json.h"

static const SidecarConfig config = {.pgbackrest = "pgbackrest", .stanza = "main"};

/* Each argument is an option, or one of the last, which are words of ours. */
static void
check_command(const Command *command, int words)
{
	MUST(!command->failed && command->count > words);
	for (int i = 1; i < command->count; i++)
	{
		const char *argument = command->argv[i];

		MUST(pgbr_is_plain_text(argument, 65536) && argument[0]);
		MUST((strncmp(argument, "--", 2) == 0) == (i < command->count - words));
	}
}

static void
check_annotations(const char *text)
{
	json_t *annotations = json_loads(text, 0, NULL);
	const char *key;
	json_t *value;

	MUST(json_is_object(annotations));
	json_object_foreach(annotations, key, value)
	{
		MUST(pgbr_is_annotation_key(key) && strcmp(key, "timestamp") != 0);
		MUST(pgbr_is_plain_text(json_string_value(value), 256));
	}
	json_decref(annotations);
}

/* What was read, written down, is read as the same. */
static void
check_again(const JobRequest *request)
{
	static JobRequest again;
	json_t *first = job_request_json(request);
	json_t *second;
	PgbrError error;

	json_object_del(first, "restore");
	json_object_del(first, "arguments");
	/* those that a kind does not take are null or false */
	if (request->kind != PGBR_JOB_BACKUP && request->kind != PGBR_JOB_ANNOTATE)
		json_object_del(first, "annotations");
	if (request->kind != PGBR_JOB_EXPIRE && request->kind != PGBR_JOB_ANNOTATE)
		json_object_del(first, "set");
	if (request->kind != PGBR_JOB_BACKUP)
	{
		json_object_del(first, "type");
		json_object_del(first, "backup_standby");
	}
	if (request->kind != PGBR_JOB_EXPIRE)
		json_object_del(first, "dry_run");
	if (request->repo == 0)
		json_object_del(first, "repo");
	MUST(job_request_read(first, &again, &error));
	strcpy(again.restore, request->restore);
	json_decref(first);
	first = job_request_json(request);
	second = job_request_json(&again);
	MUST(json_equal(first, second));
	json_decref(first);
	json_decref(second);
	MUST(request->restore[0] || job_covers(request, &again));
}

static void
check_job(const JobRequest *request)
{
	static Job job;
	Command command;

	MUST(request->repo >= 0 && request->repo <= PGBR_REPO_MAX);
	MUST(request->set[0] == '\0' || pgbr_is_backup_label(request->set));
	MUST(pgbr_is_plain_text(request->claimed_by, 128) && pgbr_is_plain_text(request->reason, 256));
	if (request->annotations[0])
		check_annotations(request->annotations);
	if (pgbr_job_kind_is_step(request->kind))
		return;
	check_again(request);
	job = (Job){.id = "20261122T154107-1a2b3c", .request = *request};
	pgbackrest_job_command(&config, &job, &command);
	check_command(&command, 1);
	command_done(&command);
}

static void
check_step(const JobRequest *request)
{
	json_t *json = request->arguments[0] ? json_loads(request->arguments, 0, NULL) : NULL;
	StepArguments arguments;
	PgbrError error;
	Command command;

	MUST(pgbr_job_kind_is_step(request->kind));
	MUST(request->arguments[0] == '\0' || json_is_object(json));
	if (step_arguments_read(request->kind, json, &arguments, &error))
	{
		MUST(arguments.name[0] == '\0' || pgbr_is_job_id(arguments.name));
		MUST(request->kind != PGBR_JOB_NODE_MARK || arguments.name[0]);
		MUST(arguments.timeout > 0 && arguments.archive_timeout > 0 && arguments.replay_bytes >= 0);
		if (request->kind == PGBR_JOB_NODE_RESTORE)
		{
			MUST(pgbr_is_backup_label(arguments.target.set));
			pgbackrest_restore_command(&config, arguments.repo, &arguments.target, "/data", NULL,
									   &command);
			check_command(&command, 1);
			command_done(&command);
		}
	}
	json_decref(json);
}

static void
check_restore_job(const json_t *body)
{
	static JobRequest request;
	char holder[JOB_ID_SIZE];
	PgbrError error;

	if (!job_restore_request_read(body, "r-1", &request, holder, &error))
		return;
	MUST(pgbr_is_job_id(holder) && strcmp(request.restore, "r-1") == 0);
	check_job(&request);
	if (pgbr_job_kind_is_step(request.kind))
		check_step(&request);
	else
		MUST(request.kind == PGBR_JOB_BACKUP);
}

static void
check_put(const json_t *body)
{
	static const RestoreHold holds[] = {
		{.id = ""},
		{.id = "r-1", .holder = "h", .until = 1000},
		{.id = "r-2", .holder = "h", .until = 9000, .harmless = true},
	};
	RestoreStored stored = {.revision = 3};
	RestorePut put = {.id = "r-1"};
	RestoreDecision decision;
	PgbrError error;
	StrBuf document;

	strbuf_init(&document);
	if (body_read_put(body, &put, &document, &error))
	{
		json_t *again = json_loads(put.document ? put.document : "{}", 0, NULL);

		MUST(pgbr_is_job_id(put.holder) && put.revision >= 0);
		MUST(put.lease_seconds >= 0 && put.lease_seconds <= RESTORE_LEASE_MAX_S);
		MUST(put.replaces == NULL ||
			 (body_is_restore_id(put.replaces) && !strchr(put.replaces, '/')));
		MUST(json_is_object(again));
		MUST(put.document == NULL || json_equal(again, json_object_get(body, "document")));
		json_decref(again);
		for (size_t i = 0; i < 3 * sizeof(holds) / sizeof(holds[0]); i++)
		{
			stored.state = (RestoreState) (i % 3);
			/* who does not hold the lock does not get it while its lease runs */
			if (restore_put_decide(&put, i % 2 ? &stored : NULL, &holds[i / 3], 5000, &decision,
								   &error) &&
				decision.hold && i / 3 == 2)
				MUST(strcmp(put.holder, "h") == 0 || stored.state != RESTORE_ACTIVE || i % 2);
		}
	}
	strbuf_done(&document);
}

static void
check_point(const json_t *body)
{
	RestorePoint point;
	PgbrError error;
	char time[CLOCK_TEXT_SIZE];
	int64_t again;

	if (!body_read_point(body, &point, &error))
		return;
	MUST(pgbr_is_restore_point_name(point.name) && pgbr_is_lsn(point.lsn) && point.timeline > 0);
	MUST(point.xid[0] && point.xid[strspn(point.xid, "0123456789")] == '\0');
	clock_format(point.time, time);
	MUST(clock_parse(time, &again) && again == point.time);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static JobRequest request;
	PgbrError error = PGBR_ERROR_INIT;
	json_t *body;

	if (size == 0)
		return 0;
	body = json_parse((const char *) data + 1, size - 1, &error);
	MUST((body == NULL) == (error.code == PGBR_ERROR_BAD_REQUEST));
	if (body && data[0] == 'j' && job_request_read(body, &request, &error))
	{
		MUST(!pgbr_job_kind_is_step(request.kind) && request.restore[0] == '\0');
		check_job(&request);
	}
	else if (body && data[0] == 'r')
		check_restore_job(body);
	else if (body && data[0] == 'p')
		check_put(body);
	else if (body && data[0] == 'n')
		check_point(body);
	json_decref(body);
	return 0;
}
