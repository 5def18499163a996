/*
 * retention_info.c
 *		See retention_info.h.
 */
#include "sidecar/pgbackrest/retention_info.h"

#include "program/clock.h"
#include "program/json.h"
#include "program/pgbackrest_info.h"
#include "program/retention_words.h"

static bool
decide(const SidecarConfig *config, const json_t *document, RetentionState *state, PgbrError *error)
{
	if (!retention_read(info_find_stanza(document, config->stanza), &state->history, error))
		return false;
	retention_decide(&state->history, state->settings.repos, state->settings.count,
					 clock_now_ms() / 1000);
	return true;
}

bool
retention_state_read(const SidecarConfig *config, const json_t *document, RetentionState *state,
					 PgbrError *error)
{
	return retention_settings_read(config->pgbackrest_config, config->stanza, &state->settings,
								   error) &&
		   decide(config, document, state, error);
}

bool
retention_state_read_anyway(const SidecarConfig *config, const json_t *document,
							RetentionState *state, PgbrError *error)
{
	if (!retention_settings_read(config->pgbackrest_config, config->stanza, &state->settings,
								 error))
		state->settings.count = 0;
	return decide(config, document, state, error);
}

static bool
has_pin(const json_t *stanza)
{
	InfoBackup backup;

	for (size_t i = 0; info_backup_at(stanza, i, &backup); i++)
	{
		if (info_annotation(&backup, RETENTION_PIN) || info_annotation(&backup, RETENTION_WAY_BACK))
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

	*pinned = has_pin(info_find_stanza(document, config->stanza));
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
