/*
 * metrics.h
 *		The metrics of the sidecar: facts in, text out. Pure.
 *
 * There are two sets of names. Those of pgbackrest_exporter keep its dashboards and alerts working.
 * Our own, pgbackrest_ctl_*, cover what it does not report. docs/reference/metrics.md lists them.
 */
#ifndef PGBR_SIDECAR_METRICS_METRICS_H
#define PGBR_SIDECAR_METRICS_METRICS_H

#include "common/strbuf.h"
#include "sidecar/metrics/metrics_facts.h"

/* Append all metrics. */
extern void metrics_write(const MetricsFacts *facts, StrBuf *out);

#endif
