/*
 * step_arguments.h
 *		What a step of a restore takes, read strictly: nothing gets past this that does not belong
 *		on a command line or into a configuration file. Pure.
 *
 * Which members a kind has, which of them must be there and their grammars stand in one table.
 */
#ifndef PGBR_SIDECAR_RESTORE_STEP_ARGUMENTS_H
#define PGBR_SIDECAR_RESTORE_STEP_ARGUMENTS_H

#include "common/error.h"
#include "common/recovery_target.h"
#include "common/vocabulary.h"

#include <jansson.h>
#include <stdint.h>

typedef struct StepArguments
{
	char name[64];			  /* mark: of the restore point */
	int archive_timeout;	  /* mark: seconds for its WAL to reach the repository */
	int timeout;			  /* stop: seconds for an orderly shutdown */
	bool partial;			  /* archive: also the segment that is not full */
	bool fence;				  /* stop, restore, recover: no server is to be started afterwards */
	bool keep;				  /* stop: the directory stays as it is; recover: it has stayed so */
	bool primary;			  /* unfence: it is to start as one */
	uint32_t timeline;		  /* unfence: on which a replica is to follow; 0: not known */
	int repo;				  /* restore: 0 is pgbackrest's own choice */
	RecoveryTarget target;	  /* restore: with the set and the timeline */
	uint32_t target_timeline; /* recover: 0: not given */
	int64_t replay_bytes;	  /* recover: how much there is to replay; 0: not known */
} StepArguments;

/* Read a step's arguments (NULL counts as {}); what is not given has its default. INVALID_VALUE,
 * naming the member. */
extern bool step_arguments_read(PgbrJobKind step, const json_t *json, StepArguments *arguments,
								PgbrError *error);

#endif
