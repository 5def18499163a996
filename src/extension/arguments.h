/*
 * arguments.h
 *		Arguments that several SQL functions take in the same way. Each raises an error for a value
 *		that is null or out of range: a STRICT function would do nothing, and return null.
 */
#ifndef PGBR_ARGUMENTS_H
#define PGBR_ARGUMENTS_H

#include "fmgr.h"

/* 57P05: the time a caller wanted to wait is over. PostgreSQL 13 has no name for it. */
#define ERRCODE_WAIT_IS_OVER MAKE_SQLSTATE('5', '7', 'P', '0', '5')

/* Whether and how long a caller wants to wait. */
typedef struct Waiting
{
	bool wanted;
	int seconds;
} Waiting;

/* The place of an argument, and its name in SQL. */
extern char *argument_text(FunctionCallInfo fcinfo, int place, const char *name);
extern bool argument_flag(FunctionCallInfo fcinfo, int place, const char *name);

/* A flag of the given name and, in the place after it, "wait_seconds". */
extern Waiting argument_waiting(FunctionCallInfo fcinfo, int place, const char *name);

/* A value as an error may show it: control characters, and characters that change the direction of
 * the text, become escapes. */
extern char *argument_shown(const char *value);

/* "job_id" */
extern char *argument_job_id(FunctionCallInfo fcinfo, int place);

#endif
