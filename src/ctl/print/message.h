/*
 * message.h
 *		Messages to the user on standard error, in the form of PostgreSQL's own programs
 *		("pgbackrest_ctl: error: ...", then detail and hint).
 *
 * Text from elsewhere is made visible first (see text.h). Only main, command and the verbs call
 * this.
 */
#ifndef PGBR_CTL_PRINT_MESSAGE_H
#define PGBR_CTL_PRINT_MESSAGE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_NAME "pgbackrest_ctl"

extern void message_error(const PgbrError *error);
/* Print all problems but the last, which becomes *error for the caller to pass on. Needs at least
 * one. Always false. */
extern bool message_problems(const PgbrError *problems, size_t count, PgbrError *error);
/* Print an error as a warning: the program goes on. */
extern void message_finding(const PgbrError *finding);
extern void message_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
