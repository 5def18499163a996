/*
 * file.h
 *		Small files, read and written as a whole, and the check that others can't read a secret.
 *		Thread-safe.
 */
#ifndef PGBR_FILE_H
#define PGBR_FILE_H

#include "common/error.h"
#include "common/strbuf.h"

/*
 * Append a regular file's content. CONFIG when it can't be read or is none, TOO_LARGE past max
 * bytes.
 */
extern bool file_read(const char *path, size_t max, StrBuf *content, PgbrError *error);

/* Refuse a file that everybody can write to, if it says who gets secrets. CONFIG, with a hint. */
extern bool file_check_writers(const char *path, PgbrError *error);

/*
 * Replace a file atomically: nobody sees a part of it, and a failure leaves the old file. The mode
 * is 0644, or 0600 from the first byte on for a secret. CONFIG, with nothing left behind, when it
 * can't be written or the path is no regular file.
 */
extern bool file_write(const char *path, const char *data, size_t length, PgbrError *error);
extern bool file_write_secret(const char *path, const char *data, size_t length, PgbrError *error);

/* Put the names in a folder on disk: new and changed ones. STORAGE. */
extern bool file_sync_folder(const char *path, PgbrError *error);

/* Make a folder, 0700, with its parents; one that exists is fine. CONFIG otherwise. */
extern bool file_make_folder(const char *path, PgbrError *error);

#endif
