/*
 * secret_file.h
 *		Whether a file with a token, a password or a key is kept well, by one rule for who serves and who asks.
 */
#ifndef PGBR_SECRET_FILE_H
#define PGBR_SECRET_FILE_H

#include "common/error.h"

#include <stdbool.h>

/*
 * Refuse a file that others can read, by the rule that PostgreSQL has for ssl_key_file and libpq for
 * sslkey: 0600 or less when we own it, 0640 or less when root does (as mounted secrets are). And one
 * that is no regular file: whoever reads a pipe may wait for ever. CONFIG, with a hint.
 */
extern bool pgbr_secret_file_check(const char *path, PgbrError *error);

#endif
