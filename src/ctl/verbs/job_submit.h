/*
 * job_submit.h
 *		What the verbs that start a job share: options, sending the request, following the job, and
 *		reporting how it ended.
 */
#ifndef PGBR_CTL_VERBS_JOB_SUBMIT_H
#define PGBR_CTL_VERBS_JOB_SUBMIT_H

#include "common/vocabulary.h"
#include "ctl/verbs/verb.h"
#include "ctl/client/job_view.h"

#include <limits.h>
#include <stdbool.h>

/* Members for a verb's struct of arguments, and the rows that fill them. */
typedef struct JobArguments
{
	int repo;
	const char *reason;
	int wait_timeout; /* seconds, 0 for no limit */
} JobArguments;

#define JOB_OPTIONS(type, member)                                                                 \
	{"repo",                                                                                      \
	 0,                                                                                           \
	 OPTION_COUNT,                                                                                \
	 ARGUMENT(type, member.repo),                                                                 \
	 "N",                                                                                         \
	 NULL,                                                                                        \
	 1,                                                                                           \
	 PGBR_REPO_MAX,                                                                               \
	 "repository (default: pgbackrest's own choice)",                                             \
	 false},                                                                                      \
		{"reason", 0, OPTION_TEXT, ARGUMENT(type, member.reason), "TEXT",                         \
		 NULL,	   0, 0,		   "why, for the record",		  false},                         \
	{                                                                                             \
		"wait-timeout", 0, OPTION_COUNT, ARGUMENT(type, member.wait_timeout), "SECONDS", NULL, 1, \
			INT_MAX, "wait no longer than this; the job goes on", false                           \
	}

/* The same for verbs that wait unless told otherwise. */
typedef struct WaitArguments
{
	bool wait; /* said though it is the default */
	bool no_wait;
} WaitArguments;

#define WAIT_OPTIONS(type, member)                                                   \
	{"wait",                                                                         \
	 0,                                                                              \
	 OPTION_FLAG,                                                                    \
	 ARGUMENT(type, member.wait),                                                    \
	 NULL,                                                                           \
	 NULL,                                                                           \
	 0,                                                                              \
	 0,                                                                              \
	 "wait for the end of the job (the default)",                                    \
	 false},                                                                         \
	{                                                                                \
		"no-wait", 0, OPTION_FLAG, ARGUMENT(type, member.no_wait), NULL, NULL, 0, 0, \
			"return as soon as the job is accepted", false                           \
	}

/* Whether these options agree with each other and with --wait-timeout. CONFIG. */
extern bool
job_check_waiting(const WaitArguments *waiting, const JobArguments *arguments, PgbrError *error);

/* How to submit the job of a verb. */
typedef struct JobPlan
{
	PgbrJobKind kind;
	const JobArguments *arguments;
	bool wait;

	/* Report a finished job in the pretty format; the caller reports its failure. */
	bool (*report)(const Context *context, const JobView *job, PgbrError *error);
} JobPlan;

/*
 * Send the request and wait or not, as the plan says. request holds the members of this kind of
 * job; the common ones are added, and the reference is taken over. NULL is out of memory.
 */
extern ExitCode
job_submit(Context *context, const JobPlan *plan, json_t *request, PgbrError *error);

/*
 * The same for a job that is usually short: wait unless told otherwise, and print pgbackrest's
 * output at the end.
 */
extern ExitCode job_submit_short(Context *context, PgbrJobKind kind, const JobArguments *arguments,
								 const WaitArguments *waiting, json_t *request, PgbrError *error);

/* Who we say we are, for the record: "postgres@db1", or "" when that is not plain text. It fits the
 * sidecar's limits. */
#define JOB_CLAIM_SIZE 128
extern void job_claim(char *text);

/* False with CONFIG when text is no job's id. */
extern bool job_check_id(const char *text, PgbrError *error);

/* Print what pgbackrest printed in a job. */
extern bool job_print_log(const Context *context, const char *id, PgbrError *error);

/* Print a job in the context's format: a table of one row, or its document. */
extern bool job_print(const Context *context, const JobView *job, PgbrError *error);

#endif
