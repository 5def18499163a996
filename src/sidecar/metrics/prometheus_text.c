/*
 * prometheus_text.c
 *		See prometheus_text.h.
 */
#include "sidecar/metrics/prometheus_text.h"

#include "common/visible.h"

#include <math.h>
#include <stdio.h>

/* Whole numbers up to this are exact in a double. */
#define EXACT 9007199254740992.0

void
metric_family(StrBuf *out, const char *name, const char *type, const char *help)
{
	strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void
metric_label(StrBuf *labels, const char *name, const char *value)
{
	StrBuf visible;

	if (labels->length)
		strbuf_putc(labels, ',');
	strbuf_puts(labels, name);
	strbuf_puts(labels, "=\"");
	strbuf_init(&visible);
	pgbr_put_visible(&visible, value ? value : "", "\n");
	labels->failed |= visible.failed;
	for (const char *p = visible.data; *p; p++)
	{
		if (*p == '\n')
			strbuf_puts(labels, "\\n");
		else
		{
			if (*p == '"' || *p == '\\')
				strbuf_putc(labels, '\\');
			strbuf_putc(labels, *p);
		}
	}
	strbuf_putc(labels, '"');
	strbuf_done(&visible);
}

void
metric_label_number(StrBuf *labels, const char *name, long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", value);
	metric_label(labels, name, text);
}

void
metric_sample(StrBuf *out, const char *name, const char *labels, double value)
{
	char text[48];

	if (value == floor(value) && fabs(value) < EXACT)
		snprintf(text, sizeof(text), " %.0f\n", value);
	else
		snprintf(text, sizeof(text), " %.15g\n", value);
	strbuf_puts(out, name);
	if (labels[0])
	{
		strbuf_putc(out, '{');
		strbuf_puts(out, labels);
		strbuf_putc(out, '}');
	}
	strbuf_puts(out, text);
}

void
metric_single(StrBuf *out, const char *name, const char *type, const char *help, const char *labels,
			  double value)
{
	metric_family(out, name, type, help);
	metric_sample(out, name, labels, value);
}
