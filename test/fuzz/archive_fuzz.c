// links: sidecar ctl
// runs: 50000
/*
 * archive_fuzz.c
 *		Any listing of an archive: what the sidecar tells of it the control binary reads, and finds
 *		each segment of the listing, and no other.
 *
 * The first byte is the size of a segment, as a power of two.
 */
#include "ctl/facts/facts.h"
#include "program/json.h"
#include "sidecar/pgbackrest/archive_list.h"
#include "fuzz_json.h"

static void
check_facts(const ArchiveList *list, const json_t *object)
{
	json_t *archive = json_pack("{s:[O]}", "repositories", object);
	uint64_t told = 0;
	RestoreFacts facts;
	PgbrError error;

	restore_facts_init(&facts);
	facts.archive.segment_size = list->segment_size;
	MUST(restore_facts_read_archive(&facts, archive, &error));
	for (size_t i = 0; i < list->count; i++)
	{
		const ArchiveSegment *segment = &list->segments[i];

		MUST(segment->partial ||
			 wal_archive_has(&facts.archive, segment->timeline, segment->number));
	}
	for (size_t i = 0; i < facts.archive.range_count; i++)
	{
		const WalRange *range = &facts.archive.ranges[i];

		MUST(range->first <= range->last && range->timeline > 0 && range->last_time >= 0);
		told += range->last - range->first + 1;
	}
	MUST(told + json_array_size(json_object_get(object, "duplicates")) +
			 json_array_size(json_object_get(object, "partial")) ==
		 list->count);
	restore_facts_done(&facts);
	json_decref(archive);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ArchiveList list;
	PgbrError error;
	json_t *object;

	if (size == 0)
		return 0;
	archive_list_init(&list, UINT64_C(1) << (20 + data[0] % 11));
	if (archive_list_read(&list, (const char *) data + 1, size - 1, &error))
	{
		archive_list_sort(&list);
		for (size_t i = 0; i < list.history_count; i++)
			MUST(list.histories[i] > 1 && (i == 0 || list.histories[i - 1] >= list.histories[i]));
		object = json_object();
		archive_list_json(&list, object);
		check_facts(&list, object);
		json_decref(object);
	}
	else
		MUST(error.code == PGBR_ERROR_PROTOCOL);
	archive_list_done(&list);
	return 0;
}
