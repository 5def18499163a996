/*
 * exporter.h
 *		The metrics that pgbackrest_exporter gives, under its names. Pure.
 */
#ifndef PGBR_SIDECAR_METRICS_EXPORTER_H
#define PGBR_SIDECAR_METRICS_EXPORTER_H

#include "common/strbuf.h"
#include "sidecar/metrics/metrics_facts.h"

/* Append them, with those of the backups (backups.h). */
extern void metrics_write_exporter(const MetricsFacts *facts, StrBuf *out);

#endif
