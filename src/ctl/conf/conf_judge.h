/*
 * conf_judge.h
 *		What pgbackrest itself says of a pgbackrest.conf: the command lines that ask it, and how
 *		what it prints is read. Pure; the verb config check runs them.
 *
 * pgbackrest has no command that checks its file, but each command checks first all options that
 * are valid for it. So each is run in a way in which it can do no more than that: it needs a lock,
 * a log or a data directory below CONF_JUDGE_NOWHERE, which nobody can make, or files that are not
 * named. It reaches neither a repository nor PostgreSQL.
 */
#ifndef PGBR_CTL_CONF_CONF_JUDGE_H
#define PGBR_CTL_CONF_CONF_JUDGE_H

#include "common/strbuf.h"
#include "ctl/conf/conf_check.h"

#define CONF_JUDGE_NOWHERE	"/dev/null/config-check"
#define CONF_JUDGE_ARGV		8
#define CONF_JUDGE_COMMANDS 5

/* A command line; the texts of own are its owner's, the others lent. */
typedef struct ConfQuestion
{
	const char *argv[CONF_JUDGE_ARGV + 1]; /* ended by NULL */
	StrBuf own[2];
} ConfQuestion;

/* Make one of the CONF_JUDGE_COMMANDS command lines. The caller ends it with conf_question_done. */
extern void conf_question_make(int index, const char *program, const char *path, const char *stanza,
							   ConfQuestion *question);
extern void conf_question_done(ConfQuestion *question);

#define CONF_OPTION_SIZE 128

/*
 * Read what a command printed on one stream. What it refuses is added to the problems, what it
 * warns of to the warnings, neither twice. An option that it misses, and that others than the file
 * may give (a secret, pg1-path), is no problem: its name comes into missing, and the command is to
 * be run again with it in its environment. missing is left as it is when there is none.
 */
extern void
conf_judge_read(const char *text, ConfFindings *findings, char missing[CONF_OPTION_SIZE]);

#endif
