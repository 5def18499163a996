/*
 * doctor.c
 *		The route of "doctor": what this member checks of itself.
 */
#include "sidecar/api/doctor_facts.h"
#include "sidecar/api/handlers.h"
#include "sidecar/api/member.h"

#include "program/json.h"

/* Anybody may be allowed to read; the reasons name folders and settings, and are for callers
 * who are known. */
static json_t *
doctor_json(const DoctorFacts *facts, bool in_full)
{
	json_t *checks = json_array();

	for (int i = 0; i < doctor_check_count(); i++)
	{
		DoctorFinding finding;
		json_t *json = json_object();

		doctor_check(i, facts, &finding);
		json_put_text(json, "name", doctor_check_name(i));
		json_put_text(json, "outcome", pgbr_verdict_name(finding.outcome));
		json_put_text(json, "reason", in_full ? finding.reason : NULL);
		json_put_text(json, "cure", in_full && finding.cure[0] ? finding.cure : NULL);
		json_array_append_new(checks, json);
	}
	return checks;
}

void
handle_doctor(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	json_t *node = node_describe(sidecar);
	json_t *json = json_object();
	DoctorFacts facts;

	doctor_facts_read(sidecar, node, &facts);
	json_put_text(json, "version", PGBR_VERSION);
	json_put_text(json, "scope", scope_name(request->caller.scope));
	json_put_text(json, "extension_version",
				  facts.extension_version[0] ? facts.extension_version : NULL);
	json_object_set_new(json, "node", node ? node : json_null());
	json_object_set_new(json, "checks",
						doctor_json(&facts, request->caller.kind != CALLER_ANONYMOUS));
	http_answer_json(response, 200, json);
}
