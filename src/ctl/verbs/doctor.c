/*
 * doctor.c
 *		The verb doctor: a line a check for each member, with the reason and the cure.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/client/cluster_config.h"
#include "ctl/plan/doctor_report.h"
#include "ctl/print/text.h"
#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct DoctorArguments
{
	ClusterArguments cluster;
} DoctorArguments;

static const OptionSpec options[] = {
	CLUSTER_OPTIONS(DoctorArguments, cluster),
	{NULL},
};

/* Large structures are on the heap. */
typedef struct DoctorWork
{
	Cluster cluster;
	DoctorCluster facts;
	DoctorReport report;
} DoctorWork;

static json_t *
doctor_json(const DoctorWork *work)
{
	json_t *json = json_object();
	json_t *checks = json_array();

	for (size_t i = 0; i < work->report.count; i++)
	{
		const DoctorLine *line = &work->report.lines[i];
		json_t *check = json_object();

		json_put_text(check, "member", line->member);
		json_put_text(check, "check", line->check);
		json_put_text(check, "outcome", pgbr_verdict_name(line->outcome));
		json_put_text(check, "reason", line->reason);
		json_put_text(check, "cure", line->cure[0] ? line->cure : NULL);
		json_array_append_new(checks, check);
	}
	json_put_text(json, "cluster", work->cluster.scope[0] ? work->cluster.scope : NULL);
	json_put_text(json, "outcome", pgbr_verdict_name(doctor_report_worst(&work->report)));
	json_object_set_new(json, "checks", checks);
	return json;
}

static void
put_tsv(const DoctorReport *report, StrBuf *out)
{
	static const char *const columns[] = {"member", "check", "outcome", "reason", "cure"};
	Table table;

	table_init(&table);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_add_column(&table, columns[i], false);
	for (size_t i = 0; i < report->count; i++)
	{
		const DoctorLine *line = &report->lines[i];

		table_add(&table, line->member);
		table_add(&table, line->check);
		table_add(&table, pgbr_verdict_name(line->outcome));
		table_add(&table, line->reason);
		table_add(&table, line->cure[0] ? line->cure : NULL);
	}
	table_put_tsv(&table, out);
	table_done(&table);
}

static const char *
label_of(PgbrVerdict outcome)
{
	return outcome == PGBR_VERDICT_UNKNOWN ? "not known" : pgbr_verdict_name(outcome);
}

/* A heading for each member, then its lines; the cure is below its reason. */
static void
put_pretty(const DoctorReport *report, StrBuf *out)
{
	for (size_t i = 0; i < report->count; i++)
	{
		const DoctorLine *line = &report->lines[i];

		if (i == 0 || line->member != report->lines[i - 1].member)
			strbuf_printf(out, "%s%s\n", i > 0 ? "\n" : "",
						  line->member ? line->member : "the cluster");
		strbuf_printf(out, "  %-9s  ", label_of(line->outcome));
		text_put_visible(out, line->check);
		for (size_t length = strlen(line->check); length < 16; length++)
			strbuf_putc(out, ' ');
		text_put_visible(out, line->reason);
		strbuf_putc(out, '\n');
		if (line->cure[0])
		{
			strbuf_printf(out, "  %-9s  %-16s", "", "");
			text_put_visible(out, line->cure);
			strbuf_putc(out, '\n');
		}
	}
	strbuf_printf(out, "\n%zu ok, %zu warn, %zu not known, %zu fail\n",
				  doctor_report_count(report, PGBR_VERDICT_OK),
				  doctor_report_count(report, PGBR_VERDICT_WARN),
				  doctor_report_count(report, PGBR_VERDICT_UNKNOWN),
				  doctor_report_count(report, PGBR_VERDICT_FAIL));
}

static bool
print(const Context *context, const DoctorWork *work, PgbrError *error)
{
	StrBuf out;
	bool ok;

	strbuf_init(&out);
	if (output_is_document(context->format))
	{
		json_t *document = doctor_json(work);

		output_put_document(document, context->format, &out);
		json_decref(document);
	}
	else if (context->format == OUTPUT_TSV)
		put_tsv(&work->report, &out);
	else
		put_pretty(&work->report, &out);
	ok = work->report.failed ? pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory")
							 : output_print(stdout, &out, error);
	strbuf_done(&out);
	return ok;
}

/* The worst outcome gives the exit code. */
static ExitCode
judge(const DoctorReport *report, PgbrError *error)
{
	static const ExitCode codes[] = {
		[PGBR_VERDICT_OK] = EXIT_OK,
		[PGBR_VERDICT_WARN] = EXIT_WARNED,
		[PGBR_VERDICT_UNKNOWN] = EXIT_NOT_KNOWN,
		[PGBR_VERDICT_FAIL] = EXIT_FAILED,
	};
	PgbrVerdict worst = doctor_report_worst(report);

	if (worst != PGBR_VERDICT_OK)
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "some checks did not pass: %zu fail, %zu not known, %zu warn",
					   doctor_report_count(report, PGBR_VERDICT_FAIL),
					   doctor_report_count(report, PGBR_VERDICT_UNKNOWN),
					   doctor_report_count(report, PGBR_VERDICT_WARN));
	return codes[worst];
}

static ExitCode
examine(const Context *context, const DoctorArguments *arguments, DoctorWork *work,
		PgbrError *error)
{
	ExitCode code;

	if (!cluster_init(&work->cluster, &arguments->cluster, &context->config->cluster,
					  context->client.settings, error) ||
		!doctor_gather(&work->cluster, &work->facts, error))
		return exit_code_of(error);
	doctor_report_make(&work->report, &work->facts);
	code = print(context, work, error) ? judge(&work->report, error) : exit_code_of(error);
	doctor_report_done(&work->report);
	return code;
}

static ExitCode
run_doctor(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	DoctorWork *work = calloc(1, sizeof(*work));
	ExitCode code;

	(void) operand;
	if (work == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return exit_code_of(error);
	}
	code = examine(context, argument, work, error);
	doctor_cluster_done(&work->facts);
	free(work);
	return code;
}

const Verb verb_doctor = {
	.name = "doctor",
	.summary = "check everything that backups and restores need",
	.description =
		"Asks Patroni and the sidecar of each member, and compares the members. Each check is ok,\n"
		"warn, fail or not known, with its reason and what to do. The exit code is that of the\n"
		"weightiest: fail 1, not known 11, warn 10, ok 0. Changes nothing.\n",
	.options = options,
	.arguments_size = sizeof(DoctorArguments),
	.run = run_doctor,
};
