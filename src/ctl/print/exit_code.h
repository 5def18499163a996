/*
 * exit_code.h
 *		The exit codes of the control binary. Pure.
 */
#ifndef PGBR_CTL_PRINT_EXIT_CODE_H
#define PGBR_CTL_PRINT_EXIT_CODE_H

#include "common/error.h"

/* name, value, what --help says */
#define EXIT_CODES(X)                                                                              \
	X(OK, 0, "done")                                                                               \
	X(FAILED, 1, "the job failed, was cancelled or interrupted; the sidecar or a check failed")    \
	X(USAGE, 2, "wrong usage: an option, a value, a file, or a value that the sidecar refuses")    \
	X(UNREACHABLE, 3,                                                                              \
	  "the sidecar can't be reached or does not answer in time, sends an invalid response, or "    \
	  "TLS fails")                                                                                 \
	X(REFUSED, 4, "the token is missing or unknown, or its scope is too small")                    \
	X(NOT_FOUND, 5, "there is no such job")                                                        \
	X(NOT_NOW, 6, "not possible now: conflict, queue full, unavailable")                           \
	X(WAIT_OVER, 7, "the wait has timed out; the job goes on")                                     \
	X(PLAN_REFUSED, 8, "the plan refuses the restore, or it was given up; nothing was changed")    \
	X(STOPPED, 9, "a restore has stopped half-way and Patroni is paused; run it again or undo it") \
	X(WARNED, 10, "doctor: nothing fails, and something should be looked at")                      \
	X(NOT_KNOWN, 11, "doctor: nothing fails, and something could not be checked")                  \
	X(INTERRUPTED, 130, "Ctrl-C; a job that was accepted goes on")

typedef enum ExitCode
{
#define X(name, value, text) EXIT_##name = value,
	EXIT_CODES(X)
#undef X
} ExitCode;

/* The default exit code of an error, where the caller has no better one. */
extern ExitCode exit_code_of(const PgbrError *error);

#endif
