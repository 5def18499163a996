/*
 * job_view.h
 *		A job as the sidecar describes it (Job in docs/reference/openapi.yaml), read once into a
 *		struct, and the tables that show jobs.
 *
 * A JobView lends its texts from the JSON it was read from, which must outlive it. Pure.
 */
#ifndef PGBR_CTL_CLIENT_JOB_VIEW_H
#define PGBR_CTL_CLIENT_JOB_VIEW_H

#include "common/error.h"
#include "common/vocabulary.h"
#include "ctl/print/table.h"

#include <jansson.h>
#include <stdbool.h>

/* NULL or -1 where the sidecar says null. */
typedef struct JobView
{
	const char *id;
	const char *kind;
	const char *type;
	PgbrJobState state;
	const char *covered_by;
	const char *phase;
	double percent; /* 0 to 100 */
	long long bytes_done;
	long long bytes_total;
	const char *label;
	long long exit_code;
	const char *error;
	const char *message;
	const char *hint;
	const json_t *document;
} JobView;

/* Fails with PROTOCOL when a member that the contract requires is missing or makes no sense. */
extern bool job_view_read(const json_t *document, JobView *job, PgbrError *error);

/* True when it is the job that was asked for; else PROTOCOL. */
extern bool job_view_is(const JobView *job, const char *id, PgbrError *error);

/* Read and check in one, for a document that is only passed on. */
extern bool job_view_check(const json_t *document, const char *id, PgbrError *error);

/* "full backup 20261122T154107", "check 20261122T154107". */
extern char *job_view_name(const JobView *job, char *target, size_t size);

/* Seconds from its start to its end, or to now while it runs; -1 before it starts. */
extern long long job_view_duration(const JobView *job, long long now);

/*
 * Tables with a row a job. The list has what tells jobs apart; the brief one has of it what a
 * person looks for first, with the label or the error as the result; the record has every member,
 * for one job. now is the time until which a running job has run; for_people as in fields_add_row.
 */
extern void job_list_init(Table *table);
extern void job_list_add(Table *table, const JobView *job, long long now, bool for_people);
extern void job_brief_init(Table *table);
extern void job_brief_add(Table *table, const JobView *job, long long now);
extern void job_record_init(Table *table);
extern void job_record_add(Table *table, const JobView *job, long long now, bool for_people);

#endif
