/*
 * file.h
 *		Small files whole, and the check that a secret is kept from others. Thread-safe.
 */
#ifndef PGBR_FILE_H
#define PGBR_FILE_H

#include "common/error.h"
#include "common/strbuf.h"

/* Append a regular file's content. CONFIG when it can't be read or is none, TOO_LARGE past max bytes. */
extern bool file_read(const char *path, size_t max, StrBuf *content, PgbrError *error);

/* Refuse a file that everybody can change, where it says to whom secrets go. CONFIG, with a hint. */
extern bool file_check_writers(const char *path, PgbrError *error);

/*
 * Put a file in the place of what is there, at once: nobody sees a part of it, and a failure leaves
 * what was there. It is 0644, or 0600 from its first byte on for a secret. CONFIG, and nothing is left
 * behind, when it can't be written, or when what is there is no regular file.
 */
extern bool file_write(const char *path, const char *data, size_t length, PgbrError *error);
extern bool file_write_secret(const char *path, const char *data, size_t length, PgbrError *error);

/* Have the names in a folder on disk: new ones, and those that were changed. STORAGE. */
extern bool file_sync_folder(const char *path, PgbrError *error);

/* Make a folder, 0700, with its parents; one that exists is fine. CONFIG otherwise. */
extern bool file_make_folder(const char *path, PgbrError *error);

#endif
