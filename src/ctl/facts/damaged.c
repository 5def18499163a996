/*
 * damaged.c
 *		See damaged.h.
 */
#include "ctl/facts/damaged.h"

#include "common/error.h"
#include "common/vocabulary.h"
#include "program/clock.h"
#include "program/json.h"

#include <string.h>

static void
add_damage(RestoreFacts *facts, const FactDamage *damage)
{
	for (int i = 0; i < facts->damage_count; i++)
	{
		FactDamage *known = &facts->damages[i];

		if (strcmp(known->label, damage->label) != 0)
			continue;
		if (known->at < damage->at)
			*known = *damage;
		return;
	}
	if (facts->damage_count < FACT_DAMAGES_MAX)
		facts->damages[facts->damage_count++] = *damage;
}

void
restore_facts_read_damaged(RestoreFacts *facts, const json_t *restores)
{
	size_t i;
	json_t *record;
	const char *label;
	json_t *said;

	json_array_foreach(json_object_get(restores, "restores"), i, record)
	{
		json_t *damaged = json_object_get(json_object_get(record, "document"), "damaged");
		const char *updated = json_text(record, "updated_at");
		int64_t ms = 0;

		if (updated == NULL || !clock_parse(updated, &ms) || json_text(record, "id") == NULL)
			continue;
		json_object_foreach(damaged, label, said)
		{
			FactDamage damage = {.at = ms / 1000};

			if (!json_is_string(said) || !pgbr_is_backup_label(label) ||
				strlen(label) >= sizeof(damage.label))
				continue;
			strcpy(damage.label, label);
			pgbr_copy_text(damage.restore, sizeof(damage.restore), json_text(record, "id"));
			pgbr_copy_text(damage.said, sizeof(damage.said), json_string_value(said));
			add_damage(facts, &damage);
		}
	}
}

void
restore_facts_read_undone(RestoreFacts *facts, const json_t *restores)
{
	size_t i;
	json_t *record;

	json_array_foreach(json_object_get(restores, "restores"), i, record)
	{
		const json_t *document = json_object_get(record, "document");
		const char *undone = json_text(document, "undo_of");
		const char *state = json_text(record, "state");
		const char *result = json_text(json_object_get(document, "outcome"), "result");

		if (undone == NULL || undone[0] == '\0' || state == NULL || strcmp(state, "done") != 0 ||
			result == NULL || strcmp(result, "done") != 0)
			continue;
		for (int j = 0; j < facts->member_count; j++)
		{
			FactMember *member = &facts->members[j];

			member->kept_undone = member->kept_undone || strcmp(member->kept_for, undone) == 0;
		}
	}
}

const FactDamage *
restore_facts_damage(const RestoreFacts *facts, const char *label)
{
	for (int i = 0; i < facts->damage_count; i++)
	{
		const FactDamage *damage = &facts->damages[i];

		if (strcmp(damage->label, label) == 0)
			return facts->verified && facts->verified_at > damage->at ? NULL : damage;
	}
	return NULL;
}
