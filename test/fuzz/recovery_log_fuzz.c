// links: sidecar
// runs: 50000
/*
 * recovery_log_fuzz.c
 *		Anything that a server in recovery may print: numbers of segments stay in their range, and
 *		what is kept of a line is a part of it.
 *
 * The first byte is the size of a segment, as a power of two.
 */
#include "common/vocabulary.h"
#include "sidecar/postgres/recovery_log.h"
#include "fuzz.h"

static void
check(const RecoveryLog *log, const char *text)
{
	MUST(log->segments >= 0 && (log->segments == 0 || log->timeline > 0));
	MUST(strstr(text, log->fatal) && strstr(text, log->detail) && strstr(text, log->stop));
	MUST(strstr(text, log->archive) && strstr(text, log->last_xact_time));
	MUST(log->last_xid[strspn(log->last_xid, "0123456789")] == '\0');
	MUST(log->detail[0] == '\0' || log->fatal[0]);
	MUST(recovery_log_hint(log) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RecoveryLog log;
	int64_t segment_size;
	char *text;
	char *lines;

	if (size == 0)
		return 0;
	segment_size = INT64_C(1) << (20 + data[0] % 11);
	text = fuzz_visible(data + 1, size - 1);
	lines = strdup(text);
	recovery_log_init(&log);
	for (char *line = lines, *next = lines; line; line = next)
	{
		strsep(&next, "\n");
		recovery_log_line(&log, line, segment_size);
	}
	check(&log, text);
	free(lines);
	free(text);
	return 0;
}
