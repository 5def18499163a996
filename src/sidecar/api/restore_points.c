/*
 * restore_points.c
 *		The routes of restore points: list them, and add one that was made.
 */
#include "sidecar/api/handlers.h"

#include "program/clock.h"
#include "program/json.h"
#include "sidecar/api/body.h"
#include "sidecar/queue/queue_facts.h"

static json_t *
point_json(const RestorePoint *point)
{
	char time[CLOCK_TEXT_SIZE];

	clock_format(point->time, time);
	return json_pack("{ss ss si ss ss}", "name", point->name, "lsn", point->lsn, "timeline",
					 point->timeline, "time", time, "xid", point->xid);
}

static void
append_point(const RestorePoint *point, void *argument)
{
	json_array_append_new(argument, point_json(point));
}

void
handle_point_list(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	const char *name = http_query(request, "name");
	int timeline = 0;
	PgbrError error = PGBR_ERROR_INIT;
	json_t *points = json_array();

	if (name && !pgbr_is_restore_point_name(name))
		pgbr_error_set(&error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"name\"");
	else if (http_query_count(request, "timeline", 1, 999999999, &timeline, &error) &&
			 job_queue_list_points(sidecar->queue, name, timeline, append_point, points, &error))
	{
		http_answer_json(response, 200, json_pack("{so}", "restore_points", points));
		return;
	}
	json_decref(points);
	http_answer_problem(response, &error, -1);
}

void
handle_point_post(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	RestorePoint point;
	json_t *body = json_parse(request->body, request->body_length, &error);

	if (body && http_take_claim(request, response, &error) &&
		body_read_point(body, &point, &error) &&
		job_queue_add_point(sidecar->queue, &point, &error))
	{
		point_keeper_look(sidecar->points);
		http_answer_json(response, 201, point_json(&point));
	}
	else
		http_answer_problem(response, &error, -1);
	json_decref(body);
}
