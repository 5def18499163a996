/*
 * config_judge.c
 *		See config_judge.h.
 */
#include "ctl/verbs/config_judge.h"

#include "ctl/conf/conf_judge.h"
#include "ctl/conf/conf_write.h"
#include "program/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TIMEOUT_MS	 20000
#define MAX_OUTPUT	 65536
#define MISSING_MOST 32 /* options that the environment has to give */

/* What stands in for an option that is given elsewhere: a path, for pg1-path. */
#define STAND_IN CONF_JUDGE_NOWHERE

/* One command, again with each option that it misses. */
static bool
ask(const ConfigCase *what, const char *path, int index, ConfFindings *findings, PgbrError *error)
{
	ConfQuestion question;
	bool ok = true;
	bool again = true;

	conf_question_make(index, what->program, path, what->stanza, &question);
	for (int i = 0; ok && again && i < MISSING_MOST; i++)
	{
		char missing[CONF_OPTION_SIZE] = "";
		char variable[CONF_VARIABLE_SIZE];
		ProcessOutput output;

		process_output_init(&output);
		ok = process_run(question.argv, NULL, TIMEOUT_MS, MAX_OUTPUT, -1, &output, error);
		if (ok)
		{
			conf_judge_read(output.out.data, findings, missing);
			conf_judge_read(output.err.data, findings, missing);
		}
		process_output_done(&output);
		again = missing[0] && strlen(missing) + sizeof("PGBACKREST_") <= sizeof(variable);
		if (again)
			setenv(conf_variable(missing, variable), STAND_IN, 1);
		if (again && what->path && (what->has_stanza || strcmp(missing, "pg1-path") != 0) &&
			findings->warning_count < CONF_CHECK_MAX)
		{
			PgbrError *finding = &findings->warnings[findings->warning_count++];

			*finding = (PgbrError) PGBR_ERROR_INIT;
			pgbr_error_set(finding, PGBR_ERROR_CONFIG,
						   "\"%s\" is neither in the file nor in the environment here", missing);
			pgbr_error_hint(finding, "Whatever starts pgbackrest must set %s.", variable);
		}
	}
	conf_question_done(&question);
	return ok;
}

/* A file without a name that holds the text; -1 on failure. */
static int
make_file(const StrBuf *text, char *path, size_t size, PgbrError *error)
{
	int fd = memfd_create("pgbackrest.conf", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, text->data, text->length) != (ssize_t) text->length)
	{
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not write a temporary file: %s",
					   strerror(errno));
	snprintf(path, size, "/proc/%d/fd/%d", (int) getpid(), fd);
	return fd;
}

bool
config_judge(const ConfigCase *what, ConfFindings *findings, PgbrError *error)
{
	char path[PATH_MAX];
	int fd = -1;
	bool ok;

	if (what->path)
		ok = realpath(what->path, path) != NULL ||
			 pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not resolve \"%s\": %s", what->path,
							strerror(errno));
	else
		ok = (fd = make_file(what->text, path, sizeof(path), error)) >= 0;
	for (int i = 0; ok && i < CONF_JUDGE_COMMANDS; i++)
		ok = ask(what, path, i, findings, error);
	if (fd >= 0)
		close(fd);
	return ok;
}
