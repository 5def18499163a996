/*
 * plan_show.c
 *		See plan_show.h.
 */
#include "ctl/report/plan_show.h"

#include "ctl/print/message.h"
#include "ctl/report/plan_print.h"

#include <stdio.h>

bool
restore_show_plan(OutputFormat format, const RestorePlan *plan, PgbrError *error)
{
	StrBuf out;
	bool ok;

	strbuf_init(&out);
	restore_print_plan(plan, format, &out);
	ok = output_print(stdout, &out, error);
	strbuf_done(&out);
	return ok;
}

ExitCode
restore_show_refusal(OutputFormat format, const RestoreRefusal *refusal, PgbrError *error)
{
	StrBuf out;
	PgbrError ignored;

	if (refusal->error.code == PGBR_ERROR_NONE)
		return exit_code_of(error);
	*error = refusal->error;
	strbuf_init(&out);
	if (output_is_document(format))
	{
		restore_print_refusal(refusal, format, &out);
		output_print(stdout, &out, &ignored);
	}
	else
	{
		restore_print_nearest(refusal, &out);
		output_print(stderr, &out, &ignored);
	}
	strbuf_done(&out);
	return error->code == PGBR_ERROR_CONFLICT ? EXIT_PLAN_REFUSED : exit_code_of(error);
}

void
restore_show_progress(const char *text)
{
	fprintf(stderr, PROGRAM_NAME ": %s\n", text);
}
