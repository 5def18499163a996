/*
 * prometheus_text.h
 *		Prometheus' text format (version 0.0.4): the head of a family, its samples, and labels
 *		with the necessary escapes. Pure.
 *
 * All samples of a family follow its head. A label text is made once and can be used for many
 * samples.
 */
#ifndef PGBR_SIDECAR_METRICS_PROMETHEUS_TEXT_H
#define PGBR_SIDECAR_METRICS_PROMETHEUS_TEXT_H

#include "common/strbuf.h"

#define METRIC_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* "# HELP name help" and "# TYPE name type"; type is gauge or counter. */
extern void metric_family(StrBuf *out, const char *name, const char *type, const char *help);

/* Append name="value" to labels, with a comma before it when there are some. NULL counts as "". */
extern void metric_label(StrBuf *labels, const char *name, const char *value);
extern void metric_label_number(StrBuf *labels, const char *name, long long value);

/* A sample; labels is what metric_label has made, or "". A whole number is written without a
 * fraction. */
extern void metric_sample(StrBuf *out, const char *name, const char *labels, double value);

/* A family of one sample. */
extern void metric_single(StrBuf *out, const char *name, const char *type, const char *help,
						  const char *labels, double value);

#endif
