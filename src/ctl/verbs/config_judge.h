/*
 * config_judge.h
 *		Has the pgbackrest of this host judge a pgbackrest.conf. What it is asked, and how its words
 *		are read, is conf_judge.h's.
 */
#ifndef PGBR_CTL_VERBS_CONFIG_JUDGE_H
#define PGBR_CTL_VERBS_CONFIG_JUDGE_H

#include "common/strbuf.h"
#include "ctl/conf/conf_check.h"

#include <stdbool.h>

typedef struct ConfigCase
{
	const char *program; /* pgbackrest, looked for in PATH */
	const char *path;	 /* the file; NULL: text is what would stand in it */
	const StrBuf *text;
	const char *stanza;
	bool has_stanza; /* the file has a section of a stanza, where pg1-path belongs */
} ConfigCase;

/*
 * Add what pgbackrest says to the findings. What a file leaves to the environment is a warning
 * where the environment of this program does not have it; nothing is said of a text. False when
 * pgbackrest could not be asked: CONFIG when it is not there.
 */
extern bool config_judge(const ConfigCase *what, ConfFindings *findings, PgbrError *error);

#endif
