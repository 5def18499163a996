/*
 * journal_document.c
 *		See journal_document.h. A key is a row of one of three tables, and has the name of the
 *		struct member that it fills. A kind of value has one reader and one writer.
 */
#include "ctl/restore/journal_document.h"

#include "ctl/plan/plan_json.h"
#include "program/json.h"

#include <stddef.h>
#include <string.h>

typedef struct Field Field;

/* How a kind of value is read and written. A writer that returns NULL leaves the key out. */
typedef struct FieldKind
{
	void (*read)(const json_t *value, void *base, const Field *field);
	json_t *(*write)(const void *base, const Field *field);
} FieldKind;

struct Field
{
	const char *key;
	const FieldKind *kind;
	size_t offset;
	size_t size;
};

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

static void *
field_place(void *base, const Field *field)
{
	return (char *) base + field->offset;
}

static const void *
field_source(const void *base, const Field *field)
{
	return (const char *) base + field->offset;
}

static const Field *
find_field(const Field *fields, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
	{
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	}
	return NULL;
}

/*
 * Fill a struct from an object. *unknown becomes an object with the keys that have no row, or
 * stays NULL.
 */
static void
read_fields(const Field *fields, size_t count, const json_t *object, void *base, json_t **unknown)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *) object, key, value)
	{
		const Field *field = find_field(fields, count, key);

		if (field)
			field->kind->read(value, base, field);
		else
		{
			if (*unknown == NULL)
				*unknown = json_object();
			json_object_set(*unknown, key, value);
		}
	}
}

static json_t *
write_fields(const Field *fields, size_t count, const void *base, json_t *unknown)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++)
	{
		json_t *value = fields[i].kind->write(base, &fields[i]);

		if (value)
			json_object_set_new(object, fields[i].key, value);
	}
	if (unknown)
		json_object_update_missing(object, unknown);
	return object;
}

static void
keep_unknown(json_t **array, const json_t *value)
{
	if (*array == NULL)
		*array = json_array();
	json_array_append(*array, (json_t *) value);
}

static void
read_flag(const json_t *value, void *base, const Field *field)
{
	*(bool *) field_place(base, field) = json_is_true(value);
}

static json_t *
write_flag(const void *base, const Field *field)
{
	return json_boolean(*(const bool *) field_source(base, field));
}

static json_t *
write_set_flag(const void *base, const Field *field)
{
	return *(const bool *) field_source(base, field) ? json_true() : NULL;
}

/* A word that does not fit is ignored. */
static void
read_word(const json_t *value, void *base, const Field *field)
{
	const char *text = json_string_value(value);

	if (text && strlen(text) < field->size)
		strcpy(field_place(base, field), text);
}

static void
read_text(const json_t *value, void *base, const Field *field)
{
	const char *text = json_string_value(value);

	pgbr_copy_text(field_place(base, field), field->size, text ? text : "");
}

static json_t *
write_text(const void *base, const Field *field)
{
	const char *text = field_source(base, field);

	return text[0] ? json_string(text) : NULL;
}

static json_t *
write_text_or_null(const void *base, const Field *field)
{
	json_t *text = write_text(base, field);

	return text ? text : json_null();
}

static void
read_count(const json_t *value, void *base, const Field *field)
{
	json_int_t number = json_integer_value(value);

	*(int *) field_place(base, field) = number > 0 && number < INT32_MAX ? (int) number : 0;
}

static json_t *
write_count(const void *base, const Field *field)
{
	return json_integer(*(const int *) field_source(base, field));
}

static void
read_timeline(const json_t *value, void *base, const Field *field)
{
	json_int_t number = json_integer_value(value);

	*(uint32_t *) field_place(base, field) =
		number > 0 && number <= UINT32_MAX ? (uint32_t) number : 0;
}

static json_t *
write_timeline(const void *base, const Field *field)
{
	uint32_t timeline = *(const uint32_t *) field_source(base, field);

	return timeline > 0 ? json_integer(timeline) : NULL;
}

static void
read_object(const json_t *value, void *base, const Field *field)
{
	if (json_is_object(value))
		journal_document_put(field_place(base, field), json_incref((json_t *) value));
}

static json_t *
write_object(const void *base, const Field *field)
{
	return json_incref(*(json_t *const *) field_source(base, field));
}

static json_t *
write_object_or_null(const void *base, const Field *field)
{
	json_t *object = write_object(base, field);

	return object ? object : json_null();
}

/* A value that may itself be null is wrapped in an object. */
#define KEY_BEFORE "before"

static void
read_before(const json_t *value, void *base, const Field *field)
{
	json_t *before = json_object_get(value, KEY_BEFORE);

	if (json_is_object(value))
		journal_document_put(field_place(base, field), before ? json_incref(before) : json_null());
}

static json_t *
write_before(const void *base, const Field *field)
{
	json_t *before = *(json_t *const *) field_source(base, field);
	json_t *object = before ? json_object() : NULL;

	json_object_set(object, KEY_BEFORE, before);
	return object;
}

static void
read_step(const json_t *value, void *base, const Field *field)
{
	const char *name = json_string_value(value);

	if (name == NULL || !restore_step_parse(name, field_place(base, field)))
		*(RestoreStep *) field_place(base, field) = RESTORE_STEP_COUNT;
}

static json_t *
write_step(const void *base, const Field *field)
{
	return json_string(restore_step_info(*(const RestoreStep *) field_source(base, field))->name);
}

static void
read_state(const json_t *value, void *base, const Field *field)
{
	*(RestoreStepState *) field_place(base, field) =
		restore_step_state_parse(json_string_value(value));
}

static json_t *
write_state(const void *base, const Field *field)
{
	return json_string(
		restore_step_state_name(*(const RestoreStepState *) field_source(base, field)));
}

/* The first is always written; the second only when it is true. */
static const FieldKind flag = {read_flag, write_flag};
static const FieldKind set_flag = {read_flag, write_set_flag};

/*
 * A text is cut if it is too long, a word is ignored then. When empty, it is written as null or
 * left out.
 */
static const FieldKind text_or_null = {read_text, write_text_or_null};
static const FieldKind word_or_null = {read_word, write_text_or_null};
static const FieldKind word = {read_word, write_text};

static const FieldKind count = {read_count, write_count};
static const FieldKind timeline = {read_timeline, write_timeline};
static const FieldKind object = {read_object, write_object};
static const FieldKind object_or_null = {read_object, write_object_or_null};
static const FieldKind before = {read_before, write_before};
static const FieldKind step = {read_step, write_step};
static const FieldKind state = {read_state, write_state};

#define FIELD(type, member, kind)                                              \
	{                                                                          \
#member, &(kind), offsetof(type, member), sizeof(((type *) 0)->member) \
	}

static const Field member_fields[] = {
	FIELD(JournalMember, name, word),
	FIELD(JournalMember, api_url, word_or_null),
	FIELD(JournalMember, sidecar_url, word_or_null),
};

static const Field step_fields[] = {
	FIELD(JournalStep, step, step),
	FIELD(JournalStep, state, state),
	FIELD(JournalStep, attempt, count),
	FIELD(JournalStep, started_at, word_or_null),
	FIELD(JournalStep, finished_at, word_or_null),
	FIELD(JournalStep, message, text_or_null),
	FIELD(JournalStep, result, object),
};

static void
read_plan(const json_t *value, void *base, const Field *field)
{
	JournalDocument *document = base;

	(void) field;
	journal_document_put(&document->told_plan, json_incref((json_t *) value));
}

/* A plan that was read may have keys of another version. */
static json_t *
write_plan(const void *base, const Field *field)
{
	const JournalDocument *document = base;
	json_t *plan;

	(void) field;
	if (document->plan_error.code != PGBR_ERROR_NONE)
		return json_incref(document->told_plan);
	plan = restore_plan_json(&document->plan);
	if (document->told_plan)
	{
		json_t *merged = json_deep_copy(document->told_plan);

		/* its request is an object, too */
		json_object_update_recursive(merged, plan);
		json_decref(plan);
		return merged;
	}
	return plan;
}

static void
read_members(const json_t *value, void *base, const Field *field)
{
	JournalDocument *document = base;
	size_t index;
	json_t *json;

	(void) field;
	json_array_foreach(value, index, json)
	{
		JournalMember member = {.name = ""};

		read_fields(member_fields, COUNT(member_fields), json, &member, &member.unknown);
		if (member.name[0] && document->member_count < RESTORE_MEMBERS_MAX)
			document->members[document->member_count++] = member;
		else
		{
			keep_unknown(&document->unknown_members, json);
			json_decref(member.unknown);
		}
	}
}

static json_t *
write_members(const void *base, const Field *field)
{
	const JournalDocument *document = base;
	json_t *array = json_array();

	(void) field;
	for (int i = 0; i < document->member_count; i++)
		json_array_append_new(array,
							  write_fields(member_fields, COUNT(member_fields),
										   &document->members[i], document->members[i].unknown));
	if (document->unknown_members)
		json_array_extend(array, document->unknown_members);
	return array;
}

static void
done_step(JournalStep *entry)
{
	json_decref(entry->result);
	json_decref(entry->unknown);
}

/* If a step has two entries, the first counts. */
static void
read_steps(const json_t *value, void *base, const Field *field)
{
	JournalDocument *document = base;
	size_t index;
	json_t *json;

	(void) field;
	json_array_foreach(value, index, json)
	{
		JournalStep entry = {.step = RESTORE_STEP_COUNT};

		read_fields(step_fields, COUNT(step_fields), json, &entry, &entry.unknown);
		if (entry.step < RESTORE_STEP_COUNT && journal_document_find(document, entry.step) == NULL)
			document->steps[document->step_count++] = entry;
		else
		{
			keep_unknown(&document->unknown_steps, json);
			done_step(&entry);
		}
	}
}

static json_t *
write_steps(const void *base, const Field *field)
{
	const JournalDocument *document = base;
	json_t *array = json_array();

	(void) field;
	for (int i = 0; i < document->step_count; i++)
		json_array_append_new(array, write_fields(step_fields, COUNT(step_fields),
												  &document->steps[i], document->steps[i].unknown));
	if (document->unknown_steps)
		json_array_extend(array, document->unknown_steps);
	return array;
}

static const FieldKind plan_kind = {read_plan, write_plan};
static const FieldKind members_kind = {read_members, write_members};
static const FieldKind steps_kind = {read_steps, write_steps};

static const Field document_fields[] = {
	FIELD(JournalDocument, plan, plan_kind),
	FIELD(JournalDocument, members, members_kind),
	FIELD(JournalDocument, steps, steps_kind),
	FIELD(JournalDocument, touched, flag),
	FIELD(JournalDocument, harmless, flag),
	FIELD(JournalDocument, resumed, set_flag),
	FIELD(JournalDocument, outcome, object_or_null),
	FIELD(JournalDocument, damaged, object),
	FIELD(JournalDocument, undo_of, word),
	FIELD(JournalDocument, mark, object),
	FIELD(JournalDocument, target_mark, object),
	FIELD(JournalDocument, check_timeline, before),
	FIELD(JournalDocument, check_timeline_is_back, set_flag),
	FIELD(JournalDocument, replaces, word),
	FIELD(JournalDocument, paused_before, set_flag),
	FIELD(JournalDocument, touched_before, set_flag),
	FIELD(JournalDocument, handed_over_before, set_flag),
	FIELD(JournalDocument, replicas_before, set_flag),
	FIELD(JournalDocument, archived_timeline, timeline),
};

void
journal_document_init(JournalDocument *document, const RestorePlan *plan)
{
	memset(document, 0, sizeof(*document));
	document->plan = *plan;
}

bool
journal_document_read(JournalDocument *document, const json_t *json)
{
	memset(document, 0, sizeof(*document));
	read_fields(document_fields, COUNT(document_fields), json, document, &document->unknown);
	if (restore_plan_read(document->told_plan, &document->plan, &document->plan_error))
		return true;
	memset(&document->plan, 0, sizeof(document->plan));
	return false;
}

void
journal_document_done(JournalDocument *document)
{
	for (int i = 0; i < document->member_count; i++)
		json_decref(document->members[i].unknown);
	for (int i = 0; i < document->step_count; i++)
		done_step(&document->steps[i]);
	json_decref(document->outcome);
	json_decref(document->damaged);
	json_decref(document->mark);
	json_decref(document->target_mark);
	json_decref(document->check_timeline);
	json_decref(document->told_plan);
	json_decref(document->unknown);
	json_decref(document->unknown_members);
	json_decref(document->unknown_steps);
	memset(document, 0, sizeof(*document));
}

json_t *
journal_document_write(const JournalDocument *document)
{
	return write_fields(document_fields, COUNT(document_fields), document, document->unknown);
}

const JournalStep *
journal_document_find(const JournalDocument *document, RestoreStep step)
{
	for (int i = 0; i < document->step_count; i++)
	{
		if (document->steps[i].step == step)
			return &document->steps[i];
	}
	return NULL;
}

RestoreStepState
journal_document_state(const JournalDocument *document, RestoreStep step)
{
	const JournalStep *entry = journal_document_find(document, step);

	return entry ? entry->state : RESTORE_STEP_PENDING;
}

JournalStep *
journal_document_entry(JournalDocument *document, RestoreStep step)
{
	JournalStep *entry = (JournalStep *) journal_document_find(document, step);

	if (entry)
		return entry;
	entry = &document->steps[document->step_count++];
	memset(entry, 0, sizeof(*entry));
	entry->step = step;
	return entry;
}

void
journal_document_put(json_t **member, json_t *value)
{
	json_decref(*member);
	*member = value;
}

uint32_t
journal_document_new_timeline(const JournalDocument *document)
{
	const JournalStep *recovered = journal_document_find(document, RESTORE_RECOVER);

	return recovered ? (uint32_t) json_number(recovered->result, "timeline", 0) : 0;
}

/* What the steps stop-leader and stop-replicas keep for each member. */
#define KEY_HOW			  "how"
#define KEY_CONTROL_STATE "control_state"
#define KEY_UNARCHIVED	  "unarchived"
#define KEY_NEXT_XID	  "next_xid"

void
journal_document_add_stop(json_t *stops, const char *member, const json_t *result)
{
	json_t *json = json_object();

	json_put_text(json, KEY_HOW, json_text(result, "how"));
	json_put_text(json, KEY_CONTROL_STATE, json_text(json_object_get(result, "control"), "state"));
	json_put_text(json, KEY_NEXT_XID, json_text(json_object_get(result, "control"), "next_xid"));
	json_object_set_new(json, KEY_UNARCHIVED, json_integer(json_number(result, "unarchived", -1)));
	json_object_set_new(stops, member, json);
}

static const json_t *
find_stop(const JournalDocument *document)
{
	const JournalStep *stopped = journal_document_find(document, RESTORE_STOP_LEADER);

	return stopped ? json_object_get(stopped->result, restore_plan_led_by(&document->plan)) : NULL;
}

bool
journal_document_stopped_clean(const JournalDocument *document)
{
	const char *state = json_text(find_stop(document), KEY_CONTROL_STATE);

	return state && strcmp(state, "shut down") == 0;
}

/* pg_controldata has it as "epoch:id". */
uint64_t
journal_document_stopped_xid(const JournalDocument *document)
{
	const char *text = json_text(find_stop(document), KEY_NEXT_XID);
	const char *colon = text ? strchr(text, ':') : NULL;
	char digits[16] = "";
	uint64_t epoch;
	uint64_t xid;

	if (colon == NULL || (size_t) (colon - text) >= sizeof(digits) ||
		!journal_document_stopped_clean(document))
		return 0;
	memcpy(digits, text, (size_t) (colon - text));
	if (!recovery_number_parse(digits, &epoch) || !recovery_number_parse(colon + 1, &xid) ||
		epoch > UINT32_MAX || xid > UINT32_MAX)
		return 0;
	return epoch << 32 | xid;
}
