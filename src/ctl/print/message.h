/*
 * message.h
 *		What the user is told beside the data: on standard error, in the form of PostgreSQL's own
 *		programs ("pgbackrest_ctl: error: ...", then detail and hint).
 *
 * Text from elsewhere is made visible first (see text.h). Only main, command and the verbs call this.
 */
#ifndef PGBR_CTL_PRINT_MESSAGE_H
#define PGBR_CTL_PRINT_MESSAGE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_NAME "pgbackrest_ctl"

extern void message_error(const PgbrError *error);
/* Of one problem or more: tell all but the last, which becomes *error, for the caller to pass on. Always
 * false. */
extern bool message_problems(const PgbrError *problems, size_t count, PgbrError *error);
/* An error as a warning: what it is about does not stop us. */
extern void message_finding(const PgbrError *finding);
extern void message_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
