/*
 * audit.c
 *		GET /v1/audit.
 */
#include "sidecar/api/handlers.h"

#include <errno.h>
#include <stdlib.h>

typedef struct Page
{
	json_t *rows;
	int limit;
	int64_t last; /* id of the last row that is shown */
	bool is_more;
} Page;

static void
append_row(const AuditRow *row, void *argument)
{
	Page *page = argument;

	page->is_more = (int) json_array_size(page->rows) == page->limit;
	if (page->is_more)
		return;
	page->last = row->id;
	json_array_append_new(page->rows, audit_row_json(row));
}

static bool
read_before(const HttpRequest *request, int64_t *before, PgbrError *error)
{
	const char *text = http_query(request, "before");
	char *end;

	if (text == NULL)
		return true;
	errno = 0;
	*before = strtoll(text, &end, 10);
	return (text[0] >= '1' && text[0] <= '9' && *end == '\0' && errno == 0) ||
		   pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"before\"");
}

void
handle_audit(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	Page page = {.rows = json_array(), .limit = 100};
	int64_t before = 0;
	PgbrError error;

	/* one more than asked for tells whether there is a next page */
	if (http_query_count(request, "limit", 1, 1000, &page.limit, &error) &&
		read_before(request, &before, &error) &&
		audit_list(sidecar->audit, before, page.limit + 1, append_row, &page, &error))
		http_answer_json(response, 200,
						 json_pack("{so so}", "audit", page.rows, "next",
								   page.is_more ? json_integer(page.last) : json_null()));
	else
	{
		json_decref(page.rows);
		http_answer_problem(response, &error, -1);
	}
}
