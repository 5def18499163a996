/*
 * primary.c
 *		See primary.h.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "executor/spi.h"
#include "extension/compat.h"
#include "extension/primary.h"

/* Run a statement; gives the number of its rows. */
static uint64
primary_run(const char *sql, int expected)
{
	uint64 rows;

	if (SPI_connect() != SPI_OK_CONNECT || SPI_execute(sql, false, 0) != expected)
		elog(ERROR, "could not run: %s", sql);
	rows = SPI_processed;
	SPI_finish();
	return rows;
}

bool
primary_has_standby(void)
{
	return primary_run("SELECT 1 FROM pg_catalog.pg_stat_get_wal_senders() AS s"
					   " WHERE s.state OPERATOR(pg_catalog.=) 'streaming'",
					   SPI_OK_SELECT) > 0;
}

void
primary_end_promotion(void)
{
	uint32 timeline = (uint32) GetWALInsertionTimeLine();

	if (primary_run(psprintf("SELECT 1 FROM pg_catalog.pg_control_checkpoint() AS c"
							 " WHERE c.timeline_id OPERATOR(pg_catalog.<>) %u",
							 timeline),
					SPI_OK_SELECT) > 0)
		(void) primary_run("CHECKPOINT", SPI_OK_UTILITY);
}
