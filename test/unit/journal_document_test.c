// links: ctl/restore/journal_document ctl/plan/state ctl/plan/plan_json ctl/plan/plan ctl/plan/step ctl/plan/request
/*
 * journal_document_test.c
 *		The document of a restore's journal: read and written back, also one of another version.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/restore/journal_document.h"

#include <stdlib.h>
#include <string.h>

#define PLAN                                                                                    \
	"{'id':'20261130T115500-ab12','scope':'pgbr','stanza':'main','request':{'type':'lsn',"      \
	"'target':'0/7000000','target_exclusive':false,'set':null,'target_timeline':2,'repo':null," \
	"'replicas_only':false,'keep_old':false,'keep':null,'accept':null,"                         \
	"'from_repository':false,'undo':false,'without':[],'only':[]},"                             \
	"'set':'20261130-115005F','older_set':'20261129-115005F','repo':1,'set_stop':1796039410,'"  \
	"target_timeline':2,"                                                                       \
	"'old_timeline':2,'leader':'m1','leading':null,'members':[{'name':'m1','leader':true,"      \
	"'left_out':false,'kept':false,'was_kept':false,"                                           \
	"'running':true,'data_bytes':23213850,'free_bytes':null}],'steps':[{'step':'lock',"         \
	"'where':'all','touches_data':false,'text':'take the lock of every sidecar and write the "  \
	"journal'}],'broken_leader':false,'check_timeline':false,"                                  \
	"'first_segment':'000000010000000000000002','last_segment':'000000020000000000000007',"     \
	"'wal_segments':6,'wal_segment_size':16777216,'bytes':23213850,'seconds':12,"               \
	"'target_lsn':'0/7000000','least_lsn':'0/2000100','wal_bound':'0/7000001',"                 \
	"'way_back':{'set':'20261130-115005F','repo':1,'days':7,'first_segment':"                   \
	"'000000010000000000000002','reason':null},'warnings':['a'],'unproven':[]"

/* What a control binary writes: every key that there is, in the order of the table. */
#define WHOLE                                                                                     \
	"{'plan':" PLAN "},'members':[{'name':'m1','api_url':'http://127.0.0.1:8008',"                \
	"'sidecar_url':null}],'steps':[{'step':'lock','state':'done','attempt':1,"                    \
	"'started_at':'2026-11-30T11:55:00.000Z','finished_at':'2026-11-30T11:55:01.000Z',"           \
	"'message':null},{'step':'stop-leader','state':'done','attempt':2,'started_at':'x',"          \
	"'finished_at':'y','message':null,'result':{'m1':{'how':'stopped','control_state':'shut "     \
	"down','unarchived':0}}},{'step':'recover','state':'failed','attempt':3,'started_at':'z',"    \
	"'finished_at':null,'message':'no disk','result':{'timeline':3}}],'touched':true,"            \
	"'harmless':false,'outcome':{'result':'done'},'damaged':{'20261130-115005F':'x'},'undo_of':'" \
	"20261129T1','mark':{'lsn':'0/1'},"                                                           \
	"'target_mark':{'lsn':'0/2'},'check_timeline':{'before':null},'check_timeline_is_back':true," \
	"'replaces':'20261129T2','paused_before':true,'touched_before':true,"                         \
	"'handed_over_before':true,'replicas_before':true,'archived_timeline':4}"

static json_t *
parse(const char *text)
{
	char *copy = strdup(text);
	json_t *json;

	for (char *at = copy; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	json = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(json);
	return json;
}

static JournalDocument *
read_text(const char *text, bool plan_makes_sense)
{
	JournalDocument *document = malloc(sizeof(*document));
	json_t *json = parse(text);

	assert_non_null(document);
	assert_int_equal(journal_document_read(document, json), plan_makes_sense);
	/* it needs nothing of what it was read from but what it holds itself */
	json_decref(json);
	return document;
}

static void
free_document(JournalDocument *document)
{
	journal_document_done(document);
	free(document);
}

static void
assert_writes(const JournalDocument *document, const char *text)
{
	json_t *wanted = parse(text);
	json_t *written = journal_document_write(document);
	char *one = json_dumps(wanted, JSON_COMPACT);
	char *other = json_dumps(written, JSON_COMPACT);

	assert_string_equal(other, one);
	free(one);
	free(other);
	json_decref(wanted);
	json_decref(written);
}

static void
test_whole(void **state)
{
	JournalDocument *document = read_text(WHOLE, true);
	const JournalStep *step = journal_document_find(document, RESTORE_RECOVER);

	(void) state;
	assert_string_equal(document->plan.id, "20261130T115500-ab12");
	assert_int_equal(document->member_count, 1);
	assert_string_equal(document->members[0].name, "m1");
	assert_string_equal(document->members[0].api_url, "http://127.0.0.1:8008");
	assert_string_equal(document->members[0].sidecar_url, "");
	assert_int_equal(document->step_count, 3);
	assert_int_equal(step->state, RESTORE_STEP_FAILED);
	assert_int_equal(step->attempt, 3);
	assert_string_equal(step->started_at, "z");
	assert_string_equal(step->finished_at, "");
	assert_string_equal(step->message, "no disk");
	assert_null(journal_document_find(document, RESTORE_PAUSE));
	assert_int_equal(journal_document_new_timeline(document), 3);
	assert_true(journal_document_stopped_clean(document));
	assert_true(document->touched && !document->harmless && document->outcome);
	assert_string_equal(document->undo_of, "20261129T1");
	assert_string_equal(json_string_value(json_object_get(document->mark, "lsn")), "0/1");
	assert_string_equal(json_string_value(json_object_get(document->target_mark, "lsn")), "0/2");
	assert_true(json_is_null(document->check_timeline) && document->check_timeline_is_back);
	assert_string_equal(document->replaces, "20261129T2");
	assert_true(document->paused_before && document->touched_before);
	assert_true(document->handed_over_before && document->replicas_before);
	assert_int_equal(document->archived_timeline, 4);
	assert_null(document->unknown);
	assert_writes(document, WHOLE);
	free_document(document);
}

/* One that has just been begun has what a sidecar and another control binary look for. */
static void
test_begun(void **state)
{
	JournalDocument *whole = read_text(WHOLE, true);
	JournalDocument *document = malloc(sizeof(*document));

	(void) state;
	journal_document_init(document, &whole->plan);
	journal_document_entry(document, RESTORE_LOCK)->attempt++;
	assert_ptr_equal(journal_document_entry(document, RESTORE_LOCK), &document->steps[0]);
	assert_writes(document, "{'plan':" PLAN "},'members':[],'steps':[{'step':'lock',"
							"'state':'pending','attempt':1,'started_at':null,'finished_at':null,"
							"'message':null}],'touched':false,'harmless':false,'outcome':null}");
	assert_int_equal(journal_document_new_timeline(document), 0);
	assert_false(journal_document_stopped_clean(document));
	free_document(document);
	free_document(whole);
}

/* What stop jobs have told, as the journal keeps it, and what follows of it. */
static void
test_stops(void **state)
{
	JournalDocument *document = read_text("{'plan':" PLAN "}}", true);
	json_t *clean = parse("{'how':'fast','control':{'state':'shut down'},'unarchived':2,'x':1}");
	json_t *crash = parse("{'how':'killed','control':{'state':'in production'}}");
	json_t *stops = json_object();

	(void) state;
	journal_document_add_stop(stops, "m2", clean);
	journal_document_add_stop(stops, "m1", crash);
	journal_document_put(&journal_document_entry(document, RESTORE_STOP_LEADER)->result, stops);
	assert_false(journal_document_stopped_clean(document));
	journal_document_add_stop(stops, "m1", clean);
	assert_true(journal_document_stopped_clean(document));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(stops, "m1"), "unarchived")), 2);
	json_decref(clean);
	json_decref(crash);
	free_document(document);
}

/* Another version has more keys, members that it names otherwise, and steps; all of it stays. */
static void
test_unknown(void **state)
{
#define STRANGE                                                                               \
	"{'plan':" PLAN ",'speed':9},'members':[{'name':'m1','api_url':null,'sidecar_url':null,"  \
	"'zone':'a'},{'uuid':7}],'steps':[{'step':'lock','state':'done','attempt':0,"             \
	"'started_at':null,'finished_at':null,'message':null,'by':'me'},{'step':'dance','y':1}]," \
	"'touched':false,'harmless':true,'outcome':null,'mood':['good']}"
	JournalDocument *document = read_text(STRANGE, true);

	(void) state;
	assert_int_equal(document->member_count, 1);
	assert_int_equal(document->step_count, 1);
	assert_writes(document, STRANGE);
	free_document(document);
}

/* The request may have more keys, too. */
static void
test_unknown_in_request(void **state)
{
	json_t *json = parse("{'plan':" PLAN "}}");
	JournalDocument document;
	json_t *written;

	(void) state;
	json_object_set_new(json_object_get(json_object_get(json, "plan"), "request"), "pace",
						json_integer(9));
	assert_true(journal_document_read(&document, json));
	written = journal_document_write(&document);
	assert_true(json_equal(json_object_get(written, "plan"), json_object_get(json, "plan")));
	/* as told, it stays as it was: the list of restores lends it */
	document.plan.request.keep_old = true;
	json_decref(written);
	written = journal_document_write(&document);
	assert_true(json_is_true(
		json_object_get(json_object_get(json_object_get(written, "plan"), "request"), "keep_old")));
	assert_true(json_is_false(
		json_object_get(json_object_get(json_object_get(json, "plan"), "request"), "keep_old")));
	json_decref(written);
	json_decref(json);
	journal_document_done(&document);
}

/* A version of before wrote a result of null, and fewer keys; the order is its own. */
static void
test_older(void **state)
{
	JournalDocument *document =
		read_text("{'outcome':null,'steps':[{'step':'pause','attempt':1,'result':null}],"
				  "'members':[],'plan':" PLAN "}}",
				  true);

	(void) state;
	assert_int_equal(journal_document_find(document, RESTORE_PAUSE)->state, RESTORE_STEP_PENDING);
	assert_false(document->touched || document->paused_before || document->harmless);
	assert_int_equal(document->archived_timeline, 0);
	assert_writes(document, "{'plan':" PLAN "},'members':[],'steps':[{'step':'pause',"
							"'state':'pending','attempt':1,'started_at':null,'finished_at':null,"
							"'message':null}],'touched':false,'harmless':false,'outcome':null}");
	free_document(document);
}

/* A sidecar may tell anything; values that can't be meant are as if they were missing. */
static void
test_wrong(void **state)
{
	JournalDocument *document = read_text(
		"{'plan':{'id':1},'members':{},'steps':[7,{'step':'lock','state':'x','attempt':-1,"
		"'started_at':5,'result':[]},{'step':'lock','state':'done'}],'touched':1,'harmless':'yes',"
		"'outcome':[],'undo_of':'0123456789012345678901234567890123456789','mark':'pgbr_undo_1',"
		"'check_timeline':3,'replaces':null,'paused_before':'true','archived_timeline':-4}",
		false);

	(void) state;
	assert_int_equal(document->plan_error.code, PGBR_ERROR_PROTOCOL);
	assert_int_equal(document->plan.member_count, 0);
	assert_int_equal(document->step_count, 1);
	assert_int_equal(document->steps[0].state, RESTORE_STEP_PENDING);
	assert_int_equal(document->steps[0].attempt, 0);
	assert_null(document->steps[0].result);
	assert_false(document->touched || document->harmless || document->paused_before);
	assert_null(document->outcome);
	assert_null(document->mark);
	assert_null(document->check_timeline);
	assert_string_equal(document->undo_of, "");
	assert_string_equal(document->replaces, "");
	assert_int_equal(document->archived_timeline, 0);
	/* a plan that is not understood is not lost either */
	assert_writes(document,
				  "{'plan':{'id':1},'members':[],'steps':[{'step':'lock','state':'pending',"
				  "'attempt':0,'started_at':null,'finished_at':null,'message':null},7,"
				  "{'step':'lock','state':'done'}],'touched':false,'harmless':false,"
				  "'outcome':null}");
	free_document(document);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_begun),
		cmocka_unit_test(test_stops),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_unknown_in_request),
		cmocka_unit_test(test_older),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
