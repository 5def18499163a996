/*
 * plan.c
 *		The verb plan: what a restore would do, or why it can't; nothing is changed.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/client/cluster_config.h"
#include "ctl/restore/decide.h"
#include "ctl/verbs/restore_options.h"
#include "ctl/report/plan_show.h"

#include <stdlib.h>

typedef struct PlanArguments
{
	RestoreArguments restore;
} PlanArguments;

static const OptionSpec options[] = {
	RESTORE_OPTIONS(PlanArguments, restore),
	{NULL},
};

static ExitCode
run_plan(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const RestoreArguments *arguments = &((const PlanArguments *) argument)->restore;
	const DecideOptions how = {
		.verifying = arguments->verify		? RESTORE_VERIFY_YES
					 : arguments->no_verify ? RESTORE_VERIFY_NO
											: RESTORE_VERIFY_SMALL,
		.tell = restore_show_progress,
	};
	RestoreRequest request;
	RestoreRefusal refusal;
	RestorePlan plan;
	/* too large for a stack, which a user may have limited */
	Cluster *cluster = calloc(1, sizeof(*cluster));
	ExitCode code = EXIT_OK;

	(void) operand;
	if (cluster == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return EXIT_FAILED;
	}
	if (!restore_request_read(arguments, &request, error) ||
		!cluster_init(cluster, &arguments->cluster, &context->config->cluster,
					  context->client.settings, error))
		code = exit_code_of(error);
	else if (!restore_decide(cluster, &request, &how, &plan, &refusal, error))
		code = restore_show_refusal(context->format, &refusal, error);
	else if (!restore_show_plan(context->format, &plan, error))
		code = exit_code_of(error);
	free(cluster);
	return code;
}

const Verb verb_plan = {
	.name = "plan",
	.summary = "show what a restore would do, or why it can't be done",
	.description =
		"Reads Patroni, every sidecar, the repository and the registry of restore points, chooses "
		"the\n"
		"backup, and proves that the target can be reached. Changes nothing; the same as\n"
		"\"restore --dry-run\".\n",
	.options = options,
	.arguments_size = sizeof(PlanArguments),
	.run = run_plan,
};
