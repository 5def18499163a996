/*
 * config_render.c
 *		The verb config render: pgbackrest.conf out of a values file. It needs no sidecar.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/conf/conf_write.h"
#include "ctl/print/message.h"
#include "ctl/conf/pgbackrest_conf.h"
#include "program/file.h"

#include <stdio.h>
#include <string.h>

typedef struct RenderArguments
{
	const char *file;
	const char *env_file;
	const char *output;
	ConfMember member;
} RenderArguments;

static const OptionSpec render_options[] = {
	{"file", 'f', OPTION_TEXT, ARGUMENT(RenderArguments, file), "FILE", NULL, 0, 0,
	 "the values file", false},
	{"member", 0, OPTION_TEXT, ARGUMENT(RenderArguments, member.name), "NAME", NULL, 0, 0,
	 "for this member, with the section of its stanza", false},
	{"stanza", 0, OPTION_TEXT, ARGUMENT(RenderArguments, member.stanza), "NAME", NULL, 0, 0,
	 "the stanza (default: " CONF_DEFAULT_STANZA ")", false},
	{"pg1-path", 0, OPTION_TEXT, ARGUMENT(RenderArguments, member.path), "PATH", NULL, 0, 0,
	 "its data directory (default: " CONF_MEMBER_DATA_PREFIX "MEMBER)", false},
	{"pg1-port", 0, OPTION_COUNT, ARGUMENT(RenderArguments, member.port), "PORT", NULL, 1, 65535,
	 "its port (default: pgbackrest's, 5432)", false},
	{"pg1-socket-path", 0, OPTION_TEXT, ARGUMENT(RenderArguments, member.socket_path), "PATH", NULL,
	 0, 0, "where its socket is (default: libpq's)", false},
	{"pg1-user", 0, OPTION_TEXT, ARGUMENT(RenderArguments, member.user), "NAME", NULL, 0, 0,
	 "the role that pgbackrest connects as (default: the user it runs as)", false},
	{"env-file", 0, OPTION_TEXT, ARGUMENT(RenderArguments, env_file), "PATH", NULL, 0, 0,
	 "write the secrets to this file, 0600, for systemd's EnvironmentFile=", false},
	{"output", 'o', OPTION_TEXT, ARGUMENT(RenderArguments, output), "PATH", NULL, 0, 0,
	 "write pgbackrest.conf to this file, atomically, instead of printing it", false},
	{NULL},
};

static ExitCode
write_secrets(const Conf *conf, const char *path, PgbrError *error)
{
	StrBuf text;
	bool ok;

	strbuf_init(&text);
	conf_write_environment(conf, &text);
	ok = !text.failed;
	if (!ok)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	else
		ok = file_write_secret(path, text.data, text.length, error);
	/* leave no copy of the secrets in freed memory */
	explicit_bzero(text.data, text.length);
	strbuf_done(&text);
	return ok ? EXIT_OK : exit_code_of(error);
}

static ExitCode
render(const Conf *conf, const RenderArguments *arguments, PgbrError *error)
{
	const char *env_file = arguments->env_file;
	ExitCode code = EXIT_OK;
	StrBuf out;
	bool ok;

	if (conf->problem_count > 0)
	{
		message_problems(conf->problems, conf->problem_count, error);
		return exit_code_of(error);
	}
	/* write the secrets first, since that can fail: a configuration without its secrets is
	 * useless */
	if (env_file)
		code = write_secrets(conf, env_file, error);
	if (code != EXIT_OK)
		return code;
	strbuf_init(&out);
	conf_write(conf, &out);
	if (out.failed)
		ok = pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	else
		ok = arguments->output ? file_write(arguments->output, out.data, out.length, error)
							   : output_print(stdout, &out, error);
	if (!ok)
		code = exit_code_of(error);
	strbuf_done(&out);
	if (code == EXIT_OK && env_file == NULL && conf_has_secrets(conf))
		message_warning("the secrets were not written; --env-file writes them to a file");
	return code;
}

static ExitCode
run_render(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const RenderArguments *arguments = argument;
	PgbrValues values;
	ExitCode code;
	Conf conf;

	(void) context;
	(void) operand;
	if (arguments->file == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "config render needs a values file");
		pgbr_error_hint(error, "Give it with --file.");
		return exit_code_of(error);
	}
	if (!pgbr_values_read(arguments->file, &values, error))
		return exit_code_of(error);
	if (conf_make(arguments->file, &values, &arguments->member, &conf, error))
	{
		code = render(&conf, arguments, error);
		conf_done(&conf);
	}
	else
		code = exit_code_of(error);
	pgbr_values_done(&values);
	return code;
}

const Verb verb_config_render = {
	.name = "config render",
	.summary = "make pgbackrest.conf from a values file",
	.description =
		"Makes the configuration that the section pgBackRest of a values file describes. Without\n"
		"--member it has no pg1-path: then one file serves all members, and each sets\n"
		"PGBACKREST_PG1_PATH. The secrets are never in it.\n",
	.options = render_options,
	.arguments_size = sizeof(RenderArguments),
	.alone = true,
	.run = run_render,
};
