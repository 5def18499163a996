/*
 * postmaster_opts.h
 *		The command line of the last start of a server, from postmaster.opts: pure.
 *
 * No file holds the settings that Patroni passes on the command line; a server that replays the WAL
 * of this cluster needs them.
 */
#ifndef PGBR_SIDECAR_POSTGRES_POSTMASTER_OPTS_H
#define PGBR_SIDECAR_POSTGRES_POSTMASTER_OPTS_H

#include <stdbool.h>

#define POSTMASTER_OPTS_MOST 96

typedef struct PostmasterOpts
{
	char *text; /* owned: what argv points into */
	const char *program;
	const char *argv[POSTMASTER_OPTS_MOST]; /* without the program and without -D and its value */
	int count;
} PostmasterOpts;

/* Read the one line of the file. False when it is not one: then there is nothing to free. */
extern bool postmaster_opts_read(const char *text, PostmasterOpts *opts);

/* The number that it gives to a setting, the last time it does; 0: it does not. */
extern int postmaster_opts_number(const PostmasterOpts *opts, const char *name);
extern void postmaster_opts_done(PostmasterOpts *opts);

#endif
