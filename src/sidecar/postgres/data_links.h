/*
 * data_links.h
 *		The symbolic links of a data directory, such as pg_wal on another disk: which a restore
 *		keeps, and how.
 *
 * pgbackrest could restore links, but it empties the folder that a link leads to, whatever else is
 * in it, and it knows the links of the member from which the backup was made. So it restores
 * files and folders alone, and the links that this member had take their places afterwards. What a
 * link leads to stays as it is; of pg_wal, the WAL in it is removed, as everywhere.
 *
 * That is right for what holds no data of the cluster: WAL, logs, statistics, configuration. A
 * link to anything else is not kept, and the plan refuses (data_links_is_kept).
 *
 * Which links there were stands in STATE_DIR/restore/links.json from before pgbackrest begins to
 * the moment at which all are back: whatever is killed in between, the next step that restores
 * here finds them, also one of another restore. Tablespaces are no links here. Used by one thread
 * at a time.
 */
#ifndef PGBR_SIDECAR_POSTGRES_DATA_LINKS_H
#define PGBR_SIDECAR_POSTGRES_DATA_LINKS_H

#include "common/error.h"

#include <jansson.h>
#include <stdbool.h>

/* Whether a link of this name, relative to the data directory, is kept. Pure. */
extern bool data_links_is_kept(const char *name);

/* Whether a file in pg_wal, by its path from there, is PostgreSQL's WAL or tells of it. Pure. */
extern bool data_links_is_wal(const char *name);

/*
 * The links in a data directory and in its folders: an object, name to destination. The caller owns
 * a reference; NULL with STORAGE. Empty when there is no directory.
 */
extern json_t *data_links_read(const char *data_directory, PgbrError *error);

/*
 * The links to keep: those that are there, and those that a restore which did not end has taken
 * away. They are on disk at the return. The caller owns a reference; NULL with STORAGE, also when
 * pg_wal leads nowhere.
 */
extern json_t *data_links_hold(const char *data_directory, const char *state_dir, PgbrError *error);

/* Put them where the restore has put files and folders, and forget them. Can be repeated. STORAGE.
 */
extern bool data_links_put_back(const char *data_directory, const char *state_dir,
								const json_t *links, PgbrError *error);

#endif
