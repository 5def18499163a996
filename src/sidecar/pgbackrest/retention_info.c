/*
 * retention_info.c
 *		See retention_info.h.
 */
#include "sidecar/pgbackrest/retention_info.h"

#include "program/clock.h"
#include "program/json.h"

#include <string.h>

static const json_t *
find_stanza(const json_t *document, const char *name)
{
	size_t i;
	json_t *stanza;

	json_array_foreach((json_t *) document, i, stanza)
	{
		const char *found = json_text(stanza, "name");

		if (found && strcmp(found, name) == 0)
			return stanza;
	}
	return NULL;
}

bool
retention_state_read(const SidecarConfig *config, const json_t *document, RetentionState *state,
					 PgbrError *error)
{
	if (!retention_settings_read(config->pgbackrest_config, config->stanza, &state->settings,
								 error) ||
		!retention_read(find_stanza(document, config->stanza), &state->history, error))
		return false;
	retention_decide(&state->history, state->settings.repos, state->settings.count,
					 clock_now_ms() / 1000);
	return true;
}

static bool
has_pin(const json_t *stanza)
{
	size_t i;
	json_t *backup;

	json_array_foreach(json_object_get(stanza, "backup"), i, backup)
	{
		if (json_text(json_object_get(backup, "annotation"), RETENTION_PIN))
			return true;
	}
	return false;
}

void
retention_info_write(const SidecarConfig *config, const json_t *document, StrBuf *out, bool *pinned)
{
	RetentionState state;
	PgbrError error;
	json_t *object = NULL;

	*pinned = has_pin(find_stanza(document, config->stanza));
	if (retention_state_read(config, document, &state, &error))
	{
		object = retention_json(&state.history, state.settings.repos, state.settings.count);
		retention_done(&state.history);
	}
	else
	{
		object = json_pack("{s:s, s:{}}", "error", error.message, "repositories");
	}
	if (!json_write(object, out))
		out->failed = true;
	json_decref(object);
}
