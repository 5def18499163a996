/*
 * sidecar.c
 *		See sidecar.h. Does not know what the answers mean.
 *
 * No error may be raised across a frame of libcurl, so everything that can raise one happens before
 * or after pgbr_http_perform: the texts are made ready first, and the answer, which is malloc'd, is
 * turned into jsonb inside PG_TRY.
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "common/http_client.h"
#include "common/sidecar_url.h"
#include "common/strbuf.h"
#include "common/visible.h"
#include "common/vocabulary.h"
#include "extension/compat.h"
#include "extension/guc.h"
#include "extension/sidecar.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define TOKEN_SIZE 512

/* the limit of the API */
#define CLAIMED_BY_MAX 128

#define PROTOCOL_HINT "Check that pgbackrest_ctl.sidecar_url is that of a pgbackrest_sidecar."

typedef struct ErrorRow
{
	PgbrErrorCode code;
	int sqlstate;
	const char *prefix; /* before the message, when it needs one */
	const char *hint;	/* wins over the sidecar's own, which speaks of the sidecar's options */
} ErrorRow;

static const ErrorRow error_rows[] = {
	{PGBR_ERROR_UNREACHABLE, ERRCODE_CONNECTION_FAILURE, "could not reach the sidecar: ",
	 "Start pgbackrest_sidecar, or check pgbackrest_ctl.sidecar_url."},
	{PGBR_ERROR_TIMEOUT, ERRCODE_CONNECTION_FAILURE, "could not reach the sidecar: ",
	 "Check pgbackrest_sidecar and pgbackrest_ctl.sidecar_url, or raise "
	 "pgbackrest_ctl.sidecar_timeout."},
	{PGBR_ERROR_TLS, ERRCODE_CONNECTION_FAILURE, "could not reach the sidecar: ",
	 "Check pgbackrest_ctl.sidecar_url, pgbackrest_ctl.sidecar_ca_file and "
	 "pgbackrest_ctl.sidecar_cert_file."},
	{PGBR_ERROR_PROTOCOL, ERRCODE_PROTOCOL_VIOLATION,
	 "invalid response from the sidecar: ", PROTOCOL_HINT},
	{PGBR_ERROR_MISDIRECTED, ERRCODE_CONNECTION_FAILURE, "could not reach the sidecar: ",
	 "Start pgbackrest_sidecar with --allowed-host and the name in pgbackrest_ctl.sidecar_url."},
	{PGBR_ERROR_UNAUTHORIZED, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "",
	 "Check pgbackrest_ctl.sidecar_token_file or pgbackrest_ctl.sidecar_cert_file, whichever the "
	 "sidecar wants."},
	{PGBR_ERROR_FORBIDDEN, ERRCODE_INSUFFICIENT_PRIVILEGE, "", NULL},
	{PGBR_ERROR_BAD_REQUEST, ERRCODE_INVALID_PARAMETER_VALUE, "", NULL},
	{PGBR_ERROR_INVALID_VALUE, ERRCODE_INVALID_PARAMETER_VALUE, "", NULL},
	{PGBR_ERROR_NOT_FOUND, ERRCODE_UNDEFINED_OBJECT, "", NULL},
	{PGBR_ERROR_DUPLICATE, ERRCODE_DUPLICATE_OBJECT, "", NULL},
	{PGBR_ERROR_CONFLICT, ERRCODE_OBJECT_IN_USE, "", NULL},
	{PGBR_ERROR_RESTORE_IN_PROGRESS, ERRCODE_OBJECT_IN_USE, "", NULL},
	{PGBR_ERROR_TOO_LARGE, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "", NULL},
	{PGBR_ERROR_QUEUE_FULL, ERRCODE_INSUFFICIENT_RESOURCES, "", NULL},
	{PGBR_ERROR_STORAGE, ERRCODE_DISK_FULL, "", NULL},
	{PGBR_ERROR_UNAVAILABLE, ERRCODE_CANNOT_CONNECT_NOW, "", NULL},
	{PGBR_ERROR_PGBACKREST, ERRCODE_SYSTEM_ERROR, "", NULL},
	{PGBR_ERROR_CONFIG, ERRCODE_CONFIG_FILE_ERROR, "", NULL},
	{PGBR_ERROR_METHOD_NOT_ALLOWED, ERRCODE_PROTOCOL_VIOLATION, "", NULL},
	{PGBR_ERROR_UNSUPPORTED_MEDIA_TYPE, ERRCODE_PROTOCOL_VIOLATION, "", NULL},
	{PGBR_ERROR_INTERNAL, ERRCODE_INTERNAL_ERROR, "sidecar: ", NULL},
};

static const ErrorRow *
error_row_of(const PgbrError *error)
{
	const ErrorRow *row = &error_rows[lengthof(error_rows) - 1];

	for (size_t i = 0; i < lengthof(error_rows); i++)
	{
		if (error_rows[i].code == error->code)
			row = &error_rows[i];
	}
	return row;
}

void
sidecar_explain(PgbrError *error)
{
	const ErrorRow *row = error_row_of(error);
	PgbrError said = *error;

	pgbr_error_set(error, said.code, "%s%s", row->prefix, said.message);
	pgbr_error_detail(error, "%s", said.detail);
	pgbr_error_hint(error, "%s", row->hint ? row->hint : said.hint);
}

const char *
sidecar_error_text(const char *text)
{
	return pg_any_to_server(text, strlen(text), PG_UTF8);
}

void
sidecar_raise(const PgbrError *error)
{
	PgbrError said = *error;

	sidecar_explain(&said);
	ereport(ERROR,
			(errcode(error_row_of(error)->sqlstate), errmsg("%s", sidecar_error_text(said.message)),
			 said.detail[0] ? errdetail("%s", sidecar_error_text(said.detail)) : 0,
			 said.hint[0] ? errhint("%s", sidecar_error_text(said.hint)) : 0));
	pg_unreachable();
}

static const char *
to_utf8(const char *text)
{
	return text ? pg_server_to_any(text, strlen(text), PG_UTF8) : "";
}

void
sidecar_catch(MemoryContext context, PgbrError *error)
{
	ErrorData *raised;

	MemoryContextSwitchTo(context);
	raised = CopyErrorData();
	FlushErrorState();
	pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "%s", to_utf8(raised->message));
	pgbr_error_detail(error, "%s", to_utf8(raised->detail));
	pgbr_error_hint(error, "%s", to_utf8(raised->hint));
}

void
sidecar_rethrow(MemoryContext context, const char *detail, const char *cancel_hint)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	error->detail = error->detail ? psprintf("%s %s", error->detail, detail) : pstrdup(detail);
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED && cancel_hint)
		error->hint = pstrdup(cancel_hint);
	ReThrowError(error);
	pg_unreachable();
}

/* Raise the error of an answer that can't be read. The caught one names only a type or JSON. */
static void
rethrow_unreadable(MemoryContext context, bool is_json, const PgbrHttpRequest *http)
{
	ErrorData *error;
	int category;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
	if (error->sqlerrcode == ERRCODE_PROTOCOL_VIOLATION)
		sidecar_rethrow(context, psprintf("The request was %s %s.", http->method, http->url), NULL);
	if (category != ERRCODE_DATA_EXCEPTION && category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
		PG_RE_THROW();
	FlushErrorState();
	if (error->sqlerrcode == ERRCODE_UNTRANSLATABLE_CHARACTER)
		ereport(ERROR, (errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
						errmsg("the sidecar's response has a character that this database's "
							   "encoding \"%s\" lacks",
							   GetDatabaseEncodingName()),
						errdetail("The request was %s %s.", http->method, http->url),
						errhint("Use a database whose encoding is UTF8.")));
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg(is_json ? "invalid response from the sidecar: a member is out of range"
							: "invalid response from the sidecar: it is not valid JSON"),
			 errdetail("The request was %s %s.", http->method, http->url), errhint(PROTOCOL_HINT)));
}

/* The rows made of it may reach any terminal. */
static void
response_make_visible(PgbrHttpResponse *response)
{
	bool any;
	StrBuf buf;

	strbuf_init(&buf);
	any = pgbr_put_visible_texts(&buf, response->body, response->length);
	if (any && !buf.failed)
	{
		free(response->body);
		response->length = buf.length;
		response->body = strbuf_take(&buf);
	}
	else if (!buf.failed)
		strbuf_done(&buf);
	else
	{
		strbuf_done(&buf);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
}

static Jsonb *
read_answer(PgbrHttpResponse *response, const AnswerMember *members, const PgbrHttpRequest *http)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb *volatile answer = NULL;

	response_make_visible(response);
	PG_TRY();
	{
		char *text = pg_any_to_server(response->body, (int) response->length, PG_UTF8);

		answer = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
		answer_check(&answer->root, members);
	}
	PG_CATCH();
	{
		rethrow_unreadable(context, answer != NULL, http);
	}
	PG_END_TRY();
	return answer;
}

/* An answer of RFC 9457 becomes the error it speaks of. */
static void
read_problem(PgbrHttpResponse *response, const PgbrHttpRequest *http, PgbrError *error)
{
	Jsonb *problem = read_answer(response, answer_problem, http);
	char *code = answer_text(&problem->root, "code");
	char *hint = answer_text(&problem->root, "hint");
	int exit_code = answer_int(&problem->root, "exit_code", 0);

	pgbr_error_set(error, pgbr_error_code_parse(code), "%s",
				   to_utf8(answer_text(&problem->root, "detail")));
	if (exit_code != 0)
		pgbr_error_detail(error, "pgbackrest ended with exit code %d.", exit_code);
	if (hint)
		pgbr_error_hint(error, "%s", to_utf8(hint));
}

static Jsonb *
read_response(PgbrHttpResponse *response, const AnswerMember *members, const PgbrHttpRequest *http,
			  PgbrError *error)
{
	bool is_problem = strcmp(response->content_type, "application/problem+json") == 0;

	if (strlen(response->body) != response->length)
		pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "it holds a NUL byte");
	else if (is_problem && response->status >= 400)
	{
		read_problem(response, http, error);
		return NULL;
	}
	else if (response->status < 200 || response->status > 299)
		pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "HTTP status %ld without a reason",
					   response->status);
	else if (strcmp(response->content_type, "application/json") != 0)
		pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "its content type is \"%s\"",
					   response->content_type);
	else
		return read_answer(response, members, http);
	pgbr_error_detail(error, "The request was %s %s.", http->method, http->url);
	return NULL;
}

/* A cancel or the end of the session or of the server, which can't come back while we are
 * attached to its memory; for what may be repeated also anything else that waits. */
static bool
should_abort(void *argument)
{
	const PgbrHttpRequest *http = argument;

	return QueryCancelPending || ProcDiePending || ShutdownRequestPending || !PostmasterIsAlive() ||
		   (InterruptPending && strcmp(http->method, "GET") == 0);
}

static void
init_once(void)
{
	static bool done = false; /* libcurl's own state is one a process, too */
	PgbrError error = PGBR_ERROR_INIT;

	if (done)
		return;
	if (!pgbr_http_init(&error))
		sidecar_raise(&error);
	done = true;
}

static const char *
or_null(const char *setting)
{
	return setting && setting[0] ? setting : NULL;
}

static char *
make_url(const char *base, const char *path)
{
	int length = strlen(base);

	while (length > 0 && base[length - 1] == '/')
		length--;
	return psprintf("%.*s%s%s", length, base, pgbr_url_glue(base), path);
}

static char *
make_body(Jsonb *body)
{
	char *text = JsonbToCString(NULL, &body->root, 0);

	return pg_server_to_any(text, strlen(text), PG_UTF8);
}

static char *
make_key(void)
{
	Datum uuid = DirectFunctionCall1(gen_random_uuid, (Datum) 0);

	return DatumGetCString(DirectFunctionCall1(uuid_out, uuid));
}

/*
 * Send until there is an answer, the time is up or there is no point in trying again. What the
 * server wants in between is done here, where no frame of libcurl is on the stack.
 */
static bool
perform(PgbrHttpRequest *http, PgbrHttpResponse *response, PgbrError *error)
{
	bool may_repeat = http->idempotency_key != NULL;
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), http->timeout_ms);
	long timeout_ms = http->timeout_ms;

	for (;;)
	{
		bool ok;

		pgstat_report_wait_start(sidecar_wait_event());
		ok = pgbr_http_perform(http, response, error);
		pgstat_report_wait_end();
		if (ok)
			return true;
		if (!PostmasterIsAlive())
			proc_exit(1);
		CHECK_FOR_INTERRUPTS();
		if (ShutdownRequestPending)
			return false;
		if (error->code == PGBR_ERROR_UNREACHABLE && may_repeat)
			may_repeat = false;
		else if (error->code != PGBR_ERROR_ABORTED)
			return false;
		http->timeout_ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (http->timeout_ms <= 0)
		{
			pgbr_error_set(error, PGBR_ERROR_TIMEOUT, "no answer within %ld.%01ld s",
						   timeout_ms / 1000, timeout_ms % 1000 / 100);
			pgbr_error_detail(error, "The request was %s %s.", http->method, http->url);
			return false;
		}
	}
}

/* Another job's end is not the end of ours. */
static bool
is_about(Jsonb *answer, const char *job_id, PgbrError *error)
{
	char *other = job_id ? answer_text(&answer->root, "id") : NULL;

	return job_id == NULL || strcmp(other, job_id) == 0 ||
		   pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "it is about job \"%s\"", other);
}

Jsonb *
sidecar_try(const SidecarRequest *request, PgbrError *error)
{
	PgbrHttpRequest http = {0};
	PgbrHttpResponse response = {0};
	char token[TOKEN_SIZE];
	Jsonb *volatile answer = NULL;

	guc_refuse_foreign();
	init_once();
	http.method = request->method;
	http.url = make_url(request->base_url ? request->base_url : guc_sidecar_url, request->path);
	http.body = request->body ? make_body(request->body) : NULL;
	if (strcmp(request->method, "POST") == 0)
		http.idempotency_key = request->key ? request->key : make_key();
	http.ca_file = or_null(guc_sidecar_ca_file);
	http.cert_file = or_null(guc_sidecar_cert_file);
	http.key_file = or_null(guc_sidecar_key_file);
	http.timeout_ms = request->timeout_ms ? request->timeout_ms : guc_sidecar_timeout;
	http.should_abort = should_abort;
	http.abort_argument = &http;
	if (or_null(guc_sidecar_token_file))
	{
		if (!pgbr_token_read(guc_sidecar_token_file, token, sizeof(token), error))
		{
			if (error->hint[0] == '\0')
				pgbr_error_hint(error, "Check pgbackrest_ctl.sidecar_token_file.");
			return NULL;
		}
		http.token = token;
	}
	if (!perform(&http, &response, error))
		return NULL;
	PG_TRY();
	{
		answer = read_response(&response, request->answer, &http, error);
		if (answer && !is_about(answer, request->job_id, error))
			answer = NULL;
	}
	PG_FINALLY();
	{
		pgbr_http_response_done(&response);
	}
	PG_END_TRY();
	return answer;
}

Jsonb *
sidecar_ask(const SidecarRequest *request)
{
	PgbrError error = PGBR_ERROR_INIT;
	Jsonb *answer = sidecar_try(request, &error);

	if (answer == NULL)
		sidecar_raise(&error);
	return answer;
}

Jsonb *
sidecar_get(const char *path, const AnswerMember *answer)
{
	SidecarRequest request = {.method = "GET", .path = path, .answer = answer};

	return sidecar_ask(&request);
}

/* Put a question mark where there is a control character, or else a byte beyond ASCII. */
static void
mask(char *text, bool beyond_ascii)
{
	for (char *p = text; *p; p++)
	{
		if (beyond_ascii ? IS_HIGHBIT_SET(*p) : ((unsigned char) *p < ' ' || *p == 0x7F))
			*p = '?';
	}
}

/* Names are shared by all databases, so one may be in the encoding of another. */
char *
sidecar_claim(void)
{
	char *text = psprintf("sql %s@%s", GetUserNameFromId(GetSessionUserId(), false),
						  get_database_name(MyDatabaseId));
	int encoding = GetDatabaseEncoding() == PG_SQL_ASCII ? PG_UTF8 : GetDatabaseEncoding();
	char cut[CLAIMED_BY_MAX + 1];
	char *utf8;

	if (!pg_verify_mbstr(encoding, text, strlen(text), true))
		mask(text, true);
	mask(text, false);
	utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);
	if (!pgbr_is_plain_text(utf8, strlen(utf8)))
		mask(utf8, true);
	pgbr_copy_text(cut, sizeof(cut), utf8);
	return pstrdup(pg_any_to_server(cut, strlen(cut), PG_UTF8));
}

char *
sidecar_escape(const char *text)
{
	char *utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);
	char *escaped = palloc(3 * strlen(utf8) + 1);
	bool failed;
	StrBuf buf;

	strbuf_init(&buf);
	strbuf_put_url(&buf, utf8);
	failed = buf.failed;
	memcpy(escaped, buf.data, buf.length + 1);
	strbuf_done(&buf);
	if (failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return escaped;
}

void
sidecar_pause(int milliseconds)
{
	CHECK_FOR_INTERRUPTS();
	WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds,
			  sidecar_wait_event());
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}
