/*
 * summary_print.h
 *		How a restore ended, for people. Pure.
 */
#ifndef PGBR_CTL_REPORT_SUMMARY_PRINT_H
#define PGBR_CTL_REPORT_SUMMARY_PRINT_H

#include "common/strbuf.h"

#include <jansson.h>

/* Append the outcome of a journal, as restore_summary_make makes it. */
extern void restore_summary_put(const json_t *outcome, StrBuf *out);

#endif
