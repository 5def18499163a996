/*
 * request_print.h
 *		The command line that asks for a restore: what a user types to go on with one that has
 *		stopped, or to take it back. Pure.
 */
#ifndef PGBR_CTL_REPORT_REQUEST_PRINT_H
#define PGBR_CTL_REPORT_REQUEST_PRINT_H

#include "common/strbuf.h"
#include "ctl/plan/request.h"

/* Append the command that goes on with a restore of this request: with all that makes it the same
 * request, quoted for a shell, and nothing of how the cluster is reached. */
extern void restore_print_resume(const RestoreRequest *request, StrBuf *out);

/* Append the command that takes back the restore of this id and request. */
extern void restore_print_undo(const RestoreRequest *request, const char *id, StrBuf *out);

#endif
