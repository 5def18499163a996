/*
 * check_timeline.h
 *		Patroni's check_timeline, which keeps a member that was left out from the leader race.
 */
#ifndef PGBR_CTL_RESTORE_CHECK_TIMELINE_H
#define PGBR_CTL_RESTORE_CHECK_TIMELINE_H

#include "ctl/restore/run_context.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * A member that is left out must not win the leader race with old data. With check_timeline
 * Patroni compares timelines. The value before is kept in the journal, and is put back when the
 * last member that was left out is restored.
 */
extern bool restore_add_check_timeline(RestoreRun *run, json_t *patch, PgbrError *error);
extern bool restore_put_back_check_timeline(RestoreRun *run, PgbrError *error);

#endif
