/*
 * message.c
 *		See message.h.
 */
#include "sidecar/http/message.h"

#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct
{
	int status;
	const char *title;
} titles[] = {
	{400, "Bad Request"},		  {401, "Unauthorized"},
	{403, "Forbidden"},			  {404, "Not Found"},
	{405, "Method Not Allowed"},  {409, "Conflict"},
	{413, "Content Too Large"},	  {415, "Unsupported Media Type"},
	{421, "Misdirected Request"}, {422, "Unprocessable Content"},
	{429, "Too Many Requests"},	  {502, "Bad Gateway"},
	{503, "Service Unavailable"}, {507, "Insufficient Storage"},
};

void
http_response_init(HttpResponse *response)
{
	*response = (HttpResponse){.status = 500, .content_type = "application/json"};
	strbuf_init(&response->body);
}

void
http_response_done(HttpResponse *response)
{
	strbuf_done(&response->body);
	info_document_release(response->first_document);
	info_document_release(response->document);
	response->first_document = NULL;
	response->document = NULL;
}

/* A part of what is sent: a text or a document. */
typedef struct Part
{
	const char *text;
	const InfoDocument *document;
	size_t length;
} Part;

#define PARTS 5

static void
list_parts(const HttpResponse *response, Part *parts)
{
	parts[0] = (Part){.text = response->body.data, .length = response->body.length};
	parts[1] = (Part){.document = response->first_document};
	parts[2] = (Part){.text = response->middle};
	parts[3] = (Part){.document = response->document};
	parts[4] = (Part){.text = response->tail};
	for (int i = 1; i < PARTS; i++)
	{
		if (parts[i].document)
			parts[i].length = info_document_length(parts[i].document);
		else if (parts[i].text)
			parts[i].length = strlen(parts[i].text);
	}
}

size_t
http_response_length(const HttpResponse *response)
{
	Part parts[PARTS];
	size_t length = 0;

	list_parts(response, parts);
	for (int i = 0; i < PARTS; i++)
		length += parts[i].length;
	return length;
}

size_t
http_response_read(const HttpResponse *response, size_t offset, char *buffer, size_t size)
{
	Part parts[PARTS];
	const Part *part = parts;
	size_t left;

	list_parts(response, parts);
	for (; part < parts + PARTS && offset >= part->length; part++)
		offset -= part->length;
	if (part == parts + PARTS)
		return 0;
	if (part->document)
		return info_document_read(part->document, offset, buffer, size);
	left = part->length - offset;
	left = left < size ? left : size;
	memcpy(buffer, part->text + offset, left);
	return left;
}

void
http_answer_json(HttpResponse *response, int status, json_t *value)
{
	response->status = value && json_write(value, &response->body) ? status : 500;
	json_decref(value);
}

static const char *
title_of(int status)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
	{
		if (titles[i].status == status)
			return titles[i].title;
	}
	return "Internal Server Error";
}

void
http_answer_problem(HttpResponse *response, const PgbrError *error, int exit_code)
{
	/* nobody said why: out of memory */
	PgbrErrorCode code = error->code == PGBR_ERROR_NONE ? PGBR_ERROR_INTERNAL : error->code;
	int status = pgbr_error_http_status(code);
	json_t *problem = json_object();

	json_put_text(problem, "type", "about:blank");
	json_put_text(problem, "title", title_of(status));
	json_object_set_new(problem, "status", json_integer(status));
	json_put_text(problem, "detail", error->message[0] ? error->message : "out of memory");
	json_put_text(problem, "code", pgbr_error_code_name(code));
	if (error->hint[0])
		json_put_text(problem, "hint", error->hint);
	if (exit_code >= 0)
		json_object_set_new(problem, "exit_code", json_integer(exit_code));
	response->content_type = "application/problem+json";
	response->authenticate = status == 401;
	response->retry_after = status == 429 || status == 503 ? 5 : 0;
	http_answer_json(response, status, problem);
}

void
http_answer_no_memory(HttpResponse *response, bool is_api)
{
	http_response_done(response);
	http_response_init(response);
	response->content_type = is_api ? "application/problem+json" : "text/plain; charset=utf-8";
	response->middle = is_api ? "{\"type\":\"about:blank\",\"title\":\"Internal Server Error\","
								"\"status\":500,\"detail\":\"out of memory\",\"code\":\"internal\"}"
							  : "out of memory";
}

void
http_concerns(HttpResponse *response, const Job *job)
{
	pgbr_copy_text(response->concerns, sizeof(response->concerns), job->id);
	pgbr_copy_text(response->claimed_by, sizeof(response->claimed_by), job->request.claimed_by);
}

void
http_answer_job(HttpResponse *response, int status, const Job *job)
{
	http_concerns(response, job);
	snprintf(response->location, sizeof(response->location), PGBR_PATH_JOBS "/%s", job->id);
	http_answer_json(response, status, job_json(job));
}

void
http_answer_text(HttpResponse *response, int status, const char *text)
{
	response->status = status;
	response->content_type = "text/plain; charset=utf-8";
	strbuf_clear(&response->body);
	strbuf_puts(&response->body, text);
}

void
http_answer_refusal(HttpResponse *response, const PgbrError *error)
{
	/* those that a client can't tell from the old program's */
	static const struct
	{
		PgbrErrorCode code;
		int status;
		const char *text;
	} refusals[] = {
		{PGBR_ERROR_NOT_FOUND, 404, "Not Found"},
		{PGBR_ERROR_METHOD_NOT_ALLOWED, 405, "Method Not Allowed"},
		{PGBR_ERROR_TOO_LARGE, 413, "Request Entity Too Large"},
		{PGBR_ERROR_UNSUPPORTED_MEDIA_TYPE, 422, "Unprocessable Entity"},
	};
	/* nobody said why: out of memory */
	int status = error->code == PGBR_ERROR_NONE ? 500 : pgbr_error_http_status(error->code);
	const char *text = error->message;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
	{
		if (refusals[i].code == error->code)
		{
			status = refusals[i].status;
			text = refusals[i].text;
		}
	}
	http_answer_text(response, status, text);
	response->authenticate = status == 401;
	response->retry_after = status == 429 || status == 503 ? 5 : 0;
}

void
http_refuse(const HttpRequest *request, const PgbrError *error, HttpResponse *response)
{
	if (request->face < FACE_COMPAT)
		http_answer_problem(response, error, -1);
	else
		http_answer_refusal(response, error);
}

const char *
http_query(const HttpRequest *request, const char *key)
{
	for (int i = 0; i < request->query_count; i++)
	{
		if (strcmp(request->query[i].key, key) == 0)
			return request->query[i].value;
	}
	return NULL;
}

bool
http_check_key(const HttpRequest *request, PgbrError *error)
{
	const char *key = request->idempotency_key;
	size_t length = key ? strlen(key) : 1;

	for (const char *p = key; p && *p; p++)
	{
		if (*p < ' ' || *p > '~')
			length = 0;
	}
	if (length > 0 && length <= 128)
		return true;
	pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid Idempotency-Key");
	return pgbr_error_hint(error, "It must be 1 to 128 printable ASCII characters.");
}

bool
http_query_count(const HttpRequest *request, const char *key, int least, int most, int *value,
				 PgbrError *error)
{
	const char *text = http_query(request, key);
	long number;

	if (text == NULL)
		return true;
	number = strlen(text) <= 9 && strspn(text, "0123456789") == strlen(text) && text[0]
				 ? strtol(text, NULL, 10)
				 : -1;
	if (number < least || number > most)
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"%s\"", key);
		return pgbr_error_hint(error, "It must be a whole number from %d to %d.", least, most);
	}
	*value = (int) number;
	return true;
}

bool
http_take_claim(const HttpRequest *request, HttpResponse *response, PgbrError *error)
{
	const char *text = http_query(request, "claimed_by");

	if (text && !pgbr_is_plain_text(text, sizeof(response->claimed_by) - 1))
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"claimed_by\"");
		return pgbr_error_hint(error,
							   "It must be text without control characters of at most 128 bytes.");
	}
	pgbr_copy_text(response->claimed_by, sizeof(response->claimed_by), text ? text : "");
	return true;
}
