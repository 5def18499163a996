/*
 * secret_file.h
 *		Whether a file with a token, a password or a key is protected from others: one rule for
 *		servers and clients.
 */
#ifndef PGBR_SECRET_FILE_H
#define PGBR_SECRET_FILE_H

#include "common/error.h"

#include <stdbool.h>

/*
 * Refuse a file that others can read, by the rule of PostgreSQL's ssl_key_file and libpq's sslkey:
 * 0600 or less if we own it, 0640 or less if root does (as mounted secrets are). Also refuse what
 * is no regular file, since reading a pipe may block for ever. CONFIG, with a hint.
 */
extern bool pgbr_secret_file_check(const char *path, PgbrError *error);

#endif
