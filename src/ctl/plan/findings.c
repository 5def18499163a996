/*
 * findings.c
 *		See findings.h.
 */
#include "ctl/plan/findings.h"

#include "common/moment.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
restore_refuse(RestoreWork *work, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	work->refusal->nearest_count = 0;
	return pgbr_error_set(&work->refusal->error, PGBR_ERROR_CONFLICT, "%s", text);
}

static void
add_note(char notes[][RESTORE_NOTE_SIZE], int *count, const char *format, va_list arguments)
{
	char text[RESTORE_NOTE_SIZE * 2];

	if (*count == RESTORE_NOTES_MAX)
		return;
	vsnprintf(text, sizeof(text), format, arguments);
	pgbr_copy_text(notes[(*count)++], RESTORE_NOTE_SIZE, text);
}

void
restore_warn(RestoreWork *work, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_note(work->plan->warnings, &work->plan->warning_count, format, arguments);
	va_end(arguments);
}

void
restore_unproven(RestoreWork *work, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_note(work->plan->unproven, &work->plan->unproven_count, format, arguments);
	va_end(arguments);
}

void
restore_nearest(RestoreWork *work, RecoveryType type, const char *target, const char *set,
				uint32_t timeline, const char *format, ...)
{
	RestoreNearest *nearest;
	va_list arguments;

	if (work->refusal->nearest_count == RESTORE_NEAREST_MAX)
		return;
	nearest = &work->refusal->nearest[work->refusal->nearest_count++];
	memset(nearest, 0, sizeof(*nearest));
	pgbr_copy_text(nearest->type, sizeof(nearest->type), recovery_type_name(type));
	pgbr_copy_text(nearest->target, sizeof(nearest->target), target ? target : "");
	pgbr_copy_text(nearest->set, sizeof(nearest->set), set ? set : "");
	nearest->timeline = timeline;
	va_start(arguments, format);
	vsnprintf(nearest->note, sizeof(nearest->note), format, arguments);
	va_end(arguments);
}

void
restore_describe_point(const FactPoint *point, char *text, size_t size)
{
	char lsn[RECOVERY_TEXT_SIZE];
	char time[RECOVERY_TEXT_SIZE];

	recovery_lsn_format(point->lsn, lsn);
	moment_format(point->time_us, time);
	snprintf(text, size, "%s on timeline %" PRIu32 ", at %s", lsn, point->timeline, time);
}

void
restore_nearest_point(RestoreWork *work, const FactPoint *point)
{
	RestoreRefusal *refusal = work->refusal;
	char lsn[RECOVERY_TEXT_SIZE];
	char text[256];

	if (refusal->nearest_count == RESTORE_NEAREST_MAX)
		return;
	restore_describe_point(point, text, sizeof(text));
	recovery_lsn_format(point->lsn, lsn);
	restore_nearest(work, RECOVERY_LSN, lsn, NULL, point->timeline, "\"%s\", %s", point->name,
					text);
	/* without it the record that follows would be replayed, too */
	refusal->nearest[refusal->nearest_count - 1].exclusive = true;
}
