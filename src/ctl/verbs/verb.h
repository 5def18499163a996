/*
 * verb.h
 *		What a verb is: a row of the table of verbs, from which parsing, --help and the exit code
 *		follow.
 *
 * The options are rows whose target is an offset into the verb's own struct of arguments, made with
 * ARGUMENT(). The struct is all zeroes before parsing, so 0 and NULL mean "not given".
 */
#ifndef PGBR_CTL_VERBS_VERB_H
#define PGBR_CTL_VERBS_VERB_H

#include "common/error.h"
#include "ctl/client/sidecar_client.h"
#include "ctl/print/exit_code.h"
#include "ctl/print/output.h"
#include "program/options.h"

#include <stddef.h>

typedef struct Context
{
	SidecarClient client;
	const struct ClusterConfig *config; /* what the configuration file says */
	OutputFormat format;
} Context;

typedef struct Verb
{
	const char *name;		 /* one word, or two: "config render" */
	const char *operand;	 /* how --help calls it: "ID" must be given, "[ID]" may, NULL is none */
	const char *summary;	 /* for the list of verbs */
	const char *description; /* lines for its own help, each ended by a newline */
	const OptionSpec *options;
	size_t arguments_size;
	bool alone; /* sends no request: neither the configuration file nor a token is read */

	/* Do it. operand is NULL when none was given. Except for EXIT_OK an error is set, which the
	 * caller prints. */
	ExitCode (*run)(Context *context, const void *arguments, const char *operand, PgbrError *error);
} Verb;

#endif
