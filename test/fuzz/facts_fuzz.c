// links: ctl
// runs: 10000
/*
 * facts_fuzz.c
 *		Any answers of sidecars before a restore: a plan that is made of them can be carried out,
 *		comes back from its journal as it was, and a refusal says why.
 *
 * The input is an object with the members node, info, archive and restore_points, as the sidecars
 * give them, verify, a text, and request, whose members are type, target, set and timeline.
 */
#include "common/vocabulary.h"
#include "ctl/facts/facts.h"
#include "ctl/plan/plan.h"
#include "ctl/plan/plan_json.h"
#include "ctl/plan/planner.h"
#include "program/json.h"
#include "fuzz_json.h"

static void
check_plan(const RestorePlan *plan)
{
	static RestorePlan again;
	json_t *json = restore_plan_json(plan);
	json_t *second;
	PgbrError error;

	MUST(json && pgbr_is_backup_label(plan->set) && plan->target_timeline > 0);
	MUST(plan->step_count > 0 && plan->wal_segments >= 0 && plan->bytes >= 0);
	MUST(plan->first_segment[0] == '\0' || pgbr_is_wal_segment(plan->first_segment));
	MUST(plan->wal_segment_size >= 1 << 20 && plan->repo >= 1 && plan->repo <= PGBR_REPO_MAX);
	MUST(restore_plan_read(json, &again, &error));
	second = restore_plan_json(&again);
	MUST(json_equal(json, second));
	json_decref(json);
	json_decref(second);
}

static void
check_refusal(const RestoreRefusal *refusal)
{
	RecoveryTarget target;
	PgbrError error;
	json_t *json = restore_refusal_json(refusal);

	MUST(json && refusal->error.message[0]);
	MUST(refusal->nearest_count >= 0 && refusal->nearest_count <= RESTORE_NEAREST_MAX);
	for (int i = 0; i < refusal->nearest_count; i++)
	{
		const RestoreNearest *nearest = &refusal->nearest[i];

		MUST(recovery_target_parse(&target, nearest->type, nearest->target, nearest->exclusive,
								   nearest->set, NULL, &error));
	}
	json_decref(json);
}

static void
add_member(RestoreFacts *facts, const char *name, const char *role, const json_t *node)
{
	FactMember *member = restore_facts_add_member(facts, name);
	PgbrError error;

	strcpy(member->role, role);
	if (!restore_facts_read_node(member, node, &error))
		strcpy(member->error, "no answer");
	else
		MUST(member->segment_size == 0 || member->segment_size >= 1 << 20);
	member->asked_ms = facts->now_ms;
}

static bool
read_facts(RestoreFacts *facts, const json_t *input, PgbrError *error)
{
	const char *verify = json_text(input, "verify");
	bool found;

	restore_facts_init(facts);
	facts->now_ms = INT64_C(1796039500000);
	strcpy(facts->scope, "pgbr");
	strcpy(facts->leader, "m1");
	add_member(facts, "m1", "leader", json_object_get(input, "node"));
	add_member(facts, "m2", "replica", json_object_get(input, "node"));
	pgbr_copy_text(facts->system_identifier, sizeof(facts->system_identifier),
				   facts->members[0].system_identifier);
	facts->archive.segment_size = (uint64_t) facts->members[0].segment_size;
	/* as who gathers does */
	return restore_facts_read_info(facts, json_object_get(input, "info"), facts->members[0].stanza,
								   error) &&
		   (facts->archive.segment_size == 0 ||
			restore_facts_read_archive(facts, json_object_get(input, "archive"), error)) &&
		   restore_facts_read_points(facts, input, error) &&
		   (verify == NULL || facts->archive.segment_size == 0 ||
			restore_facts_read_verify(facts, 1, verify, &found, error));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static RestorePlan plan;
	static RestoreRefusal refusal;
	RestoreFacts facts;
	RestoreRequest wanted = {0};
	PgbrError error = PGBR_ERROR_INIT;
	json_t *input = json_parse((const char *) data, size, &error);
	const json_t *request = json_object_get(input, "request");

	if (input == NULL)
		return 0;
	if (!read_facts(&facts, input, &error))
		MUST(error.code == PGBR_ERROR_PROTOCOL);
	else if (recovery_target_parse(&wanted.target, json_text(request, "type"),
								   json_text(request, "target"), json_flag(request, "exclusive"),
								   json_text(request, "set"), json_text(request, "timeline"),
								   &error))
	{
		for (int replicas = 0; replicas < 2; replicas++)
		{
			wanted.replicas_only = replicas;
			if (restore_plan_make(&wanted, &facts, &plan, &refusal))
				check_plan(&plan);
			else
				check_refusal(&refusal);
		}
	}
	restore_facts_done(&facts);
	json_decref(input);
	return 0;
}
