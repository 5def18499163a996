/*
 * backups.h
 *		The metrics that pgbackrest_exporter gives of the backups of a stanza. Pure.
 */
#ifndef PGBR_SIDECAR_METRICS_BACKUPS_H
#define PGBR_SIDECAR_METRICS_BACKUPS_H

#include "common/strbuf.h"
#include "sidecar/metrics/metrics_facts.h"

/* Append them. stanza is that of the facts' document. */
extern void metrics_write_backups(const MetricsFacts *facts, const json_t *stanza, StrBuf *out);

#endif
