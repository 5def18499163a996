/*
 * job_submit.c
 *		See job_submit.h.
 */
#include "ctl/verbs/job_submit.h"

#include "ctl/client/interrupt.h"
#include "ctl/client/job_request.h"
#include "ctl/client/job_watch.h"
#include "ctl/print/message.h"
#include "ctl/print/text.h"
#include "program/json.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define JOB_NAME 256

void
job_claim(char *text)
{
	const struct passwd *user = getpwuid(geteuid());
	char host[65] = "";

	gethostname(host, sizeof(host) - 1);
	snprintf(text, JOB_CLAIM_SIZE, "%.60s@%s", user ? user->pw_name : "?", host);
	if (!pgbr_is_plain_text(text, JOB_CLAIM_SIZE))
		text[0] = '\0';
}

static bool
put_requester(json_t *request)
{
	char text[JOB_CLAIM_SIZE];

	job_claim(text);
	return text[0] == '\0' || json_put_text(request, "claimed_by", text);
}

static bool
complete_request(json_t *request, const JobPlan *plan, PgbrError *error)
{
	const JobArguments *arguments = plan->arguments;

	if (arguments->reason && !pgbr_is_plain_text(arguments->reason, 256))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --reason",
					   arguments->reason);
		return pgbr_error_detail(error, "It is at most 256 bytes of UTF-8, on one line.");
	}
	if (json_put_text(request, "kind", pgbr_job_kind_name(plan->kind)) && put_requester(request) &&
		(arguments->reason == NULL || json_put_text(request, "reason", arguments->reason)) &&
		(arguments->repo == 0 ||
		 json_object_set_new(request, "repo", json_integer(arguments->repo)) == 0))
		return true;
	return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

static bool
send_request(const Context *context, const JobPlan *plan, const json_t *request, json_t **job,
			 PgbrError *error)
{
	if (sidecar_client_call(&context->client, "POST", PGBR_PATH_JOBS, request, 0, job, error))
		return true;
	if (error->code == PGBR_ERROR_TIMEOUT || error->code == PGBR_ERROR_ABORTED)
		pgbr_error_hint(
			error, "The sidecar may have accepted the %s: check with \"" PROGRAM_NAME " jobs\".",
			pgbr_job_kind_name(plan->kind));
	return false;
}

/* EXIT_OK when the job succeeded; otherwise the error says how it ended and why. */
static ExitCode
job_judge(const JobView *job, PgbrError *error)
{
	char name[JOB_NAME];

	if (job->state == PGBR_STATE_SUCCEEDED)
		return EXIT_OK;
	job_view_name(job, name, sizeof(name));
	pgbr_error_set(error, PGBR_ERROR_PGBACKREST, "%s %s%s%s%s", name,
				   job->state == PGBR_STATE_FAILED ? "" : "was ", pgbr_job_state_name(job->state),
				   job->message ? ": " : "", job->message ? job->message : "");
	if (job->exit_code >= 0)
		pgbr_error_detail(error, "pgbackrest ended with exit code %03lld%s%s%s.", job->exit_code,
						  job->error ? " (" : "", job->error ? job->error : "",
						  job->error ? ")" : "");
	if (job->hint)
		pgbr_error_hint(error, "%s", job->hint);
	else if (job->state == PGBR_STATE_FAILED)
		pgbr_error_hint(error, "What pgbackrest printed: \"" PROGRAM_NAME " jobs %s --log\".",
						job->id);
	return EXIT_FAILED;
}

bool
job_print(const Context *context, const JobView *job, PgbrError *error)
{
	bool for_people = context->format == OUTPUT_PRETTY;
	StrBuf out;
	Table table;
	bool ok;

	strbuf_init(&out);
	if (output_is_document(context->format))
		output_put_document(job->document, context->format, &out);
	else
	{
		job_list_init(&table);
		job_list_add(&table, job, (long long) time(NULL), for_people);
		output_put_table(&table, context->format, output_terminal_columns(stdout), &out);
		table_done(&table);
	}
	ok = output_print(stdout, &out, error);
	strbuf_done(&out);
	return ok;
}

bool
job_check_waiting(const WaitArguments *waiting, const JobArguments *arguments, PgbrError *error)
{
	if (!waiting->no_wait || (!waiting->wait && arguments->wait_timeout == 0))
		return true;
	return pgbr_error_set(error, PGBR_ERROR_CONFIG, "--no-wait and %s exclude each other",
						  waiting->wait ? "--wait" : "--wait-timeout");
}

bool
job_check_id(const char *text, PgbrError *error)
{
	if (pgbr_is_job_id(text))
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" is not the id of a job", text);
	return pgbr_error_hint(error, "\"" PROGRAM_NAME " jobs\" lists them.");
}

bool
job_print_log(const Context *context, const char *id, PgbrError *error)
{
	char *text = NULL;
	StrBuf buf;
	bool ok;

	strbuf_init(&buf);
	ok = job_request_get_log(&context->client, id, &text, error);
	if (ok)
	{
		text_put_visible(&buf, text);
		if (buf.length > 0 && buf.data[buf.length - 1] != '\n')
			strbuf_putc(&buf, '\n');
		ok = output_print(stdout, &buf, error);
	}
	free(text);
	strbuf_done(&buf);
	return ok;
}

/* The wait ended before the job: say so, and that the job goes on. */
static ExitCode
tell_unfinished(const JobView *job, JobWatchEnd end, int limit, PgbrError *error)
{
	char name[JOB_NAME];

	job_view_name(job, name, sizeof(name));
	if (end == JOB_WATCH_TIMED_OUT)
		pgbr_error_set(error, PGBR_ERROR_TIMEOUT, "%s is still %s after %d s", name,
					   pgbr_job_state_name(job->state), limit);
	else
		pgbr_error_set(error, PGBR_ERROR_ABORTED, "stopped waiting for %s", name);
	pgbr_error_detail(error, "The job goes on.");
	pgbr_error_hint(error,
					"Look at it with \"" PROGRAM_NAME " jobs %s\", cancel it with \"" PROGRAM_NAME
					" cancel %s\".",
					job->id, job->id);
	return end == JOB_WATCH_TIMED_OUT ? EXIT_WAIT_OVER : EXIT_INTERRUPTED;
}

/* Without a wait: show the job, and how to follow it. */
static ExitCode
tell_accepted(const Context *context, const json_t *document, PgbrError *error)
{
	JobView job;

	if (!job_view_read(document, &job, error) || !job_print(context, &job, error))
		return exit_code_of(error);
	if (context->format == OUTPUT_PRETTY)
		printf("Follow it with \"" PROGRAM_NAME " jobs %s\".\n", job.id);
	return EXIT_OK;
}

static ExitCode
job_follow(Context *context, const JobPlan *plan, json_t **document, PgbrError *error)
{
	bool for_people = context->format == OUTPUT_PRETTY;
	int limit = plan->arguments->wait_timeout;
	JobWatchEnd end;
	ExitCode code;
	JobView job;
	PgbrError print_error = PGBR_ERROR_INIT;
	bool printed = true;

	end = job_watch(&context->client, document, limit, JOB_WATCH_OUTAGE_S,
					for_people ? stdout : stderr, error);
	if (!job_view_read(*document, &job, end == JOB_WATCH_FAILED ? NULL : error))
		return exit_code_of(error);
	if (end == JOB_WATCH_FAILED)
	{
		pgbr_error_hint(error, "Ask for it again with \"" PROGRAM_NAME " jobs %s\".", job.id);
		return exit_code_of(error);
	}
	code = end == JOB_WATCH_FINISHED ? job_judge(&job, error)
									 : tell_unfinished(&job, end, limit, error);
	if (!for_people)
		printed = job_print(context, &job, &print_error);
	else if (end == JOB_WATCH_FINISHED)
		printed = plan->report(context, &job, &print_error);
	/* the outcome of the job matters more than an output that failed */
	if (printed || code != EXIT_OK)
		return code;
	*error = print_error;
	return exit_code_of(error);
}

static void
tell_first(const Context *context, const json_t *document)
{
	JobView job;
	char name[JOB_NAME];

	if (context->format != OUTPUT_PRETTY || !job_view_read(document, &job, NULL))
		return;
	printf("%s was accepted", job_view_name(&job, name, sizeof(name)));
	if (job.covered_by)
		printf(" and is coalesced into %s", job.covered_by);
	printf("\n");
	fflush(stdout);
}

ExitCode
job_submit(Context *context, const JobPlan *plan, json_t *request, PgbrError *error)
{
	json_t *job = NULL;
	ExitCode code;

	if (request == NULL)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	if (request == NULL || !complete_request(request, plan, error))
	{
		json_decref(request);
		return exit_code_of(error);
	}
	if (plan->wait)
	{
		interrupt_catch(SIGINT);
		context->client.should_abort = interrupt_should_abort;
	}
	if (!send_request(context, plan, request, &job, error))
		code = exit_code_of(error);
	else if (!plan->wait)
		code = tell_accepted(context, job, error);
	else
	{
		tell_first(context, job);
		code = job_follow(context, plan, &job, error);
	}
	if (plan->wait)
	{
		context->client.should_abort = NULL;
		interrupt_release(SIGINT);
	}
	json_decref(job);
	json_decref(request);
	return code;
}

static bool
report_output(const Context *context, const JobView *job, PgbrError *error)
{
	char name[128];

	if (!job_print_log(context, job->id, error))
		return false;
	if (job->state == PGBR_STATE_SUCCEEDED)
		printf("%s succeeded\n", job_view_name(job, name, sizeof(name)));
	return true;
}

ExitCode
job_submit_short(Context *context, PgbrJobKind kind, const JobArguments *arguments,
				 const WaitArguments *waiting, json_t *request, PgbrError *error)
{
	const JobPlan plan = {
		.kind = kind,
		.arguments = arguments,
		.wait = !waiting->no_wait,
		.report = report_output,
	};

	if (!job_check_waiting(waiting, arguments, error))
	{
		json_decref(request);
		return exit_code_of(error);
	}
	return job_submit(context, &plan, request, error);
}
