/*
 * doctor_report.h
 *		What "doctor" finds of a cluster: facts in, a line a check out. Pure.
 *
 * Each member has the checks that are made from here, and then those that its sidecar has made; the
 * checks of the whole cluster come last and have no member. What could not be learned is "unknown",
 * never "ok". A report owns its lines.
 */
#ifndef PGBR_CTL_PLAN_DOCTOR_REPORT_H
#define PGBR_CTL_PLAN_DOCTOR_REPORT_H

#include "common/vocabulary.h"
#include "ctl/facts/doctor_gather.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct DoctorLine
{
	const char *member; /* the facts' own text; NULL: of the cluster */
	char check[32];
	PgbrVerdict outcome;
	char reason[1024]; /* one line, as is the cure; "" where the sidecar does not tell us */
	char cure[1024];
} DoctorLine;

typedef struct DoctorReport
{
	DoctorLine *lines;
	size_t count;
	bool failed;	 /* out of memory: there are no lines */
	DoctorLine lost; /* where they were written then */
} DoctorReport;

/* Make the report of the facts, which must outlive it. The caller ends it with
 * doctor_report_done. */
extern void doctor_report_make(DoctorReport *report, const DoctorCluster *facts);
extern void doctor_report_done(DoctorReport *report);

/* How many lines have an outcome; and the weightiest outcome there is. */
extern size_t doctor_report_count(const DoctorReport *report, PgbrVerdict outcome);
extern PgbrVerdict doctor_report_worst(const DoctorReport *report);

#endif
