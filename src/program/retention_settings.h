/*
 * retention_settings.h
 *		What retention is set for a stanza's repositories, found where pgbackrest finds it: in its
 *		environment, in pgbackrest.conf and in the files of conf.d.
 *
 * Thread-safe as long as nobody changes the environment.
 */
#ifndef PGBR_RETENTION_SETTINGS_H
#define PGBR_RETENTION_SETTINGS_H

#include "common/error.h"
#include "program/pgbackrest_file.h"
#include "program/retention.h"

#include <stdbool.h>

typedef struct RetentionConfig
{
	RetentionSettings repos[PGBR_REPO_MAX];
	int count;
	bool expire_auto; /* a backup is followed by an expire, unless set otherwise */
} RetentionConfig;

/*
 * Read all for the stanza. path is the value of pgbackrest's --config, or NULL when it is not
 * given. CONFIG when a file can't be read or holds what pgbackrest would refuse, too.
 */
extern bool retention_settings_read(const char *path, const char *stanza, RetentionConfig *config,
									PgbrError *error);

/* The same from a file that was read already, and the environment only when it is wanted. */
extern bool retention_settings_of_file(const PgbackrestFile *file, const char *stanza,
									   bool environment, RetentionConfig *config, PgbrError *error);

/* All files that pgbackrest would read, as one. The caller ends it with pgbackrest_file_done, also
 * after a failure. */
extern bool retention_files_read(const char *path, PgbackrestFile *file, PgbrError *error);

/*
 * The value of an option where pgbackrest finds it: in the environment, else in the files; NULL
 * when it is not set.
 */
extern const char *
retention_option(const PgbackrestFile *file, const char *stanza, const char *name);

#endif
