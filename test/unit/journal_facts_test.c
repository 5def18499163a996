// links: ctl/restore/journal_facts ctl/restore/journal_list ctl/restore/journal_document ctl/plan/plan_json ctl/plan/plan ctl/plan/step ctl/plan/state ctl/plan/request ctl/facts/facts ctl/facts/timeline_path ctl/client/at_once ctl/client/cluster ctl/client/cluster_settings ctl/client/cluster_config ctl/client/patroni_client ctl/client/sidecar_client ctl/client/http_call ctl/client/secret_rule ctl/client/interrupt
/*
 * journal_facts_test.c
 *		What the planner learns from the journals of earlier restores, whole, unfinished and damaged
 *		ones.
 */
#include "ctl/restore/journal_facts.h"

#include "common/strbuf.h"
#include "program/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLAN(type)                                                                        \
	"{'id':'20261130T115500-ab12','scope':'pgbr','stanza':'main','request':{'type':" type \
	"},'set':'20261130-115005F','repo':1,'set_stop':1796039410,'target_timeline':1,"      \
	"'old_timeline':2,'leader':'m1','members':[{'name':'m1','leader':true}],'steps':"     \
	"[{'step':'lock'},{'step':'stop-leader'},{'step':'recover'},{'step':'hand-over'}],"   \
	"'wal_segment_size':16777216}"

#define STOP(state, xid)                                                            \
	"{'step':'stop-leader','state':'done','started_at':'2026-11-30T11:55:10.000Z'," \
	"'finished_at':'2026-11-30T11:55:11.000Z','result':{'m1':{'how':'stopped',"     \
	"'control_state':'" state "','next_xid':'" xid "'}}}"

#define RECOVER(time)                                                                      \
	"{'step':'recover','state':'done','result':{'timeline':3,'fork_lsn':'0/7000028'," time \
	"'next_xid':'4294967300','reason':'x'}}"

#define OPEN "{'step':'hand-over','state':'started','started_at':'2026-11-30T11:55:20.500Z'}"

#define MARK                                                                   \
	"{'name':'pgbr_undo_20261130T115500-ab12','lsn':'0/8000060','timeline':2," \
	"'time':'2026-11-30T11:55:05.000Z','xid':'900'}"

/* Read one journal as the only one of a list. */
static void
read_journal(RestoreFacts *facts, const char *plan, const char *steps, const char *mark)
{
	StrBuf text;
	RestoreList *list = calloc(1, sizeof(*list));
	PgbrError error = PGBR_ERROR_INIT;
	json_t *answer;

	strbuf_init(&text);
	strbuf_printf(&text,
				  "{'restores':[{'id':'20261130T115500-ab12','state':'done','revision':9,"
				  "'holder_seconds_left':0,'created_at':'2026-11-30T11:55:00.000Z','updated_at':"
				  "'2026-11-30T11:56:00.000Z','document':{'plan':%s,'members':[],'steps':[%s],"
				  "'touched':true,'harmless':false,'outcome':{'result':'done'},'mark':%s}}]}",
				  plan, steps, mark);
	for (size_t i = 0; i < text.length; i++)
	{
		if (text.data[i] == '\'')
			text.data[i] = '"';
	}
	answer = json_parse(text.data, text.length, &error);
	assert_non_null(answer);
	assert_true(restore_list_add(list, "m1", answer, &error));
	restore_facts_init(facts);
	assert_true(restore_facts_read_journals(facts, list, &error));
	restore_list_done(list);
	free(list);
	strbuf_done(&text);
}

static void
test_whole(void **state)
{
	RestoreFacts facts;
	const FactRestore *restore;

	(void) state;
	read_journal(&facts, PLAN("'time','target':'2026-11-30 11:50:00.000000+00'"),
				 STOP("shut down", "1:7") "," RECOVER(
					 "'last_xact_time':'2026-11-30T11:49:59.123456Z',") "," OPEN,
				 MARK);
	assert_string_equal(facts.restores_error, "");
	assert_int_equal(facts.restore_count, 1);
	restore = facts.restores;
	assert_int_equal(restore->timeline, 3);
	assert_int_equal(restore->left, 2);
	assert_int_equal(restore->fork_lsn, 0x7000028);
	assert_false(restore->to_the_end);
	assert_int_equal(restore->last_us, INT64_C(1796039399123456));
	assert_int_equal(restore->past_us, INT64_C(1796039399123457));
	assert_int_equal(restore->next_xid, (UINT64_C(1) << 32) + 4);
	assert_int_equal(restore->stopped_us, INT64_C(1796039711000000));
	assert_int_equal(restore->begun_us, INT64_C(1796039720500000));
	assert_int_equal(restore->stopped_xid, (UINT64_C(1) << 32) + 7);
	/* the undo point is a restore point */
	assert_int_equal(facts.point_count, 1);
	assert_string_equal(facts.points[0].name, "pgbr_undo_20261130T115500-ab12");
	assert_int_equal(facts.points[0].timeline, 2);
	assert_int_equal(facts.points[0].xid, 900);
	restore_facts_done(&facts);
}

/* Nothing was committed between the backup and the target; the leader had crashed. */
static void
test_little(void **state)
{
	RestoreFacts facts;

	(void) state;
	read_journal(&facts, PLAN("'default'"), STOP("in production", "1:7") "," RECOVER("") "," OPEN,
				 "{}");
	assert_int_equal(facts.restore_count, 1);
	assert_true(facts.restores[0].to_the_end);
	assert_int_equal(facts.restores[0].last_us, INT64_C(1796039409999999));
	assert_int_equal(facts.restores[0].past_us, INT64_C(1796039411000000));
	assert_int_equal(facts.restores[0].stopped_xid, 0);
	assert_int_equal(facts.point_count, 0);
	restore_facts_done(&facts);
}

/* What did not open the leader began no timeline that anybody could mean. */
static void
test_unfinished(void **state)
{
	RestoreFacts facts;

	(void) state;
	read_journal(&facts, PLAN("'default'"), STOP("shut down", "1:7") "," RECOVER(""), MARK);
	assert_int_equal(facts.restore_count, 0);
	assert_int_equal(facts.point_count, 1);
	assert_string_equal(facts.restores_error, "");
	restore_facts_done(&facts);
}

static void
test_hostile(void **state)
{
	static const char *const xids[] = {STOP("shut down", "1"), STOP("shut down", "1:4294967296"),
									   STOP("shut down", "1:2x"), STOP("shut down", "-1:2"),
									   STOP("shut down", "99999999999999999999:2")};
	RestoreFacts facts;

	(void) state;
	for (size_t i = 0; i < sizeof(xids) / sizeof(xids[0]); i++)
	{
		char steps[2000];

		snprintf(steps, sizeof(steps), "%s,%s,%s", xids[i],
				 RECOVER("'last_xact_time':'yesterday',"), OPEN);
		read_journal(&facts, PLAN("'default'"), steps, "{'name':'x','lsn':'nowhere'}");
		assert_int_equal(facts.restore_count, 1);
		assert_int_equal(facts.restores[0].stopped_xid, 0);
		assert_int_equal(facts.restores[0].last_us, 0);
		assert_int_equal(facts.point_count, 0);
		restore_facts_done(&facts);
	}
	/* a time that would overflow */
	read_journal(&facts,
				 "{'id':'20261130T115500-ab12','scope':'pgbr','stanza':'main','request':{'type':"
				 "'default'},'set':'20261130-115005F','repo':1,'set_stop':9223372036854775807,"
				 "'target_timeline':1,'old_timeline':2,'leader':'m1','members':[{'name':'m1',"
				 "'leader':true}],'steps':[{'step':'lock'}],'wal_segment_size':16777216}",
				 RECOVER("") "," OPEN, MARK);
	assert_string_equal(facts.restores_error, "");
	assert_int_equal(facts.restores[0].last_us, 0);
	restore_facts_done(&facts);
	read_journal(&facts, "{'id':7}", OPEN, MARK);
	assert_int_equal(facts.restore_count, 0);
	assert_non_null(strstr(facts.restores_error, "the journal of restore 20261130T115500-ab12: "));
	restore_facts_done(&facts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
