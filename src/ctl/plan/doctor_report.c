/*
 * doctor_report.c
 *		See doctor_report.h.
 */
#include "ctl/plan/doctor_report.h"

#include "ctl/facts/same_server.h"
#include "program/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next line; when out of memory, a line that is discarded. */
static DoctorLine *
add(DoctorReport *report, const char *member, const char *check)
{
	DoctorLine *line = report->lines ? &report->lines[report->count++] : &report->lost;

	*line = (DoctorLine){.member = member, .outcome = PGBR_VERDICT_UNKNOWN};
	pgbr_copy_text(line->check, sizeof(line->check), check);
	return line;
}

static void __attribute__((format(printf, 3, 4)))
find(DoctorLine *line, PgbrVerdict outcome, const char *format, ...)
{
	va_list args;

	line->outcome = outcome;
	va_start(args, format);
	vsnprintf(line->reason, sizeof(line->reason), format, args);
	va_end(args);
}

/* Report a failed request with its own hint. */
static void
find_error(DoctorLine *line, PgbrVerdict outcome, const PgbrError *error)
{
	find(line, outcome, "%s", error->message);
	pgbr_copy_text(line->cure, sizeof(line->cure), error->hint);
}

static void
check_patroni(DoctorReport *report, const DoctorMember *member)
{
	DoctorLine *line = add(report, member->name, "patroni");

	if (member->patroni_error.code != PGBR_ERROR_NONE)
		find_error(line, PGBR_VERDICT_FAIL, &member->patroni_error);
	else
		find(line, PGBR_VERDICT_OK, "%s answers: %s, %s", member->api_url, member->patroni.role,
			 member->patroni.state);
}

static void
check_writing(DoctorReport *report, const DoctorMember *member)
{
	DoctorLine *line = add(report, member->name, "patroni-write");
	PgbrErrorCode code = member->write_error.code;

	if (code == PGBR_ERROR_NONE)
		find(line, PGBR_VERDICT_OK, "Patroni takes changes from here");
	else
		find_error(line, code == PGBR_ERROR_FORBIDDEN ? PGBR_VERDICT_FAIL : PGBR_VERDICT_UNKNOWN,
				   &member->write_error);
}

static SidecarIdentity
identity_of(const DoctorMember *member)
{
	const json_t *node = json_object_get(member->doctor, "node");

	return (SidecarIdentity){json_text(node, "identity"), json_text(node, "data_directory_id")};
}

/* Another member with this one's sidecar or data directory; *shared says which. */
static const DoctorMember *
find_double(const DoctorCluster *facts, const DoctorMember *member, const char **shared)
{
	for (int i = 0; i < facts->count; i++)
	{
		const DoctorMember *other = &facts->members[i];

		if (other != member &&
			(*shared = same_sidecar(identity_of(member), identity_of(other))) != NULL)
			return other;
	}
	return NULL;
}

/* Whether Patroni and the sidecar report the same server. */
static void
compare_servers(DoctorLine *line, const DoctorCluster *facts, const DoctorMember *member)
{
	const json_t *node = json_object_get(member->doctor, "node");
	const PatroniNode *patroni = &member->patroni;
	const char *shared = NULL;
	const DoctorMember *other = find_double(facts, member, &shared);
	char why[256];

	strcpy(line->cure, "Name the sidecar of this member with --sidecar=NAME=URL or in the "
					   "configuration file.");
	if (other)
		find(line, PGBR_VERDICT_FAIL, "%s has the same %s as member \"%s\"", member->sidecar_url,
			 shared, other->name);
	else if (!same_server(node, member->patroni_error.code == PGBR_ERROR_NONE ? patroni : NULL,
						  &facts->listed, member->name, why, sizeof(why)))
		find(line, PGBR_VERDICT_FAIL, "%s is not of this member: %s", member->sidecar_url, why);
	else if (member->patroni_error.code != PGBR_ERROR_NONE ||
			 json_text(node, "system_identifier") == NULL ||
			 json_text(node, "postmaster_start_time") == NULL ||
			 patroni->system_identifier[0] == '\0' || !patroni->running)
	{
		find(line, PGBR_VERDICT_UNKNOWN,
			 "%s answers; without a running PostgreSQL it can't be compared with Patroni",
			 member->sidecar_url);
		line->cure[0] = '\0';
	}
	else
	{
		find(line, PGBR_VERDICT_OK, "%s answers for this member", member->sidecar_url);
		line->cure[0] = '\0';
	}
}

static void
check_sidecar(DoctorReport *report, const DoctorCluster *facts, const DoctorMember *member)
{
	DoctorLine *line = add(report, member->name, "sidecar");

	if (member->doctor)
		compare_servers(line, facts, member);
	else
		find_error(line, PGBR_VERDICT_FAIL, &member->sidecar_error);
}

static void
check_token(DoctorReport *report, const DoctorMember *member)
{
	DoctorLine *line = add(report, member->name, "token");
	const char *scope = json_text(member->doctor, "scope");

	if (scope && strcmp(scope, "restore") == 0)
		find(line, PGBR_VERDICT_OK, "everything is allowed from here");
	else if (scope && strcmp(scope, "operate") == 0)
	{
		find(line, PGBR_VERDICT_WARN, "backups are allowed from here, restores are not");
		strcpy(line->cure, "Give --token-file a token of scope restore.");
	}
	else if (scope && strcmp(scope, "read") == 0)
	{
		find(line, PGBR_VERDICT_WARN, "only reading is allowed from here");
		strcpy(line->cure, "Give --token-file a token of scope operate or restore.");
	}
	else
		find(line, PGBR_VERDICT_UNKNOWN, "the sidecar did not say what is allowed");
}

/* Add the sidecar's own checks; one in an unknown form counts as not known. */
static void
take_checks(DoctorReport *report, const DoctorMember *member)
{
	size_t index;
	json_t *json;

	json_array_foreach(json_object_get(member->doctor, "checks"), index, json)
	{
		const char *name = json_text(json, "name");
		const char *outcome = json_text(json, "outcome");
		const char *reason = json_text(json, "reason");
		const char *cure = json_text(json, "cure");
		DoctorLine *line = add(report, member->name, name ? name : "?");

		if (outcome == NULL || !pgbr_verdict_parse(outcome, &line->outcome))
			line->outcome = PGBR_VERDICT_UNKNOWN;
		pgbr_copy_text(line->reason, sizeof(line->reason),
					   reason ? reason : "the sidecar tells the reason to callers with a token");
		pgbr_copy_text(line->cure, sizeof(line->cure), cure ? cure : "");
	}
}

static void
check_cluster(DoctorReport *report, const DoctorCluster *facts)
{
	DoctorLine *line = add(report, NULL, "leader");

	if (facts->patroni_error.code != PGBR_ERROR_NONE)
		find_error(line, PGBR_VERDICT_UNKNOWN, &facts->patroni_error);
	else if (!facts->has_leader)
	{
		find(line, PGBR_VERDICT_FAIL, "the cluster has no leader");
		strcpy(line->cure, "See \"patronictl list\" and the logs of Patroni.");
	}
	else if (facts->paused)
	{
		find(line, PGBR_VERDICT_WARN, "Patroni is paused");
		strcpy(line->cure, "See \"pgbackrest_ctl status\"; \"patronictl resume\" ends the pause.");
	}
	else
		find(line, PGBR_VERDICT_OK, "there is one, and Patroni is not paused");
}

static const char *
get_patroni_version(const DoctorMember *member)
{
	return member->patroni_error.code == PGBR_ERROR_NONE ? member->patroni.version : NULL;
}

static const char *
get_of_node(const DoctorMember *member, const char *key)
{
	return json_text(json_object_get(member->doctor, "node"), key);
}

static const char *
get_postgres_version(const DoctorMember *member)
{
	return get_of_node(member, "postgres_version");
}

static const char *
get_pgbackrest_version(const DoctorMember *member)
{
	return get_of_node(member, "pgbackrest_version");
}

static const char *
get_sidecar_version(const DoctorMember *member)
{
	return json_text(member->doctor, "version");
}

static const char *
get_extension_version(const DoctorMember *member)
{
	return json_text(member->doctor, "extension_version");
}

static const char *
get_stanza(const DoctorMember *member)
{
	return get_of_node(member, "stanza");
}

static const char *
get_system_identifier(const DoctorMember *member)
{
	return get_of_node(member, "system_identifier");
}

/* What must be the same on all members, and how bad a difference is. */
static const struct
{
	const char *check;
	const char *what;
	const char *(*get)(const DoctorMember *member);
	PgbrVerdict different;
	const char *cure;
} same[] = {
	{"same-system", "system identifier", get_system_identifier, PGBR_VERDICT_FAIL,
	 "A sidecar is of another cluster: name each with --sidecar=NAME=URL."},
	{"same-stanza", "stanza", get_stanza, PGBR_VERDICT_FAIL,
	 "Start each sidecar with the same --stanza."},
	{"same-postgresql", "PostgreSQL", get_postgres_version, PGBR_VERDICT_WARN,
	 "Install the same minor version on each member."},
	{"same-pgbackrest", "pgbackrest", get_pgbackrest_version, PGBR_VERDICT_WARN,
	 "Install the same version on each member: others may not read each other's files."},
	{"same-patroni", "Patroni", get_patroni_version, PGBR_VERDICT_WARN,
	 "Install the same version on each member."},
	{"same-sidecar", "sidecar", get_sidecar_version, PGBR_VERDICT_WARN,
	 "Install the same version on each member."},
	{"same-extension", "extension", get_extension_version, PGBR_VERDICT_WARN,
	 "See where \"extension\" is not ok."},
};

#define SAME_COUNT (sizeof(same) / sizeof(same[0]))

/* "pg1 2.45, pg2 2.47" */
static void
list_values(char *text, size_t size, const DoctorCluster *facts,
			const char *(*get)(const DoctorMember *member))
{
	text[0] = '\0';
	for (int i = 0; i < facts->count; i++)
	{
		const char *value = get(&facts->members[i]);
		size_t used = strlen(text);

		snprintf(text + used, size - used, "%s%s %.40s", i > 0 ? ", " : "", facts->members[i].name,
				 value && value[0] ? value : "not known");
	}
}

static void
check_same(DoctorReport *report, const DoctorCluster *facts, size_t row)
{
	DoctorLine *line = add(report, NULL, same[row].check);
	const char *first = NULL;
	char values[900];
	bool differs = false;
	bool unknown = false;

	for (int i = 0; i < facts->count; i++)
	{
		const char *value = same[row].get(&facts->members[i]);

		if (value == NULL || value[0] == '\0')
			unknown = true;
		else if (first == NULL)
			first = value;
		else
			differs = differs || strcmp(first, value) != 0;
	}
	list_values(values, sizeof(values), facts, same[row].get);
	if (differs)
	{
		find(line, same[row].different, "%s differs: %s", same[row].what, values);
		strcpy(line->cure, same[row].cure);
	}
	else if (unknown)
		find(line, PGBR_VERDICT_UNKNOWN, "%s: %s", same[row].what, values);
	else
		find(line, PGBR_VERDICT_OK, "%s %s everywhere", same[row].what, first);
}

static size_t
count_lines(const DoctorCluster *facts)
{
	size_t count = 1 + SAME_COUNT;

	for (int i = 0; i < facts->count; i++)
		count += 4 + json_array_size(json_object_get(facts->members[i].doctor, "checks"));
	return count;
}

void
doctor_report_make(DoctorReport *report, const DoctorCluster *facts)
{
	*report = (DoctorReport){.lines = calloc(count_lines(facts), sizeof(DoctorLine))};
	report->failed = report->lines == NULL;
	for (int i = 0; i < facts->count; i++)
	{
		const DoctorMember *member = &facts->members[i];

		check_patroni(report, member);
		check_writing(report, member);
		check_sidecar(report, facts, member);
		if (member->doctor)
		{
			check_token(report, member);
			take_checks(report, member);
		}
	}
	check_cluster(report, facts);
	for (size_t row = 0; row < SAME_COUNT; row++)
		check_same(report, facts, row);
}

void
doctor_report_done(DoctorReport *report)
{
	free(report->lines);
	*report = (DoctorReport){.lines = NULL};
}

size_t
doctor_report_count(const DoctorReport *report, PgbrVerdict outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < report->count; i++)
		count += report->lines[i].outcome == outcome;
	return count;
}

PgbrVerdict
doctor_report_worst(const DoctorReport *report)
{
	PgbrVerdict worst = PGBR_VERDICT_OK;

	for (size_t i = 0; i < report->count; i++)
	{
		if (report->lines[i].outcome > worst)
			worst = report->lines[i].outcome;
	}
	return worst;
}
