// links: sidecar
// runs: 700000
/*
 * control_data_fuzz.c
 *		Anything that pg_controldata may print: what is taken has a timeline, a size of segments
 *		that there is, and texts that go into JSON.
 */
#include "common/vocabulary.h"
#include "program/json.h"
#include "sidecar/postgres/control_data.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	ControlData control;

	if (control_data_parse(text, &control))
	{
		json_t *json = control_data_json(&control);

		MUST(json && json_is_string(json_object_get(json, "state")));
		MUST(control.timeline > 0);
		MUST(control.wal_segment_size >= 1 << 20 && control.wal_segment_size <= 1 << 30);
		MUST((control.wal_segment_size & (control.wal_segment_size - 1)) == 0);
		MUST(pgbr_is_lsn(control.checkpoint_lsn) && pgbr_is_lsn(control.redo_lsn));
		MUST(control.max_connections >= 0 && control.max_worker_processes >= 0);
		MUST(!(control_data_is_clean(&control) && strcmp(control.state, "in production") == 0));
		json_decref(json);
	}
	free(text);
	return 0;
}
