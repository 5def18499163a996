// links: sidecar
// runs: 400000
/*
 * compat_fuzz.c
 *		Any body from a client of pgskipper's programs: what is read fits its fields and is UTF-8,
 *		and what becomes an annotation is within the grammar of ids.
 */
#include "common/vocabulary.h"
#include "sidecar/compat/compat.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"application/x-www-form-urlencoded", "application/json"};
	static JobRequest request;
	CompatFields fields;
	PgbrError error;
	json_t *annotations;

	if (size == 0 ||
		!compat_read_body(types[data[0] & 1], (const char *) data + 1, size - 1, &fields, &error))
		return 0;
	MUST(pgbr_is_utf8(fields.timestamp, strlen(fields.timestamp)));
	MUST(pgbr_is_utf8(fields.target, strlen(fields.target)));
	if (!compat_make_request(PGBR_BACKUP_FULL, fields.timestamp, "compat", &request, &error) ||
		fields.timestamp[0] == '\0')
		return 0;
	annotations = json_loads(request.annotations, 0, NULL);
	MUST(annotations && json_object_size(annotations) == 1);
	MUST(strcmp(json_string_value(json_object_get(annotations, "timestamp")), fields.timestamp) ==
		 0);
	MUST(pgbr_is_job_id(fields.timestamp));
	json_decref(annotations);
	return 0;
}
