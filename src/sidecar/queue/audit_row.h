/*
 * audit_row.h
 *		A line of the audit: a change that was asked for, or a request that was refused.
 */
#ifndef PGBR_SIDECAR_QUEUE_AUDIT_ROW_H
#define PGBR_SIDECAR_QUEUE_AUDIT_ROW_H

#include "sidecar/config/caller.h"

#include <stdint.h>

#define AUDIT_TEXT_SIZE 129

typedef struct AuditRow
{
	int64_t id;		/* the order */
	int64_t time;	/* ms since 1970 */
	int count;		/* of requests that it stands for */
	int status;		/* of the answer; 0: there was none yet, or the sidecar went down before it */
	int is_refusal; /* by who asked: none of what it asked for was done */
	char caller[CALLER_NAME_SIZE];	  /* what the sidecar knows */
	char claimed_by[AUDIT_TEXT_SIZE]; /* what the request says, or "" */
	char peer[64];					  /* address, or "socket" */
	char listener[24];
	char method[16];
	char path[AUDIT_TEXT_SIZE];
	char concerns[AUDIT_TEXT_SIZE]; /* id of a job or a restore, or "" */
} AuditRow;

typedef void (*AuditVisitor)(const AuditRow *row, void *argument);

#endif
