// links: sidecar ctl
// runs: 120000
/*
 * history_fuzz.c
 *		Any bytes as the history file of a timeline: what the sidecar tells of it the control binary
 *		reads, the way through the timelines has no gap, and a history that was mended is true.
 *
 * The first byte is the timeline.
 */
#include "common/recovery_target.h"
#include "common/vocabulary.h"
#include "ctl/facts/archive_view.h"
#include "ctl/facts/facts.h"
#include "sidecar/pgbackrest/archive_list.h"
#include "sidecar/postgres/recovery_log.h"
#include "fuzz.h"

#define SEGMENT (16 << 20)

static void
check_mended(const char *text)
{
	StrBuf mended;
	StrBuf again;
	RecoveryHistory last;
	RecoveryHistory was;

	strbuf_init(&mended);
	strbuf_init(&again);
	if (recovery_history_mend(text, &mended))
	{
		MUST(!recovery_history_mend(mended.data, &again) && again.length == 0);
		MUST(recovery_history_read(mended.data, &last) && recovery_history_read(text, &was));
		MUST(strcmp(last.lsn, was.lsn) == 0);
	}
	else
		MUST(mended.length == 0);
	strbuf_done(&mended);
	strbuf_done(&again);
}

static void
check_path(const RestoreFacts *facts, uint32_t timeline)
{
	TimelinePath path;
	uint64_t segment;

	if (timeline_path_init(&path, &facts->archive, timeline))
	{
		MUST(path.count > 0 && path.parts[0].begin == 0);
		MUST(path.parts[path.count - 1].end == LSN_MAX);
		for (size_t i = 0; i < path.count; i++)
		{
			const TimelinePart *part = &path.parts[i];

			MUST(part->begin <= part->end && part->timeline <= timeline);
			MUST(i == 0 || (part->begin == path.parts[i - 1].end &&
							part->timeline > path.parts[i - 1].timeline));
			MUST(timeline_path_reads(&path, SEGMENT, part->begin / SEGMENT, LSN_MAX) <= timeline);
		}
		/* nothing is there */
		MUST(timeline_path_missing(&path, &facts->archive, 1, 3, LSN_MAX, &segment) &&
			 segment == 1);
	}
	timeline_path_done(&path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RestoreFacts facts;
	PgbrError error;
	json_t *entries;
	json_t *archive;
	uint32_t timeline;
	char *text;

	if (size == 0)
		return 0;
	timeline = data[0] % 16 + 2;
	text = fuzz_text(data + 1, size - 1);
	check_mended(text);
	entries = archive_history_json(text);
	if (entries)
	{
		archive = json_pack("{s:[{sn s[] s[{sI so}]}]}", "repositories", "error", "ranges",
							"histories", "timeline", (json_int_t) timeline, "entries", entries);
		restore_facts_init(&facts);
		facts.archive.segment_size = SEGMENT;
		MUST(archive && restore_facts_read_archive(&facts, archive, &error));
		check_path(&facts, timeline);
		MUST(!archive_has_timeline(archive, timeline, SEGMENT));
		restore_facts_done(&facts);
		json_decref(archive);
	}
	free(text);
	return 0;
}
